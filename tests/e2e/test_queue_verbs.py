# SPDX-License-Identifier: MIT
"""What a person can do to a queued change: hold, release, cancel, retry, flush, resolve; which
verb is legal when; and what queue and history show."""

import os

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six

VERBS = ("retry", "cancel", "hold", "release", "resolve")
LEGAL = {  # as documented
    "queued": {"retry", "cancel", "hold"},
    "held": {"retry", "cancel", "release", "resolve"},
    "conflict": {"cancel", "resolve"},
    "dead": {"retry", "cancel"},
    "done": set(), "cancelled": set(), "superseded": set(), "sending": set(), "unknown": set(),
}


def call(c, verb, op, **params):
    if verb == "resolve":
        params.setdefault("take", "mine")
    return c.call(f"queue.{verb}", op=op["op"], **params)


@pytest.fixture
def whid(sim, c):
    sim.add(**webhook(1))
    sim.add(**webhook(2))
    c.call("sync.now")
    return sim.rows()[0]["whid"]


def make(sim, c, whid, state):
    """An operation in the given state."""
    if state == "done":
        return c.applied(c.update(whid, {"whcomment": "x"}))
    if state == "dead":
        sim.fault("status", method="PATCH", status=400, body={"message": "no"})
        return c.settled(c.update(whid, {"whcomment": "x"}))
    if state == "sending":
        rule = sim.fault("delay", method="PATCH", ms=600000)
        op = c.update(whid, {"whcomment": "x"})
        sim.wait_hits(rule)
        return op
    if state == "unknown":
        sim.fault("close_after", method="POST")
        sim.fault("status", method="GET", status=500, count=-1)
        op = c.create(**webhook(9))
        c.op_state(op, "unknown")
        return op
    c.go_offline(sim)
    op = c.update(whid, {"whcomment": "x"})
    if state == "held":
        return call(c, "hold", op)
    if state == "cancelled":
        return call(c, "cancel", op)
    if state == "superseded":
        c.delete(whid)
        return op
    if state == "conflict":
        sim.remove(whid)
        c.go_online(sim)
        return c.settled(op)
    return op


@pytest.mark.parametrize("state", LEGAL)
def test_illegal_verbs_are_refused_and_name_the_legal_ones(sim, c, whid, state):
    op = make(sim, c, whid, state)
    assert c.call("queue.get", op=op["op"])["state"] == state
    for verb in set(VERBS) - LEGAL[state]:
        with refused("BAD_STATE", state, *LEGAL[state]):
            call(c, verb, op)
    assert c.call("queue.get", op=op["op"])["state"] == state
    sim.clear_faults()


@pytest.mark.parametrize("state,verb", [(s, v) for s, vs in LEGAL.items() for v in sorted(vs)])
def test_legal_verbs_work(sim, c, whid, state, verb):
    op = make(sim, c, whid, state)
    now = call(c, verb, op)
    assert now["op"] == op["op"]
    expected = {"hold": "held", "cancel": "cancelled"}.get(verb)
    if expected:
        assert now["state"] == expected
    sim.clear_faults()
    c.go_online(sim)
    c.idle()
    ended = c.call("queue.get", op=op["op"])
    if verb in ("hold", "cancel"):
        assert ended["state"] == expected
        assert sim.row(whid) is None or sim.row(whid)["whcomment"] == "comment 1"
    elif state == "conflict":
        assert ended["state"] == "conflict", "it is still gone: mine cannot be had"
    else:
        assert ended["state"] == "done" and sim.row(whid)["whcomment"] == "x"


def test_verbs_on_nothing(c):
    nowhere = {"op": "01a207f5-c71a-7d3b-afef-9a99463295ce"}
    for verb in VERBS:
        with refused("OP_NOT_FOUND"):
            call(c, verb, nowhere)
        for bad in ("", "x", "tmp-" + nowhere["op"], nowhere["op"] + "0", "z" * 36):
            with refused("INVALID_PARAM", "op"):
                call(c, verb, {"op": bad})
    for method in ("queue.get", "queue.wait"):
        with refused("OP_NOT_FOUND"):
            c.call(method, **nowhere)
        with refused("INVALID_PARAM"):
            c.call(method, op="x")


def test_hold_keeps_it_back_and_release_lets_it_go(sim, c, whid):
    c.go_offline(sim)
    op = c.update(whid, {"whcomment": "held"})
    held = call(c, "hold", op)
    assert (held["state"], held["reason"]) == ("held", "admin")
    assert c.get(whid)["_whd"]["state"] == "held" and c.get(whid)["whcomment"] == "held"
    c.go_online(sim)
    c.idle()
    assert sim.changes() == [] and sim.row(whid)["whcomment"] == "comment 1"
    call(c, "release", op)
    c.applied(op)
    assert sim.row(whid)["whcomment"] == "held"


def test_cancel_brings_the_old_state_back(sim, c, whid):
    c.go_offline(sim)
    op = c.update(whid, {"whcomment": "never"})
    create = c.create(**webhook(5))
    assert call(c, "cancel", op)["state"] == "cancelled"
    assert c.get(whid)["whcomment"] == "comment 1" and c.get(whid)["_whd"]["pending"] == 0
    call(c, "cancel", create)
    with refused("NOT_FOUND"):
        c.get(create["tmp_id"])
    c.go_online(sim)
    c.idle()
    assert sim.changes() == []


def test_cancel_of_a_create_with_followers_needs_cascade(sim, c, whid):
    """Followers come to stand behind a create that is on its way, and is then forbidden."""
    rule = sim.fault("delay", method="POST", ms=600000)
    sim.fault("apim_403_ip", method="POST")
    create = c.create(**webhook(5))
    sim.wait_hits(rule)
    update = c.update(create["tmp_id"], {"whcomment": "x"})
    delete = c.delete(create["tmp_id"])
    sim.clear_faults(rule)
    assert c.settled(create)["reason"] == "forbidden"
    with refused("BAD_STATE", "cascade"):
        call(c, "cancel", create)
    call(c, "cancel", create, cascade=True)
    assert c.call("queue.list")["items"] == []
    for op in (create, update, delete):
        assert c.call("queue.get", op=op["op"])["state"] in ("cancelled", "superseded")
    c.idle()
    assert len(sim.changes()) == 1 and len(sim.rows()) == 2


@pytest.mark.parametrize("cascade", [False, True])
def test_cancel_of_an_update_leaves_its_followers_unless_told(sim, c, whid, cascade):
    """They make sense without it; they go on, or with cascade they go with it."""
    sim.fault("status", method="PATCH", status=400, body={"message": "no"})
    first = c.settled(c.update(whid, {"whname": "bad"}))
    second = c.update(whid, {"whcomment": "good"})
    third = c.delete(sim.rows()[1]["whid"])
    assert (second["state"], second["reason"]) == ("held", "dependency")
    call(c, "cancel", first, cascade=cascade)
    assert c.settled(second)["state"] == ("cancelled" if cascade else "done")
    assert c.settled(third)["state"] == "done", "another webhook is not concerned"
    assert sim.row(whid)["whcomment"] == ("comment 1" if cascade else "good")


def test_flush_makes_everything_due(world, sim):
    c = world.whd(sim, {"retry.base": "60s", "retry.cap": "1h", "sync.interval": "200ms"}).client()
    c.synced()
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(3)]
    sim.fault("apim_404_route", method="PATCH", count=3)
    ops = [c.update(w, {"whcomment": "x"}) for w in whids]
    sim.wait_requests("PATCH", 3)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=200)
    due = c.call("queue.flush")["due"]
    assert due >= 1
    for op in ops:
        c.applied(op)
    assert {r["whcomment"] for r in sim.rows()} == {"x"}


# ---------------------------------------------------------- queue and history --


def test_queue_is_listed_in_order_and_by_state(sim, c, whid):
    c.go_offline(sim)
    made = [c.create(**webhook(10 + n))["op"] for n in range(7)]
    call(c, "hold", {"op": made[2]})
    assert [i["op"] for i in c.call("queue.list")["items"]] == made
    assert [i["op"] for i in c.call("queue.list", state="held")["items"]] == [made[2]]
    assert len(c.call("queue.list", state="queued")["items"]) == 6
    assert c.call("queue.list", state="dead")["items"] == []
    with refused("INVALID_PARAM", "state"):
        c.call("queue.list", state="waiting")
    paged = list(c.pages("queue.list", limit=2))
    assert [i["op"] for i in paged] == made
    cursor = c.call("queue.list", limit=2)["cursor"]
    with refused("INVALID_PARAM", "cursor"):
        c.call("queue.list", limit=2, cursor=cursor, state="held")
    with refused("INVALID_PARAM", "cursor"):
        c.call("history.list", cursor=cursor)


def test_history_pages_backwards_and_filters(sim, c, whid):
    for n in range(5):
        c.applied(c.update(whid, {"whcomment": f"turn {n}"}))
    other = c.applied(c.create(**webhook(7)))
    items = list(c.pages("history.list", limit=2))
    ended = [c.call("queue.get", op=i["op"])["ended_at"] for i in items]
    assert len(items) == 6 and ended == sorted(ended, reverse=True)
    assert len(c.call("history.list", whid=whid)["items"]) == 5
    assert [i["op"] for i in c.call("history.list", whid=other["whid"])["items"]] == [other["op"]]
    assert [i["op"] for i in c.call("history.list", since=ended[0])["items"]][:1] == [other["op"]]
    assert c.call("history.list", since=ended[0] + 60000)["items"] == []
    assert len(c.call("queue.list", state="done")["items"]) == 6, "ended ones on request"


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_history_since_ends_at_the_first_that_is_older(c, whid, limit):
    ops = [c.applied(c.update(whid, {"whcomment": f"turn {n}"}))["op"] for n in range(4)]
    ended = [c.call("queue.get", op=op)["ended_at"] for op in ops]
    for since in ended:
        items = list(c.pages("history.list", since=since, limit=limit))
        assert [i["op"] for i in items] == [
            op for op, at in zip(ops, ended) if at >= since][::-1]
    assert c.call("history.list", since=ended[3] + 60000, limit=limit) == {"items": []}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_history_of_a_webhook_holds_what_was_joined_with_its_create(sim, c, whid, limit):
    c.go_offline(sim)
    create = c.create(**webhook(5))
    tmp = create["tmp_id"]
    ops = [c.update(tmp, {"whcomment": f"turn {n}"})["op"] for n in range(3)] + [create["op"]]
    c.go_online(sim)
    made = c.applied(create)["whid"]
    ops += [c.applied(c.update(made, {"whcomment": f"later {n}"}))["op"] for n in range(2)]
    for name in (made, tmp):
        assert [i["op"] for i in c.pages("history.list", whid=name, limit=limit)] == ops[::-1]
    ops.append(c.applied(c.delete(made))["op"])
    done = c.pages("queue.list", whid=made, state="done", limit=limit)
    assert [i["op"] for i in done] == ops[::-1], "also when it is gone"


def test_history_is_bounded(world, sim):
    c = world.whd(sim, {"history.max_ops": 5}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    for n in range(12):
        c.applied(c.update(whid, {"whcomment": f"turn {n}"}))
    c.call("sync.now")
    items = c.call("history.list")["items"]
    assert len(items) == 5 and items[0]["fields"] == {"whcomment": "turn 11"}


def test_queue_is_bounded(world, sim):
    c = world.whd(sim, {"queue.max_ops": 4}).client()
    c.synced()
    c.go_offline(sim)
    ops = [c.create(**webhook(n)) for n in range(4)]
    with refused("QUEUE_FULL", "max_ops"):
        c.create(**webhook(5))
    assert len(c.call("queue.list")["items"]) == 4, "nothing was pushed out"
    call(c, "cancel", ops[0])
    c.create(**webhook(5))
    c.go_online(sim)
    c.idle()
    assert {r["whname"] for r in sim.rows()} == {"hook 1", "hook 2", "hook 3", "hook 5"}


def test_full_queue_takes_what_does_not_fill_it(world, sim):
    gone, there = (sim.add(**webhook(n))["whid"] for n in (1, 2))
    c = world.whd(sim, {"queue.max_ops": 2}).client()
    c.synced()
    c.go_offline(sim)
    delete, create = c.delete(gone), c.create(**webhook(3))
    with refused("QUEUE_FULL"):
        c.update(there, {"whcomment": "x"})
    with refused("DELETED"):
        c.update(gone, {"whcomment": "x"})
    assert c.delete(gone)["op"] == delete["op"]
    assert c.update(there, {"whcomment": "comment 2"})["result"] == "noop"
    assert c.update(create["whid"], {"whcomment": "x"})["into"] == create["op"]
    assert c.delete(create["whid"])["reason"] == "never_created"
    c.update(there, {"whcomment": "there is room again"})


def test_webhook_with_too_many_changes_takes_what_adds_none(sim, c, whid):
    c.go_offline(sim)
    for n in range(64):
        last = c.update(whid, {"whcomment": str(n)}, policy=["merge", "local-wins"][n % 2])
    with refused("QUEUE_FULL", "this webhook"):
        c.update(whid, {"whcomment": "64"}, policy="merge")
    assert c.update(whid, {"whname": c.get(whid)["whname"]})["result"] == "noop"
    assert c.update(whid, {"whname": "y"}, policy="local-wins")["into"] == last["op"]
    assert c.delete(whid)["state"] == "queued"
    assert c.call("queue.get", op=last["op"])["state"] == "superseded"


def test_store_too_full_refuses_changes_but_not_reads(world, sim):
    sim.add(**webhook(1))
    c = world.whd(sim, {"store.min_free": "16TiB"}).client()
    c.synced()
    with refused("STORE_FULL"):
        c.create(**webhook(2))
    assert six(next(c.list())) == six(webhook(1))
    assert c.call("sync.now")["complete"] and sim.changes() == []


def test_store_too_full_for_what_changes_nothing(sim, whd, c):
    """A request_id is kept for days, whatever became of the call."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    waits = c.create(**webhook(2), request_id="kept")
    whd.write_config(store_min_free="16TiB")
    whd.reload()
    for request_id in {}, {"request_id": "new"}:
        with refused("STORE_FULL"):
            c.call("webhook.update", whid=whid, set={"whcomment": "comment 1"}, **request_id)
    with refused("STORE_FULL"):
        c.create(**webhook(2), request_id="new")
    for known in {}, {"request_id": "kept"}:
        again = c.call("webhook.create", **webhook(2), **known)
        assert again["op"] == waits["op"], "nothing is written for it"


# -------------------------------------------------------------------- its log --


def lines(whd, message):
    return [line for line in whd.logged() if f'msg="{message}"' in line
            or f"msg={message} " in line]


def test_log_names_the_operation_and_its_webhook(sim, whd, c, whid):
    op = make(sim, c, whid, "dead")
    names = f" op={op['op']} whid={whid} seq="
    assert names in lines(whd, "sending")[0]
    ended = lines(whd, "attempt ended")[0]
    assert names in ended and "state=dead" in ended and r'error="HTTP 400 \"no\"' in ended
    made = c.applied(c.create(**webhook(9)))
    ended = lines(whd, "attempt ended")[1]
    assert f" op={made['op']} whid={made['tmp_id']} " in ended and "level=info" in ended


def test_log_tells_what_a_person_did_and_not_what_was_refused(sim, whd, c, whid):
    op = make(sim, c, whid, "held")
    with refused("BAD_STATE"):
        call(c, "hold", op)
    call(c, "cancel", op, cascade=True)
    with refused("BAD_STATE"):
        call(c, "cancel", op)
    c.call("queue.flush")
    whd.child.wait_line(f"msg=queue.flush uid={os.getuid()} due=0")
    assert [len(lines(whd, f"queue.{verb}")) for verb in ("hold", "cancel")] == [1, 1]
    for verb, did in (("hold", 'state=held take="" cascade=0'),
                      ("cancel", 'state=cancelled take="" cascade=1')):
        names = f" op={op['op']} whid={whid} uid={os.getuid()} "
        assert names + did in lines(whd, f"queue.{verb}")[0]
