# SPDX-License-Identifier: MIT
"""What whd costs when nothing happens: little memory, no wake-ups, no growth."""

import pytest

from support import proc, wire
from support.client import refused
from support.data import webhook

ROWS = 10_000
MEMORY_MOST = 40 * 1024  # KiB


def pause(observer, ms):
    """Time passes in another whd: nothing is asked of the one that is looked at."""
    with refused("TIMEOUT"):
        observer.call("wait", until="idle", revision=10**9, timeout_ms=ms)


@pytest.fixture
def observer(world):
    c = world.whd("http://127.0.0.1:1/webhookconfig").client()
    return c


@pytest.fixture
def large(world, sim):
    """A whd with ten thousand webhooks, all of them listed and read once."""
    sim.seed(ROWS)
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    assert sum(1 for _ in c.list(limit=1000)) == ROWS
    return whd


def test_ten_thousand_webhooks_in_little_memory(sim, large):
    if proc.is_sanitized(large.child.pid):
        pytest.skip("a sanitizer's build")
    c = large.client()
    for _ in range(5):
        c.call("sync.now")
        list(c.list(limit=1000))
    assert proc.memory(large.child.pid)["VmRSS"] < MEMORY_MOST


def test_nothing_wakes_it(large, observer):
    """Connections, a subscriber and a parked call are there; for two seconds no thread runs."""
    if proc.is_sanitized(large.child.pid):
        pytest.skip("a sanitizer has threads of its own")
    watcher, waiter = wire.Raw(large.socket), wire.Raw(large.socket)
    watcher.send(1, "events.subscribe")
    watcher.result(1)
    waiter.send(1, "wait", until="idle", revision=10**9, timeout_ms=300000)
    large.client().status()
    counts = []
    for _ in range(3):
        pause(observer, 100)
        before = proc.wake_ups(large.child.pid)
        pause(observer, 2000)
        counts.append(proc.wake_ups(large.child.pid) - before)
        if counts[-1] == 0:
            break
    assert min(counts) == 0, f"{counts} wake-ups in two seconds each"


def test_a_list_wakes_it_only_for_that_list(world, sim, observer):
    """With a short interval the wake-ups follow the lists, not the clock."""
    whd = world.whd(sim, {"sync.interval": "500ms"})
    whd.client().synced()
    before, lists = proc.wake_ups(whd.child.pid), len(sim.lists())
    pause(observer, 2000)
    made = len(sim.lists()) - lists
    assert 2 <= made <= 6
    assert proc.wake_ups(whd.child.pid) - before < made * 60


def test_no_growth_over_many_calls_and_connections(world, sim, whd, c):
    """Ten thousand calls and five hundred connections later it is as large as before."""
    whid = c.applied(c.create(**webhook(1)))["whid"]

    def work():
        for _ in range(250):
            raw = wire.Raw(whd.socket)
            raw.send(1, "webhook.list")
            raw.result(1)
            raw.close()
        for n in range(2000):
            c.get(whid)
        for n in range(20):
            c.applied(c.update(whid, {"whcomment": f"turn {n} {len(sim.rows())}"}))
            c.applied(c.update(whid, {"whcomment": f"turn {n}"}))

    work()
    before, files = proc.memory(whd.child.pid), proc.open_files(whd.child.pid)
    work()
    work()
    after = proc.memory(whd.child.pid)
    assert files is None or proc.open_files(whd.child.pid) <= files + 2
    if proc.is_sanitized(whd.child.pid):
        return  # it keeps freed memory back on purpose
    assert after["VmRSS"] < before["VmRSS"] + 3072, (before["VmRSS"], after["VmRSS"])
