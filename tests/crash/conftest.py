# SPDX-License-Identifier: MIT
"""The crash tests stand on the support of the end-to-end tests; see README.md."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import pytest  # noqa: E402

from arena import Arena  # noqa: E402
from support.world import World  # noqa: E402


@pytest.fixture(scope="module")
def arena():
    """One simulator for all lives of a file, reset before each."""
    made = Arena()
    yield made
    made.close()


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


@pytest.fixture
def sim(world):
    return world.sim()
