# SPDX-License-Identifier: MIT
"""The change log: read or pushed, without gaps, and honest when it cannot be continued."""

import re
import signal

import pytest

from support import wire
from support.client import refused
from support.data import webhook


def check_unbroken(events, since):
    revisions = [e["revision"] for e in events]
    assert revisions == list(range(since + 1, since + 1 + len(revisions))), "no gap, no repeat"


def show(sim, *elements):
    """From now on the API lists these."""
    sim.clear_faults()
    sim.fault("status", method="GET", list=True, status=200, count=-1, body=elements)


def test_life_of_a_webhook_in_events(sim, c):
    since = c.head()
    op = c.applied(c.create(**webhook(1)))
    whid = op["whid"]
    c.applied(c.update(whid, {"whcomment": "x", "whname": "y"}))
    c.applied(c.delete(whid))
    events = c.all_events(since)
    check_unbroken(events, since)
    hooks = [(e["kind"], e["whid"]) for e in events if e["kind"] not in ("op", "gate", "sync")]
    assert hooks == [("created", op["tmp_id"]), ("renamed", whid), ("updated", whid),
                     ("deleted", whid)]
    assert next(e for e in events if e["kind"] == "renamed")["old_whid"] == op["tmp_id"]
    assert sorted(next(e for e in events if e["kind"] == "updated")["fields"]) == [
        "whcomment", "whname"]
    states = [e["state"] for e in events if e["kind"] == "op" and e["op"] == op["op"]]
    assert states[0] == "queued" and states[-1] == "done"
    assert not any({"whname", "callbackUrl", "_whd"} & e.keys() for e in events), "no row inside"


def test_edits_of_others(sim, c):
    row = sim.add(**webhook(1))
    c.call("sync.now")
    since = c.head()
    sim.edit(row["whid"], callbackUrl="https://other.example.org/")
    c.call("sync.now")
    sim.edit(row["whid"], undocumented=1)
    c.call("sync.now")
    other = sim.add(**webhook(2))
    c.call("sync.now")
    sim.remove(row["whid"])
    c.call("sync.now")
    events = c.all_events(since)
    assert [(e["kind"], e["whid"], e.get("fields")) for e in events] == [
        ("updated", row["whid"], ["callbackUrl"]), ("updated", row["whid"], None),
        ("created", other["whid"], None), ("deleted", row["whid"], None)]


def test_first_load_is_one_reset(world, sim):
    sim.seed(300)
    c = world.whd(sim).client()
    c.synced()
    events = c.all_events()
    assert [e["kind"] for e in events if e["kind"] != "gate"] == ["reset"]


def test_copy_of_lists_that_are_never_whole_is_followed(sim, world):
    """What such a list brings is told as a reset, what it changes as any change."""
    rows = [{**webhook(n), "whid": f"w-{n}"} for n in range(2)]
    nameless = {"whname": "no id"}
    show(sim, nameless, rows[0])
    c = world.whd(sim, {"sync.interval": "1h"}).client()
    c.call("sync.now")
    assert "reset" in [e["kind"] for e in c.all_events()]
    before = c.get("w-0")
    since = c.head()
    changed = {**rows[0], "whcomment": "theirs"}
    show(sim, nameless, changed, rows[1])
    result = c.call("sync.now")
    assert (result["complete"], result["changed"], result["added"]) == (False, 1, 1)
    events = c.all_events(since)
    check_unbroken(events, since)
    assert [(e["kind"], e.get("fields")) for e in events] == [
        ("updated", ["whcomment"]), ("reset", None)]
    assert c.get("w-0")["_whd"]["revision"] == events[0]["revision"]
    with refused("CONFLICT"):
        c.update("w-0", {"whcomment": "mine"}, if_revision=before["_whd"]["revision"])
    since = c.head()
    c.call("sync.now")
    assert c.all_events(since) == []
    show(sim, changed, rows[1])
    assert c.call("sync.now")["complete"]
    assert [(e["kind"], e["state"]) for e in c.all_events(since)] == [("reset", "synced")]


def test_pages_of_any_size_show_the_same(sim, c):
    since = c.head()
    for n in range(8):
        c.applied(c.create(**webhook(n)))
    whole = c.all_events(since)
    check_unbroken(whole, since)
    for limit in (1, 3, 7):
        assert c.all_events(since, limit) == whole
    for bad in (0, -1, 1001):
        with refused("INVALID_PARAM", "limit"):
            c.call("events.read", since=0, limit=bad)
    with refused("INVALID_PARAM", "since"):
        c.call("events.read", since=-1)


def test_read_waits_for_the_first_event(sim, whd):
    c, other = whd.client(), wire.Raw(whd.socket)
    head = c.head()
    assert c.call("events.read", since=head, timeout_ms=0)["events"] == []
    assert c.call("events.read", since=head, timeout_ms=50)["revision"] == head
    other.send(1, "events.read", since=head)
    other.settle()
    op = c.create(**webhook(1))
    events = other.result(1)["events"]
    assert events[0]["revision"] == head + 1
    c.applied(op)


def test_log_survives_a_restart(sim, whd):
    c = whd.client()
    since = c.head()
    c.applied(c.create(**webhook(1)))
    before = c.all_events(since)
    instance = c.call("hello")["instance"]
    whd.kill()
    whd.start()
    c = whd.client()
    assert c.call("hello")["instance"] == instance
    assert c.all_events(since)[:len(before)] == before


@pytest.mark.parametrize("method", ["events.read", "events.subscribe"])
def test_what_cannot_be_continued_is_a_reset(sim, c, method):
    c.applied(c.create(**webhook(1)))
    head = c.head()
    for params in (dict(since=head + 1), dict(since=2**62), dict(since=head, instance="another"),
                   dict(since=1, instance="another")):
        answer = c.call(method, **params)
        assert answer["reset"] is True and answer["revision"] == head
        assert answer["instance"] == c.call("hello")["instance"]
    answer = c.call(method, since=head, instance=answer["instance"], **(
        {"timeout_ms": 0} if method == "events.read" else {}))
    assert "reset" not in answer


@pytest.mark.parametrize("method", ["read", "subscribe"])
def test_damaged_log_is_a_reset(world, sim, method):
    """Who follows can go on, whichever way he does."""
    show(sim, {**webhook(1), "whid": "w-once"})
    whd = world.whd(sim, {"sync.interval": "1h"})
    c = whd.client()
    c.synced()
    since = c.head()
    show(sim, {**webhook(1), "whid": "w-once", "whcomment": "new"})
    c.call("sync.now")
    assert [e["kind"] for e in c.all_events(since)] == ["updated"]
    file = whd.store / "data.mdb"
    whole = file.read_bytes()
    with open(file, "r+b") as f:
        for at in (m.end() - 1 for m in re.finditer(rb"w-once", whole)):
            f.seek(at)
            f.write(b"X")
    if method == "read":
        found = c.call("events.read", since=since, timeout_ms=0)
        assert found["reset"] and found["events"] == []
        since = found["revision"]
        assert not c.call("events.read", since=since, timeout_ms=0).get("reset")
    else:
        raw = wire.Raw(whd.socket)
        raw.send(1, "events.subscribe", since=since)
        assert raw.result(1)["revision"] == since
        raw.events_until(lambda e: e["kind"] == "reset")


def test_another_store_is_another_instance(world, sim):
    first, second = (world.whd(sim).client() for _ in range(2))
    for c in (first, second):
        c.synced()
    instance = first.call("hello")["instance"]
    assert second.call("events.read", since=1, instance=instance)["reset"]


# ------------------------------------------------------------------ subscribe --


def test_subscriber_gets_every_event_once(sim, whd):
    c = whd.client()
    since = c.head()
    watcher = wire.Raw(whd.socket)
    watcher.send(1, "events.subscribe", since=since)
    assert watcher.result(1)["revision"] == since
    for n in range(20):
        c.applied(c.create(**webhook(n)))
    head = c.head()
    pushed = watcher.events_until(lambda e: e["revision"] >= head)
    check_unbroken(pushed, since)
    assert pushed == c.all_events(since)


def test_subscribe_from_the_past_catches_up(sim, whd):
    c = whd.client()
    for n in range(300):
        c.create(**webhook(n))
    c.idle()
    head = c.head()
    watcher = wire.Raw(whd.socket)
    watcher.send(1, "events.subscribe", since=1)
    watcher.result(1)
    pushed = watcher.events_until(lambda e: e["revision"] >= head)
    check_unbroken(pushed, 1)


def test_subscription_without_since_is_only_what_is_new(sim, whd):
    c = whd.client()
    c.applied(c.create(**webhook(1)))
    with c.events(timeout=20) as events:
        head = events.revision
        c.create(**webhook(2))
        assert next(events)["revision"] == head + 1


def test_other_calls_work_on_a_subscribed_connection(sim, whd):
    watcher, c = wire.Raw(whd.socket), whd.client()
    watcher.send(1, "events.subscribe")
    watcher.result(1)
    c.applied(c.create(**webhook(1)))
    watcher.send(2, "status")
    assert watcher.result(2)["live"]
    watcher.send(3, "events.subscribe")
    watcher.result(3)
    c.applied(c.create(**webhook(2)))
    seen = watcher.events_until(lambda e: e["revision"] >= c.head())
    assert len({e["revision"] for e in seen}) == len(seen), "subscribed twice, sent once"


def test_subscriber_that_does_not_read_hurts_nobody(world, sim):
    """Its events stay in the log; whd holds no more than its output buffer; others go on."""
    whd = world.whd(sim, {"limits.out_high": "64KiB", "limits.out_max": "256KiB",
                          "limits.stall": "60s"})
    c = whd.client()
    c.synced()
    since = c.head()
    lazy, eager = wire.Raw(whd.socket, receive_buffer=4096), wire.Raw(whd.socket)
    for watcher in (lazy, eager):
        watcher.send(1, "events.subscribe", since=since)
        watcher.result(1)
    c.go_offline(sim)
    tmp = c.create(**webhook(1))["tmp_id"]
    for n in range(1500):
        c.update(tmp, {"whcomment": f"turn {n}"})
    head = c.head()
    assert len(eager.events_until(lambda e: e["revision"] >= head)) == head - since
    dump = c.call("dump", section="watch")["watch"]
    assert dump["subscribers"] == 2 and dump["paused"] == 1
    assert max(p["bytes_queued"] for p in c.call("dump", section="server")["server"]["list"]
               ) < 256 * 1024
    late = lazy.events_until(lambda e: e["revision"] >= head)
    check_unbroken(late, since)


def test_subscribers_from_many_revisions_do_not_stop_the_rest(world, sim):
    """Each has to be read and encoded for itself. Calls are answered in between, while
    they get nearer."""
    n = 50
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    sim.seed(15_000)
    assert c.call("sync.now", timeout_ms=120_000)["added"] == 15_000
    many = [wire.Raw(whd.socket, receive_buffer=4096) for _ in range(n)]
    whd.child.signal(signal.SIGSTOP)
    for i, watcher in enumerate(many):
        watcher.send(1, "events.subscribe", since=1 + i)
    whd.child.signal(signal.SIGCONT)
    paused = 0
    seen = set()
    while paused < n:
        now = c.call("dump", section="watch")["watch"]
        paused = now["paused"]
        if now["subscribers"] == n:
            seen.add((paused, now["farthest_behind"]))
    assert len(seen) > 5, seen
    for i, watcher in enumerate(many):
        watcher.result(1)
        check_unbroken(watcher.events_until(lambda e, i=i: e["revision"] >= 500 + i), 1 + i)


def test_subscriber_that_falls_out_of_the_log_is_told(world, sim):
    """One list changes more webhooks than the log keeps entries, while a subscriber does not
    read: it gets an event that says so, and goes on from the head."""
    whd = world.whd(sim, {"limits.out_high": "4KiB", "limits.stall": "1h"})
    c = whd.client()
    c.synced()
    lazy = wire.Raw(whd.socket, receive_buffer=4096)
    lazy.send(1, "events.subscribe", since=c.head())
    lazy.result(1)
    sim.seed(75_000)
    assert c.call("sync.now", timeout_ms=120_000)["added"] == 75_000
    lazy.events_until(lambda e: e["kind"] == "reset")
    c.create(**webhook(1))
    head = c.head()
    lazy.events_until(lambda e: e["revision"] >= head)


def test_events_end_with_the_connection(sim, whd):
    c = whd.client()
    watcher = wire.Raw(whd.socket)
    watcher.send(1, "events.subscribe")
    watcher.result(1)
    assert c.call("dump", section="watch")["watch"]["subscribers"] == 1
    watcher.close()
    c.applied(c.create(**webhook(1)))
    assert c.call("dump", section="watch")["watch"]["subscribers"] == 0
