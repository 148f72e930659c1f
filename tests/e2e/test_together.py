# SPDX-License-Identifier: MIT
"""All that came is read before the first answer leaves, so that who reads the answers is woken
once. Seen from outside: whd is killed as the first one has left. The kernel tells the other
peer by an end of file that its request was taken, and by a reset that it was not."""

import signal

import pytest

from support import wire
from support.data import webhook

PEERS = 3
LARGE = {"whcomment": "x" * 4000}


@pytest.fixture(name="store")
def fixture_store(world, sim):
    """A whd, stopped, that holds as much as one answer holds."""
    sim.add_all([webhook(n, **LARGE) for n in range(100)])
    whd = world.whd(sim)
    whd.client().synced()
    assert whd.stop() == 0
    return whd


def told(raw):
    """What comes until the end, or the reset."""
    data = b""
    try:
        while part := raw.sock.recv(1 << 20):
            data += part
    except ConnectionResetError:
        return "not taken"
    return "answered" if data else "taken"


@pytest.mark.parametrize("lists", [0, 1, 3])
def test_read_before_the_first_answer_leaves(store, lists):
    """Also after answers so large that they did not wait for others."""
    store.env["WHD_CRASH"] = f"answer.left:{PEERS + 1 + lists + 1}"
    store.start()
    peers = [wire.Raw(store.socket) for _ in range(PEERS + 1)]
    for raw in peers:  # each is accepted
        raw.send(8, "hello")
        assert raw.result(8)
    other = peers.pop()  # who was answered last may be read before all others
    for n in range(lists):
        other.send(n, "webhook.list")
        assert len(other.result(n)["items"]) == 100
    store.child.pause()  # so that all is there when it goes on
    for raw in peers:
        raw.send(9, "hello")
    store.child.signal(signal.SIGCONT)
    assert sorted(told(raw) for raw in peers) == ["answered"] + ["taken"] * (PEERS - 1)
    assert store.child.wait() == -signal.SIGKILL
