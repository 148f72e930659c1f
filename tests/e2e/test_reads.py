# SPDX-License-Identifier: MIT
"""Reading: one webhook, filtered lists, pages, views, and replies as large as they may be."""

import concurrent.futures
import json
import select
import socket
import threading

import msgpack
import pytest

from support.client import refused
from support.data import webhook
from support.sim import six


@pytest.fixture
def rows(sim, c):
    """Twelve rows that differ in what can be filtered."""
    made = [sim.add(**webhook(
        n, whname=f"name {n % 3}", applicationId=f"app {n % 2}", municipalityId=str(n % 4),
        processes=["all", f"p{n % 5}"])) for n in range(12)]
    c.call("sync.now")
    return made


def names(items):
    return sorted(i["whid"] for i in items)


def test_get_and_list_agree_with_the_api(sim, c, rows):
    for row in rows:
        seen = c.get(row["whid"])
        whd = seen.pop("_whd")
        assert seen == row
        assert whd["state"] == "synced" and whd["pending"] == 0 and not whd["stale"]
    assert names(c.list()) == names(sim.rows())
    with refused("NOT_FOUND", "webhook.list"):
        c.get("nowhere")
    with refused("NOT_FOUND"):
        c.get("x" * 300)
    with refused("NOT_FOUND"):
        c.get("tmp-00000000-0000-7000-8000-000000000000")


FILTERS = {
    "whname": ("name 1", lambda r: r["whname"] == "name 1"),
    "applicationId": ("app 0", lambda r: r["applicationId"] == "app 0"),
    "municipalityId": ("3", lambda r: r["municipalityId"] == "3"),
    "callbackUrl": ("https://hooks.example.org/in/7", lambda r: r["callbackUrl"].endswith("/7")),
    "process": ("p4", lambda r: "p4" in r["processes"]),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter(sim, c, rows, name):
    value, fits = FILTERS[name]
    found = names(c.list(**{name: value}))
    assert found == names(r for r in rows if fits(r)) and found
    assert list(c.list(**{name: value + " "})) == [], "filters match exactly"
    assert names(c.list(**{name: value.encode()})) == found, "a text may come as binary"


def test_filters_and(c, rows):
    found = c.list(whname="name 1", applicationId="app 0", process="all")
    assert names(found) == names(
        r for r in rows if r["whname"] == "name 1" and r["applicationId"] == "app 0")


def test_pending_filter(sim, c, rows):
    c.go_offline(sim)
    changed = rows[3]["whid"]
    c.update(changed, {"whcomment": "x"})
    assert names(c.list(pending=True)) == [changed]
    assert names(c.list(pending=False)) == names(r for r in rows if r["whid"] != changed)
    assert c.get(changed)["_whd"]["pending"] == 1


def test_views(sim, c, rows):
    c.go_offline(sim)
    changed, deleted = rows[0]["whid"], rows[1]["whid"]
    c.update(changed, {"whcomment": "mine"})
    c.delete(deleted)
    tmp = c.create(**webhook(99))["tmp_id"]
    assert c.get(changed)["whcomment"] == "mine"
    assert c.get(changed)["_whd"]["state"] == "updating"
    assert c.get(changed, view="confirmed")["whcomment"] == "comment 0"
    assert c.get(deleted, view="confirmed")["whid"] == deleted
    with refused("DELETED", "confirmed"):
        c.get(deleted)
    effective = names(c.list(view="effective"))
    assert effective == names([*(r for r in rows if r["whid"] != deleted), {"whid": tmp}])
    assert names(c.list(view="confirmed")) == names(rows)
    with refused("INVALID_PARAM", "view"):
        c.get(changed, view="remote")
    assert [w["whcomment"] for w in c.list(whname="name 0", callbackUrl=rows[0]["callbackUrl"])
            ] == ["mine"], "filters see the view that was asked for"


def test_pages_have_no_gap_and_no_repeat(sim, c, rows):
    for limit in (1, 5, 12, 1000):
        seen, cursor = [], None
        while True:
            page = c.call("webhook.list", limit=limit, cursor=cursor)
            assert len(page["items"]) <= limit
            seen += [w["whid"] for w in page["items"]]
            cursor = page.get("cursor")
            if cursor is None:
                break
            assert len(page["items"]) == limit, "a page that is not the last is full"
        assert sorted(seen) == names(rows) and len(seen) == 12


def test_cursor_is_good_across_changes(sim, c, rows):
    first = c.call("webhook.list", limit=6)
    rest_before = names(rows)[6:]
    sim.remove(rest_before[0])
    sim.remove(names(first["items"])[0])
    sim.edit(rest_before[1], whcomment="changed meanwhile")
    c.call("sync.now")
    second = c.call("webhook.list", limit=1000, cursor=first["cursor"])
    assert [w["whid"] for w in second["items"]] == rest_before[1:]
    assert second["items"][0]["whcomment"] == "changed meanwhile"


def test_cursor_is_bound_to_its_question(c, rows):
    cursor = c.call("webhook.list", limit=2, whname="name 1")["cursor"]
    for other in ({}, {"whname": "name 2"}, {"whname": "name 1", "process": "all"},
                  {"whname": "name 1", "view": "confirmed"},
                  {"whname": "name 1", "pending": False}):
        with refused("INVALID_PARAM", "cursor"):
            c.call("webhook.list", cursor=cursor, **other)
    for bad in ("", "x", cursor[:10], "0" * 16 + ":x", cursor.upper() + "\x00"):
        with refused("INVALID_PARAM", "cursor"):
            c.call("webhook.list", whname="name 1", cursor=bad)
    assert c.call("webhook.list", whname="name 1", cursor=cursor, limit=7)["items"]


def test_limit_is_1_to_1000(c):
    for bad in (0, -1, 1001, 2**63 - 1):
        with refused("INVALID_PARAM", "limit"):
            c.call("webhook.list", limit=bad)


def test_3000_rows_paged_equal_the_api(sim, c):
    sim.seed(3000)
    assert c.call("sync.now", timeout_ms=60000)["added"] == 3000
    served = {w["whid"]: {k: v for k, v in w.items() if k != "_whd"} for w in c.list(limit=1000)}
    assert served == {r["whid"]: r for r in sim.rows()}
    first = c.call("webhook.list")
    assert len(first["items"]) == 100, "the default limit"


def test_reply_stays_below_1_mib_whatever_the_limit(sim, c):
    """Rows of 60 KiB: a page holds as many as fit, and the pages together hold all."""
    sim.add_all([webhook(n, whcomment="ü" * 30000) for n in range(40)])
    c.call("sync.now")
    sizes, cursor, seen = [], None, 0
    while True:
        page = c.call("webhook.list", limit=1000, cursor=cursor)
        sizes.append(len(json.dumps(page, ensure_ascii=False).encode()))
        seen += len(page["items"])
        cursor = page.get("cursor")
        if cursor is None:
            break
    assert seen == 40 and max(sizes) < 1024 * 1024 and len(sizes) < 10
    assert max(sizes) > 512 * 1024, "pages are not needlessly small"


def test_values_of_every_type_are_served_unchanged(sim, c):
    odd = {
        "null": None, "true": True, "int": -(2**53) - 1, "big": 2**62, "float": 0.1,
        "tiny": 5e-324, "empty": "", "text": "Grüße \U0001f4ee \u202e \x7f", "list": [1, [2, {}]],
        "deep": {"a": {"b": {"c": [True, None]}}}, "": "no name", "ä": 1, "_private": 1,
    }
    row = sim.add(**webhook(1), **odd)
    c.call("sync.now")
    seen = c.get(row["whid"])
    assert {k: seen[k] for k in odd} == odd
    assert six(seen) == six(row)


def keep_listing(path, done):
    """Asks for large lists, many at once, and passes over the answers."""
    asked = left = msgpack.packb([0, 1, "webhook.list", [{"limit": 1000}]]) * 20
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        while not done.is_set():
            readable, writable, _ = select.select([s], [s], [], 30)
            if readable:
                assert s.recv(1 << 20), "whd closed the connection"
            if writable:
                left = left[s.send(left):] or asked


def test_what_is_read_is_on_disk(sim, whd, c):
    """While whd is busy with answers one commit ends unnoticed and the next begins. whd ends itself
    if what it shows could hold one that is not flushed yet."""
    sim.seed(1000)
    c.call("sync.now")
    c.go_offline(sim)
    done = threading.Event()

    def change(n):
        mine = whd.client()
        for i in range(50):
            mine.create(**webhook(10_000 + 50 * n + i))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        readers = [pool.submit(keep_listing, whd.socket, done) for _ in range(2)]
        try:
            for writer in [pool.submit(change, n) for n in range(8)]:
                writer.result()
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert c.status()["queue"]["queued"] == 400
