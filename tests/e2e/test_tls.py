# SPDX-License-Identifier: MIT
"""The API over TLS: only whom the certificates name gets a request, and with it the key."""

import pytest

from support.client import refused
from support.data import webhook
from support.tls import Tls, make_authority


@pytest.fixture
def make(tmp_path):
    """Makes an authority with a certificate for the names given."""
    def build(name, names="IP:127.0.0.1"):
        folder = tmp_path / name
        folder.mkdir()
        return make_authority(folder, names)
    return build


def refuses(world, sim, **options):
    """A whd that must not send anything to this API; returns what it says is wrong."""
    c = world.whd(sim, {"sync.interval": "100ms"}, **options).client()
    op = c.create(**webhook(1))
    c.gate("link")
    with refused("TIMEOUT"):
        c.call("wait", until="online", timeout_ms=300)
    assert sim.log() == [], "not one request"
    assert c.call("queue.get", op=op["op"])["state"] == "queued"
    return c.status()["upstream"]["last_error"]


def test_trusted(world, make):
    sim = world.sim(tls=make("good"))
    c = world.whd(sim).client()
    c.synced()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.applied(c.update(whid, {"whcomment": "x"}))
    c.applied(c.delete(whid))
    assert [e["method"] for e in sim.changes()] == ["POST", "PATCH", "DELETE"]


def test_unknown_authority(world, make):
    sim = world.sim(tls=make("theirs"))
    assert "certificate" in refuses(world, sim, ca_file=make("ours").authority).lower()


def test_system_authorities_do_not_know_ours(world, make):
    sim = world.sim(tls=make("theirs"))
    assert "certificate" in refuses(world, sim, ca_file=None).lower()


def test_certificate_for_another_name(world, make):
    tls = make("other", "DNS:api.example.org,IP:127.0.0.2")
    assert refuses(world, world.sim(tls=tls))


def test_plain_http_where_tls_is_expected(world, sim, make):
    url = sim.url.replace("http:", "https:")
    c = world.whd(url, {"sync.interval": "100ms"}, ca_file=make("any").authority).client()
    c.gate("link")
    assert sim.log() == []


def test_certificate_renewed_while_running(world, make):
    """The same authority, a new certificate: nobody notices."""
    tls = make("first")
    sim = world.sim(tls=tls)
    c = world.whd(sim, {"sync.interval": "100ms"}).client()
    c.synced()
    port = sim.url.split(":")[2].split("/")[0]
    sim.stop()
    again = world.sim("--port", port, tls=Tls(tls.authority, tls.certificate, tls.key))
    op = c.create(**webhook(1))
    assert c.applied(op)["state"] == "done" and again.executed("POST") == 1
