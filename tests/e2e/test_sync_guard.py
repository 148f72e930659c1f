# SPDX-License-Identifier: MIT
"""Lists that lack suspiciously much, and lists that are older than what they would undo."""

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six


def same_as_api(sim, c):
    assert {w["whid"]: six(w) for w in c.list(limit=1000)} == {
        r["whid"]: six(r) for r in sim.rows()}


@pytest.fixture
def often(world, sim):
    """A daemon that makes its second look soon: at its next list."""
    whd = world.whd(sim, {"sync.interval": "300ms"})
    whd.client().synced()
    return whd


def test_empty_list_is_not_believed_at_once(sim, often):
    c = often.client()
    sim.seed(10)
    c.call("sync.now")
    head = c.head()
    sim.remove_all()
    c.until(lambda e: e["kind"] == "sync" and e["state"] == "suspect", head)
    c.until(lambda e: e["kind"] == "deleted", head)
    often.child.wait_line("suspiciously many: they are removed from the copy.*removed=10")
    assert list(c.list()) == [] and c.status()["sync"]["suspect"] == 0


def test_looks_at_one_moment_confirm_nothing(sim, c):
    """However often somebody asks: 30 s must lie between two looks that say the same."""
    sim.seed(10)
    c.call("sync.now")
    sim.remove_all()
    for _ in range(4):
        again = c.call("sync.now")
        assert not again["complete"] and "suspicious" in again["why"]
        assert "at least 30 s later" in again["why"]
    assert len(list(c.list())) == 10 and c.status()["sync"]["suspect"] == 10


@pytest.mark.parametrize("n", [1, 3])
def test_the_last_few_do_not_vanish_at_once_either(sim, often, n):
    c = often.client()
    sim.seed(n)
    c.call("sync.now")
    head = c.head()
    sim.remove_all()
    c.until(lambda e: e["kind"] == "sync" and e["state"] == "suspect", head)
    c.until(lambda e: e["kind"] == "deleted", head)
    c.call("sync.now")
    assert list(c.list()) == []


def test_a_different_shrink_is_suspicious_again(sim, c):
    sim.seed(20)
    c.call("sync.now")
    rows = sim.rows()
    for row in rows[:10]:
        sim.remove(row["whid"])
    assert not c.call("sync.now")["complete"]
    sim.remove(rows[10]["whid"])
    assert not c.call("sync.now")["complete"], "another set is missing now"
    assert len(list(c.list())) == 20


def test_admin_accepts_the_shrink(sim, c):
    sim.seed(10)
    c.call("sync.now")
    sim.remove_all()
    c.call("sync.now")
    head = c.head()
    c.call("sync.accept")
    c.until(lambda e: e["kind"] == "deleted", head)
    c.call("sync.now")
    assert list(c.list()) == []


def test_small_shrink_is_believed(sim, c):
    sim.seed(20)
    c.call("sync.now")
    for row in sim.rows()[:5]:
        sim.remove(row["whid"])
    assert c.call("sync.now")["removed"] == 5
    same_as_api(sim, c)


def test_rows_come_back_after_a_false_alarm(sim, c):
    sim.seed(10)
    c.call("sync.now")
    sim.fault("status", method="GET", status=200, body=[])
    assert not c.call("sync.now")["complete"]
    result = c.call("sync.now")
    assert result["complete"] and result["unchanged"] == 10
    same_as_api(sim, c)


# -------------------------------------------------------- lists and changes --


def test_suspect_lists_for_others_use_up_no_create(world, sim):
    """A create without an answer has three looks of its own, within 42 s; the second look at
    what is missing comes after 30."""
    sim.seed(60)
    c = world.whd(sim, {"sync.interval": "1h", "queue.settle_timeout": "300s"}).client()
    c.synced()
    sim.fault("reset_before", method="POST")
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    for row in sim.rows()[:50]:
        sim.remove(row["whid"])
    for _ in range(3):
        assert not c.call("sync.now")["complete"]
    assert c.call("queue.get", op=op["op"])["state"] == "unknown"


def test_list_begun_before_a_change_does_not_undo_it(sim, c):
    """A slow list shows the old state; what was confirmed since it began stays."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.seed(200)
    c.call("sync.now")
    other = c.applied(c.create(**webhook(2)))["whid"]
    rule = sim.fault("slow_body", method="GET", list=True, bytes=2000, ms=600000)
    waiting = c.head()
    with refused("TIMEOUT"):
        c.call("sync.now", timeout_ms=0)
    sim.wait_hits(rule)
    c.applied(c.update(whid, {"whcomment": "newer"}))
    c.applied(c.delete(other))
    made = c.applied(c.create(**webhook(3)))["whid"]
    sim.clear_faults(rule)
    c.call("sync.now")
    assert c.get(whid)["whcomment"] == "newer" and c.get(made)["whname"] == "hook 3"
    with refused("NOT_FOUND"):
        c.get(other)
    events = c.call("events.read", since=waiting, limit=1000)["events"]
    seen = [e["kind"] for e in events if e.get("whid") == other and e["kind"] != "op"]
    assert seen == ["deleted"], "it never came back, not even for a moment"
    seen = [e["kind"] for e in events if e.get("whid") == whid and e["kind"] != "op"]
    assert seen == ["updated"], "the old state never came back, not even for a moment"
    assert six(sim.row(whid)) == six(c.get(whid))


def test_an_own_create_makes_no_empty_list_believed(sim, c):
    """It may be missing from lists for a while; that says nothing about the others."""
    sim.seed(5)
    c.call("sync.now")
    c.applied(c.create(**webhook(1)))
    sim.fault("status", method="GET", status=200, body=[])
    result = c.call("sync.now")
    assert not result["complete"] and "suspicious" in result["why"]
    assert result["removed"] == 0 and len(list(c.list())) == 6
    assert c.call("sync.now")["complete"]
    same_as_api(sim, c)


def test_own_create_that_is_listed_late_is_not_removed(sim, c):
    """The API shows new rows in lists only after a while; that is no deletion."""
    sim.set(visible_after_ms=86400000)
    whid = c.applied(c.create(**webhook(1)))["whid"]
    for _ in range(3):
        c.call("sync.now")
    assert c.get(whid)["whname"] == "hook 1" and [w["whid"] for w in c.list()] == [whid]
