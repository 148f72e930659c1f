# SPDX-License-Identifier: MIT
"""Operations get their index rows long after they were acknowledged, many at once: whoever asks,
before, in the midst of it or behind it, is told the same."""

from support.data import webhook
from support.sim import six

MANY = 1500     # more than whd leaves without index rows while nothing else is to be done
LEFT = 1024


def answers(c, ops):
    """All that is found by an index of operations, or by one of overlays."""
    return {
        "by id": [c.call("queue.get", op=op)["whid"] for op in ops[::100]],
        "by lane": [[o["op"] for o in c.call("queue.list", whid=c.call(
            "queue.get", op=op)["whid"])["items"]] for op in ops[::100]],
        "by state": {state: [o["op"] for o in c.pages("queue.list", state=state, limit=400)]
                     for state in ("queued", "held")},
        "by term": [sorted(w["whname"] for w in c.list(municipalityId=str(m)))
                    for m in range(3)],
        "by address": [w["whname"] for w in c.list(callbackUrl=webhook(700)["callbackUrl"])],
    }


def test_in_a_quiet_hour(sim, whd, c):
    c.go_offline(sim)
    made = [c.create(**webhook(n, municipalityId=str(n % 3))) for n in range(MANY)]
    ops = [op["op"] for op in made]
    for op in ops[:MANY:50]:
        c.call("queue.hold", op=op)
    assert c.behind() > LEFT
    told = answers(c, ops)
    assert len(told["by state"]["held"]) == MANY / 50
    assert sum(map(len, told["by term"])) == MANY and len(told["by address"]) == 1
    c.caught_up(LEFT)
    assert answers(c, ops) == told
    again = c.create(**webhook(3, municipalityId="0"))
    assert again["op"] == ops[3], "the same wish is known by its form"
    whd.kill()
    whd.start()
    c = whd.client()
    assert answers(c, ops) == told
    assert c.call("store.check")["sound"]


def commits(c):
    return c.call("dump", section="writer")["writer"]["commits"]


def test_more_at_once_the_longer_it_is_quiet(sim, whd, c):
    """1,024, 2,048, then 4,096 a commit: so many take half the time for each."""
    c.go_offline(sim)
    for n in range(9000):
        c.create(**webhook(n))
    behind, before = c.behind(), commits(c)
    c.caught_up(LEFT)
    assert commits(c) - before <= behind / LEFT / 2 + 2


def test_before_a_sweep(sim, whd, c):
    """It looks for one operation after the other, and would read through all of them for each."""
    c.go_offline(sim)
    for n in range(MANY):
        c.create(**webhook(n))
    assert c.behind() > LEFT
    c.call("queue.flush")
    assert c.behind() <= LEFT


def histories(c, whids):
    """What has ended of each webhook; the same as among all."""
    ended = [(o["whid"], o["op"]) for o in c.pages("history.list", limit=1000)]
    told = {whid: [o["op"] for o in c.pages("history.list", whid=whid, limit=7)]
            for whid in whids}
    assert told == {whid: [op for of, op in ended if of == whid] for whid in whids}
    return told


def test_history_of_a_webhook(world, sim):
    """An ended operation is found by its webhook from the start, though its index row comes with
    those of many others; whatever has been forgotten meanwhile, and after a kill."""
    sim.add_all([webhook(n) for n in range(20)])
    whd = world.whd(sim, {"history.max_ops": MANY, "queue.check_age": "1min"})
    c = whd.client()
    c.synced()
    whids = [row["whid"] for row in c.list()]

    def change_each(times):
        for turn in range(times):
            for n, whid in enumerate(whids):
                c.update(whid, {"whcomment": f"{c.head()} {turn} {n}"})
            c.idle()
    change_each(LEFT // len(whids) + 2)
    told = histories(c, whids)
    assert sum(map(len, told.values())) > LEFT
    c.caught_up(LEFT)
    assert histories(c, whids) == told
    change_each(30)
    told = histories(c, whids)
    assert sum(map(len, told.values())) <= MANY + 20
    whd.kill()
    whd.start()
    c = whd.client()
    assert histories(c, whids) == told
    assert c.call("store.check")["sound"]


def test_between_all_changes(world, sim):
    """Index rows come at any moment: changes of what has them, and of what has none yet."""
    whd = world.whd(sim, env={"WHD_TEST_CATCH_UP": "2"})
    c = whd.client()
    c.synced()
    sim.add_all([webhook(n) for n in range(6)])
    c.call("sync.now")
    ids = [row["whid"] for row in c.list()]
    c.go_offline(sim)
    for turn in range(8):
        for n, whid in enumerate(ids):
            c.update(whid, {"whcomment": f"{turn} {n}", "municipalityId": str(turn)})
            if n == turn % 6:
                c.caught_up(2)
        new = c.create(**webhook(100 + turn, municipalityId=str(turn)))
        c.update(new["whid"], {"whname": f"new {turn}"})
        if turn % 3 == 1:
            c.call("queue.cancel", op=c.create(**webhook(200 + turn))["op"])
        for m in range(turn):
            assert [w["whname"] for w in c.list(municipalityId=str(m))] == [f"new {m}"]
        assert len(list(c.list(municipalityId=str(turn)))) == 7
        assert c.call("store.check")["sound"]
    c.caught_up(2)
    expected = {w["whname"]: six(w) for w in c.list()}
    c.go_online(sim)
    c.idle()
    assert {r["whname"]: six(r) for r in sim.rows()} == expected
    assert c.call("store.check")["sound"]


def test_end_of_an_outage_is_told_once_however_many_wait(sim, world):
    """What is remembered of the gates is not written over by what was so before."""
    whd = world.whd(sim, {"retry.base": "10min", "retry.cap": "10min", "sync.interval": "1h"})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    c.gate("link")  # which is told a commit later
    since = c.head()
    for n in range(4 * MANY):
        c.create(**webhook(n))
    assert c.behind() > 3 * LEFT
    sim.up()
    sim.fault("apim_429", method="POST", seconds=3000, count=-1)
    c.call("upstream.probe")
    c.gate("rate", since=since)
    c.caught_up(LEFT)
    told = [e["state"] for e in c.all_events(since) if e["kind"] == "gate"]
    assert told == ["open", "rate"]
    sent = len(sim.log(method="POST"))
    whd.restart()
    assert whd.client().status()["upstream"]["gate"] == "rate"
    assert len(sim.log(method="POST")) == sent
