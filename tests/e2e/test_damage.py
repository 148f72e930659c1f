# SPDX-License-Identifier: MIT
"""Damage to the data file while whd is away: it starts all the same, says so, keeps the damaged
file, and no operation is gone without a word. What is served is right, or said to be missing."""

import os
import random
import struct
import uuid

import pytest

from support.client import WhdError
from support.data import webhook
from support.sim import six

PAGE = 4096


class Scene:
    """A stopped whd with rows, operations of each kind and a history; and its data file."""

    def __init__(self, world, sim):
        sim.add_all([webhook(n) for n in range(8)])
        self.sim, self.whd = sim, world.whd(sim)
        c = self.whd.client()
        c.synced()
        self.done = [c.applied(c.create(**webhook(20 + n)))["op"] for n in range(3)]
        whids = {r["whname"]: r["whid"] for r in sim.rows()}
        c.go_offline(sim)
        self.ops = {
            c.create(**webhook(30))["op"]: "hook 30",
            c.create(**webhook(31))["op"]: "hook 31",
            c.update(whids["hook 0"], {"whcomment": "changed"})["op"]: None,
            c.delete(whids["hook 1"])["op"]: None,
        }
        self.rows = {r["whid"]: six(r) for r in sim.rows()}
        assert self.whd.stop() == 0
        self.file = self.whd.store / "data.mdb"
        self.mark = self.whd.store / "whd.mark"
        self.whole = self.file.read_bytes()
        self.marked = self.mark.read_bytes()

    def put(self, data):
        """Puts these bytes in place, as a disk that fails would have it: the file is the same."""
        for old in self.whd.store.glob("data.mdb.damaged-*"):
            old.unlink()
        if not self.file.exists():
            self.file.write_bytes(b"")
        with open(self.file, "r+b") as f:
            f.write(data)
            f.truncate(len(data))
        self.mark.write_bytes(self.marked)

    def start(self):
        """whd on what is there; a client, or None if it refused to start, which it may not."""
        return self.whd.start().client()

    def judge(self, c):
        """No operation is gone without a word; no row is wrong."""
        items = {o["op"]: o for o in c.call("queue.list")["items"]}
        told = self.whd.child.text
        remnants = [o for o in items.values() if o.get("reason") == "damaged"]
        for op, name in self.ops.items():
            if op in items and items[op].get("reason") != "damaged":
                if name:
                    assert items[op]["fields"]["whname"] == name
            else:
                # a damaged meta page may look like an older one: that is told as a restore
                behind = not damaged(self.whd) and "was restored" in told
                assert op in items or remnants or "no trace" in told or behind, (op, items)
                assert "damage found" in told or behind
        for whid, row in self.rows.items():
            try:
                served = c.call("webhook.get", whid=whid, view="confirmed")
            except WhdError as error:
                # missing, and said to be: it is fetched again, or nothing is known to be whole
                assert error.code in ("CORRUPT", "NOT_SYNCED"), error
                continue
            assert six(served) == row
        return items


@pytest.fixture
def scene(world, sim):
    return Scene(world, sim)


def damaged(whd):
    return list(whd.store.glob("data.mdb.damaged-*"))


def flip(data, at, bit=1):
    data = bytearray(data)
    data[at] ^= bit
    return bytes(data)


def test_an_operation(scene):
    """A byte of its record: what is known of it is held, and it can be taken away."""
    # the newest version stands last in the file, or all of them are hit
    data = scene.whole
    at = -1
    while (at := data.find(b"comment 30", at + 1)) >= 0:
        data = flip(data, at)
    scene.put(data)
    c = scene.start()
    (kept,) = damaged(scene.whd)
    assert kept.read_bytes() == data
    status = c.status()
    assert kept.name in status["store"]["damage"] and status["queue"]["held"] >= 1
    items = scene.judge(c)
    (lost,) = [o for o in items.values() if o.get("reason") == "damaged"]
    assert scene.ops[lost["op"]] == "hook 30", "it is known by its id"
    for verb in ("release", "retry"):
        with pytest.raises(WhdError, match="ask for the change again"):
            c.call(f"queue.{verb}", op=lost["op"])
    assert "cancel" in c.call("queue.get", op=lost["op"])["next"]
    assert c.call("queue.cancel", op=lost["op"])["state"] == "cancelled"
    assert len(list(c.list())) >= 8

    mark = scene.sim.mark()
    scene.sim.up()
    c.call("sync.now")
    others = [op for op in scene.ops if op != lost["op"]]
    states = {op: c.settled(op) for op in others}
    assert [s["state"] for s in states.values()].count("done") == 2, states
    held = next(s for s in states.values() if s["state"] == "held")
    assert held["reason"] == "restored" and held["kind"] == "create"
    assert scene.sim.executed("POST", mark) == 0
    assert scene.whd.restart().client().status()["store"]["damage"], "until somebody has looked"
    assert len(damaged(scene.whd)) == 1, "once made anew it is sound"
    code, out, err = scene.whd.command("--check")
    assert code == 0, (out, err)


def records_of(data, op):
    """Where the keys of all records of an operation stand, one behind each other's commit."""
    ident, at = uuid.UUID(op).bytes, -1
    while (at := data.find(ident, at + 1)) >= 0:
        value = at - 10
        if data[value] == 1 and struct.unpack_from("<H", data, value - 10)[0] == 8:
            yield value - 8


@pytest.mark.parametrize("which", ["all", "last"])
@pytest.mark.parametrize("indexed", [True, False])
def test_the_number_of_an_operation(world, sim, which, indexed):
    """It is told once, whatever else tells of it."""
    whd = world.whd(sim, env={"WHD_TEST_CATCH_UP": "0"} if indexed else {})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    ops = [c.create(**webhook(n))["op"] for n in range(4)]
    if indexed:
        c.caught_up(0)
    ops.append(c.create(**webhook(9))["op"])
    if indexed:
        c.caught_up(0)
    assert whd.stop() == 0
    file = whd.store / "data.mdb"
    data = file.read_bytes()
    page = {op: {at // PAGE for at in records_of(data, op)} for op in ops}
    live = set.intersection(*page.values())
    for at in records_of(data, ops[1]):
        if which == "all" or at // PAGE in live:
            data = flip(data, at + 7, 0x40)
    file.write_bytes(data)
    c = whd.start().client()
    assert len(damaged(whd)) == 1
    items = c.call("queue.list")["items"]
    assert sorted(o["op"] for o in items) == sorted(ops)
    assert {o["state"] for o in items if o["op"] == ops[1]} == {"held"}
    whd.restart()
    assert len(damaged(whd)) == 1, "it is sound now"


def test_the_webhook_of_an_operation(scene):
    """A letter of its id, in the other case: what is known of the operation is held."""
    (op,) = [op for op, name in scene.ops.items() if name is None][:1]
    data = scene.whole
    for key in records_of(data, op):
        value = key + 8
        lane = value + 10 + data[value + 9]
        letter = next(i for i in range(36) if data[lane + i] in b"abcdef")
        data = flip(data, lane + letter, 0x20)
    assert data != scene.whole
    scene.put(data)
    c = scene.start()
    assert len(damaged(scene.whd)) == 1
    items = scene.judge(c)
    assert (items[op]["state"], items[op]["reason"]) == ("held", "damaged")


def test_a_row(scene):
    """It is CORRUPT to whoever reads it, everything else is served, and a list brings it back."""
    at = scene.whole.index(b"comment 3")
    data = scene.whole
    at = -1
    while (at := data.find(b"comment 3", at + 1)) >= 0:
        if data[at + 9:at + 10] not in (b"0", b"1"):
            data = flip(data, at)
    scene.put(data)
    c = scene.start()
    whid = next(w for w, r in scene.rows.items() if r["whname"] == "hook 3")
    with pytest.raises(WhdError, match="CORRUPT"):
        c.call("webhook.get", whid=whid)
    scene.judge(c)
    assert not damaged(scene.whd)
    scene.sim.up()
    c.call("sync.now")
    assert six(c.call("webhook.get", whid=whid)) == scene.rows[whid]


def test_the_key_of_a_row(scene):
    """It cannot be found, and nobody is told that it does not exist."""
    whid = next(w for w, r in scene.rows.items() if r["whname"] == "hook 3")
    key = whid.lower().encode()
    data, at = scene.whole, -1
    while (at := data.find(key, at + 1)) >= 0:
        data = flip(data, at + 3)
    scene.put(data)
    c = scene.start()
    with pytest.raises(WhdError, match="NOT_SYNCED|CORRUPT"):
        c.call("webhook.get", whid=whid)
    scene.judge(c)
    scene.sim.up()
    c.call("sync.now")
    assert six(c.call("webhook.get", whid=whid)) == scene.rows[whid]
    scene.whd.child.wait_line("the index was built")  # anew, without the damaged keys
    assert c.call("store.check")["sound"]


def keys_of(page):
    """The keys on a leaf page of LMDB."""
    flags, lower = struct.unpack_from("<HH", page, 10)
    for (node,) in struct.iter_unpack("<H", page[16:lower] if flags & 2 else b""):
        yield page[node + 8:node + 8 + struct.unpack_from("<H", page, node + 6)[0]]


def test_an_older_page_of_the_index(world, sim):
    """No list mends that, and the store need not be made anew for it: whd builds the index."""
    sim.add_all([webhook(n) for n in range(3)])
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    whd.child.wait_line("the index was built")
    for n in (10, 11):
        sim.add_all([webhook(n)])
        c.call("sync.now")
    assert whd.stop() == 0
    file = whd.store / "data.mdb"
    data = file.read_bytes()
    versions = {}
    for number in range(2, len(data) // PAGE):
        keys = list(keys_of(data[number * PAGE:(number + 1) * PAGE]))
        if keys and all(len(k) == 45 and k[:1] == b"r" for k in keys):
            versions[len(keys)] = number
    assert len(versions) > 1
    old, new = (PAGE * versions[n] for n in (min(versions), max(versions)))
    data = data[:new + 8] + data[old + 8:old + PAGE] + data[new + PAGE:]
    file.write_bytes(data)
    c = whd.start().client()

    def found():
        return [len(list(c.list(callbackUrl=r["callbackUrl"]))) for r in sim.rows()]

    assert 0 in found()
    problems = c.call("store.check")["problems"]
    assert {p["table"] for p in problems} == {"terms"}
    assert "built anew" in c.status()["store"]["damage"]
    whd.child.wait_line("the index was built")
    assert found() == [1] * 5
    assert c.call("store.check")["sound"] and not c.status()["store"]["damage"]
    assert not damaged(whd)


def test_nothing_of_whds(scene):
    """A file in which nothing is found is no store: whd says so and touches nothing."""
    data = b"\xa5" * len(scene.whole)
    scene.put(data)
    child = scene.whd.spawn()
    assert child.wait() == 1
    assert "nothing that whd wrote" in child.text and scene.file.read_bytes() == data
    scene.put(scene.whole)
    scene.judge(scene.start())


def test_both_meta_pages(scene):
    scene.put(b"\0" * (2 * PAGE) + scene.whole[2 * PAGE:])
    c = scene.start()
    items = scene.judge(c)
    assert set(scene.ops) <= set(items), "all are found on the pages"
    assert {o["reason"] for o in items.values()} == {"outdated"}, "and held, since they may be old"
    mark = scene.sim.mark()
    scene.sim.up()
    c.call("sync.now")
    assert scene.sim.changes(mark) == []
    assert {w["whid"]: six(w) for w in c.list(view="confirmed")} == scene.rows
    first = next(op for op, name in scene.ops.items() if name is None)
    assert "older" in c.call("queue.get", op=first)["why"]
    c.call("queue.release", op=first)
    c.call("sync.now")
    assert c.applied(first)["state"] == "done"


@pytest.mark.parametrize("which", [0, 1])
def test_one_meta_page(scene, which):
    start = which * PAGE
    scene.put(scene.whole[:start] + b"\0" * PAGE + scene.whole[start + PAGE:])
    c = scene.start()
    assert set(scene.ops) <= set(scene.judge(c))


def rows_of(data):
    """(key, value) of each row on a leaf page of LMDB, in use or not."""
    for page in (data[at:at + PAGE] for at in range(2 * PAGE, len(data), PAGE)):
        flags, lower = struct.unpack_from("<HH", page, 10)
        for (node,) in struct.iter_unpack("<H", page[16:lower] if flags & 2 else b""):
            low, high, _, n = struct.unpack_from("<HHHH", page, node)
            key = node + 8
            yield page[key:key + n], page[key + n:key + n + (high << 16 | low)]


def operations_of(data):
    """The ids that rows of operations and of the history have."""
    return {str(uuid.UUID(bytes=value[10:26])) for key, value in rows_of(data)
            if len(key) == 8 and len(value) >= 26}


def test_cut_off_anywhere(scene):
    """At each page, from the end on."""
    pages = len(scene.whole) // PAGE
    known = {*scene.ops, *scene.done}
    assert known <= operations_of(scene.whole)
    for n in range(pages - 1, -1, -1):
        scene.put(scene.whole[:n * PAGE])
        child = scene.whd.spawn()
        try:
            child.wait_line("msg=ready")
        except AssertionError:
            assert child.wait() == 1 and "nothing that whd wrote" in child.text, child.tail()
            assert not known & operations_of(scene.whole[:n * PAGE])
            continue
        scene.judge(scene.whd.client())
        scene.whd.kill()


@pytest.mark.parametrize("what", ["nothing", "noise", "its beginning"])
def test_what_cannot_be_made_anew_is_not_promised_to_be(scene, what):
    noise = random.Random(1).randbytes(20 * PAGE)
    scene.put({"nothing": b"", "noise": noise, "its beginning": scene.whole[:2 * PAGE]}[what])
    code, _, err = scene.whd.command("--check")
    assert code == 1 and "tries to make the store anew" in err and "--restore" in err, err
    child = scene.whd.spawn()
    assert child.wait() == 1 and "cannot be made anew" in child.text, child.tail()
    assert "restore a backup with --restore, or move the file away" in child.text, child.tail()


def test_cut_off_while_it_runs(scene):
    """It ends by itself and says why; what is left is served after the next start."""
    c = scene.start()
    os.truncate(scene.file, len(scene.whole) // 2)
    with pytest.raises(WhdError, match="LOST|UNREACHABLE"):
        for _ in range(100):
            c.call("webhook.list", limit=1000)
            c.call("store.check")
    assert scene.whd.child.wait() == 70 and "shorter than it was" in scene.whd.child.text
    assert "tries to make the store anew" in scene.whd.child.text
    scene.judge(scene.start())
    assert damaged(scene.whd)


def test_a_lost_page_anywhere(scene):
    for n in range(2, len(scene.whole) // PAGE):
        scene.put(scene.whole[:n * PAGE] + b"\0" * PAGE + scene.whole[(n + 1) * PAGE:])
        scene.judge(scene.start())
        scene.whd.kill()
    scene.put(scene.whole)
    scene.judge(scene.start())


def test_a_flipped_byte_anywhere(scene):
    step = max(1, len(scene.whole) // 150) | 1
    for at in range(0, len(scene.whole), step):
        print(f"byte {at}")
        scene.put(flip(scene.whole, at, 1 << at % 8))
        child = scene.whd.spawn()
        child.wait_line("msg=ready")
        scene.judge(scene.whd.client())
        scene.whd.kill()
