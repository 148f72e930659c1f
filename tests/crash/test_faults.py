# SPDX-License-Identifier: MIT
"""The disk says no: the k-th write, flush or truncation of the store fails, once.

Either the caller hears STORE_FULL and may ask again, or whd ends with status 1
and says why; then the next one goes on. Nothing is acknowledged in between: the
oracle finds what it always finds. By default some k; with WHD_CRASH_FULL every.
"""

import collections
import errno
import os

import pytest

from lives import LIVES
from shim import Calls, counted

FULL = bool(os.environ.get("WHD_CRASH_FULL"))
EVERY = 1 if FULL else 7
NAMES = ("lists", "changes") if FULL else ("lists",)
SHORT = 0   # half of the write is made
FAULTS = {"data": (errno.EIO, errno.ENOSPC, SHORT), "meta": (errno.EIO, errno.ENOSPC, SHORT),
          "sync": (errno.EIO, errno.ENOSPC), "truncate": (errno.EIO, errno.ENOSPC)}
CASES = [(call, error) for call, errors in FAULTS.items() for error in errors]
WHY = "the device failed|the store cannot be opened|the store could not be prepared"


def calls_of(arena, name):
    """How often each kind of call is made, by start."""
    process = arena.live(LIVES[name](), lambda p: Calls(p))
    found = [collections.Counter(counted(process.hooks.file(n))) for n in range(process.starts)]
    arena.forget(process)
    return found


class Failing(Calls):
    """Hooks for which one call of one start fails."""

    def __init__(self, process, at, call, error, k):
        super().__init__(process)
        self.fails_in, self.fail = at, f"{call}:{error}:{k}:1"

    def __call__(self, start):
        self.words = {"fail": self.fail} if start == self.fails_in else {}
        return super().__call__(start)


def live(arena, name, start, call, error, k):
    """One life in which this call fails: (it came to that, whd ended because of it)."""
    process = arena.live(LIVES[name](), lambda p: Failing(p, start, call, error, k), ends={1})
    if process.died:
        said = [line for line in process.whd.log.splitlines() if "level=error" in line]
        assert any(part in line for line in said for part in WHY.split("|")), said
    failed = "failed" in counted(Calls(process).file(start))
    arena.forget(process)
    return failed, process.died


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call,error", CASES, ids=lambda v: v if isinstance(v, str) else
                         errno.errorcode.get(v, "short"))
def test_a_call_fails_once(arena, name, call, error):
    ended = failed = tried = 0
    for start, calls in enumerate(calls_of(arena, name)):
        for k in range(1, calls[call] + 1, EVERY if calls[call] > EVERY else 1):
            tried += 1
            came_to_that, died = live(arena, name, start, call, error, k)
            failed, ended = failed + came_to_that, ended + died
    assert failed >= tried * 0.8 > 0, "the script is the same each time, more or less"
    if error == errno.EIO and call != "truncate":
        assert ended, "nobody can say what is on a disk that fails"
