# SPDX-License-Identifier: MIT
"""The fixtures of whsim's own tests: one process, reset before each test."""

import os

import pytest

from whsim_harness import BINARY, Sim


@pytest.fixture(scope="module")
def process():
    assert os.access(BINARY, os.X_OK), f"build {BINARY} or set WHSIM"
    running = Sim()
    yield running
    assert running.stop() == 0


@pytest.fixture
def sim(process):
    process.verb("POST", "/reset")
    return process
