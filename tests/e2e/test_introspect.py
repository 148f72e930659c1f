# SPDX-License-Identifier: MIT
"""What whd says of itself: hello, rpc.describe, status, metrics, dump. It must be true."""

import re

import pytest

from support import tables, wire
from support.client import refused
from support.data import webhook
from support.paths import ROOT


def test_hello(whd, c):
    said = c.call("hello", client="a test", features=["error_details", "nonsense"])
    assert said["features"] == [], "only what is known is granted"
    assert said["instance"] == c.status()["instance"]
    assert said["limits"]["reply"] == 1024 * 1024
    text = (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8")
    told = re.search(r"### Result hello\n.*?\n### ", text, re.DOTALL)[0].partition("`limits`")[2]
    assert sorted(re.findall(r"`(\w+)`", told)) == sorted(said["limits"])
    code, _ = ask(whd, "hello", {"features": "x"})
    assert code == "INVALID_PARAM"


def ask(whd, method, params):
    raw = wire.Raw(whd.socket)
    raw.message([0, 1, method, [params]])
    return raw.answer(1)


def test_describe_is_the_table(c):
    said = c.call("rpc.describe")
    kinds = {"STR": "string", "INT": "integer", "BOOL": "boolean", "MAP": "map", "LIST": "list",
             "MS": "duration"}
    flags = {"durable": "WH_CMD_DURABLE", "paged": "WH_CMD_PAGED", "waits": "WH_CMD_WAITS",
             "streams": "WH_CMD_STREAMS"}
    rows = tables.methods()
    assert [m["name"] for m in said["methods"]] == list(rows)
    for m in said["methods"]:
        row = rows[m["name"]]
        assert (m["role"], m["result"], m.get("verb", "")) == (row.role, row.result, row.verb)
        assert {f for f, name in flags.items() if m[f]} == {
            f for f, name in flags.items() if name in row.flags}
        assert {p["name"]: (p["type"], p["required"]) for p in m["params"]} == {
            n: (kinds[k], need) for n, (k, need) in row.params.items()}
    assert {e["code"]: (e["type"], e["exit"]) for e in said["errors"]} == tables.errors()
    assert all(e["text"] for e in said["errors"])


def test_status_counts_what_there_is(sim, c):
    sim.seed(7)
    c.call("sync.now")
    c.go_offline(sim)
    held = c.create(**webhook(1))
    c.call("queue.hold", op=held["op"])
    c.create(**webhook(2))
    status = c.status()
    assert (status["queue"]["queued"], status["queue"]["held"]) == (1, 1)
    assert status["sync"]["rows"] == 7 and status["upstream"]["url"] == sim.url
    assert status["queue"]["bytes"] > 0 and status["queue"]["oldest_age_ms"] >= 0
    upstream = status["upstream"]
    assert not upstream["online"] and upstream["gate"] == "link" and upstream["last_error"]
    assert upstream["last_ok_at"] <= upstream["last_error_at"]
    assert status["store"]["revision"] == c.head()
    c.go_online(sim)
    c.applied(c.call("queue.release", op=held["op"]))
    c.idle()
    status = c.status()
    assert status["upstream"]["gate"] == "open" and status["upstream"]["online"]
    assert status["queue"]["oldest_age_ms"] is None and status["store"]["history"] == 2


def test_metrics_are_openmetrics(sim, c):
    c.applied(c.create(**webhook(1)))
    with refused("NOT_FOUND"):
        c.get("nowhere")
    text = c.call("metrics")
    assert text.endswith("# EOF\n") and "\n\n" not in text
    types, values = {}, {}
    for line in text.splitlines()[:-1]:
        if line.startswith("# "):
            word, name, rest = line[2:].split(" ", 2)
            assert word in ("TYPE", "HELP") and rest
            if word == "TYPE":
                assert name not in types, "each family once"
                types[name] = rest
            continue
        match = re.fullmatch(r'(whd_[a-z_]+)(\{[a-z_]+="[^"]*"\})? (-?[0-9.e+-]+)', line)
        assert match, line
        name, labels, value = match.groups()
        family = next(f for f in (name, name.removesuffix("_total")) if f in types)
        if types[family] == "counter":
            assert name.endswith("_total")
        values[name + (labels or "")] = float(value)
    assert set(types.values()) == {"counter", "gauge"}, "other types are not known everywhere"
    assert any(name.startswith("whd_build_info{version=") for name in values)
    assert values["whd_sent_creates_total"] == 1 and values["whd_rows"] == 1
    assert values["whd_outcomes_executed_total"] == 1 and values["whd_online"] == 1
    assert values["whd_call_errors_total"] >= 1 and values["whd_lists_complete_total"] >= 1
    assert values['whd_ops{state="queued"}'] == 0 and values["whd_fresh"] == 1


def metric(c, name):
    return float(re.search(rf"^whd_{re.escape(name)} (\S+)$", c.call("metrics"),
                           re.MULTILINE).group(1))


def test_gauges_that_alarms_need(sim, whd, c):
    shut = {gate: f'gate_shut{{gate="{gate}"}}' for gate in ("link", "auth", "quota", "rate")}
    assert [metric(c, name) for name in shut.values()] == [0, 0, 0, 0]
    assert metric(c, "store_damaged") == 0 and metric(c, "backup_timestamp_seconds") == 0
    sim.fault("apim_401", method="GET")
    c.call("store.backup")
    with refused("OFFLINE"):
        c.call("sync.now")
    assert [metric(c, name) for name in shut.values()] == [0, 1, 0, 0]
    assert metric(c, "backup_timestamp_seconds") * 1000 == c.status()["store"]["backup_at"]


def test_counters_follow_what_happens(sim, c):
    def read(name):
        return metric(c, name)

    sim.fault("reset_after", method="POST")
    c.create(**webhook(1))
    for _ in range(20):
        c.call("sync.now")
        if not c.status()["queue"]["unknown"] and not c.status()["queue"]["sending"]:
            break
    c.idle()
    assert read("outcomes_unknown_total") == 1 and read("adopted_total") == 1
    assert read("sent_creates_total") == 1


SECTIONS = ("process", "counters", "store", "server", "waits", "watch", "writer", "pump")


def test_dump(whd, c):
    whole = c.call("dump")
    assert whole.keys() >= set(SECTIONS)
    assert whole["process"]["pid"] == whd.child.pid and not whole["process"]["stopping"]
    for name in SECTIONS:
        assert c.call("dump", section=name).keys() == {name}
    with refused("INVALID_PARAM", "section"):
        c.call("dump", section="rows")


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "dead", "done", "held"])
def test_an_operation_tells_its_story(sim, c, state):
    """What happened, which rule decided, what is next: in words."""
    if state == "dead":
        sim.fault("status", method="POST", status=400, body={"message": "the name is bad"})
    if state == "unknown":
        sim.fault("close_before", method="POST")
        sim.fault("status", method="GET", status=500, count=-1)
    if state in ("queued", "held"):
        c.go_offline(sim)
    rule = sim.fault("delay", method="POST", ms=600000) if state == "sending" else None
    op = c.create(**webhook(1))
    if state == "sending":
        sim.wait_hits(rule)
    elif state == "held":
        c.call("queue.hold", op=op["op"])
    elif state != "queued":
        c.op_state(op, state)
    full = c.call("queue.get", op=op["op"])
    assert full["state"] == state and len(full["next"]) > 10
    for attempt in full["log"]:
        assert attempt["outcome"] in ("running", "executed", "rejected", "unknown", "not_executed")
        assert attempt["rule"] or attempt["outcome"] == "running"
    if state == "dead":
        assert "the name is bad" in full["last_error"] and "rejected" in full["log"][0]["rule"]
    if state == "unknown":
        assert "not sent again before" in full["next"] and full["next_at"] > 0
    sim.clear_faults()


def test_bytes_of_the_upstream_are_made_text(sim, whd, c):
    """Its error page is no UTF-8; what whd says of it is, or strict clients would break."""
    sim.fault("garbage", method="POST", status=400, execute=False)
    op = c.settled(c.create(**webhook(1)))
    assert op["state"] == "dead"
    raw = wire.Raw(whd.socket)  # decodes strictly
    for ident, method in enumerate(("queue.get", "queue.wait")):
        raw.send(ident, method, op=op["op"])
        assert raw.result(ident)["last_error"].startswith("HTTP 400")
