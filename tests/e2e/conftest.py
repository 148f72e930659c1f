# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests. Each test has a world of its own: folder, simulator, daemon.

    WHD_BIN_DIR=build/bin python3 -m pytest tests/e2e

No test sleeps: it waits for what it expects, by the product's own long polls,
by the simulator's /wait, or by a line of a log.
"""

import pytest

from support import contract
from support.ctl import Ctl
from support.tls import make_authority
from support.world import World


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


@pytest.fixture
def sim(world):
    return world.sim()


@pytest.fixture
def whd(world, sim):
    """A daemon that has seen its first list (of nothing)."""
    daemon = world.whd(sim)
    daemon.client().synced()
    return daemon


@pytest.fixture
def c(whd):
    """A client of `whd`."""
    return whd.client()


@pytest.fixture
def ctl(whd):
    """whctl for `whd`."""
    return Ctl(whd.socket)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority of our own and a certificate for 127.0.0.1."""
    return make_authority(tmp_path_factory.mktemp("tls"))


def pytest_collection_modifyitems(items):
    """What looks at what all others have seen comes last."""
    items.sort(key=lambda item: item.path.stem == "test_contract")


def pytest_sessionfinish():
    contract.write()
