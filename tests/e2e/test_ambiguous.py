# SPDX-License-Identifier: MIT
"""A create whose outcome is not known: it is looked up, never blindly sent again.

Each row bends the reply to one POST, over http and over https, on a connection
that the request log proves was used before. What counts is what the API
executed: never more than one POST for one create.
"""

import json

import pytest

from support.client import refused
from support.data import webhook
from support.rivals import meanwhile
from support.sim import six

OTHER = "5e9b1c2d-0000-4000-8000-0123456789ab"
FAST = {"sync.interval": "100ms", "queue.concurrency": "1"}

# what happens to the POST, whether the API has carried it out, the result in the end
EXECUTED = {
    "reset after execute": dict(action="reset_after"),
    "close after execute": dict(action="close_after"),
    "body cut by end": dict(action="cut_body", bytes=20),
    "body cut by reset": dict(action="cut_body", bytes=20, reset=True),
    "chunked body cut": dict(action="cut_body", bytes=20, chunked=True),
    "cut within the headers": dict(action="cut_head"),
    "nothing but headers": dict(action="cut_body", bytes=0),
    "500 though executed": dict(action="status", status=500, execute=True),
    "502 html though executed": dict(action="html", status=502, execute=True),
    "503 though executed": dict(action="status", status=503, execute=True),
    "504 though executed": dict(action="status", status=504, execute=True),
    "408 though executed": dict(action="status", status=408, execute=True),
    "html with 200": dict(action="html", status=200, execute=True),
    "text with 200": dict(action="status", status=200, body="Webhook was created.",
                          content_type="text/plain", execute=True),
    "garbage with 200": dict(action="garbage"),
    "302 to a login page": dict(action="redirect", execute=True),
    "200 without id": dict(action="empty_200"),
    "201 with an empty object": dict(action="status", status=201, body={}, execute=True),
    "200 with null": dict(action="status", status=200, body="null", execute=True),
    "no success with 200 though executed": dict(action="status", status=200, execute=True,
                                                body={"success": False, "message": "later"}),
    "201 with the id of the request": dict(action="status", status=201, execute=True,
                                           body={"id": "req-77", "data": "made"}),
    "200 with a number": dict(action="status", status=200, body="1", execute=True),
    "201 with the place of something": dict(action="status", status=201, execute=True, body="",
                                            headers={"Location": "/status/99"}),
    "202 with the id of a job": dict(action="status", status=202, execute=True,
                                     body={"whid": OTHER, "status": "accepted"}),
    "201 with another's webhook": dict(action="status", status=201, execute=True,
                                       body={**webhook(55), "whid": OTHER}),
    "201 with another's name": dict(action="status", status=201, execute=True,
                                    body={"whname": "hook 55", "whid": OTHER}),
    "409 though executed": dict(action="status", status=409, execute=True),
    "599 though executed": dict(action="status", status=599, execute=True),
}
NOT_EXECUTED = {
    "close before": dict(action="close_before"),
    "reset before": dict(action="reset_before"),
    "close before the body was read": dict(action="close_before", unread=True),
    "reset before the body was read": dict(action="reset_before", unread=True),
    "500 not executed": dict(action="status", status=500),
    "503 html not executed": dict(action="html", status=503),
    "504 not executed": dict(action="status", status=504),
    "html with 200 not executed": dict(action="html", status=200),
    "error report with 200": dict(action="status", status=200,
                                  body={"statusCode": 500, "message": "Internal server error"}),
    "302 not executed": dict(action="redirect"),
    "408 not executed": dict(action="status", status=408),
}


@pytest.fixture(params=["http", "https"])
def api(request, world):
    if request.param == "http":
        return world.sim()
    return world.sim(tls=request.getfixturevalue("authority"))


def start(world, api, **settings):
    whd = world.whd(api, {**FAST, **settings})
    c = whd.client()
    c.synced()
    c.warm_up(api)
    return c


def the_post(api):
    """The log entry of the POST that was bent; it came on a connection used before."""
    entry = next(e for e in api.log(method="POST") if '"hook 1"' in e["body"])
    assert entry["conn_req"] > 1, "not on a reused connection"
    return entry


def check_rows(api, c, op):
    """The API holds the webhook once, and whd serves exactly that."""
    rows = [r for r in api.rows() if r["whname"] == "hook 1"]
    assert len(rows) == 1, rows
    assert op["whid"] == rows[0]["whid"] and six(rows[0]) == six(webhook(1))
    assert six(c.get(op["tmp_id"])) == six(rows[0])
    assert sorted(w["whid"] for w in c.list()) == sorted(r["whid"] for r in api.rows())


@pytest.mark.parametrize("what", EXECUTED)
def test_executed_once_and_adopted(world, api, what):
    c = start(world, api)
    rule = dict(EXECUTED[what])
    rule = api.fault(rule.pop("action"), method="POST", **rule)
    op = c.settled(c.create(**webhook(1)))
    assert op["state"] == "done" and op["result"] in ("adopted", "applied"), op
    assert api.hits(rule) == 1
    assert the_post(api)["executed_n"] == 1
    assert api.executed("POST") == 2, "one for each webhook"
    check_rows(api, c, op)
    assert op["attempts"] == 1


@pytest.mark.parametrize("what", NOT_EXECUTED)
def test_not_executed_is_sent_again_after_it_was_looked_up(world, api, what):
    c = start(world, api, **{"queue.settle_timeout": "0", "queue.settle_error": "0"})
    rule = dict(NOT_EXECUTED[what])
    api.fault(rule.pop("action"), method="POST", **rule)
    op = c.applied(c.create(**webhook(1)))
    assert op["result"] == "applied"
    posts = [e for e in api.log(method="POST") if '"hook 1"' in (e["body"] or "")]
    assert [e["executed_n"] for e in posts][-1] == 1 and api.executed("POST") == 2
    check_rows(api, c, op)
    first, last = api.log(method="POST")[1], posts[-1]
    looks = [e for e in api.lists() if first["n"] < e["n"] < last["n"]]
    assert len(looks) >= 2, "two complete lists must lack it before it is sent again"


def test_a_reply_in_which_only_name_and_url_differ_is_believed(world, api):
    c = start(world, api)
    row = webhook(1, whname="Hook &amp; 1", callbackUrl="https://h.example/?a=1&amp;b=2")
    api.fault("status", method="POST", status=201, body={**row, "whid": OTHER})
    op = c.applied(c.create(**webhook(1)))
    assert (op["result"], op["whid"]) == ("applied_changed", OTHER)


@pytest.mark.parametrize("kin", [True, False])
def test_an_api_that_rewrites_name_and_url_is_not_sent_a_third(world, api, kin):
    """What came while it was under way the second time may be what became of it."""
    c = start(world, api, **{"queue.settle_timeout": "0", "queue.settle_error": "0"})
    api.fault("close_before", method="POST")
    second = api.fault("stall", method="POST")
    op = c.create(**webhook(1))
    api.wait_hits(second)
    made = webhook(1, whname="Hook &amp; 1", callbackUrl="https://h.example/?a=1&amp;b=2")
    api.add(**(made if kin else {**made, "municipalityId": "352"}))
    c.call("sync.now")
    api.clear_faults(second)
    op = c.settled(op)
    if kin:
        assert (op["state"], op["reason"], op["attempts"]) == ("held", "ambiguous", 2)
    else:
        assert (op["state"], op["attempts"]) == ("done", 3)


def test_refused_connection_is_sent_again_at_once(world, api):
    """Nothing left: no look is needed and nothing is unknown."""
    c = start(world, api)
    c.go_offline(api)
    op = c.create(**webhook(1))
    api.up()
    op = c.applied(op)
    assert op["result"] == "applied" and op["attempts"] == 1
    assert api.executed("POST") == 2


REPLIES = [
    dict(post_reply=reply, post_status=status, post_location=location)
    for reply, status, location in (
        ("object", 201, False), ("array1", 200, False), ("id", 200, False),
        ("id_json_string", 201, False), ("id_object", 202, False), ("text", 200, False),
        ("empty", 204, False), ("empty", 200, True), ("object_without_id", 200, False),
        ("object_without_id", 201, True), ("text", 201, True))
]


@pytest.mark.parametrize("switches", REPLIES, ids=lambda s: "-".join(map(str, s.values())))
def test_every_form_of_a_good_reply(world, api, switches):
    c = start(world, api)
    api.set(**switches)
    op = c.applied(c.create(**webhook(1)))
    assert api.executed("POST") == 2
    check_rows(api, c, op)


def test_created_but_never_listed_raises_an_alarm_and_is_never_sent_again(world, api):
    c = start(world, api)
    api.fault("status", method="POST", status=201, body={})  # says done, did nothing
    op = c.settled(c.create(**webhook(1)))
    assert (op["state"], op["reason"]) == ("held", "vanished")
    assert len(api.log(method="POST")) == 2
    with refused("NOT_FOUND"):
        c.call("queue.resolve", op=op["op"], take="adopt", whid="nowhere")
    assert c.call("queue.resolve", op=op["op"], take="discard")["state"] == "cancelled"
    assert len(api.rows()) == 1


def held_for_want_of_a_whole_list(world, api, **settings):
    """A create that the API has carried out, and what it made."""
    c = start(world, api, **settings)
    lists = api.fault("delay", method="GET", ms=600000, count=-1)
    api.fault("close_after", method="POST")
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    broken = api.fault("status", method="GET", status=200, body=[{"whname": "no id"}], count=-1)
    api.clear_faults(lists)
    op = c.settled(op)
    assert (op["state"], op["reason"]) == ("held", "no_complete_list")
    assert len(api.log(method="POST")) == 2 and len(api.rows()) == 2
    api.clear_faults(broken)
    c.call("sync.now")
    return c, op, next(r["whid"] for r in api.rows() if r["whname"] == "hook 1")


@pytest.mark.parametrize("decision", ["adopt", "recreate", "discard", "retry"])
def test_without_a_whole_list_a_person_decides(world, api, decision):
    """What is not in a list that is not whole may still be there."""
    c, op, made = held_for_want_of_a_whole_list(world, api)
    if decision == "retry":
        c.call("queue.retry", op=op["op"])
        assert c.applied(op)["result"] == "adopted" and c.get(op["tmp_id"])["whid"] == made
    else:
        more = {"whid": made.upper()} if decision == "adopt" else {}
        c.call("queue.resolve", op=op["op"], take=decision, **more)
        ended = c.settled(op)
        assert (ended["state"], ended.get("result")) == {
            "adopt": ("done", "adopted"), "recreate": ("done", "adopted"),
            "discard": ("cancelled", None)}[decision]
    assert len(api.rows()) == 2 and api.executed("POST") == 2, "never made twice"
    assert {w["whid"] for w in c.list()} == {r["whid"] for r in api.rows()}


@pytest.mark.parametrize("change", ["update", "delete"])
def test_what_follows_a_create_that_is_given_up_asks_the_api_nothing(world, api, change):
    """The local id means nothing to it."""
    c, op, _ = held_for_want_of_a_whole_list(world, api, **{"queue.check_age": "0"})
    if change == "update":
        last = c.update(op["tmp_id"], {"whcomment": "changed"})
    else:
        last = c.delete(op["tmp_id"])
    c.call("queue.resolve", op=op["op"], take="discard")
    ended = c.settled(last)
    if change == "update":
        assert (ended["state"], ended["reason"]) == ("conflict", "gone_upstream")
    else:
        assert (ended["state"], ended["result"]) == ("done", "already")
    assert not any((e["whid"] or "").startswith("tmp-") for e in api.log())


def test_both_queues_of_what_is_adopted_become_one(world, api):
    """Each is as long as one may be, of changes that do not join."""
    c, op, made = held_for_want_of_a_whole_list(world, api)
    c.go_offline(api)
    ops = [c.update(whid, {"whcomment": f"{i}"}, policy=("local-wins", "remote-wins")[i % 2])
           for whid, n in ((made, 64), (op["tmp_id"], 63)) for i in range(n)]
    with refused("QUEUE_FULL"):
        c.update(made, {"whcomment": "one more"}, policy="local-wins")
    c.call("queue.resolve", op=op["op"], take="adopt", whid=made)
    waiting = [o["op"] for o in c.call("queue.list", whid=made, limit=1000)["items"]]
    assert waiting == [o["op"] for o in ops]
    assert c.get(made)["whcomment"] == "62" and c.get(made)["_whd"]["pending"] == len(ops)
    c.go_online(api)
    for o in ops:
        assert c.settled(o)["state"] == "done"
    assert api.row(made)["whcomment"] == "62"


def test_lists_that_are_not_believed_prove_nothing(world, api):
    """Each lacks much, and something else each time; the webhook is there all the same."""
    c = start(world, api, **{"queue.settle_error": "0", "sync.interval": "100ms"})
    api.add_all([webhook(100 + n) for n in range(60)])
    c.call("sync.now")
    rows = api.rows()
    api.fault("status", method="POST", status=500, execute=True, count=1)
    for n in range(100):
        short = [rows[(7 * n + k) % len(rows)] for k in range(20)]
        api.fault("status", method="GET", list=True, status=200, body=short, count=1)
    op = c.settled(c.create(**webhook(1)))
    assert (op["state"], op["reason"]) == ("held", "no_complete_list")
    assert the_post(api)["executed_n"] == 1 and api.executed("POST") == 2


def test_409_of_what_does_not_exist_is_rejected(world, api):
    c = start(world, api)
    api.fault("status", method="POST", status=409, body={"message": "name is taken"})
    op = c.settled(c.create(**webhook(1)))
    assert op["state"] == "dead" and op["reason"] == "rejected"
    assert "name is taken" in op["last_error"]
    assert c.get(op["tmp_id"])["_whd"]["state"] == "rejected"
    assert api.executed("POST") == 1


def test_two_of_the_same_raise_an_alarm_and_nothing_is_deleted(world, api):
    """The reply is lost, and somebody makes the very same webhook before whd can look."""
    c = start(world, api)
    held = api.fault("delay", method="GET", ms=600000, count=-1)
    api.fault("close_after", method="POST")
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    api.add(**webhook(1))
    api.clear_faults(held)
    assert c.settled(op)["result"] == "adopted"
    assert "whd_alarms_duplicate_total 1\n" in c.call("metrics")
    c.call("sync.now")
    assert len(api.rows()) == 3 == len(list(c.list())) and api.executed("DELETE") == 0


def test_what_one_create_made_is_never_taken_for_anothers(world, api):
    """Two of the same are wanted. The second one's request is lost while a list is under way that
    will show the first one's webhook as new."""
    c = start(world, api)
    twin = {**webhook(1), "allow_duplicate": True}
    held = api.fault("delay", method="GET", ms=600000)
    api.wait_hits(held)
    first = c.applied(c.create(**twin))
    api.fault("close_before", method="POST")
    second = c.create(**twin)
    c.op_state(second, "unknown")
    api.clear_faults(held)
    second = c.applied(second)
    assert second["result"] == "applied" and second["whid"] != first["whid"]
    assert api.executed("POST") == 3 and len(api.rows()) == 3


def test_what_was_there_before_is_never_taken_for_the_result(world, api):
    """A twin is wanted of what others made long ago; that one is not it."""
    api.add(**webhook(1))
    c = start(world, api)
    api.fault("close_before", method="POST")
    op = c.applied(c.create(**webhook(1), allow_duplicate=True))
    assert op["result"] == "applied" and api.executed("POST") == 2
    assert len([r for r in api.rows() if r["whname"] == "hook 1"]) == 2


def test_a_reply_that_names_a_webhook_from_before_made_nothing(world, api):
    """A gateway answers the POST like a GET. What is named there is somebody else's: it is not
    taken for ours, and deleting ours must not delete it."""
    c = start(world, api)
    other = api.add(**webhook(7))
    c.call("sync.now")
    api.fault("status", method="POST", status=200, body=json.dumps(other), execute=False)
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    assert c.call("queue.get", op=op["op"])["reason"] == "created_without_id"
    assert c.get(other["whid"])["_whd"]["state"] == "synced"
    assert api.row(other["whid"]) == other


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_what_comes_back_is_never_taken_for_the_result(world, api, again, waits):
    """A webhook that was to be deleted is missing from a list, and comes back with the one that
    shows what a create has made, the same. `again`: what it made is seen only when it is about
    to be sent again. `waits`: the create was asked for before the deletion, and sent later."""
    api.add(**webhook(2))
    old = api.add(whid="00000000-0000-4000-8000-000000000001", **webhook(1))["whid"]
    c = world.whd(api, {"queue.concurrency": "1"}).client()
    c.synced()
    if waits:
        c.go_offline(api)
        op = c.create(**webhook(1), allow_duplicate=True)
        c.call("queue.hold", op=op["op"])
        c.go_online(api)
    deletion = meanwhile(api, c, lambda: c.delete(old),
                         lambda: api.edit(old, whcomment="not for long"))
    assert deletion["state"] == "conflict"
    api.remove(old)
    assert c.call("sync.now")["removed"] == 1
    held = api.fault("delay", method="POST", ms=600000)
    api.fault("empty_200" if not again else "close_before", method="POST")
    if waits:
        c.call("queue.release", op=op["op"])
    else:
        op = c.create(**webhook(1))
    api.wait_hits(held)
    api.add(whid=old, **webhook(1))
    api.clear_faults(held)
    op = c.settled(op)
    assert op["state"] == "done" and op["whid"] != old
    assert len([r for r in api.rows() if r["whname"] == "hook 1"]) == 2
    assert c.call("queue.get", op=deletion["op"])["state"] == "conflict"
