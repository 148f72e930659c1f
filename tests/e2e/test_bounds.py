# SPDX-License-Identifier: MIT
"""What is kept, how much of it and for how long: the queue by bytes, the history by age and
number, and what is never thrown away by itself."""

from support.client import refused
from support.data import webhook


def pass_time(c, ms):
    """Waits in whd itself."""
    with refused("TIMEOUT"):
        c.call("wait", until="synced", revision=10**9, timeout_ms=ms)


def test_queue_is_bounded_by_bytes(world, sim):
    c = world.whd(sim, {"queue.max_bytes": "16KiB"}).client()
    c.synced()
    c.go_offline(sim)
    ops = []
    with refused("QUEUE_FULL", "max_bytes"):
        for n in range(100):
            ops.append(c.create(**webhook(n, whcomment="x" * 3000)))
    status = c.status()["queue"]
    assert 3 <= len(ops) <= 6 and status["queued"] == len(ops) and status["full"]
    assert status["bytes"] >= 16384
    c.go_online(sim)
    c.idle()
    assert len(sim.rows()) == len(ops), "nothing was pushed out"
    assert c.status()["queue"]["bytes"] == 0 and not c.status()["queue"]["full"]


def test_history_is_bounded_by_age(world, sim):
    c = world.whd(sim, {"history.max_age": "1s"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    op = c.applied(c.update(whid, {"whcomment": "x"}))
    sim.fault("status", method="PATCH", status=400, body={"message": "no"})
    dead = c.settled(c.update(whid, {"whcomment": "y"}))
    held = c.update(whid, {"whcomment": "z"})
    assert held["reason"] == "dependency"
    assert len(c.call("history.list")["items"]) >= 2
    pass_time(c, 1100)
    c.call("sync.now")  # lists take what is old along
    assert c.call("history.list")["items"] == [] and c.status()["store"]["history"] == 0
    with refused("OP_NOT_FOUND"):
        c.call("queue.get", op=op["op"])
    assert c.call("queue.get", op=dead["op"])["state"] == "dead", "what needs a person stays"
    assert c.call("queue.get", op=held["op"])["state"] == "held"


def test_history_is_bounded_while_the_api_is_away(world, sim):
    """No list comes that could take the oldest out, and changes go on."""
    c = world.whd(sim, {"history.max_ops": "5"}).client()
    c.synced()
    c.go_offline(sim)
    tmp = c.create(**webhook(1))["tmp_id"]
    for n in range(40):
        c.update(tmp, {"whcomment": f"turn {n}"})
    items = c.call("history.list")["items"]
    assert len(items) == 5 and items[0]["fields"] == {"whcomment": "turn 39"}
    assert c.status()["store"]["history"] == 5
    c.go_online(sim)
    c.idle()
    assert sim.rows()[0]["whcomment"] == "turn 39"


def test_request_id_outlives_the_history(world, sim):
    """A repeated call is never carried out twice, though nobody can tell any more how it ended."""
    c = world.whd(sim, {"history.max_ops": "2"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1), request_id="once"))["whid"]
    for n in range(4):
        c.applied(c.update(whid, {"whcomment": f"turn {n}"}))
    c.applied(c.delete(whid))
    with refused("OP_NOT_FOUND", "request_id"):
        c.create(**webhook(1), request_id="once")
    c.idle()
    assert sim.executed("POST") == 1 and sim.rows() == []


def test_rejected_create_is_found_by_its_local_id_only(sim, c):
    """Its caller can still read it; lists do not show what never was."""
    sim.fault("status", method="POST", status=400, body={"message": "no"})
    op = c.settled(c.create(**webhook(1)))
    assert op["state"] == "dead"
    seen = c.get(op["tmp_id"])
    assert seen["_whd"]["state"] == "rejected" and seen["whname"] == "hook 1"
    assert list(c.list()) == [] and list(c.list(view="confirmed")) == []
    with refused("BAD_STATE", "rejected"):
        c.update(op["tmp_id"], {"whcomment": "x"})
    c.call("queue.cancel", op=op["op"])
    with refused("NOT_FOUND"):
        c.get(op["tmp_id"])
