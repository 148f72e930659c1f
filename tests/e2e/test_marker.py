# SPDX-License-Identifier: MIT
"""[queue] create_marker = comment: a create is known for certain by the mark it leaves, whatever
the API and other people do."""

import re

import pytest

from support.client import refused
from support.data import webhook

FAST = {"sync.interval": "100ms", "queue.create_marker": "comment"}
MARK = re.compile(r" \[whd:([0-9a-f]{12})\]$", re.IGNORECASE)


def start(world, sim, **settings):
    c = world.whd(sim, {**FAST, **settings}).client()
    c.synced()
    return c


@pytest.fixture
def marked(world, sim):
    return start(world, sim)


def undecided(sim, c, action="close_before", **members):
    """A create that may or may not have been carried out."""
    sim.fault(action, method="POST")
    op = c.create(**webhook(1), **members)
    c.op_state(op, "unknown")
    return op


def test_each_create_has_a_mark_of_its_own(sim, marked):
    for n in range(3):
        marked.applied(marked.create(**webhook(n)))
    marks = {MARK.search(r["whcomment"]).group(1) for r in sim.rows()}
    assert len(marks) == 3
    assert [MARK.sub("", r["whcomment"]) for r in sim.rows()] == [f"comment {n}" for n in range(3)]


@pytest.mark.parametrize("rewrite", ["none", "comment_upper", "url_slash", "trim"])
def test_result_is_known_however_it_was_rewritten(sim, marked, rewrite):
    sim.set(normalise=rewrite)
    op = marked.applied(undecided(sim, marked, "close_after"))
    assert op["result"] == "adopted" and op["whid"] == sim.rows()[0]["whid"]
    assert sim.executed("POST") == 1


def test_result_is_known_though_others_changed_it_at_once(sim, marked):
    """Name and url are not the same any more; without the mark nobody could tell."""
    held = sim.fault("delay", method="GET", ms=600000, count=-1)
    op = undecided(sim, marked, "close_after")
    sim.edit(sim.rows()[0]["whid"], whname="other", callbackUrl="https://elsewhere.example.org/")
    sim.clear_faults(held)
    op = marked.applied(op)
    assert op["result"] == "adopted" and len(sim.log(method="POST")) == 1
    assert marked.get(op["whid"])["whname"] == "other"


def test_twin_of_another_host_is_not_taken_for_the_result(world, sim):
    """It has its own mark. In the end it serves as well, unless a twin is wanted."""
    for allow, posts in ((False, 1), (True, 2)):
        sim.verb("POST", "/reset")
        c = start(world, sim, **{"queue.settle_timeout": "300ms"})
        op = undecided(sim, c, allow_duplicate=allow)
        theirs = sim.add(**webhook(1, whcomment="comment 1 [whd:abcdefabcdef]"))
        op = c.applied(op)
        assert len(sim.log(method="POST")) == posts
        assert (op["whid"] == theirs["whid"]) == (not allow)
        assert len(sim.rows()) == 1 + allow


def test_twin_without_a_mark_asks_a_person(sim, marked):
    """The API may have cut the comment, so it may be ours."""
    op = undecided(sim, marked)
    sim.add(**webhook(1))
    assert marked.settled(op)["reason"] == "ambiguous" and len(sim.log(method="POST")) == 1


def test_same_wish_again_is_adopted(sim, marked):
    first = marked.applied(marked.create(**webhook(1)))
    again = marked.applied(marked.create(**webhook(1)))
    assert (again["result"], again["whid"]) == ("adopted", first["whid"])
    assert sim.executed("POST") == 1


def test_mark_stays_until_somebody_sets_the_comment(sim, marked):
    whid = marked.applied(marked.create(**webhook(1)))["whid"]
    stored = sim.row(whid)["whcomment"]
    assert marked.call("sync.now")["changed"] == 0
    marked.applied(marked.update(whid, {"whname": "renamed"}))
    assert sim.row(whid)["whcomment"] == stored and MARK.search(stored)
    marked.applied(marked.update(whid, {"whcomment": "comment 1"}))
    assert sim.row(whid)["whcomment"] == "comment 1", "who sets it gets what was set"


def test_empty_comment(sim, marked):
    whid = marked.applied(marked.create(**webhook(1, whcomment="")))["whid"]
    assert MARK.sub("", sim.row(whid)["whcomment"]) == ""
    again = marked.applied(marked.create(**webhook(1, whcomment="")))
    assert (again["result"], again["whid"]) == ("adopted", whid)


def test_followers_are_rebased(sim, marked):
    """An update queued over the create does not see the mark as somebody else's change."""
    rule = sim.fault("delay", method="POST", ms=600000)
    create = marked.create(**webhook(1))
    sim.wait_hits(rule)
    update = marked.update(create["tmp_id"], {"whcomment": "mine"})
    sim.clear_faults()
    assert marked.applied(update)["result"] == "applied"
    assert sim.rows()[0]["whcomment"] == "mine"
    with refused("NOT_FOUND"):
        marked.get("nowhere")


def test_followers_of_a_changed_result_ask_a_person(sim, marked):
    """Others changed it before whd knew that it was there: what follows was meant for what its
    caller saw."""
    held = sim.fault("delay", method="GET", ms=600000, count=-1)
    op = undecided(sim, marked, "close_after")
    delete = marked.delete(op["tmp_id"])
    sim.edit(sim.rows()[0]["whid"], callbackUrl="https://elsewhere.example.org/")
    sim.clear_faults(held)
    assert marked.applied(op)["result"] == "adopted"
    now = marked.settled(delete)
    assert (now["state"], now["reason"]) == ("conflict", "changed_upstream")
    assert len(sim.rows()) == 1


def test_followers_of_an_unchanged_result_go_on(sim, marked):
    held = sim.fault("delay", method="GET", ms=600000, count=-1)
    op = undecided(sim, marked, "close_after")
    delete = marked.delete(op["tmp_id"])
    sim.clear_faults(held)
    assert marked.applied(op)["result"] == "adopted"
    assert marked.applied(delete)["result"] == "applied" and sim.rows() == []
