# SPDX-License-Identifier: MIT
"""What others do at the API arrives here; a list that is not whole or not plausible takes nothing
away."""

import pytest

from support.data import webhook


def ids(rows):
    return sorted(r["whid"] for r in rows)


def same_as_api(sim, c):
    served = {w["whid"]: {k: v for k, v in w.items() if k != "_whd"} for w in c.list(limit=1000)}
    assert served == {r["whid"]: r for r in sim.rows()}


def test_counts_added_changed_removed(sim, c):
    sim.seed(20)
    first = c.call("sync.now")
    assert (first["added"], first["complete"]) == (20, True)
    rows = sim.rows()
    sim.edit(rows[0]["whid"], whcomment="edited")
    sim.edit(rows[1]["whid"], undocumented="new")
    sim.remove(rows[2]["whid"])
    sim.add(**webhook(1))
    result = c.call("sync.now")
    assert {k: result[k] for k in ("added", "changed", "removed", "unchanged")} == dict(
        added=1, changed=2, removed=1, unchanged=17)
    same_as_api(sim, c)
    nothing = c.call("sync.now")
    assert nothing["unchanged"] == 20 and nothing["revision"] == result["revision"]


def test_list_comes_by_itself(world, sim):
    c = world.whd(sim, {"sync.interval": "100ms"}).client()
    c.synced()
    head = c.head()
    row = sim.add(**webhook(1))
    event = c.until(lambda e: e["kind"] == "created", head)
    assert event["whid"] == row["whid"]
    sim.edit(row["whid"], whcomment="x")
    event = c.until(lambda e: e["kind"] == "updated", event["revision"])
    assert event["fields"] == ["whcomment"]


def test_revision_moves_only_with_a_change(sim, c):
    sim.seed(3)
    c.call("sync.now")
    rows = {w["whid"]: w["_whd"]["revision"] for w in c.list()}
    changed = sim.rows()[1]["whid"]
    sim.edit(changed, whcomment="x")
    c.call("sync.now")
    after = {w["whid"]: w["_whd"]["revision"] for w in c.list()}
    assert {w for w in rows if after[w] != rows[w]} == {changed}
    assert after[changed] > rows[changed]


def test_other_order_is_no_change(sim, c):
    sim.seed(20)
    c.call("sync.now")
    for switches in ({"member_order": "reverse"}, {"order": "reverse"}, {"pretty": True},
                     {"member_order": "by_request", "order": "random_by_request"},
                     {"ascii_only": True}, {"bom": True}, {"chunked": True}):
        sim.set(**switches)
        result = c.call("sync.now")
        assert (result["changed"], result["unchanged"]) == (0, 20), switches


def test_ignored_members_are_no_change(world, sim):
    sim.set(volatile_member=True)
    sim.seed(4)
    c = world.whd(sim).client()
    c.synced()
    assert c.call("sync.now")["changed"] == 4
    name = next(k for k in next(c.list()) if k not in sim.rows()[0] and k != "_whd")
    c = world.whd(sim, {"sync.ignore_members": name}).client()
    c.synced()
    assert c.call("sync.now")["changed"] == 0
    sim.edit(sim.rows()[0]["whid"], whcomment="x")
    assert c.call("sync.now")["changed"] == 1


BROKEN = {
    "cut within the headers": ("cut_head", {}),
    "cut": ("cut_body", dict(bytes=900)),
    "cut by reset": ("cut_body", dict(bytes=900, reset=True)),
    "cut chunked": ("cut_body", dict(bytes=900, chunked=True)),
    "html page": ("html", dict(status=200, execute=True)),
    "500": ("status", dict(status=500)),
    "garbage": ("garbage", {}),
    "an error object": ("status", dict(
        status=200, body={"statusCode": 500, "message": "Internal server error"})),
    "an object of nothing": ("status", dict(status=200, body={"message": "moved"})),
    "a text": ("status", dict(status=200, body='"maintenance"')),
    "a number": ("status", dict(status=200, body="7")),
    "half an array": ("status", dict(status=200, body="[")),
    "trailing bytes": ("status", dict(status=200, body="[] x")),
    "redirect": ("redirect", {}),
    "connection closed": ("close_before", {}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_list_takes_nothing_away(sim, c, what):
    sim.seed(20)
    c.call("sync.now")
    synced_at = c.status()["sync"]["synced_at"]
    sim.remove(sim.rows()[0]["whid"])
    action, members = BROKEN[what]
    sim.fault(action, method="GET", count=2, **members)  # a GET may be tried again by libcurl
    try:
        result = c.call("sync.now")
        assert not result["complete"] and result["why"] and result["removed"] == 0
    except c.Error as error:
        assert error.code == "OFFLINE"
    assert len(list(c.list())) == 20
    assert c.status()["sync"]["synced_at"] == synced_at, "the copy is not younger than before"
    assert c.status()["sync"]["last_error"]
    sim.clear_faults()
    assert c.call("sync.now")["complete"]
    same_as_api(sim, c)


ELEMENTS = {
    "no id": [{"whname": "x"}], "id empty": [webhook(1, whid="")],
    "id null": [webhook(1, whid=None)],
    "id an object": [webhook(1, whid={})], "not an object": [7], "null": [None], "list": [[]],
    "id too long": [webhook(1, whid="x" * 257)], "id with control bytes": [webhook(1, whid="a\nb")],
    "too large": [webhook(1, whid="big", whcomment="x" * 300000)],
}


@pytest.mark.parametrize("what", ELEMENTS)
def test_unreadable_element_makes_the_list_incomplete(sim, c, what):
    """The others of the list are taken, nothing is removed, and status says why."""
    sim.seed(3)
    c.call("sync.now")
    body = [*sim.rows()[1:], webhook(7, whid="seen"), *ELEMENTS[what]]
    sim.fault("status", method="GET", status=200, body=body)
    result = c.call("sync.now")
    assert not result["complete"] and result["removed"] == 0 and result["added"] == 1
    assert c.get("seen")["whname"] == "hook 7" and len(list(c.list())) == 4
    assert c.status()["sync"]["last_error"] == result["why"]
    assert c.call("sync.now")["removed"] == 1, "the next whole list does remove"


def test_own_member_of_the_upstream_is_not_mistaken_for_ours(sim, c):
    row = sim.add(**webhook(1), _whd={"state": "forged"})
    c.call("sync.now")
    assert c.get(row["whid"])["_whd"]["state"] == "synced"
    c.applied(c.update(row["whid"], {"whcomment": "x"}))
    assert sim.row(row["whid"])["_whd"] == {"state": "forged"}, "kept at the API"


def test_duplicate_ids_make_the_list_incomplete(sim, c):
    sim.seed(5)
    c.call("sync.now")
    sim.set(duplicate_id_in_list=True)
    sim.remove(sim.rows()[4]["whid"])
    result = c.call("sync.now")
    assert not result["complete"] and "twice" in result["why"] and result["removed"] == 0
    assert len(list(c.list())) == 5
    sim.set(duplicate_id_in_list=False)
    assert c.call("sync.now")["removed"] == 1
