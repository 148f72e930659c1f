# SPDX-License-Identifier: MIT
"""The last test: every method, every parameter and every error code was seen by a client, every
counter was moved, and the simulator was bent in every way it can be.

It reads what the other tests have written down. Under ctest each file is a
process of its own and leaves its part in WHD_CONTRACT_DIR; in one pytest run
the book is in memory. A part of the tests alone proves nothing, so then it is
left out.
"""

import os
import pathlib
import re

import pytest

from support import contract, tables
from support.paths import ROOT

HERE = pathlib.Path(__file__).resolve().parent
# Not to be had from outside without breaking the machine: each is proved below that.
NOT_FROM_OUTSIDE = {"INTERNAL"}
# Only root can become somebody whom whd may refuse.
ONLY_AS_ROOT = {"NOT_PERMITTED", "not_permitted"} if os.geteuid() != 0 else set()


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
    assert set(tables.errors()) - NOT_FROM_OUTSIDE - ONLY_AS_ROOT - book.errors == set()


def test_every_counter_was_moved(book):
    """By some test, as `metrics` said before its whd was stopped. One that nothing moves tells
    whoever watches it that all is well."""
    assert tables.counters() - ONLY_AS_ROOT - book.counters == set()


def values(switch):
    """What a switch may be set to besides its default; of a free text or number: anything."""
    if ", " not in switch["legal"]:
        return {switch["name"]}
    default = str(switch["default"]).lower()
    return {f"{switch['name']}={word}" for word in switch["legal"].split(", ") if word != default}


def test_every_reason_was_told(book):
    """queue.get was asked about an operation in each state and for each reason."""
    known = {"/".join(reason) for reason in tables.reasons()}
    assert known - book.reasons == set()


def test_every_switch_of_the_simulator_was_thrown(book, sim):
    """Each value of those that are a choice: no variation of the API is left untried."""
    known = set().union(*(values(switch) for switch in sim.verb("GET", "/switches")))
    assert known - book.switches == set()


def test_every_fault_of_the_simulator_was_made(book, sim):
    known = {row["name"] for row in sim.verb("GET", "/actions")}
    assert known - book.faults == set()


def test_every_error_can_happen():
    """A code that nothing in the daemon gives is a promise that nobody keeps."""
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "daemon").rglob("*.c"))
    given = set(re.findall(r"\bWH_ERR_([A-Z_]+)\b", source))
    assert set(tables.errors()) - given == set()
