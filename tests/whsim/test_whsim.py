# SPDX-License-Identifier: MIT
"""Proves what whsim's README promises, from outside: the simulated API, its
switches and faults, the log and the truth.  test_whsim_net.py has the rest.

Run with:  WHSIM=path/to/whsim python3 -m pytest tests/whsim
(without WHSIM, build/bin/whsim of this checkout is taken).

The switches and the faults are two tables in the files beside this one.  Each
line is a setting and a check; the check must fail without the setting and hold
with it, so no line can pass by accident.  Tests of coverage compare the tables
with what the simulator says it has.  Nothing sleeps: whsim's /wait is the only
clock.
"""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import subprocess
import time

import pytest

from whsim_fault_cases import FAULTS
from whsim_harness import BINARY, HERE, PATH, SIX, another, drain, webhook
from whsim_switch_cases import SWITCHES, ids, two_rows

DAY = 86400000


def holds(check, sim):
    """A check that trips over the wrong shape says no as well."""
    try:
        return bool(check(sim))
    except (AssertionError, AttributeError, KeyError, IndexError, TypeError,
            ValueError, OSError, http.client.HTTPException):
        return False


def case_ids(cases):
    return [json.dumps(case[0]) for case in cases]


# ---- the tables ---------------------------------------------------------

@pytest.mark.parametrize("setting,check", SWITCHES, ids=case_ids(SWITCHES))
def test_switch(sim, setting, check):
    two_rows(sim)
    assert not holds(check, sim), "holds without the switch"
    sim.verb("POST", "/reset")
    two_rows(sim)
    sim.verb("PATCH", "/config", setting)
    assert check(sim)


@pytest.mark.parametrize("rule,check", FAULTS, ids=case_ids(FAULTS))
def test_fault(sim, rule, check):
    assert not holds(check, sim), "holds without the rule"
    sim.verb("POST", "/reset")
    assert sim.verb("POST", "/fault", rule) == {"id": 1}
    assert check(sim)
    name = sim.log()[0]["fault"]
    assert name == rule["action"]
    sim.verb("DELETE", "/fault")
    sim.verb("DELETE", "/rows")
    assert sim.post().status == 200 and sim.log()[-1]["fault"] == ""


def test_every_switch_value_has_a_case(sim):
    for switch in sim.verb("GET", "/switches"):
        name, default = switch["name"], switch["default"]
        tried = {str(case[name]) for case, _ in SWITCHES if name in case}
        assert tried, name
        if not switch["legal"].startswith(("an ", "a ", "true")):
            legal = set(switch["legal"].split(", "))
            assert legal - {default} <= tried, name


def test_every_fault_parameter_has_a_case(sim):
    for action in sim.verb("GET", "/actions"):
        rules = [r for r, _ in FAULTS if r["action"] == action["name"]]
        assert rules, action
        given = set().union(*rules)
        assert set(action["parameters"].split()) <= given, action


def test_the_readme_names_everything(sim):
    text = (HERE / "README.md").read_text()
    for switch in sim.verb("GET", "/switches"):
        default = switch["default"]
        shown = default if isinstance(default, str) else json.dumps(default)
        assert f"| `{switch['name']}` | {shown} |" in text, switch["name"]
    for action in sim.verb("GET", "/actions"):
        line = [li for li in text.splitlines()
                if li.startswith(f"| `{action['name']}` |")]
        assert len(line) == 1, action["name"]
        for parameter in action["parameters"].split():
            assert f"`{parameter}`" in line[0], (action["name"], parameter)
    for verb in sim.verb("GET", "/"):
        assert f"`{verb['method']} {verb['path']}" in text, verb
    usage = subprocess.run([BINARY, "--help"], capture_output=True, text=True,
                           check=True).stdout
    for word in usage.split():
        assert not word.startswith("--") or f"`{word}" in text, word


# ---- the API as it is by default ----------------------------------------

def test_a_row_lives_and_dies(sim):
    assert sim.list() == []
    created = sim.post(whname="Ä \u20ac")
    whid = created.json["whid"]
    assert created.status == 200 and list(created.json) == ["whid"] + SIX
    assert created.json == {"whid": whid, **webhook(whname="Ä \u20ac")}
    assert sim.list() == sim.rows() == [created.json]
    assert sim.api("GET", "?whid=" + whid.upper()).json == [created.json]
    assert sim.api("GET", "?whid=").json == [created.json]
    assert sim.api("GET", "?whid=no").json == []
    changed = sim.patch(whid, whname="B", processes=[])
    assert changed.status == 200
    assert changed.json == {"whid": whid,
                            **webhook(whname="B", processes=[])}
    assert sim.rows() == [changed.json]
    gone = sim.api("DELETE", "?whid=" + whid)
    assert (gone.status, gone.body) == (204, b"")
    assert sim.rows() == [] and sim.list() == []
    assert sim.api("DELETE", "?whid=" + whid).status == 404
    assert sim.patch(whid).status == 404
    counts = [(e["method"], e["status"], e["executed"], e["rows_changed"])
              for e in sim.log() if e["method"] != "GET"]
    assert counts == [("POST", 200, True, 1), ("PATCH", 200, True, 1),
                      ("DELETE", 204, True, 1), ("DELETE", 404, False, 0),
                      ("PATCH", 404, False, 0)]


def test_ids_are_deterministic(sim):
    first = [sim.post().json["whid"] for _ in range(3)]
    sim.verb("POST", "/reset")
    assert [sim.post().json["whid"] for _ in range(3)] == first
    assert len(set(first)) == 3 and all(len(i) == 36 for i in first)
    with another("--prng", "2") as other:
        assert other.post().json["whid"] not in first


def test_patch_keeps_unknown_members_and_is_a_full_replace(sim):
    two_rows(sim)
    assert sim.patch("id-1").status == 200
    assert sim.rows()[0] == {"whid": "id-1", **webhook(), "own": 1}
    sim.verb("PATCH", "/config", {"require_all_six": False})
    sim.api("PATCH", "?whid=id-1", {"whname": "nur"})
    assert sim.rows()[0] == {
        "whid": "id-1", "own": 1, "whname": "nur", "processes": [],
        **{n: "" for n in SIX[1:5]}}


def test_empty_whid(sim):
    two_rows(sim)
    for query in ("", "?whid", "?whid="):
        refused = sim.api("PATCH", query, webhook())
        assert (refused.status, list(refused.json["errors"])) == \
            (400, ["whid"])
    for query, whid in (("", None), ("?whid=", "")):
        sim.verb("POST", "/rows", webhook())
        count = len(sim.rows())
        assert sim.api("DELETE", query).status == 204
        entry = sim.log()[-1]
        assert (entry["executed"], entry["rows_changed"], entry["whid"]) == \
            (True, count, whid)
        assert sim.rows() == []


@pytest.mark.parametrize("body,member", [
    ("", "$"), ("{", "$"), ("[]", "$"), ("null", "$"), ('{"a":1,"a":2}', "$"),
    ('{"a":"\\ud800"}', "$"), (b'{"a":"\xff"}', "$"), ("{} x", "$"),
    (json.dumps(webhook(whname=None)), "whname"),
    (json.dumps(webhook(callbackUrl=1)), "callbackUrl"),
    (json.dumps(webhook(processes="a")), "processes"),
    (json.dumps(webhook(processes=["a", 1])), "processes")])
def test_a_bad_body_is_refused(sim, body, member):
    two_rows(sim)
    before = sim.rows()
    for method, query in (("POST", ""), ("PATCH", "?whid=id-1")):
        refused = sim.api(method, query, body)
        assert refused.status == 400
        assert list(refused.json["errors"]) == [member]
        assert refused.json["status"] == 400
    assert sim.rows() == before


def test_a_member_that_is_missing_is_named(sim):
    for name in SIX:
        body = webhook()
        del body[name]
        assert sim.api("POST", body=body).json["errors"] == {
            name: [f"The {name} field is required."]}
    assert not any(entry["executed"] for entry in sim.log())


def test_bodies_are_bounded(sim):
    fits = json.dumps(webhook()) + " " * (1 << 20)
    assert sim.api("POST", body=fits[:1 << 20]).status == 200
    assert sim.api("POST", body=fits[:(1 << 20) + 1]).status == 413
    assert len(sim.rows()) == 1
    assert [len(e["body"]) for e in sim.log()] == [8192, 8192]


def test_keys(sim):
    for key, number, word in ((None, -1, "missing"), ("wrong", -1, "invalid"),
                              ("test-key-2", 1, None)):
        reply = sim.api("POST", body=webhook(), key=key)
        entry = sim.log()[-1]
        assert entry["key"] == number
        assert entry["executed"] == (word is None)
        assert reply.status == entry["status"] == (401 if word else 200)
        assert word is None or word + " subscription key" in \
            reply.json["message"]
    assert sim.verb("POST", "/keys", {"valid": ["neu", "test-key-2"]}) == \
        {"valid": 2}
    seen = [(sim.api(key=k).status, sim.log()[-1]["key"])
            for k in ("test-key-1", "test-key-2", "neu")]
    assert seen == [(401, 0), (200, 1), (200, 2)]
    assert "test-key" not in json.dumps(sim.log())
    sim.verb("POST", "/keys", {"valid": ["a b"]}, status=400)


def test_unknown_routes(sim):
    for method, path in (("GET", "/"), ("GET", PATH + "/x"),
                         ("GET", "/Webhookconfig"), ("PUT", PATH),
                         ("HEAD", PATH), ("OPTIONS", PATH)):
        reply = sim.api(method, path=path)
        assert reply.status == 404, (method, path)
        if method != "HEAD":
            assert reply.json == {"statusCode": 404,
                                  "message": "Resource not found"}
    assert sim.verb("GET", "/stats")["other"] == {"requests": 3,
                                                  "executed": 0}


# ---- the log ------------------------------------------------------------

def test_log_entry(sim):
    sim.api("POST", "?a=%20b&whid=x%2Fy", body=webhook(),
            headers={"User-Agent": "ich", "Content-Type": "application/json",
                     "Accept": "*/*", "Cookie": "c"})
    entry, = sim.log()
    assert entry["wall_ms"] > 1.6e12 and entry.pop("wall_ms")
    assert entry["at_ms"] >= 0 and entry.pop("at_ms") is not None
    assert entry["conn"] > 0 and entry.pop("conn")
    assert entry.pop("done") in (True, False)
    assert entry == {
        "n": 1, "conn_req": 1, "method": "POST", "path": PATH,
        "query": "a=%20b&whid=x%2Fy", "whid": "x/y", "key": 0, "status": 200,
        "executed": True, "executed_n": 1, "fault": "",
        "body": json.dumps(webhook()), "reply_rows": 0, "rows_changed": 1,
        "headers": {"user-agent": "ich", "content-type": "application/json",
                    "accept": "*/*", "accept-encoding": "identity"}}


def test_log_tells_reused_connections(sim):
    one = sim.connect()
    for _ in range(3):
        sim.api(on=one)
    sim.api()
    one.close()
    seen = [(e["conn"], e["conn_req"]) for e in sim.log()]
    first = seen[0][0]
    assert seen == [(first, 1), (first, 2), (first, 3), (first + 1, 1)]


def test_log_pages_and_counts(sim):
    for _ in range(5):
        sim.api()
    sim.post()
    page = sim.verb("GET", "/log?since=1&limit=2")
    assert [e["n"] for e in page["entries"]] == [2, 3] and page["next"] == 3
    assert sim.verb("GET", "/log?since=6") == {"next": 6, "entries": []}
    stats = sim.verb("GET", "/stats")
    assert stats["GET"] == {"requests": 5, "executed": 5}
    assert stats["POST"] == {"requests": 1, "executed": 1}
    assert (stats["log"], stats["rows"], stats["net"]) == (6, 1, "up")
    sim.verb("DELETE", "/log")
    assert sim.log() == []
    assert sim.verb("GET", "/stats")["GET"]["requests"] == 0
    sim.api()
    assert [e["n"] for e in sim.log()] == [1]


def test_log_survives_what_is_no_text(sim):
    one = socket.create_connection(("127.0.0.1", sim.url.port), 20)
    one.sendall(b"POST " + PATH.encode() + b"?whid=%ff&x=\xfe HTTP/1.1\r\n"
                b"Host: x\r\nUser-Agent: \xff\r\nContent-Length: 3\r\n"
                b"Connection: close\r\n\r\n\xff\x00\n")
    drain(one)
    entry, = sim.log()
    assert entry["body"] == "?\x00\n" and entry["whid"] == "?"
    assert entry["headers"]["user-agent"] == "?"


def test_wait(sim):
    began = time.monotonic()
    answer = sim.verb("GET", "/wait?log_at_least=1&timeout_ms=30")
    assert answer == {"met": False, "log": 0, "done": 0}
    assert time.monotonic() - began >= 0.03
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(
            sim.wait, "method=POST&executed_at_least=2&requests_at_least=3")
        sim.post()
        sim.api("POST", body="{")
        sim.post()
        waiting.result()
    sim.wait("done_at_least=3")
    rule = sim.fault("html")
    sim.api()
    sim.wait(f"fault={rule}&hits_at_least=1")
    for bad in ("", "?timeout_ms=1", "?method=GET", "?fault=1", "?typo=1",
                "?log_at_least=x", "?log_at_least=-1", "?hits_at_least=1"):
        sim.verb("GET", "/wait" + bad, status=400)


# ---- the rows behind the API's back --------------------------------------

def test_rows_can_be_changed_behind_the_back(sim):
    odd = {"whid": "odd", "whname": 5, "processes": None, "x": {"y": [1.5]}}
    added = sim.verb("POST", "/rows", odd)
    assert added == {**odd, "whcomment": "", "applicationId": "",
                     "municipalityId": "", "callbackUrl": ""}
    assert list(added) == ["whid"] + SIX + ["x"]
    assert sim.list() == [added]
    assert sim.verb("GET", "/rows?whid=ODD") == added
    merged = sim.verb("PATCH", "/rows?whid=odd", {"x": None, "z": 1})
    assert merged == {**added, "x": None, "z": 1} == sim.list()[0]
    sim.verb("POST", "/rows", odd, status=409)
    sim.verb("POST", "/rows", {"whid": ""}, status=400)
    sim.verb("POST", "/rows", {"whid": 1}, status=400)
    sim.verb("PATCH", "/rows?whid=odd", {"whid": "b"}, status=400)
    sim.verb("PATCH", "/rows?whid=", {}, status=400)
    sim.verb("PATCH", "/rows?whid=no", {}, status=404)
    sim.verb("DELETE", "/rows?whid=", status=400)
    sim.verb("DELETE", "/rows?whid=no", status=404)
    assert sim.verb("POST", "/rows", [{}, {"whid": "b"}])["added"][1] == "b"
    assert ids(sim.rows())[::2] == ["odd", "b"]
    assert sim.verb("DELETE", "/rows?whid=odd") == {"deleted": 1}
    assert sim.verb("DELETE", "/rows") == {"deleted": 2}
    assert sim.rows() == [] and sim.log()[-1]["method"] == "GET"


def test_seeding_scales(sim):
    sim.verb("POST", "/seed", {"n": 3})
    few = sim.rows()
    assert sim.verb("POST", "/seed", {"n": 99997}) == {"added": 99997,
                                                       "rows": 100000}
    began = time.monotonic()
    reply = sim.api()
    took = time.monotonic() - began
    assert 40e6 < len(reply.body) < 60e6 and took < 20
    rows = reply.json
    assert json.dumps(rows, ensure_ascii=False, separators=(",", ":")) == \
        reply.body.decode()
    assert rows[:3] == few and len(set(ids(rows))) == 100000
    assert all(set(row) > set(SIX) for row in rows)
    assert sim.log()[-1]["reply_rows"] == 100000
    last = rows[-1]["whid"]
    assert sim.api("GET", "?whid=" + last).json == rows[-1:]
    assert sim.api("DELETE", "?whid=" + last).status == 204
    assert sim.verb("GET", "/stats")["rows"] == 99999
    sim.verb("POST", "/seed", {"n": -1}, status=400)


# ---- rules of faults ------------------------------------------------------

def statuses(sim, count):
    return [sim.api().status for _ in range(count)]


def test_fault_skip_count_and_removal(sim):
    rule = sim.fault("status", status=418, skip=1, count=2)
    assert statuses(sim, 5) == [200, 418, 418, 200, 200]
    listed, = sim.verb("GET", "/fault")["faults"]
    assert (listed["id"], listed["hits"], listed["remaining"]) == (rule, 2, 0)
    assert listed["action"] == "status" and listed["matched"] == 3
    always = sim.fault("status", status=418, count=-1)
    assert statuses(sim, 4) == [418] * 4
    sim.verb("DELETE", f"/fault?id={always}")
    assert statuses(sim, 2) == [200] * 2
    sim.verb("DELETE", f"/fault?id={always}", status=404)
    sim.verb("DELETE", "/fault")
    assert sim.verb("GET", "/fault") == {"faults": []}


def test_fault_matching(sim):
    two_rows(sim)

    def hit(**members):
        rule = sim.fault("status", status=418, count=-1, **members)
        seen = [sim.api().status, sim.api("GET", "?whid=id-1").status,
                sim.patch("id-1", whname="rot").status, sim.post().status]
        sim.verb("DELETE", f"/fault?id={rule}")
        return [status == 418 for status in seen]

    assert hit() == [True, True, True, True]
    assert hit(method="GET") == [True, True, False, False]
    assert hit(method="*", list=True) == [True, False, False, False]
    assert hit(list=False) == [False, True, True, True]
    assert hit(whid="id-1") == [False, True, True, False]
    assert hit(body_contains='"rot"') == [False, False, True, False]
    assert hit(probability=0) == [False] * 4
    sim.fault("status", status=418, reused_only=True, count=-1)
    with contextlib.closing(sim.connect()) as one:
        assert [sim.api(on=one).status for _ in range(3)] == [200, 418, 418]
    assert sim.api().status == 200


def test_fault_probability_is_seeded(sim):
    def tossed(seed):
        sim.verb("DELETE", "/fault")
        sim.fault("status", status=418, count=-1, probability=0.5, seed=seed)
        return statuses(sim, 40)

    first = tossed(7)
    assert 5 < first.count(418) < 35
    assert tossed(7) == first != tossed(8)


def test_delays_take_time_and_combine(sim):
    sim.fault("delay", ms=30)
    sim.fault("delay", ms=30)
    sim.fault("reset_after")
    began = time.monotonic()
    assert sim.raw() == (b"", "reset")
    assert time.monotonic() - began >= 0.06
    entry, = sim.log()
    assert entry["fault"] == "delay+delay+reset_after"
    assert entry["executed_n"] == 1


def test_a_delay_holds_nobody_else_up(sim):
    rule = sim.fault("delay", ms=DAY)
    sock = sim.send()
    sim.wait("log_at_least=1")
    assert sim.list() == []
    sim.verb("DELETE", f"/fault?id={rule}")
    assert drain(sock)[0].startswith(b"HTTP/1.1 200")
    assert len(sim.list()) == 1


def test_a_slow_body_takes_time(sim):
    sim.fault("slow_body", bytes=60, ms=20)
    began = time.monotonic()
    assert sim.post().json == sim.rows()[0]
    assert time.monotonic() - began >= 0.06


def test_a_stall_ends_when_the_client_leaves(sim):
    rule = sim.fault("stall", count=-1)
    sock = sim.send()
    sim.wait("log_at_least=1")
    sock.close()
    sim.wait("done_at_least=1")
    sim.verb("DELETE", f"/fault?id={rule}")


def test_reset_drops_what_is_held(sim):
    sim.fault("delay", ms=DAY)
    sim.fault("stall")
    socks = [sim.send(), sim.send("GET")]
    sim.wait("log_at_least=2")
    sim.verb("POST", "/reset")
    assert [drain(sock) for sock in socks] == [(b"", "end")] * 2
    assert sim.rows() == []


def test_a_refused_key_is_not_executed_by_a_fault(sim):
    sim.fault("execute_twice")
    assert sim.api("POST", body=webhook(), key="no").status == 401
    sim.fault("execute_late", ms=0)
    assert sim.api("POST", body=webhook(), key="no").status == 401
    assert sim.rows() == [] and sim.verb("GET", "/late") == {"pending": 0}


def test_late_work_can_be_dropped(sim):
    sim.fault("execute_late", ms=DAY)
    assert sim.post().status == 504
    assert sim.verb("DELETE", "/late") == {"dropped": 1}
    assert sim.verb("POST", "/late") == {"executed": 0}
    assert sim.rows() == []


def test_wrong_rules_are_refused(sim):
    for rule, words in [
            ({}, ["action"]),
            ({"action": "explode"}, ["explode", "reset_after"]),
            ({"action": "delay", "bytes": 1}, ["delay", "bytes", "ms"]),
            ({"action": "delay", "ms": -1}, ["ms", "0 to"]),
            ({"action": "delay", "probability": 2}, ["probability"]),
            ({"action": "delay", "typo": 1}, ["typo", "method"]),
            ({"action": "close_before", "unread": True,
              "body_contains": "x"}, ["unread", "body_contains"]),
            ({"action": "status", "headers": {"A": "b\r\nc"}}, ['"A"']),
            ({"action": "status", "headers": [1]}, ["headers"])]:
        error = sim.verb("POST", "/fault", rule, status=400)["error"]
        assert all(word in error for word in words), error
    assert sim.verb("GET", "/fault") == {"faults": []}
