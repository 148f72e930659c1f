# SPDX-License-Identifier: MIT
"""The caller's own id of a request: repeating it cannot do anything twice."""

import pytest

from support.client import refused
from support.data import webhook


def test_repeat_returns_the_same_operation(sim, c):
    fields = {**webhook(1), "request_id": "r1"}
    op = c.create(**fields)
    again = c.create(**fields)
    assert again["op"] == op["op"]
    done = c.applied(op)
    later = c.create(**fields)
    assert later["op"] == op["op"] and later["state"] == "done"
    assert later["whid"] == done["whid"], "the operation as it now is"
    c.idle()
    assert sim.executed("POST") == 1 and len(sim.rows()) == 1


def test_repeat_survives_a_restart(sim, whd):
    fields = {**webhook(1), "request_id": "kept"}
    op = whd.client().create(**fields)
    whd.kill()
    whd.start()
    c = whd.client()
    assert c.create(**fields)["op"] == op["op"]
    c.applied(op)
    assert sim.executed("POST") == 1


def test_other_parameters_are_refused(sim, c):
    c.applied(c.create(**webhook(1), request_id="r1"))
    for other in (webhook(2), webhook(1, whcomment="x"), webhook(1, processes=["p1"])):
        with refused("REQUEST_ID_REUSED", "request_id"):
            c.create(**other, request_id="r1")
    with refused("REQUEST_ID_REUSED"):
        c.create(**webhook(1), request_id="r1", allow_duplicate=True)
    assert sim.executed("POST") == 1


def test_is_counted_per_method(sim, c):
    whid = c.applied(c.create(**webhook(1), request_id="same"))["whid"]
    update = c.applied(c.update(whid, {"whcomment": "x"}, request_id="same"))
    with refused("REQUEST_ID_REUSED"):
        c.update(whid, {"whcomment": "y"}, request_id="same")
    delete = c.delete(whid, request_id="same")
    assert len({update["op"], delete["op"]}) == 2
    c.applied(delete)
    assert c.delete(whid, request_id="same")["state"] == "done", "though the webhook is gone"
    assert [e["method"] for e in sim.changes()] == ["POST", "PATCH", "DELETE"]


def test_repeat_of_an_update_does_not_undo_a_later_one(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    first = c.applied(c.update(whid, {"whcomment": "one"}, request_id="u1"))
    c.applied(c.update(whid, {"whcomment": "two"}, request_id="u2"))
    assert c.update(whid, {"whcomment": "one"}, request_id="u1")["op"] == first["op"]
    c.idle()
    assert sim.row(whid)["whcomment"] == "two"


def test_length_is_1_to_128(c):
    for bad in ("", "x" * 129):
        with refused("INVALID_PARAM", "request_id"):
            c.create(**webhook(1), request_id=bad)
    op = c.create(**webhook(1), request_id="x" * 128)
    assert c.create(**webhook(1), request_id="x" * 128)["op"] == op["op"]
    c.applied(op)


def test_a_refused_call_leaves_the_id_free(c):
    with refused("NOT_FOUND"):
        c.update("nowhere", {"whcomment": "x"}, request_id="free")
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.applied(c.update(whid, {"whcomment": "x"}, request_id="free"))


def test_parameters_are_the_same_in_any_form(whd, c):
    """Maps have no order, and text is text as str or bin."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    change = {"set": {"whname": "n", "whcomment": "c"}, "add_processes": ["p8", "p9"]}
    op = c.update(whid, request_id="r", **change)
    for again in (dict(change, set={"whcomment": "c", "whname": "n"}),
                  dict(change, set={b"whname": b"n", "whcomment": "c"}),
                  dict(change, add_processes=[b"p8", "p9"])):
        assert c.update(whid, request_id=b"r", **again)["op"] == op["op"]
    with refused("REQUEST_ID_REUSED"):
        c.update(whid, request_id="r", **dict(change, add_processes=["p8"]))


# ------------------------------------------------------------------ dry_run --


def test_dry_run_queues_nothing(sim, c):
    before, requests = c.head(), sim.mark()
    op = c.create(**webhook(1), dry_run=True)
    assert op["kind"] == "create" and op["state"] == "queued"
    assert op["fields"] == webhook(1)
    with refused("OP_NOT_FOUND"):
        c.call("queue.get", op=op["op"])
    assert list(c.list()) == [] and c.head() == before
    c.idle()
    assert sim.changes(requests) == []


def test_dry_run_tells_what_would_happen(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    before = sim.mark()
    assert c.update(whid, {"whcomment": "comment 1"}, dry_run=True)["result"] == "noop"
    changed = c.update(whid, {"whcomment": "x", "whname": "hook 1"}, dry_run=True)
    assert changed["fields"] == {"whcomment": "x"}, "only what differs"
    assert c.delete(whid, dry_run=True)["kind"] == "delete"
    with refused("NOT_FOUND"):
        c.delete("nowhere", dry_run=True)
    with refused("CONFLICT"):
        c.update(whid, {"whcomment": "x"}, dry_run=True, if_revision=0)
    with refused("INVALID_PARAM"):
        c.create(**webhook(2, callbackUrl="no url"), dry_run=True)
    assert c.get(whid)["_whd"]["pending"] == 0
    assert sim.changes(before) == []


def test_dry_run_of_what_was_asked_before(c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    done = c.applied(c.update(whid, {"whcomment": "x"}, request_id="used"))
    again = c.update(whid, {"whcomment": "x"}, request_id="used", dry_run=True)
    assert (again["op"], again["state"]) == (done["op"], "done")
    with refused("REQUEST_ID_REUSED"):
        c.update(whid, {"whcomment": "y"}, request_id="used", dry_run=True)


def test_dry_run_of_a_merge_changes_nothing(sim, c):
    c.go_offline(sim)
    op = c.create(**webhook(1))
    c.update(op["tmp_id"], {"whcomment": "dry"}, dry_run=True)
    c.delete(op["tmp_id"], dry_run=True)
    assert c.get(op["tmp_id"])["whcomment"] == "comment 1"
    assert c.call("queue.get", op=op["op"])["state"] == "queued"


@pytest.fixture
def waiting(sim, c):
    """An update that waits (all places are taken), of a webhook that others changed since."""
    whid = sim.add(**webhook(1))["whid"]
    c.call("sync.now")
    slow = sim.fault("delay", method="POST", ms=600000, count=4)
    for n in range(4):
        c.create(**webhook(20 + n))
    sim.wait_hits(slow, 4)
    return c.update(whid, {"whcomment": "mine"})


DRY = {
    # the change that is tried, and how others changed the webhook: what is foreseen
    "update of another member": ("update", dict(whcomment="theirs"), "both_changed"),
    "update, merged": ("update", dict(municipalityId="261"), None),
    "delete": ("delete", dict(municipalityId="261"), "changed_upstream"),
    "delete of what nobody changed": ("delete", {}, None),
    "delete by force": ("force", dict(municipalityId="261"), None),
    "update of what is gone": ("update", None, "gone_upstream"),
}


@pytest.mark.parametrize("what", DRY)
def test_dry_run_foresees_the_conflict(sim, c, waiting, what):
    change, theirs, reason = DRY[what]
    whid = waiting["whid"]
    if theirs is None:
        sim.remove(whid)
        sim.add(**webhook(2))  # or the list would be suspiciously empty
    elif theirs:
        sim.edit(whid, **theirs)
    c.call("sync.now")
    before = c.call("queue.list")
    said = {"update": lambda: c.update(whid, {"whname": "n"}, dry_run=True),
            "delete": lambda: c.delete(whid, dry_run=True),
            "force": lambda: c.delete(whid, force=True, dry_run=True)}[change]()
    if reason is None:
        assert said["state"] in ("queued", "done"), said
    else:
        assert (said["state"], said["reason"]) == ("conflict", reason)
        assert said["base"]["whcomment"] == "comment 1"
        if change == "update":
            assert said["mine"] == {"whcomment": "mine", "whname": "n"}
        if theirs is None:
            assert said["theirs"] is None
        else:
            assert said["theirs"].items() >= theirs.items()
    assert c.call("queue.list") == before and c.status()["queue"]["conflict"] == 0
    sim.clear_faults()


# -------------------------------------------------------------- queue=false --


def test_queue_false_is_refused_offline(sim, c):
    whid = c.applied(c.create(**webhook(1), queue=False))["whid"]
    c.applied(c.update(whid, {"whcomment": "online"}, queue=False))
    c.go_offline(sim)
    with refused("OFFLINE", "queue"):
        c.create(**webhook(2), queue=False)
    with refused("OFFLINE"):
        c.update(whid, {"whcomment": "x"}, queue=False)
    with refused("OFFLINE"):
        c.delete(whid, queue=False)
    assert c.call("queue.list")["items"] == []
    assert c.create(**webhook(2), queue=True)["state"] == "queued"
    c.go_online(sim)
    c.idle()
    c.applied(c.delete(whid, queue=False))
    assert [e["method"] for e in sim.changes()] == ["POST", "PATCH", "POST", "DELETE"]


def test_what_was_taken_online_is_told_offline(sim, c):
    fields = {**webhook(1), "request_id": "r", "queue": False}
    op = c.applied(c.create(**fields))
    c.go_offline(sim)
    again = c.create(**fields)
    assert (again["op"], again["state"]) == (op["op"], "done")
    with refused("REQUEST_ID_REUSED"):
        c.create(**{**fields, "whname": "other"})
    with refused("OFFLINE"):
        c.create(**{**fields, "request_id": "new"})


# -------------------------------------------------------------- if_revision --


def test_if_revision_guards_against_lost_updates(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    seen = c.get(whid)["_whd"]["revision"]
    c.applied(c.update(whid, {"whcomment": "first"}, if_revision=seen))
    with refused("CONFLICT", "again"):
        c.update(whid, {"whcomment": "second"}, if_revision=seen)
    assert sim.row(whid)["whcomment"] == "first"
    now = c.get(whid)["_whd"]["revision"]
    assert now > seen
    c.applied(c.update(whid, {"whcomment": "second"}, if_revision=now))
    assert sim.row(whid)["whcomment"] == "second"


def test_if_revision_sees_edits_of_others(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    seen = c.get(whid)["_whd"]["revision"]
    sim.edit(whid, whname="by others")
    c.call("sync.now")
    with refused("CONFLICT"):
        c.update(whid, {"whcomment": "x"}, if_revision=seen)
    assert len(sim.changes()) == 1


def test_if_revision_stays_good_while_nothing_changes(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    seen = c.get(whid)["_whd"]["revision"]
    c.applied(c.create(**webhook(2)))
    for _ in range(3):
        c.call("sync.now")
    c.update(whid, {"whcomment": "x"}, if_revision=seen)
