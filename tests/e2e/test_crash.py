# SPDX-License-Identifier: MIT
"""kill -9 at any moment: what was acknowledged is carried out, each create once."""

import random

import msgpack
import pytest

from support.data import webhook
from support.sim import six

FAST = {"sync.interval": "100ms"}


class Intent:
    """What the rows at the API must be in the end, and the calls that say so, each repeatable."""

    def __init__(self, existing, seed):
        self.draw = random.Random(seed)
        self.rows = {r["whname"]: six(r) for r in existing}
        self.whid = {r["whname"]: r["whid"] for r in existing}
        self.gone = set()
        self.made = 0

    def next_call(self, n):
        kind = self.draw.choices(("create", "update", "delete"), (6, 3, 1))[0]
        live = [name for name in self.whid if name not in self.gone]
        if kind == "create" or not live:
            self.made += 1
            row = webhook(1000 + n)
            self.rows[row["whname"]] = six(row)
            return "webhook.create", row
        name = self.draw.choice(live)
        if kind == "update":
            self.rows[name]["whcomment"] = f"changed by {n}"
            return "webhook.update", {"whid": self.whid[name],
                                      "set": {"whcomment": f"changed by {n}"}}
        self.gone.add(name)
        del self.rows[name]
        return "webhook.delete", {"whid": self.whid[name]}


def queue_all(whd, intent, n, kills):
    """Queues n changes; at some of them whd is killed before its answer is read."""
    c = whd.client()
    at = set(intent.draw.sample(range(n), kills))
    for i in range(n):
        method, params = intent.next_call(i)
        params = {**params, "request_id": f"call {i}"}
        if i in at:
            c._sock.sendall(msgpack.packb([0, 99, method, [params]]))
            whd.kill()
            c = whd.start().client()
        c.call(method, **params)


def drain_with_kills(sim, whd, kills, draw):
    """Lets the queue drain, killing whd whenever some more requests have been seen."""
    sim.up()
    for _ in range(kills):
        seen = sim.stats()["log"]
        sim.wait(log_at_least=seen + draw.randint(5, 60))
        whd.kill()
        whd.start()
    whd.client().idle()


def check(sim, whd, intent):
    c = whd.client()
    assert c.call("queue.list")["items"] == [], "nothing is held, dead or in conflict"
    assert {r["whname"]: six(r) for r in sim.rows()} == intent.rows
    assert len(sim.rows()) == len(intent.rows)
    executed = [e for e in sim.log(method="POST") if e["executed_n"]]
    assert sum(e["executed_n"] for e in executed) == intent.made, "each create once"
    c.call("sync.now")
    assert {w["whname"]: six(w) for w in c.list()} == intent.rows


@pytest.mark.parametrize("seed", [1, 2])
def test_200_changes_and_kills_at_random_moments(world, sim, seed):
    sim.add_all([webhook(n) for n in range(60)])
    whd = world.whd(sim, FAST)
    whd.client().synced()
    intent = Intent(sim.rows(), seed)
    whd.client().go_offline(sim)
    queue_all(whd, intent, 200, kills=4)
    sim.fault("delay", method="*", ms=3, count=-1)
    drain_with_kills(sim, whd, 3, intent.draw)
    check(sim, whd, intent)


def test_kills_while_queueing_and_draining_at_once(world, sim):
    """The API is there all the time, and every fifth change dies on its way too."""
    sim.add_all([webhook(n) for n in range(60)])
    whd = world.whd(sim, FAST)
    whd.client().synced()
    intent = Intent(sim.rows(), 3)
    sim.fault("close_after", method="POST", count=5, skip=4)
    sim.fault("reset_before", method="*", list=False, count=5, skip=20)
    queue_all(whd, intent, 120, kills=6)
    whd.client().idle()
    check(sim, whd, intent)


# what the API does with the request that whd is killed in, and how often it is seen in the end
EDGES = {
    "sent, never executed": (dict(action="stall"), 2),
    "executed, no answer": (dict(action="stall", execute=True), 1),
    "executed, half an answer": (dict(action="slow_body", bytes=1, ms=60000), 1),
    "executed while whd is dead": (dict(action="execute_late", ms=86400000, drop=True), 1),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_killed_between_send_and_answer(world, sim, edge, method):
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    whid = c.applied(c.create(**webhook(0)))["whid"]
    members, requests = EDGES[edge]
    before = sim.mark()
    rule = sim.fault(method=method, **members)
    op = {"POST": lambda: c.create(**webhook(1)),
          "PATCH": lambda: c.update(whid, {"whcomment": "x"}),
          "DELETE": lambda: c.delete(whid)}[method]()
    sim.wait_hits(rule)
    whd.kill()
    sim.verb("POST", "/late")
    sim.clear_faults()
    c = whd.start().client()
    op = c.applied(op)
    c.idle()
    seen = sim.log(before, method)
    assert len(seen) == requests, "looked up before it is sent again"
    assert sum(e["executed_n"] for e in seen) == 1
    rows = {"POST": ["comment 0", "comment 1"], "PATCH": ["x"], "DELETE": []}[method]
    assert [r["whcomment"] for r in sim.rows()] == rows
    if members["action"] == "stall":
        attempts = c.call("queue.get", op=op["op"])["log"]
        assert attempts[0]["outcome"] == "unknown" and "whd ended" in attempts[0]["rule"]


def test_a_create_that_surfaces_late_is_not_made_twice(world, sim):
    """The API works on it for a while: whoever looks in the settle time finds it in the end."""
    whd = world.whd(sim, {**FAST, "queue.settle_timeout": "60s"})
    c = whd.client()
    c.synced()
    sim.fault("execute_late", method="POST", ms=86400000, drop=True)
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    whd.kill()
    c = whd.start().client()
    for _ in range(5):
        c.call("sync.now")
    assert c.call("queue.get", op=op["op"])["state"] == "unknown"
    assert [w["whid"] for w in c.list()] == [op["tmp_id"]]
    sim.verb("POST", "/late")
    assert c.applied(op)["result"] == "adopted"
    assert len(sim.log(method="POST")) == 1 and len(sim.rows()) == 1
    assert [w["whid"] for w in c.list()] == [sim.rows()[0]["whid"]]


def test_killed_while_reading_the_row_first(world, sim):
    """A check that was under way is no attempt: it is done again."""
    whd = world.whd(sim, {"queue.check_age": "0"})
    c = whd.client()
    c.synced()
    whid = c.applied(c.create(**webhook(0)))["whid"]
    rule = sim.fault("stall", method="GET", list=False)
    op = c.update(whid, {"whcomment": "x"})
    sim.wait_hits(rule)
    whd.kill()
    sim.clear_faults()
    c = whd.start().client()
    assert c.applied(op)["attempts"] == 1
    assert sim.executed("PATCH") == 1


def test_an_answer_means_it_is_on_disk(world, sim):
    """Killed right behind the answer, again and again: no acknowledged change is missing."""
    whd = world.whd(sim)
    whd.client().synced()
    whd.client().go_offline(sim)
    acknowledged = []
    for n in range(12):
        c = whd.client()
        acknowledged.append(c.create(**webhook(n))["op"])
        whd.kill()
        whd.start()
    items = whd.client().call("queue.list")["items"]
    assert [i["op"] for i in items] == acknowledged, "all, in their order"
