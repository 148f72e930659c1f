# SPDX-License-Identifier: MIT
"""Others change what is changed here: merged where it can be, a person's decision where not."""

import pytest

from support.client import refused
from support.data import webhook
from support.rivals import ALWAYS_LOOK, meanwhile
from support.sim import six


@pytest.fixture
def whd(world, sim):
    """A daemon that reads a webhook again before it changes it, however young its copy is."""
    daemon = world.whd(sim, ALWAYS_LOOK)
    daemon.client().synced()
    return daemon


@pytest.fixture
def whid(sim, c):
    """A webhook that others made, next to one that stays as it is."""
    row = sim.add(**webhook(1))
    sim.add(**webhook(2))
    c.call("sync.now")
    return row["whid"]


def test_no_overlap_is_merged(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "mine"}),
                   lambda: sim.edit(whid, whname="theirs"))
    assert op["state"] == "done" and op["result"] == "applied"
    assert six(sim.row(whid)) == six(webhook(1, whcomment="mine", whname="theirs"))
    assert six(c.get(whid)) == six(sim.row(whid))


def test_processes_are_merged_as_a_set(sim, c, whid):
    op = meanwhile(
        sim, c, lambda: c.update(whid, add_processes=["mine"], remove_processes=["p1"]),
        lambda: sim.edit(whid, processes=["theirs", "all", "p1"]))
    assert op["result"] == "applied"
    assert sorted(sim.row(whid)["processes"]) == ["all", "mine", "theirs"]


def test_same_edit_on_both_sides_is_no_request(sim, c, whid):
    before = len(sim.changes())
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "same"}),
                   lambda: sim.edit(whid, whcomment="same"))
    assert (op["state"], op["result"]) == ("done", "noop")
    assert len(sim.changes()) == before


def overlap(sim, c, whid, **params):
    return meanwhile(
        sim, c, lambda: c.update(whid, {"whcomment": "mine", "whname": "my name"}, **params),
        lambda: sim.edit(whid, whcomment="theirs", municipalityId="261"))


def test_overlap_is_a_conflict_with_all_three_sides(sim, c, whid):
    before = len(sim.changes())
    op = overlap(sim, c, whid)
    assert (op["state"], op["reason"]) == ("conflict", "both_changed")
    assert op["base"]["whcomment"] == "comment 1" and op["base"]["whname"] == "hook 1"
    assert op["mine"] == {"whcomment": "mine", "whname": "my name"}
    assert op["theirs"]["whcomment"] == "theirs" and op["theirs"]["municipalityId"] == "261"
    seen = c.get(whid)
    assert seen["_whd"]["state"] == "conflict" and seen["whcomment"] == "mine"
    assert c.get(whid, view="confirmed")["whcomment"] == "theirs"
    assert len(sim.changes()) == before, "nothing is sent before somebody decides"
    assert "resolve" in c.call("queue.get", op=op["op"])["next"]
    assert c.status()["queue"]["conflict"] == 1


def test_resolve_mine(sim, c, whid):
    op = overlap(sim, c, whid)
    c.call("queue.resolve", op=op["op"], take="mine")
    assert c.applied(op)["result"] == "applied"
    assert six(sim.row(whid)) == six(
        webhook(1, whcomment="mine", whname="my name", municipalityId="261"))


@pytest.mark.parametrize("take", ["theirs", "discard"])
def test_resolve_theirs(sim, c, whid, take):
    op = overlap(sim, c, whid)
    before = sim.rows()
    assert c.call("queue.resolve", op=op["op"], take=take)["state"] == "cancelled"
    assert "what the upstream has" in c.call("queue.get", op=op["op"])["why"]
    assert c.get(whid)["whcomment"] == "theirs" and c.get(whid)["_whd"]["state"] == "synced"
    c.idle()
    assert sim.rows() == before


def test_resolve_mine_does_not_overwrite_a_still_later_edit(sim, c, whid):
    """The decision was about what was shown, not about what others did after it."""
    op = overlap(sim, c, whid)
    sim.edit(whid, whcomment="even later")
    c.call("sync.now")
    c.call("queue.resolve", op=op["op"], take="mine")
    again = c.settled(op)
    assert again["state"] == "conflict" and again["theirs"]["whcomment"] == "even later"
    assert sim.row(whid)["whcomment"] == "even later"
    c.call("queue.resolve", op=op["op"], take="mine")
    c.applied(op)
    assert sim.row(whid)["whcomment"] == "mine"


def test_delete_decided_before_a_still_later_edit(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.delete(whid), lambda: sim.edit(whid, whcomment="theirs"))
    sim.edit(whid, whcomment="even later")
    c.call("sync.now")
    c.call("queue.resolve", op=op["op"], take="mine")
    assert c.settled(op)["state"] == "conflict" and sim.row(whid)


def test_resolve_what_cannot_be(sim, c, whid):
    op = overlap(sim, c, whid)
    for take, code in (("recreate", "BAD_STATE"), ("adopt", "BAD_STATE"),
                       ("yours", "INVALID_PARAM")):
        with refused(code):
            c.call("queue.resolve", op=op["op"], take=take, whid=whid)
    assert c.call("queue.get", op=op["op"])["state"] == "conflict"


POLICIES = {
    # policy: (state, result or reason, what the API holds of the overlapping member and of mine)
    "merge": ("conflict", "both_changed", "theirs", "hook 1"),
    "manual": ("conflict", "both_changed", "theirs", "hook 1"),
    "local-wins": ("done", "applied", "mine", "my name"),
    "remote-wins": ("done", "applied", "theirs", "my name"),
}


@pytest.mark.parametrize("how", ["per call", "by configuration"])
@pytest.mark.parametrize("policy", POLICIES)
def test_policies(world, sim, policy, how):
    settings = {"queue.policy": policy} if how == "by configuration" else {}
    c = world.whd(sim, {**ALWAYS_LOOK, **settings}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    op = overlap(sim, c, whid, policy=policy if how == "per call" else None)
    state, why, comment, name = POLICIES[policy]
    assert (op["state"], op.get("result") or op.get("reason")) == (state, why)
    assert (sim.row(whid)["whcomment"], sim.row(whid)["whname"]) == (comment, name)
    assert sim.row(whid)["municipalityId"] == "261", "what only others changed stays theirs"


def test_remote_wins_with_nothing_left_to_send(sim, c, whid):
    before = len(sim.changes())
    op = meanwhile(
        sim, c, lambda: c.update(whid, {"whcomment": "mine"}, policy="remote-wins"),
        lambda: sim.edit(whid, whcomment="theirs"))
    assert (op["state"], op["result"], op["reason"]) == ("done", "noop", "remote_wins")
    assert len(sim.changes()) == before and c.get(whid)["whcomment"] == "theirs"


def test_manual_asks_even_without_overlap(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "mine"}, policy="manual"),
                   lambda: sim.edit(whid, whname="theirs"))
    assert op["state"] == "conflict"
    c.call("queue.resolve", op=op["op"], take="mine")
    c.applied(op)
    assert six(sim.row(whid)) == six(webhook(1, whcomment="mine", whname="theirs"))


@pytest.mark.parametrize("what", ["update", "delete"])
def test_the_list_that_brings_the_line_back_counts(world, sim, what):
    """The webhook was seen a moment ago, but what the list shows that ends the outage is newer:
    it is stored before anything that waited is sent."""
    c = world.whd(sim, {"queue.check_age": "1h", "sync.interval": "1h"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    op = c.update(whid, set={"whcomment": "ours"}) if what == "update" else c.delete(whid)
    sim.edit(whid, whcomment="theirs")
    c.go_online(sim)
    assert c.settled(op)["state"] == "conflict"
    assert sim.row(whid)["whcomment"] == "theirs" and not sim.executed("PATCH")


def test_what_a_running_list_may_know_is_looked_at(world, sim):
    """A list is under way that may show somebody else's change: the webhook, though seen a moment
    ago, is read by itself."""
    c = world.whd(sim, {"queue.check_age": "1h", "sync.interval": "100ms"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    held = sim.fault("delay", method="GET", list=True, ms=600000)
    sim.wait_hits(held)
    sim.edit(whid, whcomment="theirs")
    assert c.settled(c.update(whid, set={"whcomment": "ours"}))["state"] == "conflict"
    sim.clear_faults()
