# SPDX-License-Identifier: MIT
"""Keeps book of what the tests have exercised: methods, parameters, error codes, counters, reasons
of operations, switches and faults of the simulator.

Each answer is held against its documented shape on the way, and searched for
keys. The book is written to WHD_CONTRACT_DIR, one file a process, so that the
last test can read what all of them saw even if every test file ran in a
process of its own.
"""

import json
import os
import pathlib

from support import secrets, shapes, tables

METHODS = tables.methods()
ERRORS = tables.errors()
REASONS = tables.reasons()


PAGES = ("methods", "params", "errors", "counters", "reasons", "switches", "faults")


class Book:
    """What was seen, as sets of names, one a page."""

    def __init__(self):
        for page in PAGES:
            setattr(self, page, set())

    def add(self, other):
        for page in PAGES:
            getattr(self, page).update(other.get(page, ()))

    def as_json(self):
        return {page: sorted(getattr(self, page)) for page in PAGES}


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
    """A method was called with these parameters and returned this."""
    secrets.look(f"the result of {name}", result)
    if name not in METHODS:
        return
    shapes.check(METHODS[name], result)
    note_reasons(result if METHODS[name].result == "ops" else [result],
                 METHODS[name].result in ("op", "ops"))
    BOOK.methods.add(name)
    BOOK.params |= {f"{name}.{p}" for p in params}


def note_reasons(ops, are_ops):
    """Every reason of an operation must be in the table, and queue.get say what stands there."""
    for op in (ops["items"] if isinstance(ops, dict) else ops) if are_ops else ():
        reason = op["state"], op.get("reason") or op.get("result", "")
        assert reason in REASONS, f"undocumented reason {reason}"
        if "why" in op:
            assert op["why"] == REASONS[reason], op
            BOOK.reasons.add("/".join(reason))


def note_error(kind, code, sentence=""):
    """An error reached a client: its code and its type must be in the table."""
    secrets.look(f"the sentence of {code}", sentence)
    assert code in ERRORS, f"undocumented error code {code}"
    assert kind == ERRORS[code][0], (code, kind)
    BOOK.errors.add(code)


def note_counters(values):
    """What the counters of a whd stood at when it was stopped."""
    BOOK.counters |= {name for name, value in values.items() if value > 0}
