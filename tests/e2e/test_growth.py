# SPDX-License-Identifier: MIT
"""What a call costs does not depend on how much is stored or waits.

Measured is processor time of whd's threads, not time on a clock, with few and with many of
everything: what looked at all of them would cost as many times more as there are more.

By hand, with the costs printed: WHD_GROWTH_TO=1000000 python3 -m pytest -s tests/e2e/test_growth.py
"""

import os
import pathlib

import pytest

from support.data import webhook
from support.wire import Raw

FEW, MANY = 500, int(os.environ.get("WHD_GROWTH_TO", "16000"))
MORE = 6  # times as much processor time is allowed: caches, deeper trees, a loaded machine
ROUNDS = 150


@pytest.fixture(autouse=True)
def one_processor():
    """For the test, and what it starts: to wake somebody on another processor costs many times
    what a call does, and whether it is needed is the scheduler's choice."""
    all_of = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_of)})
    yield
    os.sched_setaffinity(0, all_of)


class Meter:
    """Nanoseconds that the threads of a process have run."""

    def __init__(self, whd):
        self.tasks = pathlib.Path(f"/proc/{whd.child.pid}/task")

    def now(self):
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in self.tasks.iterdir())

    def cost(self, what, rounds=ROUNDS):
        before = self.now()
        for number in range(rounds):
            what(number)
        return (self.now() - before) / rounds


def check_flat(few, many):
    for name in few:
        print(f"{name}: {few[name] / 1000:.1f} us, then {many[name] / 1000:.1f} us")
    for name in few:
        assert many[name] <= few[name] * MORE, (name, few, many)


def pour(whd, calls, depth=40):
    """Calls without waiting for each answer; none may fail."""
    raw = Raw(whd.socket)
    for ident, (method, params) in enumerate(calls):
        raw.send(ident, method, **params)
        if ident >= depth:
            raw.result(ident - depth)
    for ident in range(max(0, len(calls) - depth), len(calls)):
        raw.result(ident)
    raw.close()


def test_cost_of_calls_with_rows(world, sim):
    costs = []
    whd = world.whd(sim, {"log.level": "info", "upstream.max_body": "4GiB",
                          "upstream.timeout": "10min"})
    c = whd.client()
    c.synced()
    meter = Meter(whd)
    for have, n in (0, FEW), (FEW, MANY):
        for start in range(have, n, 10000):
            sim.add_all([webhook(i, municipalityId=str(i // 10))
                         for i in range(start, min(n, start + 10000))])
        c.call("sync.now", timeout_ms=300000)
        some = [row["whid"] for row in c.call("webhook.list", limit=1000)["items"]]
        costs.append({
            "get": meter.cost(lambda i: c.get(some[i])),
            "page": meter.cost(lambda i: c.call("webhook.list", limit=10)),
            "filtered page": meter.cost(lambda i: c.call(
                "webhook.list", municipalityId=str(i % 40), process="all")),
            "status": meter.cost(lambda i: c.status()),
            "update": meter.cost(lambda i: c.applied(c.update(
                some[i], {"whcomment": f"{n} {i}"})), 60),
        })
    check_flat(*costs)


def test_cost_of_calls_with_a_queue(world, sim):
    """All of it waits for one create like it, whose outcome is not known."""
    costs = []
    whd = world.whd(sim, {"log.level": "info", "queue.max_ops": 10 * MANY,
                          "queue.max_bytes": "8GiB"})
    c = whd.client()
    c.synced()
    alike = dict(callbackUrl="https://hooks.example.org/in/0")
    rule = sim.fault("delay", method="POST", ms=600000, count=1)
    c.create(**webhook(0))
    sim.wait_hits(rule)
    meter = Meter(whd)
    for have, n in (1, FEW), (FEW, MANY):
        pour(whd, [("webhook.create", webhook(i, **alike)) for i in range(have, n)])
        assert c.status()["queue"]["queued"] == n - 1
        c.caught_up()
        some = [op["op"] for op in c.call("queue.list", limit=1000)["items"]]
        costs.append({
            "enqueue and turn": meter.cost(lambda i: c.call(
                "queue.cancel", op=c.create(**webhook(100000 + i, **alike))["op"])),
            "create that goes": meter.cost(lambda i: c.applied(
                c.create(**webhook(200000 + n + i))), 40),
            "queue.list": meter.cost(lambda i: c.call("queue.list", limit=10)),
            "queue.list by state": meter.cost(lambda i: c.call(
                "queue.list", state="queued", limit=10)),
            "queue.get": meter.cost(lambda i: c.call("queue.get", op=some[i])),
            "pending": meter.cost(lambda i: c.call("webhook.list", pending=True, limit=10)),
            "status": meter.cost(lambda i: c.status()),
        })
    check_flat(*costs)
    assert len(sim.log(method="POST")) == 81, "none of those that wait went out"
