# SPDX-License-Identifier: MIT
"""Calls that wait: for an operation, for whd as a whole, for a list; their ends and time-outs, and
what becomes of them when whd stops."""

import signal
import time

import pytest

from support import wire
from support.client import refused
from support.data import webhook


@pytest.mark.parametrize("until", ["synced", "idle", "online"])
def test_wait_answers_at_once_if_it_is_so(c, until):
    assert c.call("wait", until=until, timeout_ms=0)["live"]


def test_wait_synced_means_a_whole_and_recent_list(world, sim):
    sim.down()
    whd = world.whd(sim)
    c, other = whd.client(), wire.Raw(whd.socket)
    with refused("TIMEOUT", "synced"):
        c.call("wait", until="synced", timeout_ms=30)
    other.send(1, "wait", until="synced")
    other.settle()
    assert c.call("dump", section="waits")["waits"]["wait"] == 1
    sim.up()
    assert other.result(1)["fresh"]


def test_wait_online(sim, whd, c):
    other = wire.Raw(whd.socket)
    c.go_offline(sim)
    with refused("TIMEOUT", "online"):
        c.call("wait", until="online", timeout_ms=30)
    other.send(1, "wait", until="online")
    other.settle()
    sim.up()
    assert other.result(1)["upstream"]["online"]


def test_wait_idle(sim, whd, c):
    rule = sim.fault("delay", method="POST", ms=600000)
    c.create(**webhook(1))
    sim.wait_hits(rule)
    other = wire.Raw(whd.socket)
    with refused("TIMEOUT", "idle"):
        c.call("wait", until="idle", timeout_ms=30)
    other.send(1, "wait", until="idle")
    other.settle()
    assert not other.answers
    sim.clear_faults()
    status = other.result(1)
    assert status["queue"]["queued"] + status["queue"]["sending"] == 0


def test_wait_for_a_revision(whd, c):
    head = c.head()
    other = wire.Raw(whd.socket)
    other.send(1, "wait", until="synced", revision=head + 1)
    other.settle()
    assert c.call("wait", until="synced", revision=head)["live"]
    with refused("TIMEOUT", str(head + 1)):
        c.call("wait", until="synced", revision=head + 1, timeout_ms=20)
    c.create(**webhook(1))
    assert other.result(1)["store"]["revision"] > head


def test_wait_refuses_what_it_does_not_know(c):
    for bad in ("", "ready", "Synced"):
        with refused("INVALID_PARAM", "until"):
            c.call("wait", until=bad)
    with refused("INVALID_PARAM", "revision"):
        c.call("wait", until="synced", revision=-1)
    with refused("INVALID_PARAM", "timeout_ms"):
        c.call("wait", until="synced", timeout_ms=-1)


def test_queue_wait_returns_the_operation_as_it_is_when_time_is_up(sim, c):
    c.go_offline(sim)
    op = c.create(**webhook(1))
    began = time.monotonic()
    assert c.call("queue.wait", op=op["op"], timeout_ms=100)["state"] == "queued"
    assert 0.09 <= time.monotonic() - began < 5
    assert c.call("queue.wait", op=op["op"], timeout_ms=0)["state"] == "queued"
    c.go_online(sim)
    assert c.call("queue.wait", op=op["op"])["state"] == "done"
    assert c.call("queue.wait", op=op["op"], timeout_ms=0)["state"] == "done", "ended already"


@pytest.mark.parametrize("end", ["held", "dead", "cancelled"])
def test_queue_wait_ends_when_a_person_is_needed(sim, whd, c, end):
    waiter = wire.Raw(whd.socket)
    if end == "dead":
        sim.fault("status", method="POST", status=400, body={"message": "no"})
        sim.fault("delay", method="POST", ms=1)
        op = c.create(**webhook(1))
    else:
        c.go_offline(sim)
        op = c.create(**webhook(1))
    waiter.send(1, "queue.wait", op=op["op"])
    waiter.settle()
    if end == "held":
        c.call("queue.hold", op=op["op"])
    elif end == "cancelled":
        c.call("queue.cancel", op=op["op"])
    assert waiter.result(1)["state"] == end


def test_timeouts_are_clamped_not_refused(whd, c):
    waiter = wire.Raw(whd.socket)
    waiter.send(1, "wait", until="idle", revision=10**9, timeout_ms=2**62)
    waiter.settle()
    next_ms = c.call("dump", section="waits")["waits"]["next_ms"]
    assert 200_000 < next_ms <= 300_000
    waiter.send(2, "wait", until="idle", revision=10**9)
    waiter.settle()
    assert c.call("dump", section="waits")["waits"]["next_ms"] <= 30_000


def test_sync_now_is_shared_and_newer_than_the_question(sim, whd, c):
    """Three ask while a list is running: it may be older than they are, so one more is made."""
    rule = sim.fault("delay", method="GET", ms=600000, count=1)
    first, second, third = (wire.Raw(whd.socket) for _ in range(3))
    first.send(1, "sync.now")
    sim.wait_hits(rule)
    before = sim.mark()
    row = sim.add(**webhook(1))
    second.send(1, "sync.now")
    third.send(1, "sync.now")
    second.settle()
    third.settle()
    sim.clear_faults()
    for waiter in (first, second, third):
        assert waiter.result(1)["complete"]
    assert c.get(row["whid"])["whname"] == "hook 1"
    assert len(sim.lists(before)) == 1


def test_sync_now_out_of_time(sim, c):
    rule = sim.fault("delay", method="GET", ms=600000)
    with refused("TIMEOUT", "list"):
        c.call("sync.now", timeout_ms=30)
    sim.wait_hits(rule)
    row = sim.add(**webhook(1))
    sim.clear_faults()
    assert c.call("sync.now")["complete"]
    assert c.get(row["whid"])


# --------------------------------------------------------------------- stop --


def test_stop_answers_who_waits(sim, whd, c):
    c.go_offline(sim)
    op = c.create(**webhook(1))
    head = c.head()
    waiting = {
        "queue.wait": dict(op=op["op"]), "wait": dict(until="idle"),
        "events.read": dict(since=head), "sync.now": {}}
    sim.up()
    rule = sim.fault("stall", method="*", count=-1)
    raw = wire.Raw(whd.socket)
    for ident, (method, params) in enumerate(waiting.items()):
        raw.send(ident, method, **params)
    sim.wait_hits(rule)
    raw.settle()
    assert whd.child.terminate() == 0
    answered = {m[1]: m[2][1].partition(":")[0] if m[2] else "result" for m in raw.rest()}
    assert answered.keys() == set(range(len(waiting)))
    assert answered[0] == answered[1] == answered[3] == "SHUTTING_DOWN"
    assert answered[2] in ("SHUTTING_DOWN", "result"), "a gate event may have come first"


def test_stop_is_quick_whatever_the_api_does(sim, whd, c):
    """A request hangs, changes wait: whd leaves soon, and nothing is lost."""
    rule = sim.fault("stall", method="POST", count=-1)
    ops = [c.create(**webhook(n)) for n in range(10)]
    sim.wait_hits(rule)
    began = time.monotonic()
    assert whd.stop() == 0
    assert time.monotonic() - began < 6
    sim.clear_faults()
    whd.write_config(sync_interval="100ms")
    c = whd.start().client()
    for op in ops:
        c.applied(op)
    assert sim.executed("POST") == 10 and len(sim.rows()) == 10


def test_stop_lets_what_is_being_sent_be_answered(sim, whd, c):
    rule = sim.fault("delay", method="POST", ms=300)
    op = c.create(**webhook(1))
    sim.wait_hits(rule)
    assert whd.stop() == 0
    assert sim.executed("POST") == 1
    sim.down()
    c = whd.start().client()
    assert c.call("queue.get", op=op["op"])["state"] == "done", "no look was needed"


def test_stop_begins_nothing_more(sim, whd, c):
    """The look before a change is answered meanwhile; the change waits for the next start."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    whd.write_config(queue_check_age="0ms")
    c.call("config.reload")
    rule = sim.fault("delay", method="GET", ms=300)
    op = c.update(whid, {"whcomment": "x"})
    sim.wait_hits(rule)
    assert whd.stop() == 0
    assert sim.executed("PATCH") == 0
    whd.start().client().applied(op)
    assert sim.executed("PATCH") == 1


def test_a_second_signal_does_not_wait_for_what_is_being_sent(sim, whd, c):
    rule = sim.fault("stall", method="POST", count=-1)
    c.create(**webhook(1))
    sim.wait_hits(rule)
    whd.close_clients()
    began = time.monotonic()
    whd.child.signal(signal.SIGTERM)
    whd.child.wait_line("msg=stopping")
    whd.child.signal(signal.SIGTERM)
    assert whd.child.wait() == 0
    assert time.monotonic() - began < 2, "the time that one signal gives"


@pytest.mark.parametrize("turn", range(3))
def test_stop_in_the_middle_of_everything(world, sim, turn):
    """Lists without a pause, changes, subscribers, waiting calls: it must end, with status 0."""
    sim.seed(300)
    whd = world.whd(sim, {"sync.interval": "100ms"})
    for n in range(6):
        c = whd.client()
        watcher, waiter = wire.Raw(whd.socket), wire.Raw(whd.socket)
        watcher.send(1, "events.subscribe", since=1)
        waiter.send(1, "wait", until="idle", revision=10**9)
        for i in range(turn * 7 + n):
            c.create(**webhook(1000 * turn + 100 * n + i))
        sim.wait(log_at_least=sim.stats()["log"] + 1)
        assert whd.stop() == 0, whd.child.tail()
        whd.start()
    c = whd.client()
    c.idle()
    assert sim.executed("POST") == sum(turn * 7 + n for n in range(6))
