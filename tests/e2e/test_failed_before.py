# SPDX-License-Identifier: MIT
"""Changes behind one that then fails: they were asked for while readers saw what that one wanted,
and none of them is told done without being in effect."""

import pytest

from support.data import webhook


@pytest.fixture
def whid(c):
    return c.applied(c.create(**webhook(0, processes=["p-0"])))["whid"]


@pytest.fixture
def rejected(sim, c, whid):
    """A change on its way that the API will reject: call it to queue it, and again to see it die
    and cancel it."""
    def turn(op=None, **change):
        if op is None:
            rule = sim.fault("delay", method="PATCH", ms=600000)
            sim.fault("status", method="PATCH", status=400, body={"errors": "no"})
            op = c.call("webhook.update", whid=whid, **change)
            sim.wait_hits(rule)
            turn.rule = rule
            return op
        sim.clear_faults(turn.rule)
        assert c.settled(op)["state"] == "dead"
        return c.call("queue.cancel", op=op["op"])
    return turn


def test_part_of_what_is_asked_is_on_its_way(sim, c, whid, rejected):
    first = rejected(set={"whname": "P"})
    second = c.update(whid, {"whname": "P", "whcomment": "X"})
    rejected(first)
    assert c.applied(second)["result"] == "applied"
    assert (sim.row(whid)["whname"], sim.row(whid)["whcomment"]) == ("P", "X")


def test_away_and_back_over_one_on_its_way(sim, c, whid, rejected):
    first = rejected(set={"whname": "P"})
    second, third = c.update(whid, {"whname": "X"}), c.update(whid, {"whname": "P"})
    assert third["into"] == second["op"]
    rejected(first)
    c.applied(second)
    assert sim.row(whid)["whname"] == "P"


def test_back_to_what_the_api_has_behind_one_on_its_way(sim, c, whid):
    """That one is in effect, so the way back has to go out."""
    rule = sim.fault("delay", method="PATCH", ms=600000)
    first = c.update(whid, {"whname": "P"})
    sim.wait_hits(rule)
    second = c.update(whid, {"whname": "X"})
    third = c.update(whid, {"whname": "hook 0"})
    assert third["into"] == second["op"]
    sim.clear_faults()
    c.applied(first)
    assert c.applied(second)["result"] == "applied"
    assert sim.row(whid)["whname"] == "hook 0"


def test_nothing_to_change_by_two_of_which_one_fails(sim, c, whid, rejected):
    first = rejected(set={"whname": "P"})
    c.update(whid, {"whcomment": "X"})
    third = c.update(whid, {"whname": "P", "whcomment": "X"})
    rejected(first)
    c.idle()
    assert c.settled(third)["state"] == "done"
    assert (sim.row(whid)["whname"], sim.row(whid)["whcomment"]) == ("P", "X")


def test_what_is_added_twice_is_added_if_the_first_fails(sim, c, whid, rejected):
    first = rejected(add_processes=["p-1"])
    second = c.call("webhook.update", whid=whid, add_processes=["p-1", "p-2"])
    rejected(first)
    c.applied(second)
    assert sorted(sim.row(whid)["processes"]) == ["p-0", "p-1", "p-2"]


def test_what_the_first_alone_added_goes_with_it(sim, c, whid, rejected):
    first = rejected(add_processes=["p-1"])
    second = c.call("webhook.update", whid=whid, add_processes=["p-2"])
    rejected(first)
    c.applied(second)
    assert sorted(sim.row(whid)["processes"]) == ["p-0", "p-2"]


def test_what_is_taken_out_twice_is_taken_out_if_the_first_fails(sim, c, whid, rejected):
    first = rejected(remove_processes=["p-0"], add_processes=["p-1"])
    second = c.call("webhook.update", whid=whid, remove_processes=["p-0"], add_processes=["p-2"])
    rejected(first)
    c.applied(second)
    assert sim.row(whid)["processes"] == ["p-2"]


def test_a_whole_set_is_the_whole_set_if_the_first_fails(sim, c, whid, rejected):
    first = rejected(set={"processes": ["a", "b"]})
    second = c.update(whid, {"processes": ["b", "a"], "whcomment": "X"})
    rejected(first)
    c.applied(second)
    assert sorted(sim.row(whid)["processes"]) == ["a", "b"]


@pytest.mark.parametrize("policy", ["merge", "local-wins", "remote-wins"])
def test_a_correction_is_no_conflict_with_what_was_rejected(sim, c, whid, rejected, policy):
    first = rejected(set={"whname": "typo"})
    second = c.update(whid, {"whname": "correct", "whcomment": "mine"}, policy=policy)
    rejected(first)
    assert c.applied(second)["result"] == "applied"
    assert (sim.row(whid)["whname"], sim.row(whid)["whcomment"]) == ("correct", "mine")


def test_third_of_three_of_which_the_second_is_cancelled(sim, c, whid):
    rule = sim.fault("delay", method="PATCH", ms=600000)
    first = c.update(whid, {"whname": "one"})
    sim.wait_hits(rule)
    second = c.update(whid, {"whname": "two"}, policy="local-wins")
    third = c.update(whid, {"whname": "three"}, policy="merge")
    c.call("queue.cancel", op=second["op"])
    sim.clear_faults()
    c.applied(first)
    assert c.applied(third)["result"] == "applied"
    assert sim.row(whid)["whname"] == "three"


@pytest.mark.parametrize("others", [False, True])
def test_delete_behind_a_change_that_is_cancelled(sim, c, whid, others):
    c.go_offline(sim)
    first = c.update(whid, {"whname": "R"})
    c.call("queue.hold", op=first["op"])
    gone = c.delete(whid)
    c.call("queue.cancel", op=first["op"])
    if others:
        sim.edit(whid, whname="theirs")
    c.go_online(sim)
    assert c.settled(gone)["state"] == ("conflict" if others else "done")


def test_others_change_under_one_that_fails_is_seen(sim, c, whid):
    """What nobody was shown is not overwritten."""
    c.go_offline(sim)
    first = c.update(whid, {"whname": "X"})
    sim.edit(whid, whname="theirs")
    c.go_online(sim)
    c.op_state(first, "conflict")
    second = c.update(whid, {"whname": "Y"})
    c.call("queue.resolve", op=first["op"], take="theirs")
    assert c.settled(second)["state"] == "conflict"
    assert sim.row(whid)["whname"] == "theirs"


def test_local_wins_is_not_joined_with_remote_wins(sim, c, whid):
    c.go_offline(sim)
    c.update(whid, {"whname": "P"}, policy="remote-wins")
    second = c.update(whid, {"whname": "P"}, policy="local-wins")
    assert "into" not in second
    sim.edit(whid, whname="theirs")
    c.go_online(sim)
    c.idle()
    assert c.settled(second)["state"] == "done" and sim.row(whid)["whname"] == "P"


def test_local_wins_goes_back_over_what_others_changed(sim, c, whid):
    c.go_offline(sim)
    held = c.update(whid, {"whname": "X"}, policy="local-wins")
    c.call("queue.hold", op=held["op"])
    c.go_online(sim)
    sim.edit(whid, whname="theirs")
    c.call("sync.now")
    c.update(whid, {"whname": "hook 0"}, policy="local-wins")
    c.call("queue.release", op=held["op"])
    c.applied(held)
    assert sim.row(whid)["whname"] == "hook 0"


def test_force_lets_a_delete_in_conflict_go_on(sim, c, whid):
    c.go_offline(sim)
    gone = c.delete(whid)
    sim.edit(whid, whname="theirs")
    c.go_online(sim)
    assert c.settled(gone)["state"] == "conflict"
    assert c.delete(whid)["state"] == "conflict"
    assert c.delete(whid, force=True)["op"] == gone["op"]
    assert c.applied(gone)["state"] == "done" and sim.rows() == []


def test_what_is_emptied_of_a_webhook_that_is_gone_is_no_noop(sim, c, whid):
    c.go_offline(sim)
    first = c.update(whid, {"whname": "X"})
    sim.remove(whid)
    c.go_online(sim)
    c.op_state(first, "conflict")
    assert c.get(whid)["whcomment"] != ""
    assert c.update(whid, {"whcomment": ""})["state"] == "held"


def dead_and_offline(sim, c, whid, change):
    """A change that the API has rejected and that a person may retry; the API is gone."""
    sim.fault("status", method="PATCH", status=400, count=1, body={"errors": "no"})
    op = c.call("webhook.update", whid=whid, **change)
    assert c.settled(op)["state"] == "dead"
    c.go_offline(sim)
    return op


def test_what_is_removed_last_is_removed_if_one_is_retried_that_adds_it(sim, c, whid):
    first = dead_and_offline(sim, c, whid, {"add_processes": ["p-1"]})
    second = c.call("webhook.update", whid=whid, add_processes=["p-1"])
    third = c.call("webhook.update", whid=whid, remove_processes=["p-1"])
    assert third["into"] == second["op"]
    c.call("queue.retry", op=first["op"])
    c.go_online(sim)
    c.applied(first)
    c.idle()
    assert sim.row(whid)["processes"] == ["p-0"]


def test_what_is_set_back_last_stays_so_if_one_is_retried_that_set_it(sim, c, whid):
    first = dead_and_offline(sim, c, whid, {"set": {"whname": "P"}})
    second, third = c.update(whid, {"whname": "X"}), c.update(whid, {"whname": "hook 0"})
    assert third["into"] == second["op"]
    c.call("queue.retry", op=first["op"])
    c.go_online(sim)
    c.applied(first)
    c.idle()
    assert sim.row(whid)["whname"] == "hook 0"


def test_nobody_retries_what_was_rejected(sim, c, whid):
    """Then what was set back to how the API has it is no change, and nothing goes out."""
    first = dead_and_offline(sim, c, whid, {"set": {"whname": "P"}, "add_processes": ["p-1"]})
    change = c.call("webhook.update", whid=whid, set={"whname": "X"}, add_processes=["p-1"])
    c.call("webhook.update", whid=whid, set={"whname": "hook 0"}, remove_processes=["p-1"])
    c.call("queue.cancel", op=first["op"])
    mark = sim.mark()
    c.go_online(sim)
    assert c.applied(change)["result"] == "noop"
    assert sim.log(mark, "PATCH") == []
