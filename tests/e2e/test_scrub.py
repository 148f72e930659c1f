# SPDX-License-Identifier: MIT
"""The store checked while it is served: by an admin, and by the clock. What is found is told in
the log, by status and by an event; webhooks come back by a list, the rest by the next start."""

import pytest

from support.ctl import Ctl
from support.data import webhook
from support.sim import six


def damage(whd, text):
    """Changes a byte wherever the data file holds `text`: LMDB sees it at once."""
    with open(whd.store / "data.mdb", "r+b") as f:
        data = f.read()
        at = -1
        while (at := data.find(text, at + 1)) >= 0:
            f.seek(at)
            f.write(bytes([data[at] ^ 1]))


@pytest.fixture
def whd(world, sim):
    sim.add_all([webhook(n) for n in range(5)])
    whd = world.whd(sim)
    whd.client().synced()
    return whd


def test_a_webhook(sim, whd):
    c, ctl = whd.client(), Ctl(whd.socket)
    head = c.head()
    damage(whd, b"comment 3")
    ran = ctl.run("check")
    assert ran.code == 1 and "checksum" in ran.out and "run whctl sync" in ran.out, ran
    assert "being fetched again" in c.status()["store"]["damage"]
    says = ["the store was damaged: a check found", "until whctl check finds nothing"]
    ran = ctl.run("status", "--check")
    assert ran.code == 1 and all(part in ran.err for part in says), ran
    assert "whd_store_damaged 1\n" in c.call("metrics")
    c.until(lambda e: e["kind"] == "sync" and e["state"] == "damaged", since=head)
    c.call("sync.now")
    row = next(w for w in c.list() if w["whname"] == "hook 3")
    assert six(row) == six(webhook(3))
    assert c.call("store.check")["sound"] and c.status()["store"]["damage"] is None
    ctl.ok("status", "--check=all")
    assert "whd_store_damaged 0\n" in c.call("metrics")
    whd.restart()
    assert not list(whd.store.glob("data.mdb.damaged-*")), "nothing had to be made anew"


def test_list_tells_what_it_leaves_out(sim, whd):
    c, ctl = whd.client(), Ctl(whd.socket)
    c.go_offline(sim)  # it cannot be fetched again so soon
    assert "damaged" not in c.call("webhook.list")
    damage(whd, b"comment 3")
    page = c.call("webhook.list")
    assert (page["damaged"], len(page["items"])) == (1, 4)
    pages, cursor = [], None
    while cursor or not pages:
        pages.append(c.call("webhook.list", limit=1, cursor=cursor))
        cursor = pages[-1].get("cursor")
    assert sum(p.get("damaged", 0) for p in pages) == 1 and len(pages) == 4, "told once"
    ran = ctl.run("list")
    assert ran.code == 0 and "damaged webhooks are left out (1)" in ran.err, ran
    c.go_online(sim)
    c.call("sync.now")
    page = c.call("webhook.list")
    assert "damaged" not in page and len(page["items"]) == 5


def test_what_no_list_brings_back(sim, whd):
    """It is noted in the store, and the next start makes the store anew without it."""
    c = whd.client()
    op = c.applied(c.create(**webhook(9)))
    other = c.applied(c.create(**webhook(8)))
    damage(whd, b"comment 9")
    found = c.call("store.check")
    assert not found["sound"] and {"history"} <= {p["table"] for p in found["problems"]}
    assert all("; " in p["problem"] for p in found["problems"])
    assert "restart whd" in c.status()["store"]["damage"]
    c = whd.restart().client()
    (kept,) = whd.store.glob("data.mdb.damaged-*")
    assert kept.name in c.status()["store"]["damage"]
    c.call("sync.now")
    assert kept.name in Ctl(whd.socket).run("status", "--check").err
    assert c.call("store.check")["sound"] and c.status()["store"]["damage"] is None
    assert c.call("queue.get", op=other["op"])["state"] == "done"
    assert six(c.call("webhook.get", whid=op["whid"])) == six(webhook(9))
    assert whd.restart().client().status()["store"]["damage"] is None
    assert len(list(whd.store.glob("data.mdb.damaged-*"))) == 1, "once is enough"


def test_by_the_clock(world, sim):
    sim.add_all([webhook(n) for n in range(5)])
    whd = world.whd(sim, env={"WHD_TEST_SCRUB_MS": "1000"})
    c = whd.client()
    c.synced()
    damage(whd, b"comment 2")
    whd.child.wait_line("the store is damaged")
    row = next(r for r in sim.rows() if r["whname"] == "hook 2")
    c.until(lambda e: e["kind"] == "sync" and e["state"] == "damaged")
    c.call("sync.now")
    assert six(c.call("webhook.get", whid=row["whid"])) == six(webhook(2))
