# SPDX-License-Identifier: MIT
"""A disk without room: changes are refused, all that was taken goes on, and once there is room
again so does everything, without anybody's help.

Two disks: a small one of its own (tmpfs, for which one must be allowed to
mount) and one that the shim makes full at a word, on which nothing at all can
be written, not even over free pages.
"""

import re
import resource
import shutil
import subprocess
import time

import pytest

from shim import env
from support.client import refused
from support.data import webhook
from support.proc import wake_ups
from support.sim import six
from support.world import World

SETTINGS = {"sync.interval": "100ms", "queue.settle_timeout": "100ms", "store.min_free": "0"}
PATIENCE = 30


class Tmpfs:
    """3 MiB, filled by a file."""

    def __init__(self, world):
        self.path = world.subfolder("disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "none", str(self.path)],
                       check=True, capture_output=True)
        world.later(lambda: subprocess.run(["umount", "-l", str(self.path)], check=True))
        self.store, self.env, self.ballast = self.path / "store", {}, self.path / "ballast"

    def fill(self, leave=0):
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def empty(self):
        self.ballast.unlink()


class Shim:
    """Full, or nearly so, while a file is there."""

    def __init__(self, world):
        self.path = world.subfolder("disk")
        self.store, self.full, self.low = (self.path / n for n in ("store", "full", "low"))
        self.env = env(self.store, full=self.full, low=self.low)

    def fill(self, leave=0):
        (self.low if leave else self.full).touch()

    def empty(self):
        for file in (self.full, self.low):
            file.unlink(missing_ok=True)


def may_mount():
    try:
        world = World()
        try:
            Tmpfs(world)
        finally:
            world.close()
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


DISKS = [Tmpfs, Shim] if may_mount() else [Shim]


def start(world, sim, disk, **settings):
    whd = world.whd(sim, {**SETTINGS, "store.path": disk.store, **settings}, start=False,
                    env=disk.env)
    whd.store = disk.store
    whd.start().client().synced()
    return whd


def queue_until_full(c, first=0):
    """Creates until one is refused for want of room, of which whd hears within a second; the
    operations that were taken."""
    taken, end = [], time.monotonic() + PATIENCE
    while time.monotonic() < end:
        i = first + len(taken)
        try:
            taken.append(c.create(**webhook(i), request_id=f"{i}")["op"])
        except c.Error as error:
            assert error.code == "STORE_FULL", error
            assert "full" in error.message
            return taken
    raise AssertionError("the disk does not become full")


def jobs(c):
    return c.counter("commit_jobs")


def take_again(c, i):
    """The same create, as soon as there is room: nobody is asked to do anything for it."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return c.create(**webhook(i), request_id=f"{i}")["op"]
        except c.Error as error:
            assert error.code == "STORE_FULL" and time.monotonic() < end, error


def queued(c):
    return [item["op"] for item in c.pages("queue.list", limit=1000)]


def check_end(sim, c, n):
    c.idle()
    assert queued(c) == []
    assert sorted(r["whname"] for r in sim.rows()) == sorted(webhook(i)["whname"] for i in range(n))
    assert sim.executed("POST") == n, "each create once"
    c.call("sync.now")
    assert {w["whid"]: six(w) for w in c.list()} == {r["whid"]: six(r) for r in sim.rows()}


@pytest.mark.parametrize("disk", DISKS)
def test_full_while_the_api_is_away(world, sim, disk):
    disk = disk(world)
    whd = start(world, sim, disk)
    c = whd.client()
    c.applied(c.create(**webhook(0), request_id="0"))
    c.go_offline(sim)
    c.create(**webhook(1), request_id="1")
    disk.fill()
    taken = queue_until_full(c)

    assert queued(c) == taken[1:], "all that was acknowledged, and nothing else"
    assert len(list(c.list())) == len(taken), "reads go on"
    assert c.status()["live"]
    whd.kill()
    c = whd.start().client()
    assert queued(c) == taken[1:], "on the disk, too"
    # Pages that the one before could not write over, since it read them, may hold a few more.
    taken += queue_until_full(c, len(taken))
    assert queued(c) == taken[1:]

    disk.empty()
    last = take_again(c, len(taken))
    assert queued(c) == taken[1:] + [last]
    sim.up()
    check_end(sim, c, len(taken) + 1)


def fill_while_one_is_out(sim, disk, whd):
    """One create was made, its reply is held back, and the disk is full."""
    rule = sim.fault("stall", method="POST", execute=True, resume=True, count=-1)
    op = whd.client().create(**webhook(0))
    sim.wait_hits(rule)
    disk.fill()
    return op


def kill_while_one_is_out(sim, disk, whd):
    """... and its reply never comes."""
    op = fill_while_one_is_out(sim, disk, whd)
    whd.kill()
    sim.clear_faults()
    return op


def test_start_without_room_serves_what_there_is_and_sends_nothing(world, sim):
    """Not even the mark that the outcome is unknown has room: until then nothing goes out."""
    disk = Shim(world)
    whd = start(world, sim, disk)
    op = kill_while_one_is_out(sim, disk, whd)
    mark = sim.mark()
    c = whd.start().client()
    assert queued(c) == [op["op"]]
    assert c.get(op["tmp_id"])["whname"] == webhook(0)["whname"]
    assert c.status()["store"]["full"]
    with refused("STORE_FULL"):
        c.create(**webhook(1), request_id="1")
    whd.child.wait_line("no room for the outcome of what was on its way .*every second: make room")
    before = wake_ups(whd.child.pid)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=2500)
    assert wake_ups(whd.child.pid) - before < 500, "it does not wait by the millisecond"
    assert sim.log(mark) == []
    assert whd.stop() == 0
    c = whd.start().client()
    disk.empty()
    c.applied(op)
    whd.child.wait_line("operations were on their way when whd ended.* unknown=1 requeued=0")
    assert not c.status()["store"]["full"]
    assert c.create(**webhook(1), request_id="1")
    check_end(sim, c, 2)


def lose_mark(store, _):
    (store / "whd.mark").unlink()


def put_back(store, backup):
    shutil.copyfile(backup, store / "data.mdb")


@pytest.mark.parametrize("do, advice", [(lose_mark, "free some space on its file system"),
                                        (put_back, "make room on its disk, or raise")])
def test_store_put_back_without_room_is_not_begun(world, sim, do, advice):
    """All of it has to be looked up, and what would tell of that cannot be written."""
    disk = Shim(world)
    whd = start(world, sim, disk)
    backup = whd.folder / "copy.mdb"
    whd.client().call("store.backup", path=str(backup))
    op = kill_while_one_is_out(sim, disk, whd)
    do(disk.store, backup)
    child = whd.spawn()
    assert child.wait() == 1
    assert str(disk.store) in child.text and advice in child.text, child.tail()
    disk.empty()
    c = whd.start().client()
    if do == lose_mark:
        c.applied(op)
    check_end(sim, c, 1)


@pytest.mark.parametrize("disk", DISKS)
def test_full_while_requests_are_out(world, sim, disk):
    """What the API answered is kept until it can be stored, and nothing is sent twice."""
    disk = disk(world)
    c = start(world, sim, disk).client()
    rule = sim.fault("stall", method="POST", execute=True, resume=True, count=-1)
    ops = [c.create(**webhook(i)) for i in range(3)]
    sim.wait_hits(rule, 3)
    disk.fill()
    sim.clear_faults()
    with refused("STORE_FULL"):
        for i in range(3, 5000):
            c.create(**webhook(i), request_id=f"{i}")
    made = len(queued(c)) + len(sim.rows())
    disk.empty()
    for op in ops:
        c.applied(op)
    c.idle()
    names = {webhook(i)["whname"] for i in range(3)}
    assert names <= {r["whname"] for r in sim.rows()}
    assert sim.executed("POST") == len(sim.rows()), "each create once"
    assert made >= 3


def test_answer_that_finds_no_room_is_told_by_its_names(world, sim):
    disk = Shim(world)
    whd = start(world, sim, disk)
    op = fill_while_one_is_out(sim, disk, whd)
    sim.clear_faults()
    whd.child.wait_line(f"an answer could not be stored.* op={op['op']} whid={op['tmp_id']} seq=")
    disk.empty()
    whd.client().applied(op)


def test_what_found_no_room_is_counted_as_refused(world, sim):
    disk = Shim(world)
    whd = start(world, sim, disk, **{"sync.interval": "1h"})
    c = whd.client()
    c.go_offline(sim)
    disk.fill()
    for i in range(5):
        with refused("STORE_FULL"):
            c.create(**webhook(i))
    assert (c.counter("enqueued"), c.counter("queue_refused")) == (0, 5)
    assert c.status()["store"]["full"] and "whd_store_full 1\n" in c.call("metrics")
    disk.empty()
    c.create(**webhook(5))
    assert not c.status()["store"]["full"]
    assert (c.counter("enqueued"), c.counter("queue_refused")) == (1, 5)


def test_what_the_end_of_an_outage_sets_off_is_not_lost(world, sim):
    """What waited for its next attempt goes at once when the line is there again, also if that
    could not be noted at first."""
    disk = Shim(world)
    whd = start(world, sim, disk, **{"sync.interval": "1h", "retry.base": "5min",
                                     "retry.cap": "5min", "queue.check_age": "1h"})
    c = whd.client()
    sim.net("refuse")
    op = c.create(**webhook(0))
    c.gate("link")
    disk.fill()
    sim.up()
    assert c.call("sync.now")
    whd.child.wait_line("a mark could not be stored")
    disk.empty()
    c.applied(op)


@pytest.mark.parametrize("change", ["update", "delete"])
def test_look_that_finds_no_room_is_taken_anew(world, sim, change):
    """What others changed until there was room is not overwritten unseen."""
    disk = Shim(world)
    whid = sim.add(**webhook(0))["whid"]
    whd = start(world, sim, disk, **{"sync.interval": "1h", "queue.check_age": "0"})
    c = whd.client()
    rule = sim.fault("stall", method="GET", list=False, resume=True, count=-1)
    op = c.update(whid, {"whname": "mine"}) if change == "update" else c.delete(whid)
    sim.wait_hits(rule)
    disk.fill()
    sim.clear_faults()
    whd.child.wait_line("an answer could not be stored")
    sim.edit(whid, whname="theirs")
    disk.empty()
    assert c.settled(op)["state"] == "conflict"
    assert [r["whname"] for r in sim.rows()] == ["theirs"]


@pytest.mark.parametrize("disk", DISKS)
def test_changes_stop_before_the_rest_has_no_room(world, sim, disk):
    """[store] min_free: what was taken is carried out while changes are refused."""
    disk = disk(world)
    whd = start(world, sim, disk, **{"store.min_free": "1MiB"})
    c = whd.client()
    c.go_offline(sim)
    first = c.create(**webhook(0), request_id="0")
    disk.fill(leave=1 << 20)
    taken = queue_until_full(c)
    assert taken[0] == first["op"]
    sim.up()
    c.idle()
    assert sim.executed("POST") == len(taken) == len(sim.rows())
    with refused("STORE_FULL"):
        c.create(**webhook(len(taken)), request_id=f"{len(taken)}")
    disk.empty()
    take_again(c, len(taken))
    check_end(sim, c, len(taken) + 1)


def test_without_room_nothing_is_tried_but_once_a_second(world, sim):
    """However many wait: else each would take its turn at failing."""
    disk = Shim(world)
    whd = start(world, sim, disk, **{"sync.interval": "1h", "retry.base": "100ms"})
    c = whd.client()
    c.go_offline(sim)
    for i in range(200):
        c.create(**webhook(i), request_id=f"{i}")
    disk.fill()
    sim.up()
    whd.child.wait_line("the store has no room to send from")
    assert c.status()["store"]["full"]
    before = jobs(c)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=3000)
    assert jobs(c) - before <= 4 * 8, "four times as many as may be under way"
    assert len(re.findall("no room to send from", whd.log)) == 1
    c.go_offline(sim)  # nothing is tried
    began = wake_ups(whd.child.pid)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=2500)
    assert wake_ups(whd.child.pid) - began < 500, "it does not wait by the millisecond"
    assert not c.status()["store"]["full"], "nobody knows any more"
    sim.up()
    whd.child.wait_line("the store has no room to send from", nth=2)
    disk.empty()
    c.idle()
    assert not c.status()["store"]["full"]
    assert sim.executed("POST") == len(sim.rows()) == 200


def test_index_rows_that_find_no_room_are_tried_seldom(world, sim):
    disk = Shim(world)
    whd = start(world, sim, disk, **{"sync.interval": "1h"})
    c = whd.client()
    c.go_offline(sim)
    for i in range(1500):
        c.create(**webhook(i), request_id=f"{i}")
    disk.fill()
    assert c.behind() > 1024
    before = jobs(c)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=4000)
    assert c.behind() > 1024 and 2 <= jobs(c) - before <= 8, "after 0, 1 and 3 s, alone again"
    disk.empty()
    c.caught_up()


def test_index_that_has_no_room_is_built_when_there_is_some(world, sim):
    sim.add_all([webhook(i) for i in range(200)])
    disk = Shim(world)
    whd = start(world, sim, disk)
    c = whd.client()
    whd.child.wait_line("the index was built")
    assert whd.stop() == 0
    file = disk.store / "data.mdb"
    data = bytearray(file.read_bytes())
    url = webhook(7)["callbackUrl"]
    whid = next(r["whid"] for r in sim.rows() if r["callbackUrl"] == url)
    entry = b"\x0a\0\0\0\0\0\x2d\0r.{8}" + whid.encode()  # on a leaf page, with ten bytes of value
    ends = [m.end() for m in re.finditer(entry, data, re.DOTALL)]
    assert len(ends) > 3, "one for each term"
    for at in ends:
        data[at + 2] ^= 1  # of its checksum
    file.write_bytes(data)
    c = whd.start().client()
    disk.fill()
    assert [w["whid"] for w in c.list(callbackUrl=url)] == [whid]
    whd.child.wait_line("the index has no room.* every second")
    c.call("events.read", since=c.head(), timeout_ms=2500)
    assert len(re.findall("the index has no room", whd.log)) == 1
    assert "the index was built" not in whd.child.text
    disk.empty()
    whd.child.wait_line("the index was built")
    assert [w["whid"] for w in c.list(callbackUrl=url)] == [whid]


def test_limit_of_file_sizes_is_no_device_that_fails(world, sim):
    """A write that is cut short by it looks like an error of the device to LMDB."""
    whd = world.whd(sim, {"store.min_free": "0"})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    op = c.create(**webhook(0), request_id="0")
    size = (whd.store / "data.mdb").stat().st_size
    limit = resource.prlimit(whd.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(whd.child.pid, resource.RLIMIT_FSIZE, (size + 6 * 1024, limit[1]))
    long = "x" * 4096  # some pages in one write
    with refused("STORE_FULL"):
        for i in range(1, 200):
            c.create(**webhook(i, whcomment=long), request_id=f"{i}")
    assert op["op"] in queued(c) and whd.child.alive
    resource.prlimit(whd.child.pid, resource.RLIMIT_FSIZE, limit)
    take_again(c, 200)
    sim.up()
    c.applied(op)
