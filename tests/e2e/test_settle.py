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
