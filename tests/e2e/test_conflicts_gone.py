# SPDX-License-Identifier: MIT
"""Others delete what is changed here, or change what is deleted here: never undone or repeated
without a person's word."""

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


# ------------------------------------------------------------ gone upstream --


def test_update_of_what_others_deleted(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "mine"}),
                   lambda: sim.remove(whid))
    assert (op["state"], op["reason"]) == ("conflict", "gone_upstream")
    assert op["theirs"] is None and op["base"]["whcomment"] == "comment 1"
    assert sim.row(whid) is None, "never resurrected by itself"
    seen = c.get(whid)
    assert seen["_whd"]["state"] == "conflict" and seen["whid"] == whid
    assert six(seen) == six(webhook(1, whcomment="mine")), "what the caller saw, with the change"
    assert whid in [w["whid"] for w in c.list()]
    assert whid not in [w["whid"] for w in c.list(view="confirmed")]


def test_what_no_whole_list_decides_is_looked_for_ever_less_often(world, sim):
    """Gone is what a read and a whole list lack; none comes, so nothing is asked all the time."""
    gone = [sim.add(**webhook(n))["whid"] for n in range(5)]
    sim.add(**webhook(9))
    c = world.whd(sim, {**ALWAYS_LOOK, "retry.base": "10min", "retry.cap": "1h"}).client()
    c.synced()
    sim.set(duplicate_id_in_list=True)
    for whid in gone:
        sim.remove(whid)
    c.call("sync.now")

    def wait_of(op):
        """Until it is read again after the read in vain; that is drawn at random."""
        for _ in range(100000):
            now = c.call("queue.get", op=op["op"])
            if (now["state"], now.get("reason")) == ("queued", "not_found"):
                return now["next_at"] - now["changed_at"]
        raise AssertionError(now)
    ops = [c.update(whid, {"whcomment": "mine"}) for whid in gone]
    longest, op = max((wait_of(op), op["op"]) for op in ops)
    assert longest > 2500
    rule = sim.fault("delay", method="GET", list=False, ms=600000)
    c.call("queue.retry", op=op)
    sim.wait_hits(rule)
    now = c.call("queue.get", op=op)
    assert (now["state"], now["reason"]) == ("checking", "not_found")


def test_recreate(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "mine"}),
                   lambda: sim.remove(whid))
    c.go_offline(sim)
    made = c.call("queue.resolve", op=op["op"], take="recreate")
    assert made["kind"] == "create" and made["op"] == op["op"]
    assert "made anew" in c.call("queue.get", op=op["op"])["why"]
    c.go_online(sim)
    done = c.applied(made)
    assert done["whid"] != whid
    assert six(sim.row(done["whid"])) == six(webhook(1, whcomment="mine"))
    assert {w["whid"] for w in c.list()} == {r["whid"] for r in sim.rows()}
    with refused("NOT_FOUND"):
        c.get(whid)


def test_discard(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.update(whid, {"whcomment": "mine"}),
                   lambda: sim.remove(whid))
    assert c.call("queue.resolve", op=op["op"], take="discard")["state"] == "cancelled"
    assert len(list(c.list())) == 1
    with refused("NOT_FOUND"):
        c.get(whid)
    c.idle()
    assert len(sim.rows()) == 1 and sim.changes() == []


# ------------------------------------------------------------------- delete --


def test_delete_of_what_others_changed_asks(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.delete(whid), lambda: sim.edit(whid, whcomment="theirs"))
    assert (op["state"], op["reason"]) == ("conflict", "changed_upstream")
    assert sim.row(whid), "not deleted"
    with refused("DELETED", "queue.resolve"):
        c.get(whid)
    with refused("DELETED"):
        c.update(whid, {"whcomment": "x"})
    assert c.get(whid, view="confirmed")["whcomment"] == "theirs"
    c.call("queue.resolve", op=op["op"], take="mine")
    c.applied(op)
    assert sim.row(whid) is None


def test_delete_by_force(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.delete(whid, force=True),
                   lambda: sim.edit(whid, whcomment="theirs"))
    assert op["state"] == "done" and sim.row(whid) is None


@pytest.mark.parametrize("policy", ["merge", "local-wins", "remote-wins", "manual"])
def test_delete_by_policy(world, sim, policy):
    """Only local-wins deletes what others have changed; all else asks a person."""
    c = world.whd(sim, {**ALWAYS_LOOK, "queue.policy": policy}).client()
    c.synced()
    whid = sim.add(**webhook(1))["whid"]
    sim.add(**webhook(2))
    c.call("sync.now")
    op = meanwhile(sim, c, lambda: c.delete(whid), lambda: sim.edit(whid, whcomment="theirs"))
    if policy == "local-wins":
        assert op["state"] == "done" and sim.row(whid) is None
    else:
        assert (op["state"], op["reason"]) == ("conflict", "changed_upstream") and sim.row(whid)


def test_delete_taken_back(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.delete(whid), lambda: sim.edit(whid, whcomment="theirs"))
    c.call("queue.resolve", op=op["op"], take="theirs")
    assert c.get(whid)["whcomment"] == "theirs" and sim.row(whid)


def test_delete_of_what_others_deleted(sim, c, whid):
    op = meanwhile(sim, c, lambda: c.delete(whid), lambda: sim.remove(whid))
    assert (op["state"], op["result"]) == ("done", "already")
    assert sim.log(method="DELETE") == []


def test_followers_wait_for_the_decision(sim, c, whid):
    """What was queued behind a conflict is held, and goes on when that is decided."""
    c.go_offline(sim)
    first = c.update(whid, {"whcomment": "mine"})
    c.call("queue.hold", op=first["op"])
    second = c.delete(whid)
    assert second["state"] == "held" and second["reason"] == "dependency"
    c.call("queue.release", op=first["op"])
    sim.edit(whid, whcomment="theirs")
    c.go_online(sim)
    assert c.settled(first)["state"] == "conflict"
    assert c.settled(second)["reason"] == "dependency"
    c.call("queue.resolve", op=first["op"], take="theirs")
    assert c.settled(second)["state"] in ("done", "conflict")
    assert [e["method"] for e in sim.changes()] in ([], ["DELETE"])
