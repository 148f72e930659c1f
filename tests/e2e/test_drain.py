# SPDX-License-Identifier: MIT
"""Many changes that waited go out: over few connections that are kept, with few reads beside, and
each just once."""

import time

import pytest

from support.data import webhook
from support.sim import six


def queue_updates(sim, c, more=lambda number: {}):
    """An update of each webhook, queued while the API is gone. Their ids."""
    c.synced()
    ids = [row["whid"] for row in c.list(limit=1000)]
    c.go_offline(sim)
    for number, whid in enumerate(ids):
        c.update(whid, {"whcomment": f"drained {number}", **more(number)})
    return ids


@pytest.mark.parametrize("width", [1, 4])
def test_each_lane_keeps_one_connection(world, sim, width):
    """As many connections as changes may run at once, each used over and over, and no row is
    read by itself: the list that was begun last serves all."""
    n = 200
    sim.add_all([webhook(i) for i in range(n)])
    c = world.whd(sim, {"queue.concurrency": width, "queue.check_age": "1min"}).client()
    queue_updates(sim, c)
    mark = sim.mark()
    c.go_online(sim)
    c.idle()
    sent = sim.log(mark, "PATCH")
    assert len(sent) == n and all(e["executed_n"] == 1 for e in sent)
    assert len({e["whid"] for e in sent}) == n
    assert len({e["conn"] for e in sent}) <= width
    assert max(e["conn_req"] for e in sent) >= n // width // 2
    assert len(sim.log(mark, "GET")) == len(sim.lists(mark)) <= 3
    assert all(row["whcomment"].startswith("drained ") for row in sim.rows())


def test_killed_with_many_marked_ahead(world, sim):
    """The API answers faster than the disk flushes: far more are marked than are on the wire when
    whd dies. Each of them is found out and goes out once."""
    n = 1000
    sim.add_all([webhook(i) for i in range(n)])
    whd = world.whd(sim, {"queue.concurrency": 8, "queue.check_age": "1min"})
    c = whd.client()
    ids = queue_updates(sim, c)
    mark = sim.mark()
    sim.up()
    for part in (100, 300, 500, 700):
        sim.wait_requests("PATCH", part)
        whd.kill()
        sim.wait_quiet()
        whd.start()
    whd.client().idle()
    executed = [e["whid"] for e in sim.log(mark, "PATCH") if e["executed_n"]]
    assert sorted(executed) == sorted(ids)
    assert sorted(row["whcomment"] for row in sim.rows()) == sorted(
        f"drained {number}" for number in range(n))


def told(c, whids):
    """What local programs are told of webhooks, in each way there is."""
    by_get = {whid: six(c.get(whid)) for whid in whids}
    listed = {row["whid"]: six(row) for row in c.list(limit=1000)}
    assert {whid: listed[whid] for whid in whids} == by_get
    found = [row["whid"] for m in "01" for row in c.list(municipalityId=m, limit=1000)]
    assert sorted(found) == sorted(listed)
    return listed


def test_rows_that_are_written_later(world, sim):
    """While hundreds of changes wait, that one is in effect is noted and its row is written
    with those of others. Nobody sees that: what is read, listed and found is the same, a change
    may follow at once, and so may a kill."""
    n = 1000
    sim.add_all([webhook(i, municipalityId=str(i % 2)) for i in range(n)])
    whd = world.whd(sim, {"queue.concurrency": 4, "queue.check_age": "1min"})
    c = whd.client()
    ids = queue_updates(sim, c, lambda number: {"municipalityId": str(number % 2)})
    expected = told(c, ids)
    mark = sim.mark()
    sim.fault("delay", method="PATCH", ms=20)
    sim.up()
    sim.wait_requests("PATCH", 100)
    end = time.monotonic() + 30
    while c.rows_behind() < 50:
        assert time.monotonic() < end
    assert told(c, ids) == expected
    done = [e["whid"] for e in sim.log(mark, "PATCH")[:40]]
    for whid in done:
        about = c.get(whid)["_whd"]
        assert about["state"] == "synced" and about["pending"] == 0, about
        assert six(c.get(whid, view="confirmed")) == expected[whid]
    c.update(done[0], {"whcomment": "changed again"})
    c.call("webhook.delete", whid=done[1])
    expected[done[0]] = expected[done[0]] | {"whcomment": "changed again"}
    del expected[done[1]]
    assert c.rows_behind() and c.call("store.check")["sound"]
    assert told(c, expected) == expected
    whd.kill()
    whd.start()
    c = whd.client()
    assert told(c, expected) == expected
    c.idle()
    sent = [e["whid"] for e in sim.log(mark, "PATCH") if e["executed_n"]]
    assert sorted(sent) == sorted([*ids, done[0]])
    assert {row["whid"]: six(row) for row in sim.rows()} == expected
    c.caught_up()
    assert told(c, expected) == expected
    assert c.call("store.check")["sound"]


def test_one_refusal_keeps_back_what_stands_by(world, sim):
    """Of the hundreds that are marked some stand by at the transport, which begins the next one
    by itself after a success. One refusal, and no success begins another one; all that had not
    left are queued as if they had never been marked."""
    n, width = 1000, 8
    sim.add_all([webhook(i) for i in range(n)])
    c = world.whd(sim, {"queue.concurrency": width, "queue.check_age": "1min"}).client()
    queue_updates(sim, c)
    mark = sim.mark()
    sim.up()
    sim.wait_requests("PATCH", 200)
    out = sim.fault("stall", method="PATCH", execute=True, resume=True, count=width - 1)
    sim.wait_hits(out, width - 1)
    sim.fault("apim_429", method="PATCH", count=1, seconds=600)
    c.gate("rate")
    sim.clear_faults()
    end = time.monotonic() + 30
    while (queue := c.status()["queue"])["sending"]:
        assert time.monotonic() < end, queue
    log = sim.log(mark, "PATCH")
    assert log[-1]["status"] == 429, "none left behind it, though the others were successes"
    assert queue["queued"] == n - sum(e["executed_n"] for e in log)


def test_nothing_of_one_transfer_shows_in_the_next(world, sim):
    """A handle is used again only after a plain success, and then as a new one: what a reply
    said, or how a request looked, is forgotten."""
    c = world.whd(sim, {"queue.concurrency": 1}).client()
    c.synced()
    made = [c.applied(c.create(**webhook(i)))["whid"] for i in range(3)]
    mark = sim.mark()
    c.applied(c.update(made[0], {"whcomment": "x" * 3000}))
    c.applied(c.delete(made[1]))
    sim.fault("status", method="PATCH", status=422, count=1)
    assert c.settled(c.update(made[2], {"whcomment": "no"}))["state"] == "dead"
    c.applied(c.create(**webhook(9)))
    c.applied(c.update(made[0], {"whcomment": "y"}))
    for e in sim.log(mark):
        if e["method"] == "DELETE":
            assert not e["body"]
        if e["method"] == "POST":
            assert e["whid"] is None
        if e["method"] == "PATCH":
            assert "whname" in e["body"] and e["whid"] in made
    assert len(sim.rows()) == 3
