# SPDX-License-Identifier: MIT
"""Every bound of [limits] towards the peers: reached, refused with a clear word, and counted,
while everybody else is served."""

import signal
import threading
import time

import msgpack
import pytest

from support import wire
from support.client import counted, refused
from support.data import webhook


def limited(world, sim, **limits):
    whd = world.whd(sim, {f"limits.{k}": v for k, v in limits.items()})
    whd.client().synced()
    return whd


LEAST = {"frame": "224KiB", "elements": 1000, "depth": 5}  # as whd.conf(5) has them


def test_frame_elements_and_depth_follow_the_configuration(world, sim):
    whd = limited(world, sim, **LEAST)
    said = whd.client().call("hello")["limits"]
    assert (said["frame"], said["elements"], said["depth"]) == (224 * 1024, 1000, 5)
    for value in ({"client": "x" * 224 * 1024}, {"features": ["x"] * 1000},
                  {"features": [[["x"]]]}):
        raw = wire.Raw(whd.socket)
        raw.message([0, 1, "hello", [value]])
        assert raw.refusals() == [(1, "TOO_LARGE")]
    raw = wire.Raw(whd.socket)
    raw.send(1, "hello", client="x" * 220 * 1024, features=["x"] * 980)
    assert raw.result(1)["server"] == "whd"


def ids(letter):
    return [f"{letter}{n}".ljust(256, letter) for n in range(256)]


def test_least_bounds_let_the_largest_changes_pass(world, sim):
    """A file that whd takes must lock nobody out of what the protocol promises."""
    raw = wire.Raw(limited(world, sim, **LEAST).socket)
    largest = {"whname": "n" * 1024, "whcomment": "c" * 4096, "applicationId": "a" * 256,
               "municipalityId": "m" * 256, "processes": ids("p"),
               "callbackUrl": "https://hooks.example.org/".ljust(2048, "u")}
    raw.send(1, "webhook.create", **largest, request_id="r" * 128, allow_duplicate=False,
             dry_run=False, queue=True)
    whid = raw.result(1)["whid"]
    raw.send(2, "webhook.update", whid=whid, set={**largest, "whname": "N" * 1024},
             add_processes=ids("p"), remove_processes=ids("q"), policy="remote-wins",
             request_id="R" * 128, dry_run=False, queue=True)
    assert raw.result(2)["fields"]["whname"] == "N" * 1024


def test_request_that_dribbles_in_is_ended(world, sim):
    whd = limited(world, sim, frame_time="200ms")
    raw = wire.Raw(whd.socket)
    raw.bytes(b"\x94\x00\x09\xa5hel")
    began = time.monotonic()
    assert raw.refusals() == [(9, "TIMEOUT")]
    assert 0.15 < time.monotonic() - began < 10
    assert whd.client().counter("frame_timeouts") == 1


def hears_nothing(raw, seconds):
    raw.sock.settimeout(seconds)
    with pytest.raises(TimeoutError):
        raw.sock.recv(1)
    raw.sock.settimeout(wire.PATIENCE)


HELLO = msgpack.packb([0, 2, "hello", []])


def half_asked(whd, *before):
    """A connection of which whd has taken the first half of a request, behind another one."""
    raw, other = wire.Raw(whd.socket), wire.Raw(whd.socket)
    if before:
        raw.send(1, before[0], **before[1])
    raw.asked[2] = ("hello", [])
    raw.bytes(HELLO[:5])
    other.send(1, "hello")
    assert other.result(1)
    return raw


def test_time_in_which_whd_stands_still_is_not_the_peers(world, sim):
    whd = limited(world, sim, frame_time="300ms")
    raw = half_asked(whd)
    whd.child.pause()
    raw.bytes(HELLO[5:])
    hears_nothing(raw, 0.6)
    whd.child.signal(signal.SIGCONT)
    assert raw.result(2)["server"] == "whd"


def test_request_that_gets_whole_while_answers_wait_to_leave(world, sim):
    """In the same turn in which so much is to be sent that nothing more is taken."""
    whd = limited(world, sim, out_high="4KiB", frame_time="2s")
    c = whd.client()
    c.go_offline(sim)
    op = c.create(**webhook(1, whcomment="x" * 4096))["op"]
    raw = half_asked(whd, "queue.wait", {"op": op, "timeout_ms": 300})
    whd.child.pause()
    hears_nothing(raw, 0.6)  # the time of the call is up, ...
    raw.bytes(HELLO[5:])  # ... and then this comes
    whd.child.signal(signal.SIGCONT)
    assert raw.result(1)["op"] == op
    assert raw.result(2)["server"] == "whd"


def test_idle_connection_is_left_alone(world, sim):
    whd = limited(world, sim, frame_time="100ms", stall="100ms")
    raw, c = wire.Raw(whd.socket), whd.client()
    with refused("TIMEOUT"):
        c.call("wait", until="idle", revision=10**9, timeout_ms=400)
    raw.send(1, "status")
    assert raw.result(1)["live"]


def test_calls_waiting_on_one_connection(world, sim):
    whd = limited(world, sim, waits=3)
    raw = wire.Raw(whd.socket)
    for n in range(3):
        raw.send(n, "wait", until="idle", revision=10**9)
    raw.send(3, "wait", until="idle", revision=10**9)
    assert raw.answer(3)[0] == "BUSY"
    raw.send(4, "events.read", since=whd.client().head())
    assert raw.answer(4)[0] == "BUSY"
    raw.send(5, "status")
    assert raw.result(5)["live"], "calls that do not wait still work"
    other = wire.Raw(whd.socket)
    other.send(1, "wait", until="idle", revision=10**9, timeout_ms=1)
    assert other.answer(1)[0] == "TIMEOUT", "another connection has its own"


def test_unanswered_calls_of_one_connection(world, sim):
    """Beyond in_flight nothing more is read from it until answers went out: nothing is lost."""
    whd = limited(world, sim, in_flight=4, waits=100)
    raw = wire.Raw(whd.socket)
    for n in range(4):
        raw.send(n, "wait", until="idle", revision=10**9, timeout_ms=300)
    raw.send(9, "status")
    first = raw.answer()
    assert first[0] == "TIMEOUT", "the status behind them had to wait"
    assert raw.result(9)["live"]


def test_many_changes_in_one_write_are_all_taken(world, sim):
    whd = limited(world, sim, in_flight=8)
    whd.client().go_offline(sim)
    raw = wire.Raw(whd.socket)
    raw.bytes(b"".join(msgpack.packb([0, n, "webhook.create", [webhook(n)]])
                       for n in range(200)))
    for n in range(200):
        assert raw.result(n)["whid"].startswith("tmp-")
    assert whd.client().status()["queue"]["queued"] == 200


@pytest.mark.parametrize("what", ["changes", "verbs"])
def test_answers_that_come_together_do_not_end_who_reads_them(world, sim, what):
    """The answers to one commit are sent after it: no more of them are asked for than a peer is
    allowed to have unsent."""
    whd = limited(world, sim, in_flight=1000, out_high="64KiB", out_max="128KiB")
    c = whd.client()
    c.go_offline(sim)
    large = {"whcomment": "x" * 4096}
    asked = [("webhook.create", webhook(n, **large)) for n in range(300)]
    if what == "verbs":
        asked = [("queue.cancel", {"op": c.create(**params)["op"]}) for _, params in asked]
    many = wire.Raw(whd.socket)
    sender = threading.Thread(target=many.bytes, args=(b"".join(
        msgpack.packb([0, n, method, [params]]) for n, (method, params) in enumerate(asked)),))
    sender.start()
    for n in range(300):
        assert many.result(n)["op"]
    sender.join()
    assert c.counter("slow_peers") == 0


def test_waits_that_end_together_do_not_end_who_reads_the_answers(world, sim):
    """What has no room is told to ask again."""
    whd = limited(world, sim, out_high="64KiB", out_max="64KiB", waits=100)
    c = whd.client()
    c.go_offline(sim)
    op = c.create(**webhook(1, whcomment="x" * 4096))["op"]
    raw = wire.Raw(whd.socket)
    for n in range(40):
        raw.send(n, "queue.wait", op=op, timeout_ms=60000)
    raw.send(40, "status")
    assert raw.result(40)["live"]
    c.call("queue.cancel", op=op)
    codes = [raw.answer(n)[0] for n in range(40)]
    assert set(codes) == {None, "BUSY"} and codes.count(None) > 4
    assert c.counter("slow_peers") == 0
    raw.send(41, "queue.wait", op=op)
    assert raw.result(41)["state"] == "cancelled"


def test_dear_calls_of_one_peer_do_not_hold_up_others(world, sim):
    """Many in one write, each of which whd takes long to answer: another peer has its turn before
    the last of them, and their order stays."""
    sim.add_all([webhook(n, whname=f"half {n % 2}", municipalityId=str(n % 2))
                 for n in range(2000)])
    whd = limited(world, sim)
    whd.child.wait_line("the index was built")
    c, many, other = whd.client(), wire.Raw(whd.socket), wire.Raw(whd.socket)
    errors = c.counter("call_errors")
    search = {"whname": "half 0", "municipalityId": "1"}
    whd.child.pause()  # so that all is there when it goes on
    many.bytes(b"".join(msgpack.packb([0, n, "webhook.list", [search]]) for n in range(900)))
    many.send(900, "metrics")
    other.send(1, "nothing")
    whd.child.signal(signal.SIGCONT)
    assert other.answer(1)[0] == "METHOD_NOT_FOUND"
    while len(many.answers) < 901:
        many.receive()
    assert [m[1] for m in many.answers] == list(range(901))
    assert counted("call_errors", many.result(900)) == errors + 1


def test_connections_of_one_user(world, sim):
    whd = limited(world, sim, per_uid=5)
    whd.close_clients()
    held = []
    while len(held) < 20:
        raw = wire.Raw(whd.socket)
        raw.send(1, "hello")
        code, _ = raw.answer()
        if code:
            break
        held.append(raw)
    assert code == "BUSY" and len(held) == 5 and raw.rest() == []
    held.pop().close()
    for _ in range(1000):  # in one turn whd accepts 64 before it looks at who has left
        again = wire.Raw(whd.socket)
        again.send(1, "hello")
        if again.answer()[0] is None:
            break
    else:
        raise AssertionError("the place did not become free")
    assert counter_of(held[0]) >= 1


def counter_of(raw):
    raw.send(77, "metrics")
    return counted("connections_refused", raw.result(77))


def test_connections_in_all(world, sim):
    whd = limited(world, sim, connections=12, admin_reserve=0, per_uid=100)
    whd.close_clients()
    held, code = [], None
    while not code and len(held) < 50:
        raw = wire.Raw(whd.socket)
        raw.send(1, "hello")
        code, _ = raw.answer()
        held.append(raw)
    assert code == "BUSY" and len(held) == 13
    held[0].send(2, "status")
    assert held[0].result(2)["live"]


def test_a_flood_of_connections(world, sim):
    """Six hundred at once: those beyond the limit are turned away, those within are served."""
    whd = limited(world, sim, connections=100, per_uid=90)
    steady = whd.client()
    flood = [wire.Raw(whd.socket) for _ in range(600)]
    assert steady.status()["live"]
    answered = 0
    for raw in flood:
        raw.send(1, "hello")
        answered += raw.answer()[0] is None
    assert 80 <= answered <= 100
    for raw in flood:
        raw.close()
    assert steady.status()["live"]


def test_reader_that_stops_reading_is_not_read_from(world, sim):
    """It asks for megabytes and takes none: whd stops taking its requests at out_high."""
    sim.add_all([webhook(n, whcomment="x" * 30000) for n in range(20)])
    whd = limited(world, sim, out_high="128KiB", out_max="4MiB", stall="60s")
    lazy = wire.Raw(whd.socket, receive_buffer=4096)
    lazy.bytes(b"".join(msgpack.packb([0, n, "webhook.list", []]) for n in range(200)))
    c = whd.client()
    for _ in range(1000):  # each a round trip: in the end it has taken what it will
        queued = [p for p in c.call("dump", section="server")["server"]["list"]
                  if p["bytes_queued"] > 65536]
        if queued and not queued[0]["reading"]:
            break
    assert len(queued) == 1 and queued[0]["bytes_queued"] < 2 * 1024 * 1024
    assert not queued[0]["reading"]
    for n in range(200):
        assert len(lazy.result(n)["items"]) == 20, "in the end it gets all of them"


def test_reader_that_never_reads_is_let_go(world, sim):
    sim.add_all([webhook(n, whcomment="x" * 30000) for n in range(20)])
    whd = limited(world, sim, out_high="128KiB", stall="200ms")
    lazy = wire.Raw(whd.socket, receive_buffer=4096)
    lazy.bytes(b"".join(msgpack.packb([0, n, "webhook.list", []]) for n in range(20)))
    whd.child.wait_line("does not take its answers")
    assert whd.client().counter("slow_peers") == 1


def test_subscriber_beyond_its_buffer_is_let_go(world, sim):
    """Pushes do not stop whd from answering; a peer over out_max is dropped, not waited for."""
    whd = limited(world, sim, out_high="4KiB", out_max="64KiB", stall="200ms")
    c = whd.client()
    lazy = wire.Raw(whd.socket, receive_buffer=4096)
    lazy.send(1, "events.subscribe", since=1)
    c.go_offline(sim)
    tmp = c.create(**webhook(1))["tmp_id"]
    for n in range(3000):
        c.update(tmp, {"whcomment": f"turn {n}"})
    whd.child.wait_line("does not take its answers")
    assert c.call("dump", section="watch")["watch"]["subscribers"] == 0


def ordered(n, **members):
    return webhook(n, whid=f"00000000-0000-4000-8000-{n:012d}", **members)


LARGE = [1.5] * 60000  # more than twice as long as it is served than as the API sends it


def test_a_page_ends_before_a_webhook_it_has_no_room_for(world, sim):
    sim.add_all([ordered(n, odd=LARGE if n == 600 else "y" * 600) for n in range(700)])
    c = limited(world, sim).client()
    for view in "effective", "confirmed":
        first = c.call("webhook.list", limit=1000, view=view)
        assert len(first["items"]) == 600, "not because of its limit"
        assert [w["whcomment"] for w in c.pages("webhook.list", limit=1000, view=view)] == [
            f"comment {n}" for n in range(700)]


def test_a_page_ends_before_an_operation_it_has_no_room_for(world, sim):
    rows = [ordered(n, whcomment="y" * 1500, odd=LARGE if n == 100 else "") for n in range(105)]
    sim.add_all(rows)
    c = limited(world, sim).client()
    c.go_offline(sim)
    ops = [c.update(r["whid"], {"whcomment": "m" * 1500})["op"] for r in rows]
    for r in rows:
        sim.edit(r["whid"], whcomment="t" * 1500)
    c.go_online(sim)
    for op in ops:
        assert c.settled(op)["state"] == "conflict"
    assert len(c.call("queue.list", limit=1000)["items"]) == 100
    assert [o["op"] for o in c.pages("queue.list", limit=1000)] == ops


@pytest.mark.parametrize("n", [1, 2])
def test_reply_over_1_mib_is_refused_not_cut(world, sim, n):
    """One webhook larger than a reply may be: the caller is told, in words."""
    whd = limited(world, sim, element="4MiB")
    sim.add(**webhook(n, whcomment="x" * (1 << 20)))
    c = whd.client()
    result = c.call("sync.now")
    if result["added"]:
        with refused("TOO_LARGE"):
            c.get(sim.rows()[0]["whid"])
    else:
        assert not result["complete"] and result["why"]
    assert c.status()["live"]


@pytest.mark.parametrize("below", range(0, 70, 10))
def test_a_page_whose_first_webhook_has_no_room_is_refused(world, sim, below):
    """One that is stored, and larger than an answer with what belongs to it, also before
    another one. What is stored is 1 MiB at most."""
    whd = limited(world, sim, element="4MiB")
    first, second = ({**webhook(n), "whid": f"w-{n}"} for n in range(2))
    room = (1 << 20) - below - len(msgpack.packb({**first, "whcomment": ""}))
    first["whcomment"] = "x" * (room - 4)  # the length of a long text takes four bytes more
    sim.fault("status", method="GET", list=True, status=200, count=-1, body=[first, second])
    c = whd.client()
    assert c.call("sync.now")["added"] == 2
    with refused("TOO_LARGE"):
        c.get("w-0")
    with refused("TOO_LARGE"):
        c.call("webhook.list")
    assert c.get("w-1")["whid"] == "w-1"
