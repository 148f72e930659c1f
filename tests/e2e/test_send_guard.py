# SPDX-License-Identifier: MIT
"""libcurl sends a request again by itself when a reused connection dies before the reply, a POST
too. The guard in whd is what keeps a create from being executed twice: without it (a switch of
test builds) the API sees two executions, with it one. Both runs use a connection that the
request log proves was used before."""

import pytest

from support.data import webhook

FAST = {"sync.interval": "100ms"}
GUARD_OFF = {"WHD_TEST_NO_SEND_GUARD": "1"}


@pytest.fixture(params=["http", "https"])
def api(request, world):
    if request.param == "http":
        return world.sim()
    return world.sim(tls=request.getfixturevalue("authority"))


def send_on_a_dying_connection(world, api, method, env):
    """Executes one change over a reused connection that is then closed without a reply. Returns
    the log entries of the change."""
    c = world.whd(api, FAST, env=env).client()
    c.synced()
    whid = c.warm_up(api)
    before = api.mark()
    rule = api.fault("close_after", method=method, reused_only=True, count=1)
    op = {"POST": lambda: c.create(**webhook(1)),
          "PATCH": lambda: c.update(whid, {"whcomment": "x"}),
          "DELETE": lambda: c.delete(whid)}[method]()
    c.settled(op)
    c.idle()
    assert api.hits(rule) == 1
    entries = api.log(before, method)
    assert entries[0]["conn_req"] > 1, "the connection was not reused"
    assert entries[0]["status"] == 0 and entries[0]["executed_n"] == 1
    return c, entries


def test_with_the_guard_a_create_is_executed_once(world, api):
    c, entries = send_on_a_dying_connection(world, api, "POST", None)
    assert [e["executed_n"] for e in entries] == [1]
    assert len(api.rows()) == 2
    assert "whd_resends_stopped_total 1\n" in c.call("metrics")


def test_without_the_guard_it_is_executed_twice(world, api):
    """If this fails, the test build has no such switch, or libcurl has changed: then the test
    above proves nothing."""
    _, entries = send_on_a_dying_connection(world, api, "POST", GUARD_OFF)
    assert [e["executed_n"] for e in entries] == [1, 1]
    assert entries[0]["conn"] != entries[1]["conn"], "the second one was libcurl's own"
    assert len(api.rows()) == 3


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_no_change_of_any_kind_leaves_twice_unseen(world, api, method):
    _, entries = send_on_a_dying_connection(world, api, method, None)
    assert len(entries) == 1, "what was executed is seen in a list, not sent again"


def test_idle_connection_that_died_before(world, api):
    """The usual case: the gateway dropped the connection while nothing was going on."""
    c = world.whd(api, FAST).client()
    c.synced()
    for n in range(5):
        api.verb("POST", "/close_idle")
        c.applied(c.create(**webhook(n)))
    assert api.executed("POST") == 5 and len(api.rows()) == 5


def test_every_reused_connection_dies(world, api):
    """The API executes each request on a connection used before and closes without a word."""
    c = world.whd(api, {**FAST, "queue.concurrency": "1"}).client()
    c.synced()
    api.verb("POST", "/close_after_request", {"on": True})
    ops = [c.create(**webhook(n)) for n in range(6)]
    for op in ops:
        assert c.applied(op)["result"] in ("applied", "adopted")
    assert api.executed("POST") == 6 and len(api.rows()) == 6
    assert any(e["conn_req"] > 1 for e in api.log(method="POST"))
