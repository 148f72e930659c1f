# SPDX-License-Identifier: MIT
"""A webhook's life: created, changed, deleted, seen by readers and at the API alike."""

import json
import os

import pytest

from support.client import refused
from support.data import webhook
from support.sim import SIX, six


def test_create_update_delete(sim, c):
    op = c.create(**webhook(1))
    assert op["state"] == "queued" and op["whid"] == op["tmp_id"] == "tmp-" + op["op"]
    done = c.applied(op)
    assert done["result"] == "applied" and done["attempts"] == 1
    whid = done["whid"]
    assert six(sim.row(whid)) == six(webhook(1))
    assert six(c.get(whid)) == six(webhook(1))

    changed = c.applied(c.update(whid, {"whcomment": "new"}))
    assert changed["result"] == "applied"
    assert six(sim.row(whid)) == six(webhook(1, whcomment="new"))
    assert c.get(whid)["whcomment"] == "new"

    assert c.applied(c.delete(whid))["result"] == "applied"
    assert sim.rows() == []
    with refused("NOT_FOUND"):
        c.get(whid)
    assert [e["method"] for e in sim.changes()] == ["POST", "PATCH", "DELETE"]


def test_requests_are_as_documented(sim, c):
    whid = c.applied(c.create(**webhook(1, whcomment="Grüße €")))["whid"]
    c.applied(c.update(whid, {"whname": "renamed"}))
    c.applied(c.delete(whid))
    post, patch, delete = sim.changes()
    assert post["query"] in ("", None) and post["whid"] is None
    assert json.loads(post["body"]) == webhook(1, whcomment="Grüße €")
    assert set(json.loads(patch["body"])) == set(SIX), "a PATCH carries all six members"
    assert json.loads(patch["body"])["whname"] == "renamed"
    assert patch["whid"] == delete["whid"] == whid
    for entry in (post, patch):
        assert entry["headers"]["content-type"].startswith("application/json")
        assert not entry["headers"].get("expect")
    assert {e["key"] for e in sim.log()} == {0}, "the first key, in every request"


def test_reader_sees_the_change_before_the_api_does(sim, c):
    sim.fault("delay", method="POST", ms=600000)
    op = c.create(**webhook(1))
    seen = c.get(op["tmp_id"])
    assert six(seen) == six(webhook(1)) and seen["whid"] == op["tmp_id"]
    assert seen["_whd"]["state"] == "creating" and seen["_whd"]["pending"] == 1
    assert seen["_whd"]["tmp_id"] == op["tmp_id"]
    with refused("NOT_FOUND"):
        c.get(op["tmp_id"], view="confirmed")
    assert [w["whid"] for w in c.list()] == [op["tmp_id"]]
    assert list(c.list(view="confirmed")) == []
    sim.clear_faults()
    c.applied(op)
    assert c.get(op["tmp_id"])["_whd"]["state"] == "synced"


@pytest.mark.parametrize("when", ["before", "after"])
def test_local_id_is_good_in_every_call(sim, c, when):
    """The local id names the webhook before and after the API has given it another one."""
    c.go_offline(sim)
    tmp = c.create(**webhook(1))["tmp_id"]
    if when == "after":
        c.go_online(sim)
        c.idle()
        whid = c.get(tmp)["whid"]
        assert whid != tmp and sim.row(whid)
        sim.fault("delay", method="PATCH", ms=600000)
        sim.fault("delay", method="DELETE", ms=600000)
    op = c.update(tmp, {"whcomment": "by local id"}, add_processes=["more"])
    assert c.get(tmp)["whcomment"] == "by local id"
    listed = c.call("queue.list", whid=tmp)["items"]
    assert {i["whid"] for i in listed} == {c.get(tmp)["whid"]} and listed
    assert c.call("history.list", whid=tmp)["items"], "the merged update or the create"
    revision = c.get(tmp)["_whd"]["revision"]
    c.update(tmp, {"whname": "again"}, if_revision=revision)
    sim.clear_faults()
    c.go_online(sim)
    c.idle()
    assert c.settled(op)["state"] == "done"
    assert six(sim.row(c.get(tmp)["whid"])) == six(
        webhook(1, whname="again", whcomment="by local id", processes=["p1", "all", "more"]))
    c.applied(c.delete(tmp))
    assert sim.rows() == []


def test_whid_is_matched_without_case_if_it_is_a_guid(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    assert c.get(whid.upper())["whid"] == whid
    c.applied(c.update(whid.upper(), {"whcomment": "x"}))
    assert sim.row(whid)["whcomment"] == "x"
    assert len(sim.rows()) == 1


def test_whid_of_any_bytes_reaches_the_api_encoded(sim, c):
    """An id that would break a query string must neither be cut nor be left out."""
    for odd in ("a b&c=d#e%20+/?", "umlaut-ü-€", "'\"<>;", "x" * 256):
        sim.add(**webhook(1, whid=odd))
        c.call("sync.now")
        c.applied(c.update(odd, {"whcomment": "changed"}))
        assert sim.row(odd)["whcomment"] == "changed"
        c.applied(c.delete(odd))
        assert sim.rows() == []


def test_processes_are_added_and_removed(sim, c):
    whid = c.applied(c.create(**webhook(1, processes=["a", "b", "c"])))["whid"]
    c.applied(c.update(whid, add_processes=["d", "a"], remove_processes=["b", "nowhere"]))
    assert sorted(sim.row(whid)["processes"]) == ["a", "c", "d"]
    c.applied(c.update(whid, {"processes": []}))
    assert sim.row(whid)["processes"] == []


def test_unknown_members_survive_an_update(sim, c):
    row = sim.add(**webhook(1), color="red", nested={"a": [1, None, 2.5]}, big=2**53 + 1)
    c.call("sync.now")
    seen = c.get(row["whid"])
    for name in ("color", "nested", "big"):
        assert seen[name] == row[name]
    c.applied(c.update(row["whid"], {"whcomment": "x"}))
    after = sim.row(row["whid"])
    assert {**row, "whcomment": "x"} == after
    assert set(json.loads(sim.changes()[-1]["body"])) == set(SIX)


def test_patch_body_full_sends_unknown_members_back(world, sim):
    sim.set(request_unknown="store")
    row = sim.add(**webhook(1), color="red")
    c = world.whd(sim, {"queue.patch_body": "full"}).client()
    c.synced()
    c.applied(c.update(row["whid"], {"whcomment": "x"}))
    sent = json.loads(sim.changes()[-1]["body"])
    assert sent["color"] == "red" and set(SIX) <= set(sent)


def test_create_marker_goes_into_the_comment(world, sim):
    c = world.whd(sim, {"queue.create_marker": "comment"}).client()
    c.synced()
    op = c.applied(c.create(**webhook(1)))
    stored = sim.row(op["whid"])["whcomment"]
    assert stored.startswith("comment 1 [whd:") and stored.endswith("]")
    assert len(stored) <= len("comment 1 [whd:]") + 16


def test_what_the_api_rewrites_is_what_is_served(sim, c):
    sim.set(normalise="comment_upper")
    op = c.applied(c.create(**webhook(1, whcomment="quiet")))
    assert op["result"] == "applied_changed"
    assert c.get(op["whid"])["whcomment"] == "QUIET"
    assert c.call("sync.now")["changed"] == 0, "its own rewriting is no change by others"
    again = c.applied(c.update(op["whid"], {"whname": "other"}))
    assert again["result"] == "applied"
    assert len(sim.changes()) == 2


def test_update_that_changes_nothing_sends_nothing(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    before = sim.mark()
    for change in ({"whcomment": "comment 1"}, {"whname": " hook 1 "},
                   {"callbackUrl": "HTTPS://HOOKS.example.org/in/1"},
                   {"processes": ["all", "p1"]}, {}):
        op = c.update(whid, change)
        assert (op["state"], op["result"]) == ("done", "noop"), op
    assert c.update(whid, remove_processes=["none"])["result"] == "noop"
    c.idle()
    assert sim.changes(before) == []


def test_history_shows_who_and_how(c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.applied(c.update(whid, {"whcomment": "x"}))
    items = c.call("history.list")["items"]
    assert [i["kind"] for i in items] == ["update", "create"], "newest first"
    assert {i["created_by"] for i in items} == {os.getuid()}
    full = c.call("queue.get", op=items[1]["op"])
    (attempt,) = full["log"]
    assert attempt["status"] == 200 and attempt["outcome"] == "executed"
    assert full["ended_at"] >= full["created_at"] and "ended" in full["next"]
