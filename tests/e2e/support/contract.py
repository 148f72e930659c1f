# SPDX-License-Identifier: MIT
"""Keeps book of every method called, every parameter given and every error code seen.

Each answer is held against its documented shape on the way. The book is
written to WHD_CONTRACT_DIR, one file a process, so that the last test can read
what all of them saw even if every test file ran in a process of its own.
"""

import json
import os
import pathlib

from support import shapes, tables

METHODS = tables.methods()
ERRORS = tables.errors()


class Book:
    def __init__(self):
        self.methods, self.params, self.errors = set(), set(), set()

    def called(self, name, params=()):
        """A method was called with these parameters and returned a result."""
        self.methods.add(name)
        self.params |= {f"{name}.{p}" for p in params}

    def failed(self, code):
        self.errors.add(code)

    def add(self, other):
        self.methods |= set(other["methods"])
        self.params |= set(other["params"])
        self.errors |= set(other["errors"])

    def as_json(self):
        return {"methods": sorted(self.methods), "params": sorted(self.params),
                "errors": sorted(self.errors)}


BOOK = Book()


def folder():
    named = os.environ.get("WHD_CONTRACT_DIR")
    return pathlib.Path(named) if named else None


def write():
    """At the end of a session: leaves the book where the last test finds it."""
    if not folder():
        return
    folder().mkdir(parents=True, exist_ok=True)
    target = folder() / f"{os.getpid()}.json"
    part = target.with_suffix(".part")
    part.write_text(json.dumps(BOOK.as_json()), encoding="utf-8")
    part.rename(target)


def whole():
    """This process's book and all that were left in the folder."""
    book = Book()
    book.add(BOOK.as_json())
    for file in sorted(folder().glob("*.json")) if folder() else ():
        book.add(json.loads(file.read_text(encoding="utf-8")))
    return book


def note_result(name, params, result):
    if name not in METHODS:
        return
    shapes.check(METHODS[name], result)
    BOOK.called(name, params)


def note_error(kind, code):
    """An error reached a client: its code and its type must be in the table."""
    assert code in ERRORS, f"undocumented error code {code}"
    assert kind == ERRORS[code][0], (code, kind)
    BOOK.failed(code)
