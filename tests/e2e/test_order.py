# SPDX-License-Identifier: MIT
"""Which changes wait for which: one lane a webhook, lanes apart, twins never at once."""

import contextlib
import json

import pytest

from support.client import refused
from support.data import webhook

HELD = 600000  # ms that a held request is delayed, unless the rule is removed


def still(c, ms=300):
    """Lets whd go on for a while; it must not become idle."""
    with refused("TIMEOUT", "idle"):
        c.call("wait", until="idle", timeout_ms=ms)


@pytest.mark.parametrize("width", [1, 4, 9])
def test_concurrency_is_the_limit(world, sim, width):
    c = world.whd(sim, {"queue.concurrency": width}).client()
    c.synced()
    rule = sim.fault("delay", method="POST", ms=HELD, count=-1)
    ops = [c.create(**webhook(n)) for n in range(12)]
    sim.wait_hits(rule, width)
    still(c)
    assert len(sim.log(method="POST")) == width
    assert c.status()["queue"]["sending"] == width
    sim.clear_faults()
    for op in ops:
        c.applied(op)
    assert sim.executed("POST") == 12


TWINS = {
    "same name": dict(whname="hook 1"),
    "same name in normal form": dict(whname="  hook 1 "),
    "same url": dict(callbackUrl="https://hooks.example.org/in/1"),
    "same url in normal form": dict(callbackUrl="HTTPS://hooks.example.ORG:443/in/1"),
}


@pytest.mark.parametrize("what", TWINS)
def test_creates_alike_never_run_at_once(sim, c, what):
    rule = sim.fault("delay", method="POST", ms=HELD, count=1)
    first = c.create(**webhook(1))
    sim.wait_hits(rule)
    second = c.create(**webhook(2, **TWINS[what]))
    other = c.create(**webhook(3))
    c.applied(other)
    still(c)
    assert len(sim.log(method="POST")) == 2, "the one like the first waits for it"
    assert c.call("queue.get", op=second["op"])["state"] == "queued"
    sim.clear_faults()
    c.applied(first)
    c.applied(second)
    assert sim.executed("POST") == 3 and len(sim.rows()) == 3


def test_create_like_an_undecided_one_waits_until_that_is_decided(world, sim):
    c = world.whd(sim, {"sync.interval": "100ms", "queue.settle_timeout": "1500ms"}).client()
    c.synced()
    sim.fault("reset_before", method="POST", count=1)
    first = c.create(**webhook(1))
    c.op_state(first, "unknown")
    second = c.create(**webhook(2, whname="hook 1"))
    c.applied(c.create(**webhook(3)))
    assert c.call("queue.get", op=second["op"])["state"] == "queued"
    c.applied(first)
    c.applied(second)
    bodies = [json.loads(e["body"])["callbackUrl"][-1] for e in sim.log(method="POST")]
    assert bodies[:2] == ["1", "3"] and sorted(bodies[2:]) == ["1", "2"]
    posts = sim.log(method="POST")
    looks = [e for e in sim.lists() if posts[1]["n"] < e["n"] < posts[2]["n"]]
    assert len(looks) >= 2, "before the second went, the first was looked for"


def test_row_like_an_undecided_create_is_withheld(world, sim):
    """It may be that create's result: nobody shall see the same webhook under two names."""
    c = world.whd(sim, {"sync.interval": "100ms", "queue.settle_timeout": "60s"}).client()
    c.synced()
    sim.fault("close_before", method="POST", count=1)
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    near = sim.add(**webhook(1, whcomment="almost the same"))
    foreign = sim.add(**webhook(2))
    held = c.settled(op)
    assert (held["state"], held["reason"]) == ("held", "ambiguous")
    listed = {w["whid"] for w in c.list()}
    assert foreign["whid"] in listed and op["tmp_id"] in listed
    adopted = c.call("queue.resolve", op=op["op"], take="adopt", whid=near["whid"])
    assert (adopted["state"], adopted["result"]) == ("done", "adopted")
    assert c.get(op["tmp_id"])["whid"] == near["whid"]
    assert {w["whid"] for w in c.list()} == {near["whid"], foreign["whid"]}
    assert len(sim.log(method="POST")) == 1


@pytest.mark.parametrize("answer", ["made", "refused", "not executed"])
def test_withheld_row_is_shown_as_soon_as_the_create_is_decided(sim, c, answer):
    """By the answer itself: no list is needed for it."""
    rule = sim.fault("delay", method="POST", ms=HELD)
    if answer != "made":
        refusal = {"refused": dict(status=400, body={"message": "no"}),
                   "not executed": dict(status=403, body={"message": "no"})}[answer]
        sim.fault("status", method="POST", **refusal)
    op = c.create(**webhook(1))
    sim.wait_hits(rule)
    near = sim.add(**webhook(1, whcomment="almost the same"))
    c.call("sync.now")
    with refused("NOT_FOUND"):
        c.get(near["whid"])
    before = sim.mark()
    sim.clear_faults(rule)
    now = c.settled(op)
    assert now["state"] == {"made": "done", "refused": "dead", "not executed": "held"}[answer]
    assert c.get(near["whid"])["whcomment"] == "almost the same"
    assert sim.lists(before) == []


@pytest.mark.parametrize("decision", ["retry", "recreate", "discard"])
def test_ambiguous_create_is_decided_by_a_person(world, sim, decision):
    """retry looks once more; recreate knows that it was not made and sends it; discard drops it."""
    c = world.whd(sim, {"sync.interval": "100ms"}).client()
    c.synced()
    sim.fault("close_before", method="POST", count=1)
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    sim.add(**webhook(1, whcomment="almost"))
    assert c.settled(op)["reason"] == "ambiguous"
    if decision == "retry":
        c.call("queue.retry", op=op["op"])
        assert c.settled(op)["reason"] == "ambiguous" and len(sim.log(method="POST")) == 1
    elif decision == "recreate":
        c.call("queue.resolve", op=op["op"], take="recreate")
        assert c.applied(op)["result"] == "applied"
        assert sim.executed("POST") == 1 and len(sim.rows()) == 2
    else:
        c.call("queue.resolve", op=op["op"], take="discard")
        assert len(sim.log(method="POST")) == 1 and len(list(c.list())) == 1


def test_lane_is_strictly_in_order(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("delay", method="PATCH", ms=30, count=-1)
    wanted = []
    for n in range(8):
        c.update(whid, {"whcomment": f"turn {n}"})
        wanted.append(f"turn {n}")
    c.idle()
    sent = [json.loads(e["body"])["whcomment"] for e in sim.log(method="PATCH")]
    assert sent[-1] == "turn 7" and sent == [w for w in wanted if w in sent]
    for earlier, later in zip(sim.log(method="PATCH"), sim.log(method="PATCH")[1:]):
        assert later["at_ms"] >= earlier["at_ms"] + 30, "one at a time"


def test_one_that_is_stuck_blocks_no_other(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("status", method="PATCH", status=422, body={"message": "no"}, count=-1)
    dead = c.settled(c.update(whid, {"whname": "bad"}))
    assert dead["state"] == "dead"
    behind = c.update(whid, {"whcomment": "behind"})
    assert (behind["state"], behind["reason"]) == ("held", "dependency")
    c.applied(c.create(**webhook(2)))
    c.applied(c.delete(c.applied(c.create(**webhook(3)))["whid"]))
    sim.clear_faults()
    c.call("queue.cancel", op=dead["op"])
    c.applied(behind)
    assert sim.row(whid)["whcomment"] == "behind" and sim.row(whid)["whname"] == "hook 1"


def test_one_list_serves_many_checks(world, sim):
    """From eight webhooks to look at on, one list is asked for instead of eight single ones."""
    sim.seed(40)
    c = world.whd(sim, {"queue.check_age": "1s", "sync.interval": "1h"}).client()
    c.synced()
    c.go_offline(sim)
    for row in sim.rows():
        c.update(row["whid"], {"whcomment": "all of them"})
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=1200)
    before = sim.mark()
    c.go_online(sim)
    c.idle()
    singles = [e for e in sim.log(before, "GET") if e["whid"] is not None]
    assert {r["whcomment"] for r in sim.rows()} == {"all of them"}
    assert len(singles) < 10, f"{len(singles)} single reads for 40 changes"


def test_many_that_wait_for_one_keep_nobody_else(world, sim):
    """More creates wait for one of unknown outcome than are looked at in a turn of any length;
    what comes behind them goes at once, and they follow one after another, the oldest first."""
    c = world.whd(sim).client()
    c.synced()
    rule = sim.fault("delay", method="POST", ms=HELD, count=1)
    alike = dict(callbackUrl="https://hooks.example.org/in/0")
    first = c.create(**webhook(0))
    sim.wait_hits(rule)
    waiting = [c.create(**webhook(n, **alike)) for n in range(1, 1200)]
    c.applied(c.create(**webhook(5000)))
    assert len(sim.log(method="POST")) == 2
    keep = waiting[:20]
    for op in waiting[20:]:
        c.call("queue.cancel", op=op["op"])
    sim.clear_faults()
    for op in (first, *keep):
        c.applied(op)
    names = [json.loads(e["body"])["whname"] for e in sim.log(method="POST")]
    assert names == ["hook 0", "hook 5000", *(f"hook {n}" for n in range(1, 21))]


def test_creates_that_wait_for_a_slow_list_keep_nobody_else(world, sim):
    c = world.whd(sim, {"queue.check_age": "0"}).client()
    whid = c.applied(c.create(**webhook(0)))["whid"]
    rule = sim.fault("delay", method="GET", list=True, ms=HELD)
    n = 0
    while not sim.hits(rule):  # for a second the first list is young enough
        n += 1
        c.create(**webhook(n))
        with contextlib.suppress(c.Error):
            c.call("wait", until="idle", timeout_ms=100)
    for more in range(n + 1, n + 60):
        c.create(**webhook(more))
    made = len(sim.rows())
    c.applied(c.update(whid, {"whcomment": "meanwhile"}))
    assert len(sim.rows()) == made < n
    sim.clear_faults()
    c.idle()
    assert len(sim.rows()) == n + 60


@pytest.mark.parametrize("verb", ["queue.hold", "queue.cancel"])
def test_the_next_goes_when_the_first_steps_aside(world, sim, verb):
    """A create that is held or taken back keeps those like it no longer."""
    c = world.whd(sim).client()
    c.synced()
    c.go_offline(sim)
    first, second = c.create(**webhook(1)), c.create(**webhook(2, **TWINS["same url"]))
    c.call(verb, op=first["op"])
    c.go_online(sim)
    c.applied(second)
    if verb == "queue.hold":
        c.call("queue.release", op=first["op"])
        c.applied(first)
    assert sim.executed("POST") == (2 if verb == "queue.hold" else 1)
