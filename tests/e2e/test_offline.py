# SPDX-License-Identifier: MIT
"""The API is away: whd starts, serves its last state at once, and says how old it is."""

import time

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six


def test_serves_the_last_state_after_a_crash(world, sim):
    """kill -9, no API, start: the first answer comes within 100 ms and is all of the last list."""
    sim.seed(500)
    whd = world.whd(sim)
    whd.client().synced()
    queued = whd.client().create(**webhook(1))
    whd.client().applied(queued)
    expected = {r["whid"]: six(r) for r in sim.rows()}
    synced_at = whd.client().status()["sync"]["synced_at"]
    sim.down()
    took = []
    for _ in range(3):
        whd.kill()
        whd.start()
        began = time.monotonic()
        c = whd.client()
        first = c.call("webhook.list", limit=1000)
        took.append(time.monotonic() - began)
        assert {w["whid"]: six(w) for w in first["items"]} == expected
        assert first["synced_at"] == synced_at and first["age_ms"] >= 0
        assert not c.status()["upstream"]["online"]
    assert min(took) < 0.1, took


def test_age_grows_and_is_told_in_every_answer(world, sim):
    sim.seed(3)
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    whd.write_config(sync_stale_after="150ms")
    whd.reload()
    c.go_offline(sim)
    before = c.call("webhook.list")
    with refused("TIMEOUT", "synced"):
        c.call("wait", until="synced", revision=10**9, timeout_ms=200)
    after = c.call("webhook.list")
    assert after["age_ms"] >= before["age_ms"] + 200 and after["stale"]
    assert after["synced_at"] == before["synced_at"]
    for item in after["items"]:
        assert item["_whd"]["stale"] and item["_whd"]["age_ms"] >= 200
        assert c.get(item["whid"])["_whd"]["stale"]
    whd.kill()
    whd.start()
    again = whd.client().call("webhook.list")
    assert again["age_ms"] >= after["age_ms"] and again["stale"], "a restart makes nothing young"
    status = whd.client().status()
    assert status["live"] and status["ready"] and not status["fresh"]


def test_max_age_refuses_what_is_too_old(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    assert c.get(whid, max_age=60000)["whid"] == whid
    assert len(list(c.list(max_age=60000))) == 1
    with refused("TIMEOUT"):
        c.call("wait", until="synced", revision=10**9, timeout_ms=20)
    with refused("STALE", "max_age"):
        c.get(whid, max_age=1)
    with refused("STALE"):
        list(c.list(max_age=1))
    c.call("sync.now")
    assert c.get(whid, max_age=5000)["whid"] == whid


def test_never_synced_is_not_the_same_as_empty(world, sim):
    sim.down()
    whd = world.whd(sim)
    c = whd.client()
    empty = c.call("webhook.list")
    assert empty["items"] == [] and empty["synced_at"] is None and empty["age_ms"] is None
    assert empty["stale"]
    for call in (lambda: c.get("any"), lambda: c.update("any", {"whname": "x"}),
                 lambda: c.delete("any"), lambda: list(c.list(max_age=10**9))):
        with refused("NOT_SYNCED"):
            call()
    op = c.create(**webhook(1))
    assert c.get(op["tmp_id"])["whname"] == "hook 1"
    c.go_online(sim)
    c.applied(op)
    with refused("NOT_FOUND"):
        c.get("any")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/webhookconfig",
                                 "https://whd.invalid/webhookconfig"])
def test_serves_without_any_upstream(world, url):
    whd = world.whd(url, {"upstream.connect_timeout": "200ms"})
    c = whd.client()
    op = c.create(**webhook(1))
    status = c.status()
    assert not status["upstream"]["online"]
    event = c.gate("link")
    assert event["revision"] > 0
    assert c.status()["upstream"]["gate"] == "link" and c.status()["upstream"]["last_error"]
    assert c.call("queue.get", op=op["op"])["attempts"] == 0, "an attempt that could not begin"
    assert c.status()["queue"]["queued"] == 1


def test_changes_made_offline_survive_any_restart(sim, whd):
    c = whd.client()
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(3)]
    c.go_offline(sim)
    created = c.create(**webhook(9))
    updated = c.update(whids[0], {"whcomment": "offline"})
    deleted = c.delete(whids[1])
    seen = {w["whid"]: six(w) for w in c.list()}
    whd.kill()
    whd.start()
    c = whd.client()
    assert {w["whid"]: six(w) for w in c.list()} == seen
    assert whd.restart().client().get(created["tmp_id"])["_whd"]["state"] == "creating"
    c = whd.client()
    c.go_online(sim)
    for op in (created, updated, deleted):
        c.applied(op)
    assert {r["whname"] for r in sim.rows()} == {"hook 0", "hook 2", "hook 9"}
    assert sim.row(whids[0])["whcomment"] == "offline"
    assert [len([e for e in sim.changes() if e["method"] == m and e["executed"]])
            for m in ("POST", "PATCH", "DELETE")] == [4, 1, 1]


def test_link_comes_back_by_itself(sim, c):
    """Nobody asks: the probe finds the API again, and what waited goes out."""
    c.go_offline(sim)
    op = c.create(**webhook(1))
    head = c.head()
    sim.up()
    c.gate("open", since=head)
    assert c.applied(op)["result"] == "applied"
    assert c.status()["upstream"]["online"]
