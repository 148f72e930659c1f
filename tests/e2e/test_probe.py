# SPDX-License-Identifier: MIT
"""upstream.probe: one GET now, whatever gate is shut, and the truth about its answer."""

import pytest

from support.client import refused
from support.data import webhook

# what happens to the GET, or what the API is like: members of the answer
ANSWERS = {
    "up": (None, dict(status=200, outcome="executed", error=None, gate="open")),
    "401": (dict(action="apim_401"), dict(status=401, outcome="not_executed", gate="auth")),
    "403 by address": (dict(action="apim_403_ip"), dict(status=403, gate="auth")),
    "403 quota": (dict(action="apim_403_quota"),
                  dict(status=403, outcome="not_executed", gate="quota")),
    "429": (dict(action="apim_429", seconds=60),
            dict(status=429, outcome="not_executed", gate="rate")),
    "500": (dict(action="status", status=500), dict(status=500, outcome="unknown", gate="open")),
    "503 that asks to wait": (dict(action="status", status=503, headers={"Retry-After": "60"}),
                              dict(status=503, outcome="unknown", gate="link")),
    "html with 200": (dict(action="html", status=200),
                      dict(status=200, outcome="unknown", gate="open")),
    "no list": (dict(action="status", status=200, body={"message": "moved"}),
                dict(status=200, outcome="unknown", gate="open")),
    "redirect": (dict(action="redirect"), dict(status=302, outcome="unknown", gate="open")),
    "cut": (dict(action="cut_body", bytes=9), dict(status=200, outcome="unknown", gate="open")),
    "400": (dict(action="status", status=400, body={"message": "no such id"}),
            dict(status=400, outcome="executed", error=None, gate="open")),
    "route": (dict(action="apim_404_route"), dict(status=404, outcome="not_executed")),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_says_what_the_api_answered(sim, c, what):
    fault, expected = ANSWERS[what]
    row = sim.add(**webhook(1))
    c.call("sync.now")
    before = sim.mark()
    if fault:
        sim.fault(**fault, method="GET", list=False)
    said = c.call("upstream.probe")
    assert {name: said[name] for name in expected} == expected, said
    assert (said["key"], said["keys"]) == (1, 1) and said["rule"].endswith(".")
    assert (said["error"] is None) == (said["outcome"] == "executed")
    assert (said["until"] is None) == (said["gate"] == "open")
    gets = [e for e in sim.log(before) if e["whid"] is not None]
    assert [e["whid"] for e in gets] == [row["whid"]], "one GET, of one webhook"
    status = c.status()["upstream"]
    assert status["gate"] == said["gate"] or status["gate"] == "open", "a list may have opened it"
    assert len(sim.changes()) == 0


def test_says_that_nothing_answers(sim, c):
    sim.down()
    said = c.call("upstream.probe")
    assert (said["status"], said["outcome"], said["gate"]) == (0, "not_executed", "link")
    assert said["until"] and not c.status()["upstream"]["online"]
    sim.up()
    assert c.call("upstream.probe")["gate"] == "open", "it opens the gate, as any answer does"


@pytest.mark.parametrize("missing", ["empty_array", "null", "empty", "404", "400"])
@pytest.mark.parametrize("ignored", [False, True])
def test_with_nothing_to_ask_for(sim, c, missing, ignored):
    sim.set(get_one_missing=missing, filter_ignored=ignored)
    said = c.call("upstream.probe")
    assert (said["outcome"], said["error"], said["gate"]) == ("executed", None, "open")


def test_goes_out_though_a_gate_is_shut_and_opens_it(world, sim):
    c = world.whd(sim).client()
    c.synced()
    sim.keys("new-key")
    assert c.call("upstream.probe")["gate"] == "auth"
    op = c.create(**webhook(1))
    sim.keys("test-key-1")
    assert c.call("upstream.probe")["gate"] == "open"
    assert c.applied(op)["attempts"] == 1


def test_tells_which_key_and_tries_the_next(world, sim):
    c = world.whd(sim, keys=("test-key-1", "test-key-2")).client()
    c.synced()
    sim.keys("test-key-2")
    first = c.call("upstream.probe")
    assert (first["key"], first["keys"], first["status"]) == (1, 2, 401)
    assert first["gate"] == "open", "there is another key"
    second = c.call("upstream.probe")
    assert (second["key"], second["status"], second["outcome"]) == (2, 200, "executed")


def test_out_of_time(sim, c):
    rule = sim.fault("stall", method="GET", list=False)
    with refused("TIMEOUT", "upstream"):
        c.call("upstream.probe", timeout_ms=30)
    sim.wait_hits(rule)
    sim.clear_faults()
    assert c.call("upstream.probe", timeout_ms=30000)["status"] == 200


def test_by_whctl(sim, c, ctl):
    assert ctl.json("probe")["gate"] == "open"
    assert "200" in ctl.ok("probe")
    sim.fault("status", method="GET", status=500)
    ran = ctl.run("probe")
    assert ran.code == 1 and "5xx" in ran.out and ran.err == ""


@pytest.mark.parametrize("way", ["down", "keys"])
def test_by_whctl_a_bad_answer_is_a_negative_one(sim, c, ctl, way):
    getattr(sim, way)(*["k-of-somebody-else"] * (way == "keys"))
    ran = ctl.run("probe", "-o", "value=error")
    assert ran.code == 1 and ran.out.strip(), ran
    assert ctl.run("-q", "probe") == (1, "", "")
    sim.up()
    sim.keys("test-key-1")
    ctl.ok("probe")
