# SPDX-License-Identifier: MIT
"""Members that the API does not show: not in its lists, not in its replies, or only where they
are empty. What is not shown is not taken for empty, so that no update wipes it out."""

import json

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six

LOOK = {"queue.check_age": "0"}  # read a webhook before it is changed
TRUST = {"queue.check_age": "1h"}  # do not
EMPTY = {"whcomment": "", "processes": []}
HELD = 600000  # ms that a held request is delayed, unless the rule is removed


def known(world, sim, settings, *rows):
    """A whd that has listed these webhooks; returns its client and their ids."""
    ids = [sim.add(**row)["whid"] for row in rows]
    c = world.whd(sim, settings).client()
    c.synced()
    return c, *ids


def expected(n, **members):
    return six(webhook(n, **members))


def sent(sim, mark):
    """The bodies of all updates since."""
    return [json.loads(r["body"]) for r in sim.log(mark, "PATCH")]


@pytest.mark.parametrize("settings", [LOOK, TRUST], ids=["look", "trust"])
@pytest.mark.parametrize("shown", ["summary", "no_processes"])
def test_not_in_lists(world, sim, shown, settings):
    """A look shows what the update must send, and the copy keeps it through later lists."""
    sim.set(members=shown, members_in="lists")
    c, whid = known(world, sim, settings, webhook(1))
    assert "processes" not in c.get(whid)
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == expected(1, whname="new")
    sim.edit(whid, whname="newer")
    assert c.call("sync.now")["changed"] == 1
    assert six(c.get(whid)) == expected(1, whname="newer")
    c.applied(c.update(whid, {"applicationId": "9"}))
    assert six(sim.row(whid)) == expected(1, whname="newer", applicationId="9")


@pytest.mark.parametrize("shown", ["summary", "no_processes"])
def test_not_in_replies(world, sim, shown):
    """A look that is a summary takes nothing away of what the list showed."""
    sim.set(members=shown, members_in="rows")
    c, whid = known(world, sim, LOOK, webhook(1))
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == six(c.get(whid)) == expected(1, whname="new")


@pytest.mark.parametrize("patch_body", ["documented", "full"])
@pytest.mark.parametrize("shown", ["summary", "no_processes"])
def test_nowhere(world, sim, shown, patch_body):
    """What nobody shows is left out of the update."""
    sim.set(members=shown, members_in="both", require_all_six=False, patch_semantics="merge")
    c, whid = known(world, sim, {"queue.patch_body": patch_body}, webhook(1, colour="red"))
    mark = sim.mark()
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == expected(1, whname="new")
    body, = sent(sim, mark)
    assert "processes" not in body and ("callbackUrl" in body) == (shown != "summary")


def test_nowhere_and_all_six_are_wanted(world, sim):
    """The API refuses it, which harms less than a value wiped out; who gives the value sends it."""
    sim.set(members="no_processes", members_in="both")
    c, whid = known(world, sim, TRUST, webhook(1))
    op = c.settled(c.update(whid, {"whname": "new"}))
    assert (op["state"], op["reason"]) == ("dead", "rejected")
    assert six(sim.row(whid)) == expected(1)
    c.call("queue.cancel", op=op["op"])
    with refused("INVALID_PARAM", "processes"):
        c.update(whid, add_processes=["p-2"])
    c.applied(c.update(whid, {"whname": "new", "processes": []}))
    assert six(sim.row(whid)) == expected(1, whname="new", processes=[])


def test_a_given_empty_text_is_sent(world, sim):
    sim.set(members="summary", members_in="both", require_all_six=False, patch_semantics="merge")
    c, whid = known(world, sim, TRUST, webhook(1))
    c.applied(c.update(whid, {"whcomment": ""}))
    assert six(sim.row(whid)) == expected(1, whcomment="")


@pytest.mark.parametrize("settings", [LOOK, TRUST], ids=["look", "trust"])
def test_left_out_where_empty(world, sim, settings):
    """An API that shows a member elsewhere, and leaves it out of one webhook, means empty: also
    where somebody else has emptied it."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    c, bare, full, _ = known(world, sim, settings, webhook(1, **EMPTY), webhook(2), webhook(3))
    assert six(c.get(bare)) == expected(1, **EMPTY)
    c.applied(c.update(full, {"whname": "new"}))
    sim.edit(full, **EMPTY)
    assert c.call("sync.now")["changed"] == 1
    assert six(c.get(full)) == expected(2, whname="new", **EMPTY)
    for whid, n in (bare, 1), (full, 2):
        c.applied(c.update(whid, {"whname": "newer"}))
        assert six(sim.row(whid)) == expected(n, whname="newer", **EMPTY)


def test_what_lists_show_is_remembered(world, sim):
    """After a restart, too, the first list says of what it leaves out that it is empty."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    whid = sim.add(**webhook(1))["whid"]
    whd = world.whd(sim)
    whd.client().synced()
    whd.restart()
    sim.edit(whid, **EMPTY)
    c = whd.client()
    c.call("sync.now")
    assert six(c.get(whid)) == expected(1, **EMPTY)


# ------------------------------------------------------------ the first looks --


def test_left_out_of_the_first_look(world, sim):
    """No look has shown the member so far: a list tells that somebody has emptied it."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    c, whid, _ = known(world, sim, LOOK, webhook(1), webhook(2))
    sim.edit(whid, **EMPTY)
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == six(c.get(whid)) == expected(1, whname="new", **EMPTY)


def test_left_out_of_the_first_look_before_any_list_showed_a_webhook(world, sim):
    """Lists of nothing do not tell what lists leave out."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    c, = known(world, sim, {**LOOK, "sync.interval": "1h"})
    whid, _ = (c.applied(c.create(**webhook(n)))["whid"] for n in (1, 2))
    sim.edit(whid, **EMPTY)
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == six(c.get(whid)) == expected(1, whname="new", **EMPTY)


def test_left_out_of_the_first_look_while_lists_lag(world, sim):
    """A list that does not show what is new yet says nothing of what is left out, however
    often it is read in the time that answered requests have to take effect."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    c, = known(world, sim, {**LOOK, "sync.interval": "1h", "queue.settle_error": "1h"})
    whid, _ = (c.applied(c.create(**webhook(n)))["whid"] for n in (1, 2))
    sim.edit(whid, **EMPTY)
    sim.fault("status", method="GET", list=True, status=200, body=[], count=6)
    c.applied(c.update(whid, {"whname": "new"}))
    assert six(sim.row(whid)) == six(c.get(whid)) == expected(1, whname="new", **EMPTY)


def test_delete_after_the_first_look(world, sim):
    """What others emptied is a change, which a delete does not take along unseen."""
    sim.set(empty_text="absent", processes_shape="absent_if_empty")
    c, whid, _ = known(world, sim, LOOK, webhook(1), webhook(2))
    sim.edit(whid, **EMPTY)
    op = c.settled(c.delete(whid))
    assert (op["state"], op["reason"]) == ("conflict", "changed_upstream")


def test_a_list_is_read_for_the_first_look_only(world, sim):
    """Which members looks leave out is known from then on, after a restart, too."""
    sim.set(members="no_processes", members_in="rows")
    first, second = (sim.add(**webhook(n))["whid"] for n in (1, 2))
    whd = world.whd(sim, {**LOOK, "sync.interval": "1h"})
    c = whd.client()
    c.synced()
    mark = sim.mark()
    c.applied(c.update(first, {"whname": "new"}))
    assert sim.lists(mark)
    mark = sim.mark()
    c.applied(c.update(second, {"whname": "new"}))
    assert not sim.lists(mark)
    whd.restart()
    c = whd.client()
    c.call("sync.now")  # that of the start is through
    mark = sim.mark()
    c.applied(c.update(second, {"whname": "newer"}))
    assert not sim.lists(mark)
    assert six(sim.row(second)) == six(c.get(second)) == expected(2, whname="newer")


def test_lists_that_never_are_whole_are_not_waited_for(world, sim):
    """After some of them the copy counts as before, for this update and for all others."""
    sim.set(members="no_processes", members_in="rows")
    c, first, second = known(world, sim, {**LOOK, "retry.base": "10ms", "retry.cap": "100ms"},
                             webhook(1), webhook(2))
    sim.set(duplicate_id_in_list=True)
    c.call("sync.now")
    mark = sim.mark()
    c.applied(c.update(first, {"whname": "new"}))
    assert len(sim.lists(mark)) > 3
    mark = sim.mark()
    c.applied(c.update(second, {"whname": "new"}))
    assert len(sim.lists(mark)) <= 1
    for whid, n in (first, 1), (second, 2):
        assert six(sim.row(whid)) == six(c.get(whid)) == expected(n, whname="new")


def test_the_wait_for_a_list_is_told(world, sim):
    sim.set(members="no_processes", members_in="rows")
    c, whid = known(world, sim, LOOK, webhook(1))
    lists = sim.fault("delay", method="GET", list=True, ms=HELD, count=-1)
    op = c.update(whid, {"whname": "new"})
    sim.wait_hits(lists)

    def story():
        return c.call("queue.get", op=op["op"])
    for _ in range(10_000):  # until it is caught between two reads
        if (story()["state"], story().get("reason")) == ("queued", "not_shown"):
            break
    else:
        raise AssertionError(story())
    look = sim.fault("delay", method="GET", list=False, ms=HELD)
    sim.wait_hits(look)
    assert (story()["state"], story()["reason"]) == ("checking", "not_shown")
    sim.clear_faults()
    c.applied(op)
