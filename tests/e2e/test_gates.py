# SPDX-License-Identifier: MIT
"""Reasons not to talk to the API now: refused keys, too many calls, a dead line. A shut gate fails
no operation, keeps the cache, and means what it says: the API sees no request."""

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six

BUSY = {"sync.interval": "100ms"}  # would list ten times a second if it were let


def silence(sim, c, ms=700):
    """The API sees nothing for a while, though there is work to do. Waits in whd itself."""
    before = sim.mark()
    with refused("TIMEOUT"):
        c.call("wait", until="idle", revision=10**9, timeout_ms=ms)
    assert sim.log(before) == []


# ----------------------------------------------------------------------- 401 --


def test_next_key_is_tried_at_once(world, sim):
    c = world.whd(sim, keys=("wrong-key", "test-key-1")).client()
    c.synced()
    assert [(e["status"], e["key"]) for e in sim.log()] == [(401, -1), (200, 0)]
    assert c.applied(c.create(**webhook(1)))["attempts"] == 1
    assert {e["key"] for e in sim.changes()} == {0}, "the good one stays in use"


def test_key_that_dies_between_two_requests(world, sim):
    """The portal rotates keys while changes are under way: none is lost or made twice."""
    c = world.whd(sim, keys=("test-key-1", "test-key-2")).client()
    c.synced()
    c.applied(c.create(**webhook(0)))
    sim.keys("test-key-2")
    for n in range(1, 5):
        c.applied(c.create(**webhook(n)))
    assert sim.executed("POST") == 5 and len(sim.rows()) == 5
    refusals = [e for e in sim.log() if e["status"] == 401]
    assert len(refusals) == 1, "the dead key is not tried again and again"
    assert "whd_key_failovers_total 1\n" in c.call("metrics")


def test_changes_refused_by_all_keys_shut_the_gate_though_reads_go_through(world, sim):
    """The read before each attempt succeeds; that must not start the round of keys anew."""
    c = world.whd(sim, {"queue.check_age": "0"}, keys=("test-key-1", "test-key-2")).client()
    sim.keys("test-key-1", "test-key-2")
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("apim_401", method="PATCH", count=1000)
    op = c.update(whid, {"whcomment": "x"})
    c.gate("auth")
    assert len(sim.log(method="PATCH")) == 2, "each key once"
    assert c.call("queue.get", op=op["op"])["state"] == "queued"


def test_all_keys_refused_shuts_the_gate(world, sim):
    whd = world.whd(sim, BUSY, keys=("test-key-1", "test-key-2"))
    c = whd.client()
    c.synced()
    whid = c.applied(c.create(**webhook(0)))["whid"]
    sim.keys("new-key")
    c.gate("auth")
    status = c.status()["upstream"]
    assert status["gate"] == "auth" and not status["online"] and "401" in status["last_error"]
    assert status["until"] > status["since"]
    op = c.create(**webhook(1))
    changed = c.update(whid, {"whcomment": "x"})
    silence(sim, c)
    for waiting in (op, changed):
        now = c.call("queue.get", op=waiting["op"])
        assert (now["state"], now["attempts"]) == ("queued", 0)
    assert six(c.get(whid)) == six(webhook(0, whcomment="x")), "the cache stays"
    with refused("OFFLINE"):
        c.create(**webhook(2), queue=False)


def test_good_key_refused_once_by_mistake_is_found_again(world, sim):
    """Only a stale one is left then; the good one must not be given up for it."""
    c = world.whd(sim, keys=("test-key-1", "stale-key")).client()
    c.synced()
    sim.fault("apim_401", method="GET", list=True, count=1)
    with refused("OFFLINE", "401"):
        c.call("sync.now")
    assert c.status()["upstream"]["gate"] == "auth"
    assert c.call("upstream.probe")["gate"] == "open"
    assert c.call("sync.now")["complete"]


def test_probes_of_the_shut_gate_go_round_the_keys(world, sim):
    whd = world.whd(sim, keys=("test-key-1", "test-key-2", "stale-key"))
    c = whd.client()
    c.synced()
    sim.keys("new-key")
    with refused("OFFLINE", "401"):
        c.call("sync.now")
    assert [c.call("upstream.probe")["key"] for _ in range(4)] == [1, 2, 3, 1]
    assert "whd_key_failovers_total 7\n" in c.call("metrics")
    whd.child.wait_line("all subscription keys were refused.*key=1 of=3", nth=2)
    sim.keys("test-key-2")
    said = c.call("upstream.probe")
    assert (said["key"], said["gate"]) == (2, "open")


@pytest.mark.parametrize("how", ["SIGHUP", "config.reload", "by itself"])
def test_new_keys_open_the_gate_at_once(world, sim, how):
    whd = world.whd(sim, BUSY)
    c = whd.client()
    c.synced()
    sim.keys("new-key")
    c.gate("auth")
    op = c.create(**webhook(1))
    silence(sim, c, 200)
    whd.write_keys("new-key")
    if how == "SIGHUP":
        whd.reload()
    elif how == "config.reload":
        c.call("config.reload")
    assert c.applied(op)["attempts"] == 1
    assert c.status()["upstream"]["gate"] == "open"
    assert sim.executed("POST") == 1


def test_file_of_keys_is_watched(world, sim):
    """Written in place, replaced, spoilt, removed and put back: nobody needs to ask."""
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    sim.keys("new-key")
    whd.key_file.write_text("new-key\n", encoding="utf-8")
    whd.child.wait_line("keys read again")
    assert c.call("sync.now")["complete"]
    whd.key_file.write_text("two words\n", encoding="utf-8")
    whd.child.wait_line("cannot be used; the keys from before stay")
    assert c.call("sync.now")["complete"], "with the keys from before"
    whd.key_file.unlink()
    whd.child.wait_line("cannot be used", nth=2)
    sim.keys("test-key-2")
    whd.write_keys("new-key", "test-key-2")
    whd.child.wait_line("keys read again", nth=2)
    assert c.call("sync.now")["complete"]


def test_file_of_keys_that_is_good_again_is_told(world, sim):
    """Also if it holds the same keys as before."""
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    whd.key_file.write_text("two words\n", encoding="utf-8")
    whd.child.wait_line("level=error.*cannot be used; the keys from before stay")
    assert str(whd.key_file) in c.status()["upstream"]["keys_error"]
    whd.write_keys("test-key-1")
    whd.child.wait_line("level=info.*the file of keys can be used again.*same=1")
    assert "keys_error" not in c.status()["upstream"]
    whd.reload()
    assert whd.log.count("can be used again") == 1 and "keys read again" not in whd.log


def test_change_refused_with_401_costs_no_attempt_and_is_sent_later(world, sim):
    """The gateway forwards nothing without a key, so the create can simply go again."""
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    rule = sim.fault("apim_401", method="POST", count=1)
    op = c.create(**webhook(1))
    sim.wait_hits(rule)
    c.gate("auth")
    whd.write_keys("test-key-2")
    whd.reload()
    assert c.applied(op)["result"] == "applied"
    assert [e["executed_n"] for e in sim.log(method="POST")] == [0, 1]


# ----------------------------------------------------------------------- 429 --


@pytest.mark.parametrize("date", [False, True])
def test_429_waits_as_long_as_asked(world, sim, date):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("apim_429", method="POST", seconds=2, http_date=date)
    op = c.applied(c.create(**webhook(1)))
    assert op["result"] == "applied"
    log = sim.log()
    refused_at = next(i for i, e in enumerate(log) if e["status"] == 429)
    wait = log[refused_at + 1]["at_ms"] - log[refused_at]["at_ms"]
    assert wait >= 900, "no request of any kind before the time is up"
    assert [e["executed_n"] for e in sim.log(method="POST")] == [0, 1]
    gates = [e["state"] for e in c.call("events.read", since=0, limit=1000)["events"]
             if e["kind"] == "gate"]
    assert gates[-2:] == ["rate", "open"]


def test_429_on_a_list_stops_changes_too(world, sim):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("apim_429", method="GET", seconds=60)
    c.gate("rate")
    op = c.create(**webhook(1))
    silence(sim, c)
    status = c.status()["upstream"]
    assert status["gate"] == "rate" and status["until"] - status["last_error_at"] > 55000
    assert c.call("queue.get", op=op["op"])["attempts"] == 0


def asks_nothing_after_a_start(sim, whd):
    before = sim.mark()
    whd.start()
    c = whd.client()
    assert c.status()["upstream"]["gate"] == "rate"
    with refused("TIMEOUT"):
        c.call("wait", until="online", timeout_ms=500)
    assert sim.log(before) == []


def test_429_wait_survives_a_restart(world, sim):
    whd = world.whd(sim, BUSY)
    c = whd.client()
    c.synced()
    sim.fault("apim_429", method="GET", seconds=60)
    c.gate("rate")
    whd.kill()
    asks_nothing_after_a_start(sim, whd)


def test_wait_that_is_asked_again_survives_a_restart(world, sim):
    """The gate is shut already when the longer one is asked for."""
    whd = world.whd(sim, BUSY)
    c = whd.client()
    c.synced()
    sim.fault("apim_429", method="GET", seconds=1, count=1)
    sim.fault("apim_429", method="GET", seconds=300, count=1)
    asked = 0
    while asked < 200_000:  # each look is a call
        upstream = c.status()["upstream"]
        asked = (upstream["until"] or 0) - (upstream["since"] or 0)
    assert whd.stop() == 0
    asks_nothing_after_a_start(sim, whd)


# ----------------------------------------------------------------------- 403 --


def test_quota_fails_nothing(world, sim):
    """Used up for five days: the change waits, and nothing is asked in vain."""
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("apim_403_quota", method="POST", count=-1)
    op = c.create(**webhook(1))
    c.gate("quota")
    silence(sim, c)
    now = c.call("queue.get", op=op["op"])
    assert now["state"] == "queued" and now["log"][-1]["outcome"] == "not_executed"
    assert len(sim.log(method="POST")) == 1 and sim.rows() == []
    assert c.get(op["tmp_id"])["whname"] == "hook 1"
    status = c.status()
    gate = status["upstream"]
    assert 50 * 60000 < gate["until"] - gate["since"] < 70 * 60000, "probed every hour"
    assert status["sync"]["next_at"] == gate["until"], "and not listed before"


@pytest.mark.parametrize("wait", ["2678401", "99999999999999999999"])
def test_quota_for_longer_than_a_month_is_a_quota(world, sim, wait):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("status", method="POST", status=403, body={}, headers={"Retry-After": wait})
    op = c.create(**webhook(1))
    c.gate("quota")
    assert c.call("queue.get", op=op["op"])["state"] == "queued"


def test_probe_shows_that_a_quota_was_raised(world, sim):
    c = world.whd(sim).client()
    c.synced()
    sim.fault("apim_403_quota", method="POST", count=1)
    op = c.create(**webhook(1))
    c.gate("quota")
    assert c.call("upstream.probe")["gate"] == "open"
    c.applied(op)


def test_quota_by_text_alone(world, sim):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("status", method="POST", status=403, body={
        "statusCode": 403,
        "message": "Out of call volume quota. Quota will be replenished in 03:23:11."})
    c.create(**webhook(1))
    c.gate("quota")
    silence(sim, c, 300)


def test_forbidden_change_is_held_while_others_go_on(world, sim):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("apim_403_ip", method="POST", body_contains="hook 1")
    op = c.settled(c.create(**webhook(1)))
    assert (op["state"], op["reason"]) == ("held", "forbidden")
    c.applied(c.create(**webhook(2)))
    assert c.status()["upstream"]["gate"] == "open"
    c.applied(c.call("queue.retry", op=op["op"]))
    assert sim.executed("POST") == 2


def test_forbidden_list_shuts_the_gate(world, sim):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("apim_403_ip", method="GET", count=-1)
    c.gate("auth")
    silence(sim, c, 300)


def test_forbidden_read_before_a_change_shuts_the_gate_and_keeps_the_key(world, sim):
    """Another key is tried for a 401 alone, whatever the request was."""
    c = world.whd(sim, {"queue.check_age": "0"}, keys=("test-key-1", "test-key-2")).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("apim_403_ip", method="GET", list=False)
    op = c.update(whid, {"whcomment": "x"})
    c.gate("auth")
    said = c.call("upstream.probe")
    assert (said["key"], said["gate"]) == (1, "open")
    assert c.applied(op)["attempts"] == 1
