# SPDX-License-Identifier: MIT
"""`status` tells the truth: each condition of whd, the API, the queue and the store moves exactly
the members that are about it, as soon as it is so, and no other; and they go back when it is over.

Times and sizes that always move are left out; what they must fulfil is checked apart.
"""

import time

import pytest

from support.data import webhook

PATIENCE = 30
ROWS = 10
SOON = 1000  # ms from the API's answer to the gate's `since`, by the clock of this machine

BASELINE = {
    "live": True, "ready": True, "fresh": True,
    "upstream.online": True, "upstream.gate": "open", "upstream.since": False,
    "upstream.until": False, "upstream.last_error": None,
    "sync.synced_at": True, "sync.stale": False, "sync.rows": ROWS, "sync.running": False,
    "sync.suspect": 0, "sync.last_error": None,
    **{f"queue.{state}": 0 for state in ("queued", "checking", "sending", "unknown", "conflict",
                                         "held", "dead")},
    "queue.bytes": False, "queue.oldest_age_ms": False, "queue.full": False,
    "store.full": False,
}
ONLY_IF_SET = ("upstream.since", "upstream.until", "sync.synced_at", "queue.bytes",
               "queue.oldest_age_ms")


def seen(c):
    """What status says, flat: of times and sizes only whether they are there."""
    status = c.status()
    check_times(status)
    flat = {}
    for name in BASELINE:
        section, _, member = name.rpartition(".")
        value = (status[section] if section else status)[member]
        flat[name] = value not in (None, 0) if name in ONLY_IF_SET else value
    return flat


def check_times(status):
    """What always moves is consistent in itself."""
    now = time.time() * 1000
    upstream, sync, store = status["upstream"], status["sync"], status["store"]
    for at in (upstream["since"], upstream["last_ok_at"], upstream["last_error_at"],
               sync["synced_at"]):
        assert at is None or at <= now + 1000
    assert (upstream["since"] is None) == (upstream["until"] is None)
    assert (upstream["last_error"] is None) == (upstream["last_error_at"] is None)
    assert (sync["synced_at"] is None) == (sync["age_ms"] is None)
    assert status["fresh"] != sync["stale"]
    assert 0 < store["used"] < store["max"] and store["free_disk"] > 0


def flips(c, expected):
    """Waits until status differs from the baseline in exactly this; strings need only hold the
    words. Each look is a call: nothing sleeps."""
    end = time.monotonic() + PATIENCE
    while True:
        differs = {k: v for k, v in seen(c).items() if v != BASELINE[k]}
        if differs.keys() == expected.keys() and all(fits(differs[k], v)
                                                     for k, v in expected.items()):
            return
        assert time.monotonic() < end, f"seen {differs}, wanted {expected}"


def fits(value, wanted):
    if isinstance(wanted, tuple):  # words
        return isinstance(value, str) and all(word in value for word in wanted)
    return value == wanted


@pytest.fixture
def whd(world, sim):
    """It knows ten webhooks, lists when it is told to, and reads none before it sends."""
    sim.add_all([webhook(n) for n in range(ROWS)])
    daemon = world.whd(sim, {"queue.check_age": "1h", "retry.cap": "100ms",
                             "queue.settle_timeout": "60s"})
    daemon.client().synced()
    return daemon


def list_now(c):
    try:
        c.call("sync.now")
    except c.Error as error:
        assert error.code == "OFFLINE", error


GATE = {"upstream.online": False, "upstream.since": True, "upstream.until": True}


def gate(name, *words):
    return {**GATE, "upstream.gate": name, "upstream.last_error": words,
            "sync.last_error": words}


# ------------------------------------------------------------ answers to a list --

# what becomes of lists: members that flip
ANSWERS = {
    "up": (None, {}),
    "401": (dict(action="apim_401"), gate("auth", "401")),
    "403 by address": (dict(action="apim_403_ip"), gate("auth", "403")),
    "403 quota": (dict(action="apim_403_quota"), gate("quota", "403")),
    "429": (dict(action="apim_429", seconds=60), gate("rate", "429")),
    "503 that asks to wait": (dict(action="status", status=503, headers={"Retry-After": "60"}),
                              gate("link", "503")),
    "one 500": (dict(action="status", status=500),
                {"upstream.online": False, "upstream.last_error": ("500",),
                 "sync.last_error": ("500",)}),
    **{f"one {status}": (dict(action="status", status=status, body={"message": "no"}),
                         {"upstream.online": False, "upstream.last_error": (f"{status}",),
                          "sync.last_error": (f"{status}",)})
       for status in (400, 404, 410, 422)},
    "html": (dict(action="html", status=200),
             {"upstream.online": False, "upstream.last_error": ("200",),
              "sync.last_error": ("200",)}),
    "a cut body": (dict(action="cut_body", bytes=500),
                   {"upstream.online": False, "upstream.last_error": ("cut",),
                    "sync.last_error": ("cut",)}),
    "one element unreadable": (dict(action="status", status=200, body=[{"whname": "no id"}]),
                               {"sync.last_error": ("id",)}),
    "empty though it was not": (dict(action="status", status=200, body=[]),
                                {"sync.suspect": ROWS, "sync.last_error": ("suspicious",)}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answer_to_a_list(sim, c, what):
    fault, expected = ANSWERS[what]
    flips(c, {})
    before = sim.mark()
    if fault:
        sim.fault(**fault, method="GET", count=1)
    list_now(c)
    flips(c, expected)
    if "upstream.since" in expected:
        answered_at = sim.log(before)[0]["wall_ms"]
        assert abs(c.status()["upstream"]["since"] - answered_at) <= SOON
    recover(c, expected)


def recover(c, expected):
    """The next good answer puts everything back; the last error stays to be read, with its time.
    (Waits that the API asked for are not cut short by it.)"""
    if expected.get("upstream.gate") in ("quota", "rate") or "503" in str(expected):
        return
    if expected.get("upstream.gate") == "auth":
        assert c.call("upstream.probe")["gate"] == "open"
    list_now(c)
    list_now(c)  # a suspicious list wants a second look
    kept = {k: v for k, v in expected.items() if k == "upstream.last_error"}
    flips(c, kept)


def test_nothing_listens(sim, c):
    c.go_offline(sim)
    flips(c, gate("link"))
    c.go_online(sim)
    list_now(c)
    flips(c, {"upstream.last_error": ()})


@pytest.mark.parametrize("status", [400, 404, 410, 422, 500])
def test_no_list_five_times_is_an_outage(sim, c, status):
    """One lost answer shuts nothing; the fifth in a row does, also of those that refuse it."""
    sim.fault("status", method="GET", status=status, count=-1)
    for n in range(1, 6):
        list_now(c)
        assert (c.status()["upstream"]["gate"] == "link") == (n >= 5), n
    flips(c, gate("link", f"{status}"))
    sim.clear_faults()
    c.go_online(sim)
    flips(c, {"upstream.last_error": (f"{status}",)})


def test_list_that_is_too_large_stops_no_change(world, sim):
    """It is read as far as it may, and shows that the API is there, also after an outage."""
    sim.seed(8)
    c = world.whd(sim, {"upstream.max_body": "8KiB", "retry.cap": "100ms"}).client()
    c.synced()
    others = [sim.add(**webhook(n, whcomment="x" * 1000))["whid"] for n in range(100, 110)]
    result = c.call("sync.now")
    assert not result["complete"] and "max_body" in result["why"] and result["removed"] == 0
    status = c.status()
    assert status["upstream"]["gate"] == "open" and status["upstream"]["online"]
    assert "max_body" in status["sync"]["last_error"]
    c.go_offline(sim)
    late = [c.delete(whid) for whid in others[:2]]
    sim.up()
    for op in late:
        c.applied(op)
    c.applied(c.create(**webhook(1)))
    for whid in others[2:]:
        sim.remove(whid)
    c.call("sync.now")
    flips(c, {"sync.rows": 9, "upstream.last_error": ()})


def test_change_forbidden_is_no_gate(sim, c):
    sim.fault("apim_403_ip", method="POST")
    c.settled(c.create(**webhook(20)))
    flips(c, {"queue.held": 1, "queue.bytes": True, "queue.oldest_age_ms": True,
              "upstream.online": False, "upstream.last_error": ("403",)})
    list_now(c)
    flips(c, {"queue.held": 1, "queue.bytes": True, "queue.oldest_age_ms": True,
              "upstream.last_error": ("403",)})


def test_shrink_that_is_believed(sim, c):
    sim.remove_all()
    list_now(c)
    flips(c, {"sync.suspect": ROWS, "sync.last_error": ("suspicious",)})
    next_at = c.status()["sync"]["next_at"]
    assert 0 < next_at - time.time() * 1000 <= 30_500, "listed again after half a minute"
    c.call("sync.accept")
    list_now(c)
    flips(c, {"sync.rows": 0})


def test_list_that_is_running(sim, c):
    rule = sim.fault("delay", method="GET", ms=600000)
    with pytest.raises(c.Error):
        c.call("sync.now", timeout_ms=0)
    sim.wait_hits(rule)
    flips(c, {"sync.running": True})
    sim.clear_faults()
    list_now(c)
    flips(c, {})


def test_copy_that_is_too_old(whd, c):
    """stale is a matter of age alone: nothing else is wrong."""
    whd.write_config(sync_stale_after="1ms")
    whd.reload()
    flips(c, {"fresh": False, "sync.stale": True})
    whd.write_config(sync_stale_after="1h")
    whd.reload()
    flips(c, {})


def test_before_the_first_list(world, sim):
    sim.fault("delay", method="GET", ms=600000)
    c = world.whd(sim).client()
    sim.wait_requests("GET", 1)
    flips(c, {"fresh": False, "sync.stale": True, "sync.synced_at": False, "sync.rows": 0,
              "sync.running": True, "upstream.online": False})
    sim.clear_faults()


# ---------------------------------------------------------------------- queue --

QUEUE = {"queue.bytes": True, "queue.oldest_age_ms": True}


def test_operations_by_state(sim, c):
    whid = sim.rows()[0]["whid"]
    held_up = sim.fault("delay", method="PATCH", ms=600000)
    op = c.update(whid, {"whcomment": "x"})
    sim.wait_hits(held_up)
    flips(c, {**QUEUE, "queue.sending": 1})
    behind = c.update(whid, {"whcomment": "y"})
    flips(c, {**QUEUE, "queue.sending": 1, "queue.queued": 1})
    c.call("queue.hold", op=behind["op"])
    flips(c, {**QUEUE, "queue.sending": 1, "queue.held": 1})
    c.call("queue.cancel", op=behind["op"])
    sim.clear_faults()
    c.applied(op)
    flips(c, {})


def test_operation_that_is_dead(sim, c):
    sim.fault("status", method="POST", status=400, body={"message": "no"})
    op = c.settled(c.create(**webhook(20)))
    flips(c, {**QUEUE, "queue.dead": 1})
    c.call("queue.cancel", op=op["op"])
    flips(c, {})


def test_operation_of_unknown_outcome(sim, c):
    stalled = sim.fault("delay", method="GET", ms=600000, count=-1)
    sim.fault("status", method="POST", status=500)
    op = c.create(**webhook(20))
    c.op_state(op, "unknown")
    flips(c, {**QUEUE, "queue.unknown": 1, "upstream.online": False,
              "upstream.last_error": ("500",)} | (
                  {"sync.running": True} if c.status()["sync"]["running"] else {}))
    sim.clear_faults(stalled)


def test_operation_in_conflict(sim, c):
    whid = sim.rows()[0]["whid"]
    slow = sim.fault("delay", method="POST", ms=600000, count=4)
    others = [c.create(**webhook(20 + n)) for n in range(4)]
    sim.wait_hits(slow, 4)  # all places are taken: what comes now waits
    op = c.update(whid, {"whcomment": "mine"})
    sim.edit(whid, whcomment="theirs")
    list_now(c)
    sim.clear_faults()
    for other in others:
        c.applied(other)
    assert c.settled(op)["state"] == "conflict"
    flips(c, {**QUEUE, "queue.conflict": 1, "sync.rows": ROWS + 4})
    c.call("queue.resolve", op=op["op"], take="theirs")
    flips(c, {"sync.rows": ROWS + 4})


def test_webhook_that_is_being_read(world, sim):
    sim.add_all([webhook(n) for n in range(ROWS)])
    c = world.whd(sim, {"queue.check_age": "0"}).client()
    c.synced()
    rule = sim.fault("delay", method="GET", list=False, ms=600000)
    op = c.update(sim.rows()[0]["whid"], {"whcomment": "x"})
    sim.wait_hits(rule)
    flips(c, {**QUEUE, "queue.checking": 1})
    sim.clear_faults()
    c.applied(op)
    flips(c, {})


# ------------------------------------------------------------------------ full --


def test_queue_that_is_full(sim, whd, c):
    whd.write_config(queue_max_ops=4)
    whd.reload()
    slow = sim.fault("delay", method="POST", ms=600000, count=4)
    ops = [c.create(**webhook(20 + n)) for n in range(4)]
    sim.wait_hits(slow, 4)
    flips(c, {**QUEUE, "queue.sending": 4, "queue.full": True})
    with pytest.raises(c.Error) as refusal:
        c.create(**webhook(30))
    assert refusal.value.code == "QUEUE_FULL", "what it says is so"
    sim.clear_faults()
    for op in ops:
        c.applied(op)
    flips(c, {"sync.rows": ROWS + 4})


def test_store_that_is_nearly_full(whd, c):
    whd.write_config(store_min_free="16TiB")
    whd.reload()
    flips(c, {"store.full": True})
    with pytest.raises(c.Error) as refusal:
        c.create(**webhook(21))
    assert refusal.value.code == "STORE_FULL", "what it says is so"
    whd.write_config(store_min_free="1MiB")
    whd.reload()
    flips(c, {})
    c.applied(c.create(**webhook(21)))
