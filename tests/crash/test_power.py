# SPDX-License-Identifier: MIT
"""The power goes in place of a call, and some of what was not flushed is lost or torn.

For each cut several images of the store are made (journal.py) and lived on
from, each with the API as it was at the cut: nothing acknowledged is missing,
all checksums are right, and the oracle finds the same end as ever. By default
some cuts and images; with WHD_CRASH_FULL many, 20 images each.
"""

import os
import random

import pytest

import oracle
from journal import Disk, Luck, Shelf, read
from lives import LIVES
from shim import Calls, counted

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
EVERY = {"lists": 2, "changes": 7} if FULL else {"lists": 9, "changes": 61}
IMAGES = 20 if FULL else 5


class Cut:
    """A life up to the cut: what whd left on the disk, and the world as it is then."""

    def __init__(self, arena, name, start, k):
        self.arena, self.life = arena, LIVES[name]()
        arena.begin(self.life)
        self.process = arena.process(self.life)
        journal = self.process.whd.folder / "journal"
        self.process.hooks = Calls(self.process, start, k, journal=journal)
        self.happened = arena.go_until_death(self.life, self.process)
        self.process.kill()
        arena.sim.wait_quiet()
        self.disk = Disk(read(journal)) if self.happened else None
        self.rows = arena.sim.rows()
        names = {whid.lower(): name for name, whid in self.life.whids.items()}
        self.earlier = oracle.executed(arena.sim, names)
        self.shelf = Shelf(self.process.whd.store) if self.happened else None

    def live_on_from(self, image):
        """The rest of the life, from this image of the store."""
        sim, life = self.arena.sim, self.life.copy()
        sim.remove_all()
        sim.add_all(self.rows)
        sim.net("refuse" if life.cut_off else "up")
        self.shelf.put(image)
        since = sim.mark()
        self.process.again()
        self.arena.go(life, self.process, deaths=0)
        self.arena.end(life, self.process, self.earlier, since)


def cuts(arena, name, every):
    process = arena.live(LIVES[name](), lambda p: Calls(p))
    calls = [len(counted(process.hooks.file(n))) for n in range(process.starts)]
    arena.forget(process)
    return [(start, k) for start, n in enumerate(calls) for k in range(1, n + 1, every)]


@pytest.mark.parametrize("name", EVERY)
def test_power_goes_at(arena, name):
    lost = torn = unsafe = 0
    for start, k in cuts(arena, name, EVERY[name]):
        cut = Cut(arena, name, start, k)
        if not cut.happened:
            continue
        unsafe += cut.disk.unsafe() > 0
        for number in range(IMAGES):
            luck = Luck(number, random.Random(f"{name} {start} {k} {number}"))
            image = cut.disk.image(luck)
            try:
                cut.live_on_from(image)
            except BaseException:
                print(f"--- {name}, start {start}, call {k}, image {number}: "
                      f"{luck.lost} writes lost, {luck.torn} torn")
                raise
            lost, torn = lost + luck.lost, torn + luck.torn
        arena.forget(cut.process)
    print(f"{name}: {unsafe} cuts with something unsafe, {lost} writes lost, {torn} torn")
    assert unsafe and lost and torn, "the cuts came when everything was flushed"
