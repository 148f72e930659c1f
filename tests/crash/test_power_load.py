# SPDX-License-Identifier: MIT
"""The power goes while many clients bring changes at once, and commits follow one another.

The next changes run while a commit is flushed. What that must not touch is read
off the shim's journal: nothing is written to the data file before the flush has
come back. And whatever a cut leaves of what was not flushed, each change that
was answered before it is there.
"""

import os
import pathlib
import random
import re
import tempfile
import threading

import pytest

from arena import Process
from journal import Disk, Luck, Shelf, read
from shim import env
from support.client import Client
from support.data import webhook

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
CUTS = 60 if FULL else 12
IMAGES = 6 if FULL else 2
CLIENTS, EACH = 8, 25
LOCAL_ID = re.compile(rb"tmp-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def folder():
    """On a disk, where a flush takes its time."""
    with tempfile.TemporaryDirectory(prefix="whd-power-", dir="/var/tmp") as made:
        yield pathlib.Path(made)


def create_many(socket, number):
    client = Client(socket)
    for i in range(EACH):
        client.create(**webhook(1000 * number + i))
    client.close()


def brought_at_once(arena, folder):
    """A whd without a line that took changes of many clients, and was killed; its journal."""
    arena.sim.verb("POST", "/reset")
    arena.sim.up()
    process = Process(folder, arena.sim.url, {"sync.interval": "1d"})
    journal = process.whd.folder / "journal"
    process.hooks = env(process.whd.store, journal=journal)
    process.start()
    process.client.synced()
    process.client.go_offline(arena.sim)
    clients = [threading.Thread(target=create_many, args=(process.whd.socket, n))
               for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    process.kill()
    return process, read(journal)


def written_while_flushed(calls):
    flushing = {}
    for call in calls:
        if call.kind == "sync":
            flushing[call.seq] = call.file
        elif call.kind == "end":
            flushing.pop(call.at, None)
        elif call.kind in ("data", "meta", "truncate") and call.file in flushing.values():
            yield call.name, call.at


def answered(calls):
    """The local ids of the creates that were answered."""
    return {local for call in calls if call.kind == "answer"
            for local in LOCAL_ID.findall(call.payload)}


def held(process):
    """The local ids of all that waits."""
    return {w["whid"].encode() for w in process.client.list()}


def test_power_goes_while_many_change(arena, folder):
    process, calls = brought_at_once(arena, folder)
    assert not list(written_while_flushed(calls))
    assert len(answered(calls)) == CLIENTS * EACH
    shelf = Shelf(process.whd.store)
    first = next(i for i in range(len(calls)) if answered(calls[i:i + 1]))
    draw = random.Random(1)
    unsafe = 0
    for cut in sorted(draw.sample(range(first, len(calls)), CUTS)):
        disk = Disk(calls[:cut])
        unsafe += disk.unsafe() > 0
        for number in range(IMAGES):
            shelf.put(disk.image(Luck(number * 2, random.Random(f"{cut} {number}"))))
            process.again()
            process.start()
            missing = answered(calls[:cut]) - held(process)
            process.stop()
            assert not missing, f"cut at {cut}, image {number}: {len(missing)} are lost"
            process.check_store()
    assert unsafe > CUTS / 2, "the cuts came when everything was flushed"
