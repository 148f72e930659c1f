# SPDX-License-Identifier: MIT
"""queue.get tells of any operation what happened, which rule decided, and what comes next and when.

Why it is in its state is held against the table of reasons in every test (support/contract.py);
here is what stands in its way.
"""

import re
import time

import pytest

from support.data import webhook

HELD = 600000  # ms that a held request is delayed, unless the rule is removed


def story(c, op):
    return c.call("queue.get", op=op["op"])


def time_in(sentence):
    """The moment that a sentence names, in ms."""
    text = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", sentence).group()
    stamp = time.strptime(text + " +0000", "%Y-%m-%d %H:%M:%S UTC %z")
    return (time.mktime(stamp) - time.timezone) * 1000


@pytest.fixture
def whid(sim, c):
    return c.applied(c.create(**webhook(1)))["whid"]


def test_behind_another(sim, c, whid):
    rule = sim.fault("delay", method="PATCH", ms=HELD)
    first = c.update(whid, {"whcomment": "one"})
    sim.wait_hits(rule)
    second = c.update(whid, {"whcomment": "two"})
    assert "reply" in story(c, first)["next"]
    assert "after the operation before it" in story(c, second)["next"]
    sim.clear_faults()
    c.applied(second)
    assert story(c, second)["next"] == "nothing, it has ended"


@pytest.mark.parametrize("alike", [{"whname": "hook 2"},
                                   {"callbackUrl": webhook(2)["callbackUrl"]}])
def test_create_like_one_under_way(sim, c, alike):
    rule = sim.fault("delay", method="POST", ms=HELD)
    first = c.create(**webhook(2))
    sim.wait_hits(rule)
    second, other = c.create(**webhook(3, **alike)), c.create(**webhook(4))
    assert "another create of the same name or url" in story(c, second)["next"]
    assert "another create" not in story(c, first)["next"]
    assert "another create" not in story(c, other)["next"]
    sim.clear_faults()
    c.applied(second)


def test_create_like_an_undecided_one(world, sim):
    c = world.whd(sim, {"queue.settle_timeout": "60s"}).client()
    c.synced()
    sim.fault("close_before", method="POST")
    first = c.create(**webhook(2))
    c.op_state(first, "unknown")
    second = c.create(**webhook(3, whname="hook 2"))
    assert "another create" in story(c, second)["next"]
    tale = story(c, first)
    assert "not sent again before" in tale["next"]
    assert abs(time_in(tale["next"]) - tale["next_at"]) <= 1000


GATES = {"rate": dict(action="apim_429", seconds=600), "quota": dict(action="apim_403_quota"),
         "auth": dict(action="apim_401"), "link": None}


@pytest.mark.parametrize("gate", GATES)
def test_gate_that_is_shut(sim, c, gate):
    if gate == "link":
        c.go_offline(sim)
    else:
        sim.fault(**GATES[gate], method="GET")
        c.call("upstream.probe")
    op = c.create(**webhook(2))
    tale = story(c, op)
    assert f"once the gate {gate} is open" in tale["next"] and tale["attempts"] == 0
    if gate != "link":  # its next probe is a moment away, and then the one after it
        assert abs(time_in(tale["next"]) - c.status()["upstream"]["until"]) <= 1000


def test_retry_that_is_planned(world, sim):
    c = world.whd(sim, {"retry.base": "10min", "retry.cap": "1h", "queue.check_age": "0"}).client()
    c.synced()
    row = sim.add(**webhook(1))
    c.call("sync.now")
    sim.fault("status", method="GET", list=False, status=500)
    head = c.head()
    op = c.update(row["whid"], {"whcomment": "x"})
    queued = c.op_state(op, "queued", head)
    c.op_state(op, "queued", queued["revision"])  # again: the read failed
    tale = story(c, op)
    assert tale["next"].startswith("sent again at") and "whctl queue retry" in tale["next"]
    assert abs(time_in(tale["next"]) - tale["next_at"]) <= 1000
    c.call("queue.retry", op=op["op"])
    c.applied(op)


# ------------------------------------------------------- not decided by a list --

UNDECIDED = {
    # reason: the method, and what its request is answered with
    "no_answer": ("POST", dict(action="close_after")),
    "created_without_id": ("POST", dict(action="status", status=201, body={})),
    "rejected_409": ("POST", dict(action="status", status=409, body={"message": "no"})),
    "absent": ("PATCH", dict(action="status", status=404, body={"message": "no"})),
}


@pytest.mark.parametrize("reason", UNDECIDED)
def test_waits_for_a_list(world, sim, reason):
    row = sim.add(**webhook(1))
    c = world.whd(sim, {"queue.check_age": "1h"}).client()
    c.synced()
    method, fault = UNDECIDED[reason]
    lists = sim.fault("delay", method="GET", ms=HELD, count=-1)
    sim.fault(**fault, method=method)
    op = c.create(**webhook(2)) if method == "POST" else c.update(row["whid"], {"whname": "x"})
    c.op_state(op, "unknown")
    tale = story(c, op)
    assert tale["reason"] == reason and "next list" in tale["next"]
    assert tale["log"][-1]["rule"]
    sim.clear_faults(lists)


def test_whd_ended_meanwhile(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    rule = sim.fault("stall", method="POST")
    op = c.create(**webhook(2))
    sim.wait_hits(rule)
    whd.kill()
    sim.fault("delay", method="GET", ms=HELD, count=-1)
    c = whd.start().client()
    tale = story(c, op)
    assert (tale["state"], tale["reason"]) == ("unknown", "restart")
    assert "whd ended" in tale["log"][-1]["rule"]
    sim.clear_faults()


def test_let_go_on_by_a_person(world, sim):
    c = world.whd(sim, {"sync.interval": "100ms"}).client()
    c.synced()
    sim.fault("close_before", method="POST")
    op = c.create(**webhook(2))
    c.op_state(op, "unknown")
    sim.add(**webhook(2, whcomment="almost"))
    assert c.settled(op)["reason"] == "ambiguous"
    assert "--whid" in story(c, op)["next"]
    lists = sim.fault("delay", method="GET", ms=HELD, count=-1)
    sim.wait_hits(lists)
    c.call("queue.retry", op=op["op"])
    tale = story(c, op)
    assert (tale["state"], tale["reason"]) == ("unknown", "released")
    sim.clear_faults()


def test_read_by_itself(world, sim):
    """First it is being read; then the read does not find it, and a list is to tell."""
    row = sim.add(**webhook(1))
    c = world.whd(sim, {"queue.check_age": "0"}).client()
    c.synced()
    lists = sim.fault("delay", method="GET", list=True, ms=HELD, count=-1)
    slow = sim.fault("delay", method="GET", list=False, ms=HELD)
    sim.fault("status", method="GET", list=False, status=200, body=[], count=-1)
    op = c.update(row["whid"], {"whcomment": "x"})
    sim.wait_hits(slow)
    tale = story(c, op)
    assert tale["state"] == "checking" and "check_age" in tale["why"]
    sim.clear_faults(slow)
    for _ in range(10_000):  # until it is caught between two reads
        tale = story(c, op)
        if tale["state"] == "queued":
            break
    assert tale["reason"] == "not_found" and "a list will tell" in tale["why"]
    before, began = sim.mark(), c.status()["uptime_ms"]
    with pytest.raises(c.Error):
        c.call("wait", until="idle", timeout_ms=500)
    reads = [e for e in sim.log(before) if e["whid"]]
    passed = c.status()["uptime_ms"] - began
    assert 1 <= len(reads) <= passed / 100 + 1, "not without a pause"
    sim.clear_faults()
    c.applied(op)


def test_every_attempt_is_told(world, sim):
    """Of an operation that was tried three times: when, how long, what came, which rule."""
    c = world.whd(sim, {"sync.interval": "100ms", "queue.settle_error": "0",
                        "queue.settle_timeout": "0"}).client()
    c.synced()
    sim.fault("status", method="POST", status=502)
    sim.fault("close_before", method="POST")
    op = c.applied(c.create(**webhook(2)))
    log = story(c, op)["log"]
    assert [(a["status"], a["outcome"]) for a in log] == [
        (502, "unknown"), (0, "unknown"), (200, "executed")]
    assert "5xx" in log[0]["rule"] and "no reply" in log[1]["rule"] and log[2]["error"] == ""
    assert all(a["took_ms"] >= 0 for a in log)
    assert [a["at"] for a in log] == sorted(a["at"] for a in log)
