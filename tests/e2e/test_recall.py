# SPDX-License-Identifier: MIT
"""A webhook that is asked for again and again is answered from memory; what it says is never
older than the last change that was acknowledged, whatever kind of change that was."""

import pytest

from support.client import refused
from support.data import webhook


def recalled(c):
    return c.counter("calls_recalled")


def often(c, whid, **params):
    """Asks until the answer comes from memory twice; returns it."""
    since = recalled(c)
    for _ in range(100):
        answer = c.get(whid, **params)
    assert recalled(c) >= since + 2, "asked a hundred times, and never answered from memory"
    return answer


@pytest.fixture
def row(sim, c):
    made = [sim.add(**webhook(n)) for n in range(3)]
    c.call("sync.now")
    return made[1]["whid"]


def test_the_same_answer(sim, c, row):
    first = c.get(row)
    again = often(c, row)
    age = again["_whd"].pop("age_ms")
    assert age >= first["_whd"].pop("age_ms") and again == first
    assert often(c, row.upper())["whid"] == row
    with refused("NOT_FOUND"):
        c.get(row[:-1] + "x")


def test_age_goes_on(world, sim):
    sim.add(**webhook(1))
    c = world.whd(sim, {"sync.stale_after": "300ms"}).client()
    c.synced()
    row = sim.rows()[0]["whid"]
    c.go_offline(sim)
    age = often(c, row)["_whd"]["age_ms"]
    while True:
        now = c.get(row)["_whd"]
        assert now["age_ms"] >= age and now["stale"] == (now["age_ms"] > 300)
        age = now["age_ms"]
        if now["stale"]:
            break
    assert often(c, row)["_whd"]["stale"]
    with refused("STALE"):
        c.get(row, max_age=300)
    assert c.get(row, max_age=age + 600000)["whid"] == row


def test_update_and_its_merge(sim, c, row):
    c.go_offline(sim)
    for n in range(3):  # the second and the third are merged into the first
        often(c, row)
        confirmed = c.get(row, view="confirmed")
        c.update(row, {"whcomment": f"mine {n}"})
        seen = c.get(row)
        assert seen["whcomment"] == f"mine {n}" and seen["_whd"]["state"] == "updating"
        assert c.get(row, view="confirmed")["whcomment"] == confirmed["whcomment"] == "comment 1"
    often(c, row)
    c.go_online(sim)
    c.idle()
    seen, confirmed = c.get(row), c.get(row, view="confirmed")
    assert seen["whcomment"] == confirmed["whcomment"] == "mine 2"
    assert seen["_whd"]["state"] == "synced"


def test_delete_and_its_cancel(sim, c, row):
    c.go_offline(sim)
    often(c, row)
    op = c.delete(row)["op"]
    with refused("DELETED"):
        c.get(row)
    c.call("queue.cancel", op=op)
    assert often(c, row)["_whd"]["state"] == "synced"
    c.delete(row)
    c.go_online(sim)
    c.idle()
    with refused("NOT_FOUND"):
        c.get(row)


def test_create_and_the_id_it_gets(sim, c, row):
    c.go_offline(sim)
    op = c.create(**webhook(9))
    seen = often(c, op["tmp_id"])
    assert seen["_whd"]["state"] == "creating"
    c.go_online(sim)
    whid = c.applied(op)["whid"]
    assert c.get(op["tmp_id"])["whid"] == whid
    assert often(c, op["tmp_id"])["_whd"]["state"] == "synced"


def test_list(sim, c, row):
    often(c, row)
    sim.edit(row, whcomment="of another")
    c.call("sync.now")
    assert c.get(row)["whcomment"] == "of another"
    often(c, row)
    sim.remove(row)
    c.call("sync.now")
    with refused("NOT_FOUND"):
        c.get(row)


def test_one_client_sees_what_another_changed(whd, sim, c, row):
    other = whd.client()
    c.go_offline(sim)
    for n in range(50):
        other.get(row)
        c.update(row, {"whcomment": f"change {n}"})
        assert other.get(row)["whcomment"] == f"change {n}"
        if n % 10 == 0:
            often(other, row)


def test_store_put_back(whd, sim, c, row, tmp_path):
    often(c, row)
    copy = c.call("store.backup", path=str(tmp_path / "copy.mdb"))["path"]
    sim.edit(row, whcomment="after the copy")
    c.call("sync.now")
    assert often(c, row)["whcomment"] == "after the copy"
    c.go_offline(sim)
    assert whd.stop() == 0
    assert whd.command("--restore", copy)[0] == 0
    c = whd.start().client()
    assert often(c, row)["whcomment"] == "comment 1"
    c.go_online(sim)
    c.call("sync.now")
    assert c.get(row)["whcomment"] == "after the copy"
