# SPDX-License-Identifier: MIT
"""MessagePack-RPC on the socket: what is understood, and what ends a connection, byte by byte.
Whatever arrives, whd stays alive and serves the next one."""

import struct

import msgpack
import pytest

from support import proc, wire
from support.data import webhook


@pytest.fixture
def raw(whd):
    return wire.Raw(whd.socket)


@pytest.fixture(autouse=True)
def still_serves(whd):
    """After each test: the same process answers a new connection, and did not swell."""
    before = proc.memory(whd.child.pid)
    pid = whd.child.pid
    yield
    assert whd.child.alive and whd.child.pid == pid
    fresh = wire.Raw(whd.socket)
    fresh.send(1, "status")
    assert fresh.result(1)["live"]
    after = proc.memory(whd.child.pid)
    if not proc.is_sanitized(whd.child.pid):
        assert after["VmRSS"] < before["VmRSS"] + 4096, (before, after)


@pytest.mark.parametrize("ident", [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1])
def test_any_id_is_echoed_in_shortest_form(raw, ident):
    raw.send(ident, "hello")
    data = raw.sock.recv(65536)
    assert data.startswith(b"\x94\x01" + msgpack.packb(ident) + b"\xc0")
    raw.send(ident, "nothing")
    assert raw.answer(ident)[0] == "METHOD_NOT_FOUND"


def test_same_id_again(raw):
    for _ in range(3):
        raw.send(7, "status")
    for _ in range(3):
        assert raw.result(7)["live"]


@pytest.mark.parametrize("params", [["x"], [5], [["x"]], [{}, {}], [None, None], [[], []]])
def test_parameters_without_names_are_refused_and_the_connection_stays(raw, params):
    raw.asked[5] = ("hello", [])
    raw.message([0, 5, "hello", params])
    assert raw.answer(5)[0] == "INVALID_PARAM"
    raw.send(6, "hello")
    assert raw.result(6)["server"] == "whd"


@pytest.mark.parametrize("params", [[], [None], [{}], [[]]])
def test_forms_of_no_parameters(raw, params):
    raw.asked[5] = ("hello", [])
    raw.message([0, 5, "hello", params])
    assert raw.result(5)["server"] == "whd"


def test_str_and_bin_are_both_text(raw):
    raw.bytes(msgpack.packb([0, 1, b"hello", [{b"client": b"a test"}]]))
    assert raw.result(1)["server"] == "whd"
    raw.bytes(msgpack.packb([0, 2, "webhook.get", [{"whid": b"\xff"}]]))
    assert raw.answer(2)[0] == "INVALID_PARAM"


def test_wider_forms_than_needed_are_understood(raw):
    """array32, uint64, str32, map32: longer than need be, but legal."""
    raw.bytes(b"\xdd\0\0\0\4" + b"\xcf" + bytes(8) + b"\xcf" + struct.pack(">Q", 9)
              + b"\xdb\0\0\0\5hello" + b"\xdc\0\1" + b"\xdf\0\0\0\0")
    assert raw.result(9)["server"] == "whd"


def test_answer_is_what_every_client_understands(sim, whd, raw):
    """Head 0x94, keys as str, valid UTF-8, shallow, below 1 MiB."""
    sim.add(**webhook(1, whname="\U0001f4ee \u202e", whcomment="x" * 4000))
    whd.client().call("sync.now")
    raw.bytes(msgpack.packb([0, 1, "webhook.list", []]))
    data = raw.sock.recv(1 << 20)
    assert data[0] == 0x94
    message = msgpack.unpackb(data, raw=False, strict_map_key=True)
    assert message[3]["items"][0]["whname"] == "\U0001f4ee \u202e"


@pytest.mark.parametrize("message", [
    [2, "nvim_set_client_info", ["x", {}, "remote", {}, {}]], [2, b"nvim_set_client_info", []],
    [2, "", []], [2, "event", [{}]], [2, "redraw", [1, 2, 3]], [2, "x", {}], [2, 7, None],
])
def test_unknown_notification_is_ignored(whd, raw, message):
    raw.message(message)
    raw.send(1, "status")
    assert raw.result(1)["live"] and not raw.notified


def test_byte_by_byte(raw):
    data = msgpack.packb([0, 300, "hello", [{"client": "slow"}]])
    for byte in data + data:
        raw.bytes(bytes([byte]))
    assert raw.result(300)["server"] == raw.result(300)["server"] == "whd"


def test_a_thousand_requests_at_once(whd, raw):
    """Pipelined in one write: all are answered, in their order."""
    raw.bytes(b"".join(msgpack.packb([0, n, "hello", []]) for n in range(1000)))
    seen = []
    while len(seen) < 1000:
        assert raw.receive()
        seen += [m[1] for m in raw.answers]
        raw.answers.clear()
    assert seen == list(range(1000))


def test_waiting_call_does_not_hold_up_others(whd, raw):
    raw.send(1, "wait", until="idle", revision=10**9, timeout_ms=60000)
    raw.send(2, "status")
    assert raw.result(2)["live"] and not raw.answers


def test_half_close_still_gets_its_answers(sim, whd, raw):
    rule = sim.fault("delay", method="POST", ms=600000)
    raw.send(1, "webhook.create", **webhook(1))
    op = raw.result(1)
    raw.send(2, "queue.wait", op=op["op"])
    raw.send(3, "status")
    raw.half_close()
    assert raw.result(3)["live"]
    sim.wait_hits(rule)
    sim.clear_faults()
    assert raw.result(2)["state"] == "done"
    assert raw.rest() == []


def test_half_request_at_the_end_is_dropped(sim, whd, raw):
    data = msgpack.packb([0, 1, "webhook.create", [webhook(1)]])
    raw.bytes(data[:-1])
    raw.half_close()
    assert raw.rest() == []
    assert list(whd.client().list()) == []


def test_peer_that_leaves_at_once(whd):
    c = whd.client()
    before = c.call("dump", section="server")["server"]["connections"]
    for _ in range(50):
        raw = wire.Raw(whd.socket)
        raw.bytes(msgpack.packb([0, 1, "webhook.list", []]))
        raw.send(2, "wait", until="idle", revision=10**9)
        raw.close()
    for _ in range(1000):  # each a round trip through whd's loop
        now = c.call("dump", section="server")["server"]["connections"]
        if now == before:
            break
    assert now == before and c.call("dump", section="waits")["waits"]["wait"] == 0


# what is sent -> (id of the answer, its code); then the connection ends
BAD = {
    "not an array: int": (b"\x07", 0, "INVALID_PARAM"),
    "not an array: map": (msgpack.packb({"method": "hello"}), 0, "INVALID_PARAM"),
    "not an array: str": (msgpack.packb("hello"), 0, "INVALID_PARAM"),
    "not an array: nil": (b"\xc0", 0, "INVALID_PARAM"),
    "empty array": (b"\x90", 0, "INVALID_PARAM"),
    "one item": (msgpack.packb([0]), 0, "INVALID_PARAM"),
    "three items": (msgpack.packb([0, 5, "hello"]), 5, "INVALID_PARAM"),
    "five items": (msgpack.packb([0, 5, "hello", [], 1]), 5, "INVALID_PARAM"),
    "type 3": (msgpack.packb([3, 5, "hello", []]), 0, "INVALID_PARAM"),
    "type -1": (msgpack.packb([-1, 5, "hello", []]), 0, "INVALID_PARAM"),
    "type a text": (msgpack.packb(["0", 5, "hello", []]), 0, "INVALID_PARAM"),
    "id negative": (msgpack.packb([0, -1, "hello", []]), 0, "INVALID_PARAM"),
    "id 2^32": (msgpack.packb([0, 2**32, "hello", []]), 0, "INVALID_PARAM"),
    "id a text": (msgpack.packb([0, "1", "hello", []]), 0, "INVALID_PARAM"),
    "id a float": (msgpack.packb([0, 1.0, "hello", []]), 0, "INVALID_PARAM"),
    "method a number": (msgpack.packb([0, 5, 7, []]), 5, "INVALID_PARAM"),
    "params no array": (msgpack.packb([0, 5, "hello", {}]), 5, "INVALID_PARAM"),
    "params a text": (msgpack.packb([0, 5, "hello", "x"]), 5, "INVALID_PARAM"),
    "params nil": (msgpack.packb([0, 5, "hello", None]), 5, "INVALID_PARAM"),
    "stray response": (msgpack.packb([1, 5, None, "x"]), 0, "INVALID_PARAM"),
    "stray error": (msgpack.packb([1, 5, [1, "x"], None]), 0, "INVALID_PARAM"),
    "byte c1": (b"\xc1", 0, "INVALID_PARAM"),
    "byte c1 inside": (b"\x94\x00\x05\xc1", 5, "INVALID_PARAM"),
    "extension type": (msgpack.packb([0, 5, "hello", [msgpack.ExtType(1, b"x")]]), 5,
                       "INVALID_PARAM"),
    "key twice": (b"\x94\x00\x05\xa5hello\x91\x82\xa1a\x01\xa1a\x02", 5, "INVALID_PARAM"),
    "key a number": (msgpack.packb([0, 5, "hello", [{1: 1}]]), 5, "INVALID_PARAM"),
    "array of 2^32-1": (b"\xdd\xff\xff\xff\xff", 0, "TOO_LARGE"),
    "array of 170 million": (b"\xdd\x0a\x22\x22\x22", 0, "TOO_LARGE"),
    "map of 2^32-1": (b"\xdf\xff\xff\xff\xff", 0, "TOO_LARGE"),
    "text of 2^32-1": (b"\xdb\xff\xff\xff\xff", 0, "TOO_LARGE"),
    "binary of 2^32-1": (b"\xc6\xff\xff\xff\xff", 0, "TOO_LARGE"),
    "31 nested claims": (b"\xdd\x00\x00\x20\x00" * 31, 0, "TOO_LARGE"),
    "claim inside": (b"\x94\x00\x05\xa5hello\x91\xdf\x10\x00\x00\x00", 5, "TOO_LARGE"),
    "nested 17 deep": (b"\x91" * 17, 0, "TOO_LARGE"),
    "nested 2000 deep": (b"\x91" * 2000, 0, "TOO_LARGE"),
    "maps nested 2000 deep": (b"\x81\xa1a" * 2000, 0, "TOO_LARGE"),
    "too many elements": (msgpack.packb([0, 5, "hello", [{"features": [""] * 10000}]]), 5,
                          "TOO_LARGE"),
    "too long": (msgpack.packb([0, 5, "hello", [{"client": "x" * 262144}]]), 5, "TOO_LARGE"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_message_is_answered_once_and_ends_the_connection(whd, raw, what):
    data, ident, code = BAD[what]
    raw.bytes(data)
    assert raw.refusals() == [(ident, code)]


@pytest.mark.parametrize("what", ["not an array: int", "byte c1", "array of 170 million",
                                  "stray response"])
def test_what_came_before_is_still_answered(whd, raw, what):
    raw.bytes(msgpack.packb([0, 1, "status", []]) + BAD[what][0]
              + msgpack.packb([0, 2, "webhook.create", [webhook(1)]]))
    answers = raw.rest()
    assert [m[1] for m in answers] == [1, 0] and answers[0][3]["live"]
    assert list(whd.client().list()) == [], "nothing behind it is carried out"


def test_address_space_does_not_follow_claims(whd):
    before = proc.memory(whd.child.pid)
    for _ in range(40):
        raw = wire.Raw(whd.socket)
        raw.bytes(b"\xdd\x0a\x22\x22\x22")
        raw.refusals()
    after = proc.memory(whd.child.pid)
    assert after["VmPeak"] < before["VmPeak"] + 64 * 1024
