# SPDX-License-Identifier: MIT
"""whd dies at every named place: at every commit of every kind, before and after each edge between
two states of an operation, and around every request, reply and answer.

The places are rows of daemon/crash_points.def and edges of daemon/core/op.def. Each
is looked for in the lives; one that none of them passes fails the test, so that
the table cannot grow without a scenario.
"""

import collections
import os
import re

import pytest

from lives import LIVES
from support.paths import ROOT

# By default each place is taken once in each of two lives; WHD_CRASH_FULL: in all lives, thrice.
FULL = bool(os.environ.get("WHD_CRASH_FULL"))
TIMES = 3 if FULL else 1



# Legal, but taken by nothing today; tests/sim/coverage.def says why.
UNTAKEN = {"queued-dead", "checking-held", "conflict-done", "held-conflict"}


def edges():
    text = (ROOT / "daemon/core/op.def").read_text(encoding="ascii")
    found = re.findall(r"^WH_OP_EDGE\((\w+), (\w+)\)", text, re.MULTILINE)
    return {f"{a.lower()}-{b.lower()}" for a, b in found} - UNTAKEN


def places():
    text = (ROOT / "daemon/crash_points.def").read_text(encoding="ascii")
    jobs = re.findall(r"^WH_CRASH_JOB\((\w+),", text, re.MULTILINE)
    names = {f"{job}.{stage}" for job in jobs for stage in ("before", "after", "done")}
    names |= set(re.findall(r'^WH_CRASH_PLACE\(\w+, "([\w.]+)"', text, re.MULTILINE))
    names |= {f"{edge}.{stage}" for edge in edges() for stage in ("before", "after")}
    assert len(jobs) == 9 and len(names) > 80
    return sorted(names)


@pytest.fixture(scope="module")
def passes(arena):
    """For each life: how often it passes each place when nobody dies."""
    found = {}
    for name, life in LIVES.items():
        process = arena.live(life(), {"WHD_CRASH": "trace"})
        assert not process.died
        found[name] = collections.Counter(re.findall(r"^crash point (\S+)$", process.whd.log,
                                                     re.MULTILINE))
        arena.forget(process)
    return found


def test_every_place_is_in_a_table(passes):
    seen = set().union(*passes.values())
    strange = seen - set(places())
    assert not strange, f"passed, but in no table: {sorted(strange)}"


@pytest.mark.parametrize("place", places())
def test_dies_at(arena, passes, place):
    lives = [name for name in LIVES if passes[name][place]]
    assert lives, f"no life passes {place}: write a scenario for it"
    died = 0
    for name in lives if FULL else lives[:2]:
        for n in range(1, min(TIMES, passes[name][place]) + 1):
            process = arena.live(LIVES[name](), {"WHD_CRASH": f"{place}:{n}"})
            died += process.died
            arena.forget(process)
    assert died, f"{place} was never passed"
