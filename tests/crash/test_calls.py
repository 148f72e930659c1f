# SPDX-License-Identifier: MIT
"""whd dies in place of its k-th call that somebody else could notice: a page of the store, the
write that ends a commit, a flush, a rename, a request to the API, an answer to a caller.

By default every k of the shortest life, from the first file of a new store to
the stop and the start in its middle, and every few of a longer one. With
WHD_CRASH_FULL every k of every life.
"""

import os

import pytest

from lives import LIVES
from shim import Calls, counted

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
EVERY = dict.fromkeys(LIVES, 1) if FULL else {"lists": 1, "changes": 7}
KINDS = {"data", "meta", "sync", "rename", "truncate", "request", "answer"}


def starts_of(arena, name):
    """The calls of each start of a whd when nobody dies."""
    process = arena.live(LIVES[name](), lambda p: Calls(p))
    assert not process.died
    found = [counted(process.hooks.file(n)) for n in range(process.starts)]
    arena.forget(process)
    return found


def die_at(arena, name, start, k):
    """The name of the call that was not made; None if it was never reached."""
    process = arena.live(LIVES[name](), lambda p: Calls(p, start, k))
    died_in = counted(Calls(process).file(start))[-1] if process.died else None
    arena.forget(process)
    return died_in


@pytest.mark.parametrize("name", EVERY)
def test_dies_at_every_call(arena, name):
    died_in = []
    for start, calls in enumerate(starts_of(arena, name)):
        for k in range(1, len(calls) + 1, EVERY[name]):
            died_in.append(die_at(arena, name, start, k))
    reached = [call for call in died_in if call]
    assert len(reached) >= len(died_in) * 0.8, "the script is the same each time, more or less"
    if EVERY[name] == 1:
        assert set(reached) == KINDS, "each kind of call was the last one"
    assert {"data", "meta", "sync", "request", "answer"} <= set(reached)
