# SPDX-License-Identifier: MIT
"""What else nobody knows of the API: each variation is taken, or refused in a way that loses
nothing. The usual shapes are in test_sync_shapes.py, replies to changes in test_ambiguous*.py."""

import pytest

from support.data import webhook
from support.sim import six

LOOK = {"queue.check_age": "0"}  # read a webhook before it is changed
TRUST = {"queue.check_age": "1h"}  # do not


def start(world, sim, settings=None):
    c = world.whd(sim, settings).client()
    c.synced()
    return c


def with_rows(world, sim, settings):
    """A whd that knows two webhooks; returns it and the first one's whid."""
    first = sim.add(**webhook(1))
    sim.add(**webhook(2))
    return start(world, sim, settings), first["whid"]


# ------------------------------------------------------------------- lists --


def test_two_lists_in_one_reply_are_not_taken_for_one(sim, c):
    """Nobody can say which of them is it: rows are taken, none is removed."""
    sim.seed(6)
    c.call("sync.now")
    rows = sim.rows()
    body = {"value": rows[1:4], "archived": rows[4:]}
    sim.fault("status", method="GET", status=200, body=body)
    sim.remove(rows[0]["whid"])
    result = c.call("sync.now")
    assert not result["complete"] and result["removed"] == 0 and result["why"]
    assert len(list(c.list())) == 6 and c.status()["sync"]["last_error"] == result["why"]
    assert c.call("sync.now")["removed"] == 1


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream"])
def test_content_type_of_a_single_reply_is_not_believed(sim, c, kind):
    sim.seed(3)
    sim.fault("wrong_content_type", method="GET", content_type=kind)
    assert c.call("sync.now")["added"] == 3
    sim.fault("wrong_content_type", method="POST", content_type=kind)
    assert c.applied(c.create(**webhook(1)))["result"] == "applied"
    assert sim.executed("POST") == 1


# ---------------------------------------------------------------- one by id --


@pytest.mark.parametrize("missing", ["empty_array", "null", "empty", "404", "400"])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_one_that_is_not_there(world, sim, missing, change):
    """However the API says so, a list decides: an update asks a person, a delete is done."""
    sim.set(get_one_missing=missing)
    c, whid = with_rows(world, sim, LOOK)
    sim.remove(whid)
    if change == "update":
        op = c.settled(c.update(whid, {"whcomment": "x"}))
        assert (op["state"], op["reason"], op["theirs"]) == ("conflict", "gone_upstream", None)
    else:
        assert c.settled(c.delete(whid))["result"] == "already"
    assert sim.changes() == [] and sim.lists(), "nothing is sent for what is gone"


@pytest.mark.parametrize("status", [405, 422])
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_one_that_may_not_be_read_by_itself(world, sim, status, there, change):
    """The refusal says nothing of the webhook, however often it is heard: a list decides."""
    c, whid = with_rows(world, sim, {**LOOK, "retry.base": "10min", "retry.cap": "1h"})
    rule = sim.fault("status", method="GET", list=False, status=status, body={}, count=-1)
    if not there:
        sim.remove(whid)
    op = c.update(whid, {"whcomment": "x"}) if change == "update" else c.delete(whid)
    op = c.settled(op)
    wanted = ("done", "conflict") if change == "update" else ("done", "done")
    assert op["state"] == wanted[not there], op
    assert len(sim.changes()) == there and sim.hits(rule) >= 1


# ------------------------------------------------------------------ changes --


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_update_of_what_has_just_gone(world, sim, status):
    """A 2xx is the API's word, and the next list corrects it; 404 is believed after a list."""
    sim.set(patch_missing=status)
    c, whid = with_rows(world, sim, TRUST)
    sim.remove(whid)
    op = c.settled(c.update(whid, {"whcomment": "x"}))
    if status < 300:
        assert op["state"] == "done"
        assert c.call("sync.now")["removed"] == 1
    else:
        c.call("sync.now")
        op = c.settled(op)
        assert (op["state"], op["reason"]) == ("conflict", "gone_upstream")
    assert len(sim.log(method="PATCH")) == 1 and len(sim.rows()) == 1


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_delete_of_what_has_just_gone(world, sim, status):
    sim.set(delete_missing=status)
    c, whid = with_rows(world, sim, TRUST)
    sim.remove(whid)
    assert c.settled(c.delete(whid))["state"] == "done"
    assert len(sim.log(method="DELETE")) == 1
    assert [w["whname"] for w in c.list()] == ["hook 2"]


def test_members_may_be_left_out(world, sim):
    sim.set(require_all_six=False, patch_semantics="merge")
    c = start(world, sim)
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.applied(c.update(whid, {"whcomment": "x"}))
    assert six(sim.row(whid)) == six(webhook(1, whcomment="x"))


@pytest.mark.parametrize("unique", ["name", "url"])
def test_what_may_be_there_once_only(world, sim, unique):
    """409: another one with this name is a refusal, the same one is what was wanted."""
    sim.set(uniqueness=unique)
    c = start(world, sim, {"queue.settle_error": "0", "queue.settle_timeout": "0"})
    taken = {"name": {"whname": "hook 2"}, "url": {"callbackUrl": webhook(2)["callbackUrl"]}}
    theirs = sim.add(**webhook(1))
    sim.add(**webhook(3, **taken[unique]))
    same, other = c.create(**webhook(1)), c.create(**webhook(2))
    for _ in range(3):
        c.call("sync.now")
    same, other = c.settled(same), c.settled(other)
    assert (same["result"], same["whid"]) == ("adopted", theirs["whid"])
    assert (other["state"], other["reason"]) == ("dead", "rejected")
    assert "409" in other["last_error"] and len(sim.rows()) == 2


@pytest.mark.parametrize("body", ["documented", "full"])
def test_undocumented_members_may_be_refused(world, sim, body):
    """By default whd sends none; if it is told to, the refusal is told."""
    sim.set(request_unknown="refuse")
    row = sim.add(**webhook(1), color="red")
    c = start(world, sim, {"queue.patch_body": body})
    op = c.settled(c.update(row["whid"], {"whcomment": "x"}))
    if body == "documented":
        assert op["state"] == "done" and sim.row(row["whid"])["color"] == "red"
    else:
        assert (op["state"], op["reason"]) == ("dead", "rejected") and "400" in op["last_error"]


def test_request_that_the_api_executes_twice_by_itself(sim, c):
    """Not whd's doing, and not to be undone by it: both are shown, and an alarm is raised."""
    sim.fault("execute_twice", method="POST")
    op = c.applied(c.create(**webhook(1)))
    assert len(sim.log(method="POST")) == 1 and len(sim.rows()) == 2
    c.call("sync.now")
    assert {w["whid"] for w in c.list()} == {r["whid"] for r in sim.rows()}
    assert op["whid"] in {r["whid"] for r in sim.rows()}
    assert "whd_alarms_duplicate_total 1\n" in c.call("metrics")
    c.call("sync.now")
    assert "whd_alarms_duplicate_total 1\n" in c.call("metrics"), "told once"
    assert sim.executed("DELETE") == 0


def test_twin_that_others_wanted_long_after_is_told_too(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.add(**webhook(1))
    sim.add(**webhook(2))
    c.call("sync.now")
    assert len(list(c.list())) == 3 and c.get(whid)["_whd"]["state"] == "synced"
    assert "whd_alarms_duplicate_total 1\n" in c.call("metrics")


@pytest.mark.parametrize("status", [200, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_page_in_place_of_an_answer(world, sim, method, status):
    """A firewall or a maintenance page, whatever its status: nothing is lost, removed or made
    twice, and it goes on when the page is gone."""
    c = start(world, sim, {"sync.interval": "100ms", "queue.settle_error": "0",
                           "queue.settle_timeout": "0", "queue.check_age": "1h"})
    rows = [sim.add(**webhook(n)) for n in range(3)]
    c.call("sync.now")
    rule = sim.fault("html", method=method, status=status)
    ops = [c.create(**webhook(7)), c.update(rows[0]["whid"], {"whcomment": "x"}),
           c.delete(rows[1]["whid"])]
    sim.wait_hits(rule)
    if status == 429 or (status == 403 and method == "GET"):
        c.call("upstream.probe")  # such gates open slowly by themselves, or when somebody asks
        sim.verb("DELETE", "/fault")
    if status == 429:
        return
    for op in ops:
        now = c.settled(op)
        if now["state"] == "held":
            assert (status, now["reason"]) == (403, "forbidden")
            c.applied(c.call("queue.retry", op=op["op"]))
        else:
            assert now["state"] == "done", now
    assert sorted(r["whname"] for r in sim.rows()) == ["hook 0", "hook 2", "hook 7"]
    assert sim.row(rows[0]["whid"])["whcomment"] == "x"
    assert sim.executed("POST") == 1


# ------------------------------------------------------------------ waiting --

# what a 429 says: how long is waited at least and at most, in ms
WAITS = {
    "seconds": (dict(headers={"Retry-After": "90"}), 90_000, 99_000),
    "text alone": (dict(body={"statusCode": 429, "message":
                              "Rate limit is exceeded. Try again in 120 seconds."}),
                   120_000, 132_000),
    "minutes in text": (dict(body="Slow down. Try again in 2 minutes."), 120_000, 132_000),
    "a clock in text": (dict(body={"message": "Replenished in 00:03:20."}), 200_000, 220_000),
    "days in text": (dict(body={"message": "Replenished in 2.00:00:00."}), 3_600_000, 3_960_000),
    "more than an hour": (dict(headers={"Retry-After": "86400"}), 3_600_000, 3_960_000),
    "header before text": (dict(headers={"Retry-After": "90"}, body="Try again in 500 seconds."),
                           90_000, 99_000),
    "a date that has passed": (dict(headers={"Retry-After": "Fri, 01 Jan 2021 00:00:00 GMT"}),
                               1_000, 1_100),
    "nothing": (dict(body="Too many."), 27_000, 33_000),
    "nonsense": (dict(headers={"Retry-After": "soon"}), 27_000, 33_000),
    "negative": (dict(headers={"Retry-After": "-5"}), 27_000, 33_000),
}


@pytest.mark.parametrize("what", WAITS)
def test_every_form_of_a_wait(world, sim, what):
    reply, least, most = WAITS[what]
    c = start(world, sim)
    sim.fault("status", method="GET", status=429, **reply)
    c.call("upstream.probe")
    upstream = c.status()["upstream"]
    assert upstream["gate"] == "rate"
    assert least <= upstream["until"] - upstream["since"] <= most, upstream


def test_wait_in_a_header_of_another_name(world, sim):
    """whd does not know it; the text says the same."""
    sim.set(retry_after_header="X-Come-Back")
    c = start(world, sim)
    sim.fault("apim_429", method="GET", seconds=300)
    c.call("upstream.probe")
    upstream = c.status()["upstream"]
    assert upstream["gate"] == "rate" and upstream["until"] - upstream["since"] >= 300_000
