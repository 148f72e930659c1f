# SPDX-License-Identifier: MIT
"""Filtered lists: exactly what a list of everything holds of it, in its order, whatever waits in
the queue, and however the index they are read from came about."""

import re

import pytest

from support.data import webhook

APP = "0b7f0a52-0000-4000-8000-000000000001"
MANY = [f"item {n}" for n in range(400)]  # more than the index keeps of one webhook


def rows(n):
    """Values that few, some and all share."""
    return [webhook(i, municipalityId=str(i % 3), whname=f"name {i % 10}",
                    applicationId=APP if i % 4 else "other",
                    processes=["all", f"p{i % 5}"] + (MANY if i == 17 else []))
            for i in range(n)]


QUESTIONS = [
    dict(municipalityId="1"),
    dict(whname="name 3"),
    dict(applicationId="other"),
    dict(callbackUrl="https://hooks.example.org/in/7"),
    dict(process="p2"),
    dict(process="item 399"),
    dict(process="all", municipalityId="2"),
    dict(process="p1", municipalityId="0", applicationId=APP),
    dict(whname="name"),
    dict(whname=""),
    dict(pending=True),
    dict(pending=False, process="p3"),
    dict(pending=True, municipalityId="1"),
]


def holds(row, question):
    for name, value in question.items():
        if name == "process":
            if value not in row["processes"]:
                return False
        elif name == "pending":
            if (row["_whd"]["pending"] > 0) != value:
                return False
        elif row[name] != value:
            return False
    return True


def identity(row):
    return row["whid"]


def check_all(c):
    for view in "effective", "confirmed":
        everything = list(c.list(view=view))
        for question in QUESTIONS:
            want = [identity(r) for r in everything if holds(r, question)]
            got = [identity(r) for r in c.list(view=view, **question)]
            assert got == want, (view, question)
            paged = [identity(r) for r in c.pages("webhook.list", view=view, limit=2, **question)]
            assert paged == want, (view, question)


def index_built(whd, seen=0):
    whd.child.wait_line(r"the index was built", seen)


@pytest.mark.parametrize("index", ["built at once", "kept row by row"])
def test_filters_match_exactly(world, sim, index):
    if index == "built at once":
        sim.add_all(rows(60))
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    index_built(whd)
    if index == "kept row by row":
        sim.add_all(rows(60))
        c.call("sync.now")
    check_all(c)
    assert [len(list(c.list(**q))) for q in QUESTIONS[:6]] == [20, 6, 15, 1, 12, 1]


def test_filters_follow_changes(sim, whd, c):
    """Queued changes move webhooks from one answer to another, in the effective view alone; once
    they are applied, or others changed the rows, in both."""
    sim.add_all(rows(40))
    c.call("sync.now")
    index_built(whd)
    ids = [row["whid"] for row in c.list()]
    c.go_offline(sim)
    made = c.create(**webhook(100, municipalityId="1", processes=["p2"]))
    c.create(**webhook(101, whname="name 3"))
    for whid in ids[:8]:
        c.update(whid, {"municipalityId": "1", "whname": "name 3"})
    c.call("webhook.update", whid=ids[9], add_processes=["p2"])
    for whid in ids[10:14]:
        c.delete(whid)
    c.update(made["whid"], {"municipalityId": "2"})
    check_all(c)
    assert len(list(c.list(pending=True))) == 11
    c.go_online(sim)
    c.idle()
    check_all(c)
    assert not list(c.list(pending=True))
    for row in sim.rows()[:6]:
        sim.edit(row["whid"], municipalityId="moved", processes=["p4"])
    sim.remove(sim.rows()[7]["whid"])
    c.call("sync.now")
    assert len(list(c.list(municipalityId="moved"))) == 6
    check_all(c)


def test_a_page_goes_on_where_it_was_after_commits(sim, whd, c):
    sim.add_all(rows(30))
    c.call("sync.now")
    index_built(whd)
    first = c.call("webhook.list", process="all", limit=10)
    sim.remove(first["items"][-1]["whid"])
    sim.add_all([webhook(500 + n, processes=["all"]) for n in range(30)])
    c.call("sync.now")
    rest = list(c.pages("webhook.list", process="all", limit=10, cursor=None))
    seen = {r["whid"] for r in first["items"]}
    page = c.call("webhook.list", process="all", limit=1000, cursor=first["cursor"])
    later = [r["whid"] for r in page["items"]]
    behind = [r["whid"] for r in rest if r["whid"].lower() > first["items"][-1]["whid"].lower()]
    assert later == behind and not seen & set(later)
    with pytest.raises(c.Error, match="cursor"):
        c.call("webhook.list", process="other", cursor=first["cursor"])


def test_the_index_outlives_restarts(sim, whd, c):
    sim.add_all(rows(30))
    c.call("sync.now")
    index_built(whd)
    whd.kill()
    seen = len(whd.children)
    c = whd.start().client()
    check_all(c)
    whd.restart()
    check_all(whd.client())
    assert "the index was built" not in "\n".join(child.text for child in whd.children[seen:])


def index_key(whid):
    """What stands in the file before and as a key of the index: LMDB's flags (none) and size of
    the key, then `r`, a term and the whid. Without the size, the webhook's own row would match
    whenever the byte before its node happens to be an `r`."""
    whid = whid.lower().encode()
    size = (1 + 8 + len(whid)).to_bytes(2, "little")
    return re.escape(b"\0\0" + size) + rb"r(?s:.{8})" + re.escape(whid)


def test_a_damaged_index_is_noticed_and_built_anew(sim, whd, c):
    """One bit of a key of the index: the answer is right all the same."""
    sim.add_all(rows(30))
    c.call("sync.now")
    index_built(whd)
    victim = next(r["whid"] for r in c.list(municipalityId="1"))
    assert whd.stop() == 0
    data = bytearray((whd.store / "data.mdb").read_bytes())
    keys = [m.end() - 1 for m in re.finditer(index_key(victim), data)]
    assert len(keys) > 4, "one for each term"
    for at in keys:
        data[at] ^= 0x10
    (whd.store / "data.mdb").write_bytes(data)
    c = whd.start().client()
    check_all(c)
    whd.child.wait_line(r"the index is damaged and is built anew")
    index_built(whd)
    check_all(c)
    assert whd.child.text.count("the index is damaged") == 1


def test_a_long_search_is_cut_into_pages(sim, whd, c):
    """What nothing narrows is searched for a bounded number of webhooks a call, without an end
    in between."""
    n = 16500
    sim.add_all([webhook(i, whname=f"half {i % 2}", municipalityId=str(i % 2)) for i in range(n)])
    c.call("sync.now")
    index_built(whd)
    for view in "effective", "confirmed":
        assert len(list(c.list(limit=1000, view=view))) == n
    question = dict(whname="half 0", municipalityId="1")
    page = c.call("webhook.list", **question)
    assert page["items"] == [] and page["cursor"]
    assert list(c.list(**question)) == []


def test_nothing_is_searched_for_what_cannot_be(sim, c):
    """Nothing waits in the confirmed view."""
    sim.seed(9000)  # more than are looked at for one page
    c.call("sync.now")
    page = c.call("webhook.list", pending=True, view="confirmed")
    assert page["items"] == [] and "cursor" not in page
