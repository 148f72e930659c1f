# SPDX-License-Identifier: MIT
"""Killed again and again under load: many clients, others at the API, a bad network.

WHD_CRASH_SECONDS (60; with WHD_CRASH_FULL 900) says how long, WHD_CRASH_SEED (1) what
everybody does; when what happens is up to the machine. Both are printed.
"""

import os
import random
import threading
import time

from arena import SETTINGS
from crowd import Others, Person, Weather
from support.data import webhook
from verdict import check

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
SECONDS = float(os.environ.get("WHD_CRASH_SECONDS", "900" if FULL else "60"))
SEED = int(os.environ.get("WHD_CRASH_SEED", "1"))
PEOPLE = 4
ROWS = 40
SLOW = {"queue.settle_timeout": "3s", "queue.settle_error": "2s", "queue.concurrency": "4",
        "history.max_ops": "1000000", "upstream.timeout": "2s"}


class Crowd:
    def __init__(self, sim, whd, seed):
        self.sim, self.whd, self.seed, self.socket = sim, whd, seed, whd.socket
        self.over, self.alive = threading.Event(), threading.Event()
        self.kills = 0
        whids = [r["whid"] for r in sim.rows()]
        self.people = [Person(self, n, whids[n::PEOPLE]) for n in range(PEOPLE)]
        self.others, self.weather = Others(self), Weather(self)
        self.members = [*self.people, self.others, self.weather]

    def kill_again_and_again(self, seconds):
        draw, end = random.Random(self.seed), time.monotonic() + seconds
        while time.monotonic() < end and not self.over.is_set():
            seen = self.sim.stats()["log"]
            self.sim.verb("GET", f"/wait?log_at_least={seen + draw.randint(1, 150)}"
                                 f"&timeout_ms={draw.randint(100, 2000)}")
            self.alive.clear()
            self.whd.kill()
            self.kills += 1
            self.start()

    def start(self):
        self.whd.start()
        self.alive.set()

    def quiet(self):
        self.over.set()
        for member in self.members:
            member.join(120)
            assert not member.is_alive(), f"{member.name} does not end"
        for member in self.members:
            if member.error:
                raise member.error
        self.sim.clear_faults()
        self.sim.up()


def test_killed_under_load(world, sim):
    print(f"seed {SEED}, {SECONDS} s")
    sim.add_all([webhook(n) for n in range(ROWS)])
    whd = world.whd(sim, {**SETTINGS, **SLOW, "log.level": "info"})
    whd.client().synced()
    crowd = Crowd(sim, whd, SEED)
    crowd.alive.set()
    for member in crowd.members:
        member.start()
    crowd.kill_again_and_again(SECONDS)
    crowd.quiet()
    found = check(crowd, whd.client())
    print(f"{crowd.kills} kills, {found}")
    assert crowd.kills >= SECONDS / 4 and found["acknowledged"] > 10 * SECONDS
    assert whd.stop() == 0
    assert whd.spawn("--check").wait() == 0
