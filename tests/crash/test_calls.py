# SPDX-License-Identifier: MIT
"""whd dies in place of its k-th call that somebody else could notice: a page of the store, the
write that ends a commit, a flush, a rename, a request to the API, an answer to a caller.

By default every k of the shortest life, from the first file of a new store to
the stop and the start in its middle, and of a longer one every few of each kind
of call. With WHD_CRASH_FULL every k of every life.
"""

import collections
import os

import pytest

from lives import LIVES
from shim import Calls, counted

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
EVERY = dict.fromkeys(LIVES, 1) if FULL else {"lists": 1, "changes": 7}
KINDS = {"data", "meta", "sync", "rename", "truncate", "request", "answer"}


def calls_of(arena, name):
    """How often each kind of call is made when nobody dies, by start."""
    process = arena.live(LIVES[name](), lambda p: Calls(p))
    assert not process.died
    found = [collections.Counter(counted(process.hooks.file(n))) for n in range(process.starts)]
    arena.forget(process)
    return found


def die_at(arena, name, start, kind, k):
    """Whether it came to that."""
    process = arena.live(LIVES[name](), lambda p: Calls(p, start, f"{kind}:{k}"))
    if process.died:
        died_in = counted(Calls(process).file(start))
        assert died_in[-1] == kind and died_in.count(kind) == k
    arena.forget(process)
    return bool(process.died)


@pytest.mark.parametrize("name", EVERY)
def test_dies_at_every_call(arena, name):
    tried, reached = collections.Counter(), collections.Counter()
    for start, calls in enumerate(calls_of(arena, name)):
        for kind, n in calls.items():
            for k in range(1, n + 1, EVERY[name]):
                tried[kind] += 1
                reached[kind] += die_at(arena, name, start, kind, k)
    assert {kind for kind, n in reached.items() if n} == KINDS, "each kind was the last call"
    assert reached.total() >= tried.total() * 0.8, "the script is the same each time, more or less"
