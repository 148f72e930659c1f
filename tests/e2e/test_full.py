# SPDX-License-Identifier: MIT
"""A store that is full: no change is taken any more, those taken are carried out, reads go on,
and room that comes back is used."""

from support.client import WhdError, refused
from support.data import webhook


def fill(c, most=5000):
    """Queues large changes until one is refused; returns those that were taken."""
    taken = []
    for n in range(most):
        try:
            taken.append(c.create(**webhook(n, whcomment="x" * 4000)))
        except WhdError as error:
            assert error.code == "STORE_FULL", error
            assert "max_size" in error.message or "disk" in error.message
            return taken
    raise AssertionError("the store never filled up")


def test_map_full(world, sim):
    whd = world.whd(sim, {"store.max_size": "8MiB", "sync.interval": "200ms"})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    taken = fill(c)
    assert len(taken) > 50, "most of it is there to be used"
    assert c.get(taken[0]["tmp_id"])["whname"] == "hook 0"
    assert len(list(c.list())) == len(taken)
    with refused("STORE_FULL"):
        c.update(taken[0]["tmp_id"], {"whcomment": "y"})
    assert c.status()["store"]["used"] <= c.status()["store"]["max"]
    whd.kill()
    whd.start()
    c = whd.client()
    assert [i["op"] for i in c.pages("queue.list", limit=1000)] == [o["op"] for o in taken]
    c.go_online(sim)
    for op in taken:
        assert c.settled(op, 10)["state"] == "done"
    assert sim.executed("POST") == len(taken) == len(sim.rows())


def test_queue_bytes_are_bounded(world, sim):
    c = world.whd(sim, {"queue.max_bytes": "64KiB"}).client()
    c.synced()
    c.go_offline(sim)
    taken = 0
    try:
        for n in range(100):
            c.create(**webhook(n, whcomment="x" * 4000))
            taken += 1
    except WhdError as error:
        assert error.code == "QUEUE_FULL" and "max_bytes" in error.message
    assert 10 <= taken <= 20
    c.go_online(sim)
    c.idle()
    c.create(**webhook(99))
    c.idle()
    assert len(sim.rows()) == taken + 1


def test_lane_is_bounded(sim, c):
    """One webhook's own queue has an end too; nothing of it is lost when it is reached."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    held = []
    for n in range(2000):
        try:
            op = c.update(whid, {"whcomment": f"turn {n}"})
            c.call("queue.hold", op=op["op"])
            held.append(op)
        except WhdError as error:
            assert error.code in ("QUEUE_FULL", "BAD_STATE"), error
            break
    c.go_online(sim)
    for op in held:
        state = c.call("queue.get", op=op["op"])["state"]
        assert state in ("held", "done", "superseded"), state
