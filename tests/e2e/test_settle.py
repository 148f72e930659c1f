# SPDX-License-Identifier: MIT
"""How long a create of unknown outcome may still take effect: settle_error if the server gave an
answer, settle_timeout if it gave none. Only after that, and two whole lists, it is sent again."""

import pytest

from support.data import webhook

# what the POST is answered with (it is not executed), and which time applies
ANSWERED = {"500": dict(action="status", status=500), "502 html": dict(action="html", status=502),
            "503": dict(action="status", status=503), "599": dict(action="status", status=599)}
UNANSWERED = {"504": dict(action="status", status=504), "408": dict(action="status", status=408),
              "reset": dict(action="reset_before"), "closed": dict(action="close_before"),
              "html with 200": dict(action="html", status=200),
              "redirect": dict(action="redirect")}
ALL = {**ANSWERED, **UNANSWERED}


@pytest.mark.parametrize("what", ALL)
def test_short_for_an_answer_long_for_none(world, sim, what):
    c = world.whd(sim, {"queue.settle_error": "0", "queue.settle_timeout": "1h",
                        "sync.interval": "100ms"}).client()
    c.synced()
    sim.fault(**ALL[what], method="POST")
    op = c.create(**webhook(1))
    if what in ANSWERED:
        assert c.applied(op)["attempts"] == 2
    else:
        c.op_state(op, "unknown")
        for _ in range(5):
            assert c.call("sync.now")["complete"]
        assert c.call("queue.get", op=op["op"])["state"] == "unknown"
        assert len(sim.log(method="POST")) == 1, "however many lists lack it"


@pytest.mark.parametrize("what", ALL)
def test_the_other_way_round(world, sim, what):
    c = world.whd(sim, {"queue.settle_error": "1h", "queue.settle_timeout": "0",
                        "sync.interval": "100ms"}).client()
    c.synced()
    sim.fault(**ALL[what], method="POST")
    op = c.create(**webhook(1))
    if what in UNANSWERED:
        assert c.applied(op)["attempts"] == 2
    else:
        c.op_state(op, "unknown")
        for _ in range(5):
            c.call("sync.now")
        assert len(sim.log(method="POST")) == 1


def test_time_is_that_of_the_process(world, sim):
    """After a restart it begins anew: what passed while whd was away proves nothing."""
    whd = world.whd(sim, {"queue.settle_error": "1500ms", "sync.interval": "100ms"})
    c = whd.client()
    c.synced()
    sim.fault("status", method="POST", status=500)
    op = c.create(**webhook(1))
    c.op_state(op, "unknown")
    whd.kill()
    began = sim.stats()
    assert began["log"]
    c = whd.start().client()
    for _ in range(4):
        c.call("sync.now")
    started_at = c.status()["uptime_ms"]
    if started_at < 1200:  # else this machine is too slow to see it
        assert c.call("queue.get", op=op["op"])["state"] == "unknown"
    assert c.applied(op)["attempts"] == 2
    assert c.status()["uptime_ms"] >= 1500


# -------------------------------------------------------------- changes --

LATE = 86400000  # ms: carried out when the test says so


class Late:
    """One update that was looked for in vain, sent again, and may still be carried out."""

    def __init__(self, world, sim, **settings):
        self.sim = sim
        self.whd = world.whd(sim, {"queue.settle_timeout": "1h", "queue.settle_error": "1h",
                                   "sync.interval": "100ms", **settings})
        c = self.client = self.whd.client()
        c.synced()
        self.whid = c.applied(c.create(**webhook(1)))["whid"]
        self.other = sim.add(**webhook(2))["whid"]  # not new to whd, so lists are believed of it
        c.call("sync.now")
        rule = sim.fault("execute_late", method="PATCH", ms=LATE)
        self.first = c.applied(c.update(self.whid, {"whname": "first", "whcomment": "first"}))
        sim.clear_faults(rule)

    def carry_out(self):
        self.sim.verb("POST", "/late")

    def asked(self, op, **wanted):
        """What whd says of an operation, once it says this; no event tells of it."""
        for _ in range(10_000):
            tale = self.client.call("queue.get", op=op["op"])
            if wanted.items() <= tale.items():
                return tale
        raise AssertionError(tale)

    def queued(self, op):
        return self.asked(op, state="queued")

    def settling(self, op):
        return self.asked(op, reason="settling")

    def settle(self):
        """From now on nothing is late any more, as the next whole list finds."""
        self.whd.write_config(queue_settle_timeout="0", queue_settle_error="0")
        self.whd.reload()
        self.client.call("sync.now")

    def check_waits(self, **change):
        """An update waits for what is late, and is not undone by it."""
        second = self.client.update(self.whid, change)
        self.settling(second)
        self.carry_out()
        self.settle()
        self.client.applied(second)
        row = self.sim.row(self.whid)
        assert {m: row[m] for m in change} == change


@pytest.fixture
def late(world, sim):
    return Late(world, sim)


def test_an_update_is_sent_again_at_once(sim, late):
    assert late.first["attempts"] == 2
    assert sim.row(late.whid)["whname"] == "first"


def test_a_newer_change_is_not_undone(sim, late):
    """It waits until what came before it cannot be carried out any more; others do not."""
    c, before = late.client, sim.mark()
    second = c.update(late.whid, {"whcomment": "second"})
    third = c.update(late.whid, {"whname": "third"})
    c.applied(c.update(late.other, {"whcomment": "other"}))
    tale = late.settling(second)
    assert "may still be carried out over this one" in tale["why"]
    assert "when the other request can take effect no more, at 2" in tale["next"]
    assert c.get(late.whid)["whcomment"] == "second", "readers see what is wanted"
    c.call("queue.retry", op=second["op"])
    c.call("queue.flush")
    for _ in range(3):
        c.call("sync.now")
    assert [e["whid"] for e in sim.log(before, "PATCH")] == [late.other]
    late.carry_out()
    late.settle()
    assert c.applied(second)["result"] == "applied" and c.applied(third)["result"] == "merged"
    row = sim.row(late.whid)
    assert (row["whname"], row["whcomment"]) == ("third", "second")
    c.idle()


def test_nor_after_a_restart(sim, late):
    c = late.client
    second = c.update(late.whid, {"whcomment": "second"})
    late.settling(second)
    late.whd.kill()
    c = late.client = late.whd.start().client()
    c.synced()
    third = c.update(late.whid, {"whname": "third"})
    late.settling(second)
    late.carry_out()
    late.settle()
    c.applied(second), c.applied(third)
    row = sim.row(late.whid)
    assert (row["whname"], row["whcomment"]) == ("third", "second")


def test_a_delete_does_not_wait(sim, late):
    late.client.applied(late.client.delete(late.whid))
    late.carry_out()
    assert [r["whid"] for r in sim.rows()] == [late.other]


def test_a_change_after_one_that_was_cancelled(world, sim):
    """It was sent, looked for in vain, and cancelled before it was sent again."""
    late = Late(world, sim, **{"retry.base": "10min", "retry.cap": "10min"})
    c, before = late.client, sim.mark()
    c.applied(c.update(late.other, {"whname": "no other is late"}))
    rule = sim.fault("execute_late", method="PATCH", ms=LATE, count=2)
    first = c.update(late.other, {"whcomment": "first"})
    sim.wait_hits(rule, 2)
    late.queued(first)
    c.call("queue.cancel", op=first["op"])
    second = c.update(late.other, {"whname": "second"})
    late.settling(second)
    late.carry_out()
    late.settle()
    c.applied(second)
    assert sim.row(late.other)["whname"] == "second"
    assert len(sim.log(before, "PATCH")) == 4


def test_a_shorter_time_after_a_longer_one(world, sim):
    """No answer, then a server error: what may come last counts."""
    late = Late(world, sim, **{"queue.settle_error": "0"})
    sim.fault("execute_late", method="PATCH", ms=LATE)
    sim.fault("status", method="PATCH", status=500)
    late.whid, late.other = late.other, late.whid
    assert late.client.applied(late.client.update(late.whid, {"whname": "x"}))["attempts"] == 3
    late.check_waits(whname="second")


def test_a_delete_in_between_that_fails(world, sim):
    """It has a time of its own, which is shorter; it is cancelled."""
    late = Late(world, sim, **{"queue.settle_error": "0", "retry.base": "10min",
                               "retry.cap": "10min"})
    c = late.client
    rule = sim.fault("status", method="DELETE", status=500, count=2)
    delete = c.delete(late.whid)
    sim.wait_hits(rule, 2)
    late.queued(delete)
    c.call("queue.cancel", op=delete["op"])
    late.check_waits(whcomment="second")


def test_a_request_of_a_store_that_was_put_back(world, sim):
    late = Late(world, sim)
    c = late.client
    late.whid = late.other
    c.go_offline(sim)
    first = c.update(late.whid, {"whcomment": "first"})
    copy = late.whd.folder / "copy.mdb"
    c.call("store.backup", path=str(copy))
    late.whd.kill()
    assert late.whd.command("--restore", copy)[0] == 0
    sim.fault("execute_late", method="PATCH", ms=LATE)
    c = late.client = late.whd.start().client()
    sim.up()
    c.call("queue.flush")
    assert c.applied(first)["attempts"] == 2
    late.check_waits(whname="second")


@pytest.mark.parametrize("take", ["discard", "theirs"])
def test_a_webhook_that_a_list_lacked_for_once(world, sim, take):
    late = Late(world, sim)
    c, row = late.client, sim.row(late.other)
    late.whid = late.other
    sim.fault("execute_late", method="PATCH", ms=LATE)
    first = c.update(late.whid, {"whcomment": "first"})
    sim.remove(late.whid)
    assert c.settled(first)["reason"] == "gone_upstream"
    sim.add(**row)
    c.call("sync.now")
    c.call("queue.resolve", op=first["op"], take=take)
    late.check_waits(whname="second")


@pytest.mark.parametrize("reply", ["complete", "none"])
def test_how_long_a_change_waits(world, sim, reply):
    """settle_error if the server gave an answer, settle_timeout if it gave none."""
    times = ("0", "1h") if reply == "complete" else ("1h", "0")
    c = world.whd(sim, {"queue.settle_error": times[0], "queue.settle_timeout": times[1],
                        "sync.interval": "100ms"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    sim.fault("status", method="PATCH", status=500 if reply == "complete" else 504)
    assert c.applied(c.update(whid, {"whcomment": "first"}))["attempts"] == 2
    c.applied(c.update(whid, {"whcomment": "second"}))


def test_a_wait_that_ends_by_itself(world, sim):
    late = Late(world, sim, **{"queue.settle_timeout": "1500ms", "queue.settle_error": "1500ms"})
    c = late.client
    second = c.update(late.whid, {"whcomment": "second"})
    c.applied(second)
    attempts = {op["op"]: c.call("queue.get", op=op["op"])["log"] for op in (late.first, second)}
    unanswered, sent = attempts[late.first["op"]][0], attempts[second["op"]][0]
    assert sent["at"] >= unanswered["at"] + unanswered["took_ms"] + 1490
