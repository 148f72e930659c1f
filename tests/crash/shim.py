# SPDX-License-Identifier: MIT
"""The shim (shim.c) as the tests see it: its environment, and what it wrote."""

import os
import pathlib

from support.paths import BIN

SHIM = pathlib.Path(os.environ.get("WHD_SHIM") or BIN.parent / "tests/whd-shim.so")


def env(store, **words):
    """The environment of a whd whose calls on `store` are watched; kill=, count=, ..."""
    assert SHIM.exists(), f"{SHIM} is not built"
    more = {f"WHD_SHIM_{name.upper()}": str(value) for name, value in words.items()}
    return {"LD_PRELOAD": str(SHIM), "WHD_SHIM_DIR": str(store), **more}


def counted(file):
    """The names of the calls, in order."""
    return file.read_text(encoding="ascii").split() if file.exists() else []


class Calls:
    """Hooks that count the calls of each start, and end the one numbered `start` at its k-th: a
    number, or "kind:number" to count the calls of one kind."""

    def __init__(self, process, start=None, k=0, **words):
        self.process, self.at, self.k, self.words = process, start, k, words

    def file(self, start):
        return self.process.whd.folder / f"calls{start}"

    def __call__(self, start):
        words = dict(self.words, count=self.file(start))
        if start == self.at:
            words["kill"] = self.k
        return env(self.process.whd.store, **words)
