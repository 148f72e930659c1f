# SPDX-License-Identifier: MIT
"""The last test: every method, every parameter and every error code was seen by a client.

It reads what the other tests have written down. Under ctest each file is a
process of its own and leaves its part in WHD_CONTRACT_DIR; in one pytest run
the book is in memory. A part of the tests alone proves nothing, so then it is
left out.
"""

import pathlib
import re

import pytest

from support import contract, tables
from support.paths import ROOT

HERE = pathlib.Path(__file__).resolve().parent
# Not to be had from outside without breaking the machine: each is proved below that.
NOT_FROM_OUTSIDE = {"INTERNAL"}


@pytest.fixture
def book(request):
    ran = {item.path for item in request.session.items}
    if not contract.folder() and ran != set(HERE.glob("test_*.py")):
        pytest.skip("only a part of the tests ran, and WHD_CONTRACT_DIR is not set")
    return contract.whole()


def test_every_method_was_called(book):
    assert set(tables.methods()) - book.methods == set()


def test_every_parameter_was_given(book):
    known = {f"{m.name}.{p}" for m in tables.methods().values() for p in m.params}
    assert known - book.params == set()


def test_every_error_was_seen(book):
    assert set(tables.errors()) - NOT_FROM_OUTSIDE - book.errors == set()


def test_every_error_can_happen():
    """A code that nothing in the daemon gives is a promise that nobody keeps."""
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "daemon").rglob("*.c"))
    given = set(re.findall(r"\bWH_ERR_([A-Z_]+)\b", source))
    assert set(tables.errors()) - given == set()
