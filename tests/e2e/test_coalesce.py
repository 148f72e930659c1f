# SPDX-License-Identifier: MIT
"""Changes of one webhook queued while the API is away: what never left is combined, and only
the final state is sent."""

import json

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six


@pytest.fixture
def away(sim, c):
    """A webhook that exists, and the API gone."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    return whid


@pytest.fixture
def back(sim, c):
    """Brings the API back; returns the methods of the changes made since the outage."""
    def bring():
        before = sim.mark()
        c.go_online(sim)
        c.idle()
        return [e["method"] for e in sim.changes(before)]
    return bring


def test_create_and_update_become_one_post(sim, c, away, back):
    create = c.create(**webhook(2))
    updates = [c.update(create["tmp_id"], {"whcomment": "v2"}),
               c.update(create["tmp_id"], {"whname": "final"}, add_processes=["x"])]
    for op in updates:
        assert (op["state"], op["result"], op["into"]) == ("done", "merged", create["op"])
    assert back() == ["POST"]
    assert six(sim.rows()[1]) == six(
        webhook(2, whcomment="v2", whname="final", processes=["p2", "all", "x"]))
    assert c.applied(create)["attempts"] == 1


def test_what_took_in_others_names_the_newest(sim, c, away, back):
    first = c.update(away, {"whcomment": "first"})
    later = [c.update(away, {"whcomment": f"turn {n}"})["op"] for n in range(20)]
    assert c.call("queue.get", op=first["op"])["absorbed"] == later[-16:]
    assert back() == ["PATCH"]
    assert c.call("queue.get", op=first["op"])["absorbed"] == later[-16:], "in the history, too"


def test_update_then_delete_keeps_the_first_base(sim, c):
    """What others changed between the two is seen: the delete was meant for the older state."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    slow = sim.fault("delay", method="POST", ms=600000, count=4)
    others = [c.create(**webhook(20 + n)) for n in range(4)]
    sim.wait_hits(slow, 4)  # all places are taken: what comes now waits
    c.update(whid, {"whcomment": "mine"})
    sim.edit(whid, whcomment="theirs")
    c.call("sync.now")
    delete = c.delete(whid)
    sim.clear_faults()
    for other in others:
        c.applied(other)
    now = c.settled(delete)
    assert (now["state"], now["reason"]) == ("conflict", "changed_upstream")
    assert now["base"]["whcomment"] == "comment 1" and sim.row(whid)


def test_create_and_delete_send_nothing(sim, c, away, back):
    create = c.create(**webhook(2))
    update = c.update(create["tmp_id"], {"whcomment": "x"})
    delete = c.delete(create["tmp_id"])
    assert delete["state"] == "cancelled" and c.settled(create)["state"] == "cancelled"
    assert c.settled(update)["result"] == "merged"
    assert "never made" in c.call("queue.get", op=delete["op"])["why"]
    with refused("NOT_FOUND"):
        c.get(create["tmp_id"])
    assert back() == []
    assert len(sim.rows()) == 1


def test_update_and_update_become_one_patch(sim, c, away, back):
    first = c.update(away, {"whcomment": "one", "whname": "n1"})
    second = c.update(away, {"whcomment": "two"}, add_processes=["x"])
    third = c.update(away, remove_processes=["all"])
    assert second["into"] == third["into"] == first["op"]
    assert back() == ["PATCH"]
    assert six(sim.row(away)) == six(
        webhook(1, whcomment="two", whname="n1", processes=["p1", "x"]))
    assert c.applied(first)["result"] == "applied"


def test_update_back_to_the_base_sends_nothing(sim, c, away, back):
    there = c.update(away, {"whcomment": "there"})
    again = c.update(away, {"whcomment": "comment 1"})
    assert c.settled(there)["result"] == "noop" and again["result"] == "merged"
    assert back() == []
    assert sim.row(away)["whcomment"] == "comment 1"


def test_update_and_delete_become_one_delete(sim, c, away, back):
    update = c.update(away, {"whcomment": "x"})
    delete = c.delete(away)
    ended = c.settled(update)
    assert (ended["state"], ended["into"]) == ("superseded", delete["op"])
    assert back() == ["DELETE"]
    assert sim.rows() == []
    assert c.applied(delete)["result"] == "applied"


def test_update_after_delete_is_refused(sim, c, away, back):
    delete = c.delete(away)
    with refused("DELETED", "cancel"):
        c.update(away, {"whcomment": "x"})
    with refused("DELETED"):
        c.get(away)
    assert list(c.list()) == [] and c.get(away, view="confirmed")["whid"] == away
    c.call("queue.cancel", op=delete["op"])
    assert c.get(away)["_whd"]["state"] == "synced"
    c.update(away, {"whcomment": "x"})
    assert back() == ["PATCH"]


def test_second_delete_is_the_first(sim, c, away, back):
    first = c.delete(away)
    assert c.delete(away)["op"] == first["op"]
    assert c.delete(away, force=True)["op"] == first["op"]
    assert back() == ["DELETE"]
    assert sim.rows() == []


def test_same_create_twice_is_one_operation(sim, c, away, back):
    first = c.create(**webhook(2))
    assert c.create(**webhook(2))["op"] == first["op"]
    turned = webhook(2, processes=["all", "p2"], callbackUrl="HTTPS://hooks.EXAMPLE.org/in/2")
    assert c.create(**turned)["op"] == first["op"], "the same in normal form"
    other = c.create(**webhook(2, whcomment="differs"))
    assert other["op"] != first["op"]
    twin = c.create(**webhook(2), allow_duplicate=True)
    assert twin["op"] not in (first["op"], other["op"])
    assert back() == ["POST"] * 3
    assert len(sim.rows()) == 4


def test_create_of_what_exists_adopts_it(sim, c):
    theirs = sim.add(**webhook(1))
    c.call("sync.now")
    op = c.applied(c.create(**webhook(1)))
    assert op["result"] == "adopted" and op["whid"] == theirs["whid"]
    assert sim.executed("POST") == 0 and len(sim.rows()) == 1
    twin = c.applied(c.create(**webhook(1), allow_duplicate=True))
    assert twin["result"] == "applied" and len(sim.rows()) == 2


def test_create_does_not_adopt_what_is_to_be_deleted(sim, c, away, back):
    gone = c.delete(away)
    again = c.create(**webhook(1))
    assert sorted(back()) == ["DELETE", "POST"]
    assert c.applied(again)["whid"] == sim.rows()[0]["whid"] != away
    assert c.applied(gone)["result"] == "applied" and len(sim.rows()) == 1


def test_create_does_not_adopt_what_is_being_deleted(sim, c):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    rule = sim.fault("delay", method="DELETE", ms=600000)
    gone = c.delete(whid)
    sim.wait_hits(rule)
    again = c.applied(c.create(**webhook(1)))
    assert again["result"] == "applied"
    sim.clear_faults()
    c.applied(gone)
    assert [r["whid"] for r in sim.rows()] == [again["whid"]]


def test_create_does_not_adopt_what_becomes_something_else(sim, c, away, back):
    c.update(away, {"whcomment": "differs"})
    again = c.create(**webhook(1))
    assert sorted(back()) == ["PATCH", "POST"]
    c.applied(again)
    assert sorted(r["whcomment"] for r in sim.rows()) == sorted(
        ["differs", webhook(1)["whcomment"]])


@pytest.mark.parametrize("follower", ["delete", "update"])
def test_same_create_behind_a_change_of_the_first_is_another_one(sim, c, follower):
    """The first is on its way, and what follows it leaves nothing that is as both wanted it."""
    rule = sim.fault("delay", method="POST", ms=600000, count=1)
    first = c.create(**webhook(1))
    sim.wait_hits(rule)
    assert c.create(**webhook(1))["op"] == first["op"]
    if follower == "delete":
        c.delete(first["tmp_id"])
    else:
        c.update(first["tmp_id"], {"whcomment": "differs"})
    again = c.create(**webhook(1))
    assert again["op"] != first["op"]
    sim.clear_faults()
    c.idle()
    assert c.get(again["tmp_id"])["whid"] in [r["whid"] for r in sim.rows()]
    assert len(sim.rows()) == (1 if follower == "delete" else 2)


@pytest.mark.parametrize("refusal", ["apim_404_route", "apim_429", "apim_401"])
def test_what_was_sent_and_certainly_not_executed_is_merged(world, sim, refusal):
    """The gateway turned it away: such an attempt proves that nothing was carried out."""
    whd = world.whd(sim, {"retry.base": "10min", "retry.cap": "1h"})
    c = whd.client()
    c.synced()
    since = c.head()
    sim.fault(refusal, method="POST", count=-1)
    op = c.create(**webhook(1))
    created = c.op_state(op, "queued", since)
    c.op_state(op, "queued", created["revision"])  # again: the answer was stored
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=100)
    assert c.update(op["tmp_id"], {"whcomment": "merged"})["into"] == op["op"]
    assert c.delete(op["tmp_id"])["state"] == "cancelled"
    c.idle()
    assert sim.executed("POST") == 0 and len(sim.changes()) >= 1


def test_what_may_have_been_sent_is_never_merged(sim, c):
    """An update that is on its way is immutable; the next goes behind it."""
    whid = c.applied(c.create(**webhook(1)))["whid"]
    rule = sim.fault("delay", method="PATCH", ms=600000)
    first = c.update(whid, {"whcomment": "one"})
    sim.wait_hits(rule)
    second = c.update(whid, {"whname": "two"})
    third = c.update(whid, {"whname": "three"})
    assert "into" not in second and third["into"] == second["op"]
    sim.clear_faults()
    c.idle()
    bodies = [json.loads(e["body"]) for e in sim.changes() if e["method"] == "PATCH"]
    assert [(b["whcomment"], b["whname"]) for b in bodies] == [("one", "hook 1"),
                                                               ("one", "three")]
    assert c.applied(first)["result"] == c.applied(second)["result"] == "applied"


def test_delete_behind_a_create_on_its_way_waits_for_its_id(sim, c):
    rule = sim.fault("delay", method="POST", ms=600000)
    create = c.create(**webhook(1))
    sim.wait_hits(rule)
    delete = c.delete(create["tmp_id"])
    assert delete["state"] == "queued"
    sim.clear_faults()
    c.applied(delete)
    assert [e["method"] for e in sim.changes()] == ["POST", "DELETE"]
    assert sim.rows() == []


def test_many_webhooks_drain_each_to_its_last_state(sim, c):
    c.go_offline(sim)
    tmp = [c.create(**webhook(n))["tmp_id"] for n in range(30)]
    for turn in range(3):
        for n in range(30):
            c.update(tmp[n], {"whcomment": f"turn {turn} of {n}"})
    c.go_online(sim)
    c.idle()
    assert sim.executed("POST") == 30 and sim.executed("PATCH") == 0
    assert {r["whname"]: r["whcomment"] for r in sim.rows()} == {
        f"hook {n}": f"turn 2 of {n}" for n in range(30)}


POLICIES = ["merge", "local-wins", "remote-wins", "manual"]


@pytest.mark.parametrize("first", POLICIES)
@pytest.mark.parametrize("second", POLICIES)
def test_each_change_keeps_its_own_policy(world, sim, first, second):
    """Two changes of one webhook; somebody else changes what the second one sets."""
    c = world.whd(sim, {"queue.check_age": "0"}).client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    one = c.update(whid, {"municipalityId": "mine"}, policy=first)
    two = c.update(whid, {"whcomment": "mine"}, policy=second)
    assert (two["state"] == "done") == (first == second), "joined only if they say the same"
    sim.edit(whid, whcomment="theirs")
    c.go_online(sim)
    row = None
    if first == "manual":  # it asks about any change by others; then the second one is let go
        assert c.settled(one)["state"] == "conflict"
        if first != second:
            c.call("queue.resolve", op=one["op"], take="mine")
            c.applied(one)
    if first != second:
        two = c.settled(two)
        row = sim.row(whid)
        assert row["municipalityId"] == "mine"
        assert row["whcomment"] == ("mine" if second == "local-wins" else "theirs")
        assert two["state"] == ("conflict" if second in ("merge", "manual") else "done")


def test_what_may_have_left_is_not_joined(world, sim):
    """A PATCH without an answer, looked for and not found, may still arrive."""
    c = world.whd(sim, {"sync.interval": "1h", "retry.base": "2s", "retry.cap": "2s"}).client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("close_before", method="PATCH", count=2)
    one = c.update(whid, {"whcomment": "one"})
    c.op_state(one, "unknown")
    c.op_state(one, "queued")
    two = c.update(whid, {"whcomment": "two"})
    assert two["state"] == "queued"
    c.applied(one)
    c.applied(two)
    bodies = [json.loads(r["body"])["whcomment"] for r in sim.log(method="PATCH")]
    assert bodies == ["one", "one", "one", "two"]


# ------------------------------------------- what another one has wanted already --


@pytest.fixture
def urgent(sim, c):
    """A webhook whose comment a queued change sets to urgent: (whid, that operation)."""
    whid = c.applied(c.create(**webhook(0)))["whid"]
    c.go_offline(sim)
    return whid, c.update(whid, {"whcomment": "urgent"})


def test_same_update_again_is_joined_and_no_noop(sim, c, urgent):
    """Nothing is in effect yet: it shares the fate of the one that waits."""
    whid, first = urgent
    again = c.update(whid, {"whcomment": "urgent"})
    assert again["result"] == "merged" and again["into"] == first["op"]
    c.go_online(sim)
    c.applied(first)
    assert sim.row(whid)["whcomment"] == "urgent"
    assert c.update(whid, {"whcomment": "urgent"})["result"] == "noop"


def test_same_update_behind_one_on_its_way(sim, c):
    whid = c.applied(c.create(**webhook(0)))["whid"]
    rule = sim.fault("delay", method="PATCH", ms=600000)
    first = c.update(whid, {"whcomment": "urgent"})
    sim.wait_hits(rule)
    again = c.update(whid, {"whcomment": "urgent"})
    assert again["state"] == "queued"
    sim.clear_faults()
    c.applied(first)
    assert c.applied(again)["result"] == "noop"
    assert len(sim.log(method="PATCH")) == 1


def test_same_update_while_the_first_is_in_conflict(sim, c, urgent):
    whid, first = urgent
    sim.edit(whid, whcomment="theirs")
    c.go_online(sim)
    c.op_state(first, "conflict")
    again = c.update(whid, {"whcomment": "urgent"})
    assert (again["state"], again["reason"]) == ("held", "dependency")
    c.call("queue.resolve", op=first["op"], take="theirs")
    assert c.settled(again)["state"] == "conflict", "it was asked for all the same"


def test_same_update_as_a_create_that_waits(sim, c):
    c.go_offline(sim)
    made = c.create(**webhook(0))
    c.update(made["whid"], {"whcomment": "later"})
    assert c.update(made["whid"], {"whname": "hook 0"})["into"] == made["op"]


def test_member_that_nobody_waits_for_is_a_noop(sim, c, urgent):
    whid, _ = urgent
    assert c.update(whid, {"whname": "hook 0"})["result"] == "noop"
