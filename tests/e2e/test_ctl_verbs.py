# SPDX-License-Identifier: MIT
"""Every verb of whctl, once and with --json: it does what it says, and what it prints parses."""

import json

import pytest

from support import tables
from support.ctl import Ctl
from support.data import webhook
from support.sim import six

LOCAL = ("rpc", "completion", "version", "help")


@pytest.fixture
def rows(sim, c):
    sim.add_all([webhook(n) for n in range(5)])
    c.call("sync.now")
    return sim.rows()


def held(sim, c):
    """An operation that is kept from being sent."""
    c.go_offline(sim)
    op = c.create(**webhook(50))
    return c.call("queue.hold", op=op["op"])["op"]


def queued(sim, c):
    c.go_offline(sim)
    return c.create(**webhook(50))["op"]


def conflict(sim, c):
    row = sim.add(**webhook(60))
    c.call("sync.now")
    c.go_offline(sim)
    op = c.update(row["whid"], {"whcomment": "mine"})
    sim.edit(row["whid"], whcomment="theirs")
    with_time = c.status()["uptime_ms"]
    c.go_online(sim)
    assert c.settled(op)["state"] in ("conflict", "done"), with_time
    return op["op"]


NEW = ("--name", "new", "--comment", "", "--app", "a", "--municipality", "m", "--url",
       "https://x.example.org/", "--process", "p")
# verb -> the words behind it, made from (sim, client, rows); and what its JSON must show
VERBS = {
    "get": (lambda sim, c, r: [r[0]["whid"]], lambda out: six(out) == six(webhook(0))),
    "list": (lambda sim, c, r: [], lambda out: len(out) == 5),
    "create": (lambda sim, c, r: NEW, lambda out: out["state"] == "queued"),
    "update": (lambda sim, c, r: [r[0]["whid"], "--comment", "x"],
               lambda out: out["kind"] == "update"),
    "delete": (lambda sim, c, r: [r[0]["whid"]], lambda out: out["kind"] == "delete"),
    "queue list": (lambda sim, c, r: [queued(sim, c)][:0], lambda out: len(out) == 1),
    "queue get": (lambda sim, c, r: [queued(sim, c)], lambda out: out["next"]),
    "queue wait": (lambda sim, c, r: [c.applied(c.create(**webhook(9)))["op"]],
                   lambda out: out["state"] == "done"),
    "queue retry": (lambda sim, c, r: [queued(sim, c)], lambda out: out["state"] == "queued"),
    "queue cancel": (lambda sim, c, r: [queued(sim, c)], lambda out: out["state"] == "cancelled"),
    "queue hold": (lambda sim, c, r: [queued(sim, c)], lambda out: out["state"] == "held"),
    "queue release": (lambda sim, c, r: [held(sim, c)], lambda out: out["state"] == "queued"),
    "queue resolve": (lambda sim, c, r: [held(sim, c), "discard"],
                      lambda out: out["state"] == "cancelled"),
    "queue flush": (lambda sim, c, r: [], lambda out: out == {"due": 0}),
    "history": (lambda sim, c, r: [c.applied(c.create(**webhook(9)))["op"]][:0],
                lambda out: out[0]["result"] == "applied"),
    "sync": (lambda sim, c, r: [], lambda out: out["complete"] and out["unchanged"] == 5),
    "sync accept": (lambda sim, c, r: [], lambda out: out["live"]),
    "watch": (lambda sim, c, r: ["--since", "1", "--limit", "1"], None),
    "wait": (lambda sim, c, r: ["synced"], lambda out: out["fresh"]),
    "status": (lambda sim, c, r: [], lambda out: out["sync"]["rows"] == 5),
    "metrics": (lambda sim, c, r: [], lambda out: out.endswith("# EOF\n")),
    "backup": (lambda sim, c, r: [], lambda out: out["path"].endswith(".mdb")),
    "check": (lambda sim, c, r: [], lambda out: out["sound"] and out["problems"] == []),
    "config show": (lambda sim, c, r: [], lambda out: len(out) == len(tables.settings())),
    "config reload": (lambda sim, c, r: [], lambda out: out["notes"] == ""),
    "log": (lambda sim, c, r: ["debug"], lambda out: out == "debug"),
    "probe": (lambda sim, c, r: [], lambda out: (out["status"], out["gate"]) == (200, "open")),
    "rpc": (lambda sim, c, r: ["webhook.list", '{"limit":2}'], lambda out: len(out["items"]) == 2),
    "version": (lambda sim, c, r: [], lambda out: out["whd"] == out["whctl"]),
}
NOT_JSON = ("completion", "help")


def test_every_verb_has_a_row():
    """Adding a method with a verb means adding a row here."""
    named = {m.verb for m in tables.methods().values() if m.verb}
    assert named | set(LOCAL) == set(VERBS) | set(NOT_JSON), named ^ set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_json(sim, c, ctl, rows, verb):
    words, good = VERBS[verb]
    ran = ctl.run(*verb.split(), *words(sim, c, rows), "--json")
    assert ran.code == 0 and ran.err == "", ran
    if good is None:
        for line in ran.out.splitlines():
            assert json.loads(line)["revision"]
        return
    assert good(json.loads(ran.out)), ran.out


@pytest.mark.parametrize("verb", VERBS)
def test_plain(sim, c, ctl, rows, verb):
    """Without a terminal: no colour, no heading, no word on stderr."""
    words, _ = VERBS[verb]
    out = ctl.ok(*verb.split(), *words(sim, c, rows))
    assert "\x1b" not in out and (verb == "wait" or out)


@pytest.mark.parametrize("verb", VERBS)
def test_quiet(sim, c, ctl, rows, verb):
    words, _ = VERBS[verb]
    assert ctl.ok(*verb.split(), *words(sim, c, rows), "--quiet") == ""


@pytest.mark.parametrize("verb", [*VERBS, "completion"])
def test_help(ctl, verb):
    out = ctl.ok("help", *verb.split())
    assert f"whctl {verb}" in out
    assert ctl.ok(*verb.split(), "--help") == out
    assert ctl.fails(2, *verb.split(), "--no-such-option", says=["--no-such-option"])


@pytest.mark.parametrize("verb", [v for v in VERBS if v not in ("version",)])
def test_whd_is_away(world, verb):
    """Status 5 and the socket's name; with --json the error is one JSON object on stderr."""
    away = Ctl(world.folder / "nothing.sock")
    words, _ = VERBS[verb]
    if verb in ("get", "update", "delete"):
        words = ["x", "--comment", "y"][:3 if verb == "update" else 1]
    elif verb.startswith("queue") and verb not in ("queue list", "queue flush"):
        op = "01a207f5-c71a-7d3b-afef-9a99463295ce"
        words = [op, "mine"] if verb == "queue resolve" else [op]
    else:
        words = [] if verb in ("history", "queue list") else words(None, None, None)
    away.fails(5, *verb.split(), *words, "--timeout", "100ms", says=["nothing.sock", "hint"])
    err = away.fails(5, *verb.split(), *words, "--timeout", "100ms", "--json")
    assert json.loads(err)["error"]["code"] == "UNREACHABLE"


def test_conflict_is_shown_and_resolved(world, sim):
    whd = world.whd(sim, {"queue.check_age": "0"})
    c, ctl = whd.client(), Ctl(whd.socket)
    c.synced()
    op = conflict(sim, c)
    ran = ctl.run("queue", "get", op, "--json")
    shown = json.loads(ran.out)
    assert ran.code == 1 and shown["state"] == "conflict"
    assert shown["mine"] == {"whcomment": "mine"} and shown["theirs"]["whcomment"] == "theirs"
    ctl.json("queue", "resolve", op, "mine", "--wait")
    assert sim.rows()[-1]["whcomment"] == "mine"


@pytest.mark.parametrize("shell,mark", [("bash", "complete"), ("zsh", "compdef"),
                                        ("fish", "complete")])
def test_completion(ctl, shell, mark):
    assert mark in ctl.ok("completion", shell)
    assert ctl.fails(2, "completion", "csh")


def test_completion_knows_verbs_options_and_ids(ctl, rows):
    assert "queue" in ctl.ok("--complete-args", "que")
    assert "retry" in ctl.ok("--complete-args", "queue", "re")
    assert "--limit" in ctl.ok("--complete-args", "list", "--li")
    assert rows[0]["whid"] in ctl.ok("--complete-args", "get", rows[0]["whid"][:4])


def test_completion_passes_over_options_and_uses_those_of_the_connection(whd, ctl, rows):
    whid = rows[0]["whid"]
    for options in (["-o", "json"], ["-s", whd.socket], ["--timeout", "1s"], ["-qo", "ids"],
                    ["--socket", whd.socket], [f"--socket={whd.socket}", "-ojson"], []):
        assert "\nqueue\t" in ctl.ok("--complete-args", *options, "")
        assert "retry\t" in ctl.ok("--complete-args", *options, "queue", "re")
        assert "retry\t" in ctl.ok("--complete-args", "queue", *options, "re")
        given = any(str(whd.socket) in str(o) for o in options)
        for words in ([*options, "get", "--view", "confirmed"], ["get", *options]):
            shown = Ctl("/nowhere").ok("--complete-args", *words, whid[:4])
            assert shown.startswith(whid) if given else shown == "", words
    assert "json\t" in ctl.ok("--complete-args", "list", "-o", "")


def test_completion_knows_the_webhooks_of_all_pages(sim, c, ctl):
    sim.add_all([webhook(n, whid=f"many-{n}") for n in range(2500)] + [webhook(0, whid="other")])
    c.call("sync.now")
    for whid in [*(w["whid"] for w in (*c.list(),))][::500] + ["other"]:
        shown = ctl.ok("--complete-args", "get", whid[:-1])
        assert f"\n{whid}\t" in f"\n{shown}"
    assert "other\t" in ctl.ok("--complete-args", "get", ""), "all do not begin with many-"


def test_completion_is_silent_without_whd(world):
    assert Ctl(world.folder / "nothing.sock").ok("--complete-args", "get", "") == ""
