# SPDX-License-Identifier: MIT
"""Updates and deletes of unknown outcome, and replies that mean something else than they say."""

import pytest

from support.data import webhook
from support.sim import six

FAST = {"sync.interval": "100ms"}

BENT = {
    "reset after execute": dict(action="reset_after"),
    "close after execute": dict(action="close_after"),
    "cut head": dict(action="cut_head"),
    "cut head not executed": dict(action="cut_head", execute=False),
    "cut body": dict(action="cut_body", bytes=5),
    "500 executed": dict(action="status", status=500, execute=True),
    "html 200 executed": dict(action="html", status=200, execute=True),
    "error report with 200 executed": dict(action="status", status=200, execute=True,
                                           body={"errors": [{"message": "late"}]}),
    "error report with 200 not executed": dict(action="status", status=200,
                                               body={"code": "503", "message": "down"}),
    "another webhook with 200 executed": dict(action="status", status=200, execute=True,
                                              body={"whid": "1", "whname": "another"}),
    "another webhook with 200 not executed": dict(action="status", status=200,
                                                  body={"whid": "1", "whname": "another"}),
    "redirect executed": dict(action="redirect", execute=True),
    "reset before": dict(action="reset_before"),
    "500 not executed": dict(action="status", status=500),
    "html 200 not executed": dict(action="html", status=200),
    "404 route": dict(action="apim_404_route"),
}


@pytest.fixture
def fast(world, sim):
    c = world.whd(sim, FAST).client()
    c.synced()
    return c


@pytest.fixture
def whid(sim, fast):
    """Not one of whd's own, which lists may lack for a while."""
    row = sim.add(**webhook(1))
    fast.call("sync.now")
    return row["whid"]


@pytest.mark.parametrize("what", BENT)
def test_update_takes_effect(sim, fast, whid, what):
    rule = dict(BENT[what])
    if rule["action"] == "cut_body":
        rule["bytes"] = 5
    sim.fault(rule.pop("action"), method="PATCH", **rule)
    op = fast.applied(fast.update(whid, {"whcomment": "changed"}))
    assert op["result"] in ("applied", "noop")
    assert six(sim.row(whid)) == six(webhook(1, whcomment="changed"))
    assert fast.get(whid)["whcomment"] == "changed"
    executed = [e for e in sim.log(method="PATCH") if e["executed_n"]]
    assert len(executed) == 1, "what was executed was not sent again"


@pytest.mark.parametrize("what", [w for w in BENT if w != "cut body"])
def test_delete_takes_effect(sim, fast, whid, what):
    rule = dict(BENT[what])
    sim.fault(rule.pop("action"), method="DELETE", **rule)
    op = fast.applied(fast.delete(whid))
    assert op["result"] in ("applied", "already")
    assert sim.rows() == [] and list(fast.list()) == []
    executed = [e for e in sim.log(method="DELETE") if e["executed_n"] and e["rows_changed"]]
    assert len(executed) == 1


@pytest.mark.parametrize("change", ["delete", "update"])
def test_empty_list_proves_nothing_while_webhooks_are_new(sim, fast, change):
    """What whd has just made is not taken for gone; so neither is what it has tried to change."""
    whids = [fast.applied(fast.create(**webhook(n)))["whid"] for n in range(3)]
    fast.call("sync.now")
    sim.fault("reset_before", method=change.replace("update", "patch").upper())
    empty = sim.fault("status", method="GET", list=True, status=200, body=[], count=2)
    op = (fast.delete(whids[0]) if change == "delete"
          else fast.update(whids[0], {"whcomment": "changed"}))
    sim.wait_hits(empty, 2)
    assert fast.applied(op)["attempts"] == 2
    left = {r["whid"]: r["whcomment"] for r in sim.rows()}
    assert set(left) == set(whids[change == "delete":])
    assert change == "delete" or left[whids[0]] == "changed"


@pytest.mark.parametrize("reply", ["new", "old", "empty", "text"])
def test_reply_to_an_update_may_show_anything(sim, fast, whid, reply):
    sim.set(patch_reply=reply, patch_status=204 if reply == "empty" else 200)
    fast.applied(fast.update(whid, {"whcomment": "changed"}))
    assert fast.get(whid)["whcomment"] == "changed"
    fast.call("sync.now")
    assert fast.get(whid)["whcomment"] == "changed"
    assert sim.executed("PATCH") == 1


@pytest.mark.parametrize("status", [200, 202, 204])
def test_reply_to_a_delete(sim, fast, whid, status):
    sim.set(delete_status=status)
    assert fast.applied(fast.delete(whid))["result"] == "applied"
    assert sim.rows() == []


@pytest.mark.parametrize("status", [404, 410])
def test_delete_of_what_is_gone_is_done_only_when_a_list_agrees(sim, fast, whid, status):
    """A 404 alone may be the gateway's: the row is there, so the delete is sent again."""
    sim.fault("status", method="DELETE", status=status, body={"message": "not found"}, count=2)
    fast.applied(fast.delete(whid))
    assert sim.rows() == []
    assert [e["status"] for e in sim.log(method="DELETE")] == [status, status, 204]


def test_delete_of_what_others_deleted_is_done(sim, fast, whid):
    sim.fault("status", method="GET", status=503, count=-1)  # nobody tells whd
    sim.remove(whid)
    op = fast.delete(whid)
    sim.clear_faults()
    assert fast.applied(op)["result"] in ("applied", "already")
    assert list(fast.list()) == []


def test_update_of_what_is_gone_asks_a_person(sim, fast, whid):
    sim.fault("status", method="PATCH", status=404, body={"message": "not found"})
    sim.fault("delay", method="PATCH", ms=1)
    op = fast.update(whid, {"whcomment": "x"})
    fast.applied(op)  # the 404 was wrong: the list has it
    sim.remove(whid)
    op = fast.settled(fast.update(whid, {"whcomment": "y"}))
    assert (op["state"], op["reason"]) == ("conflict", "gone_upstream")
    assert op["theirs"] is None


def test_update_that_fails_is_not_sent_at_every_change_by_others(world, sim):
    """Others change the webhook while each attempt is under way: the second one that fails has
    the update wait, as it does where nobody changes anything."""
    c = world.whd(sim, {"sync.interval": "1h", "retry.base": "10min", "retry.cap": "1h"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    holds = [sim.fault("delay", method="PATCH", skip=n, ms=600000) for n in range(2)]
    sim.fault("status", method="PATCH", status=404, body={"message": "not found"}, count=-1)
    op = c.update(whid, {"whcomment": "x"})
    for hold in holds:
        sim.wait_hits(hold)
        sim.edit(whid, whname=f"of others {hold}")
        head = c.head()
        sim.clear_faults(hold)
    c.op_state(op, "queued", head)
    now = c.call("queue.get", op=op["op"])
    assert now["state"] == "queued" and now["attempts"] == 2, now
    assert now["next_at"] > now["changed_at"], "drawn at random, from the first millisecond on"


@pytest.fixture
def unseen(sim, fast, whid):
    """Begins a change that is sent, gets no answer, and whose webhook no list shows any more;
    none is whole."""
    def begin(method):
        sim.add(**webhook(2))
        sim.set(duplicate_id_in_list=True)
        lists = sim.fault("delay", method="GET", list=True, ms=600000, count=-1)
        sim.wait_hits(lists)
        rule = sim.fault("reset_before", method=method)
        op = fast.delete(whid) if method == "DELETE" else fast.update(whid, {"whcomment": "x"})
        sim.wait_hits(rule)
        fast.op_state(op, "unknown")
        sim.remove(whid)
        sim.clear_faults(lists)
        return op
    return begin


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_without_a_whole_list_a_person_is_asked_in_the_end(sim, fast, unseen, method):
    op = unseen(method)
    now = fast.settled(op)
    assert (now["state"], now["reason"]) == ("held", "no_complete_list")
    assert "queue release" in fast.call("queue.get", op=op["op"])["next"]
    sim.set(duplicate_id_in_list=False)
    fast.call("queue.release", op=op["op"])
    now = fast.settled(op)
    assert now["state"] == ("done" if method == "DELETE" else "conflict")


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422])
def test_rejected_is_final_and_says_why(sim, fast, whid, status):
    body = {"errors": {"whname": ["The whname field is a\u001b[31m problem."]}}
    sim.fault("status", method="PATCH", status=status, body=body)
    op = fast.settled(fast.update(whid, {"whname": "bad"}))
    assert (op["state"], op["reason"]) == ("dead", "rejected")
    assert "The whname field" in op["last_error"] and "\x1b" not in op["last_error"]
    full = fast.call("queue.get", op=op["op"])
    assert full["log"][-1]["status"] == status and "whctl queue retry" in full["next"]
    assert fast.get(whid)["whname"] == "hook 1", "readers see what is in effect"
    fast.applied(fast.call("queue.retry", op=op["op"]))
    assert sim.row(whid)["whname"] == "bad"


def test_one_that_always_fails_stops_while_others_go_on(sim, fast, whid):
    """A 5xx for the same operation again and again, while others succeed, is its own fault."""
    rule = sim.fault("status", method="PATCH", body_contains="poison", status=500, count=-1)
    op = fast.update(whid, {"whname": "poison"})
    other = fast.applied(fast.create(**webhook(2)))["whid"]
    for n in range(600):  # something succeeds between any two of its failures
        fast.applied(fast.update(other, {"whcomment": f"turn {n}"}))
        now = fast.call("queue.wait", op=op["op"], timeout_ms=50)
        if now["state"] == "dead":
            break
    assert (now["state"], now["reason"]) == ("dead", "poison"), now
    assert "while other requests succeeded" in fast.call("queue.get", op=op["op"])["why"]
    assert now["attempts"] == sim.hits(rule) >= 8 and sim.row(whid)["whname"] == "hook 1"


def test_where_all_fail_it_is_the_endpoint_and_nothing_is_given_up(sim, fast, whid):
    """Reads work, each change gets a 500, for as long as it takes: all of them wait."""
    rule = sim.fault("status", method="PATCH", status=500, count=-1)
    ops = [fast.update(whid, {"whname": "patient"}),
           fast.update(fast.applied(fast.create(**webhook(2)))["whid"], {"whname": "too"})]
    sim.wait_hits(rule, 24)
    for op in ops:
        assert fast.call("queue.get", op=op["op"])["state"] != "dead"
    sim.clear_faults()
    for op in ops:
        fast.applied(op)
    assert sorted(r["whname"] for r in sim.rows()) == ["patient", "too"]
