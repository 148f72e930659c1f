# SPDX-License-Identifier: MIT
"""What whctl prints: every format, with names chosen to break terminals and shells."""

import json
import unicodedata

import pytest

from support.ctl import Ctl
from support.data import webhook
from support.sim import six

EVIL = {
    "escape": "\x1b]0;owned\x07\x1b[31mred", "return": "shown\rhidden", "newline": "one\ntwo",
    "tab": "a\tb", "start of heading": "a\x01b", "c1": "a\x9b31mb", "delete": "a\x7fb",
    "bidi": "a\u202eb", "zero width": "a\u200bb", "formula": "=cmd|' /C calc'!A0",
    "quotes": "\"'`$(id)\\",
    "wide": "漢字 \U0001f4ee", "backslash": "a\\nb",
}


@pytest.fixture(params=EVIL)
def evil(request, sim, c):
    """A webhook of others whose name is what it is."""
    name = EVIL[request.param]
    row = sim.add(**webhook(1, whname=name, whcomment=name))
    c.call("sync.now")
    return row


def is_printable(text):
    return not any(ord(ch) < 32 and ch not in "\n\t" or 0x7f <= ord(ch) <= 0x9f
                   or ch in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b"
                   for ch in text)


def test_json_is_exact(ctl, evil):
    assert six(ctl.json("list")[0]) == six(evil)
    assert six(ctl.json("get", evil["whid"])) == six(evil)
    assert six(json.loads(ctl.ok("list", "-o", "jsonl"))) == six(evil)
    assert json.loads(ctl.ok("rpc", "webhook.get", json.dumps({"whid": evil["whid"]}))
                      )["whname"] == evil["whname"]


def test_tsv_has_one_line_a_row_and_one_field_a_column(ctl, evil):
    out = ctl.ok("list", "--columns", "whid,whname,whcomment", "-o", "tsv")
    lines = out.splitlines()
    assert len(out.split("\n")) == 2 and len(lines) == 1, out
    assert len(lines[0].split("\t")) == 3 and is_printable(out)


@pytest.mark.parametrize("words", [("list",), ("list", "-o", "table"), ("get", None),
                                   ("list", "-o", "value=whname"), ("queue", "list"),
                                   ("history",), ("watch", "--since", "1", "--limit", "3")],
                         ids=lambda w: " ".join(map(str, w)))
def test_nothing_that_controls_a_terminal_comes_out(sim, c, ctl, evil, words):
    c.go_offline(sim)
    c.update(evil["whid"], {"whcomment": "x"})
    c.applied(c.update(evil["whid"], {"whcomment": "x"}))
    words = [evil["whid"] if w is None else w for w in words]
    assert is_printable(ctl.ok(*words))
    code, shown = ctl.on_terminal(*words, COLUMNS="100", NO_COLOR="1")
    assert code == 0 and is_printable(shown.replace("\r", "")), repr(shown)


def test_nul_in_a_name(sim, c, ctl):
    """The simulator holds no such text, so the reply is made up."""
    row = json.dumps([webhook(1, whid="x", whname="a\x00b")])
    sim.fault("status", method="GET", status=200, body=row)
    assert c.call("sync.now")["added"] == 1
    assert ctl.json("get", "x")["whname"] == "a\x00b"
    out = ctl.ok("list", "-o", "tsv")
    assert is_printable(out) and len(out.splitlines()) == 1


def test_errors_are_printable_too(sim, c, ctl):
    sim.fault("status", method="POST", status=400, body={"message": "bad \x1b[31m\r\nname \u202e"})
    op = c.settled(c.create(**webhook(1)))
    ran = ctl.run("queue", "get", op["op"])
    assert ran.code == 1 and is_printable(ran.out)
    ran = ctl.run("get", "a\x1b[31mb")
    assert ran.code == 3 and is_printable(ran.err)
    ran = ctl.run("a\x1b[31mb")
    assert ran.code == 2 and is_printable(ran.err)


# ----------------------------------------------------------------- formats --


@pytest.fixture
def rows(sim, c):
    sim.add_all([webhook(n) for n in range(250)])
    c.call("sync.now")
    return sim.rows()


def test_list_pages_by_itself(ctl, rows):
    assert len(ctl.json("list")) == 250
    assert len(ctl.ok("list", "-o", "jsonl").splitlines()) == 250
    assert sorted(ctl.ok("list", "-o", "ids").split()) == sorted(r["whid"] for r in rows)
    assert len(ctl.json("list", "--limit", "120")) == 120
    assert ctl.ok("list", "-o", "value=_whd.state").splitlines() == ["synced"] * 250


def test_filters(ctl, rows):
    assert [w["whname"] for w in ctl.json("list", "--name", "hook 7")] == ["hook 7"]
    assert len(ctl.json("list", "--process", "all", "--municipality", "351")) == 250
    assert ctl.json("list", "--app", "none") == []
    assert len(ctl.json("list", "--no-pending")) == 250 and ctl.json("list", "--pending") == []


def test_columns(ctl, rows):
    out = ctl.ok("list", "--columns", "whname,_whd.state", "--name", "hook 3")
    assert out == "hook 3\tsynced\n"
    table = ctl.ok("list", "-o", "table", "--columns", "whname", "--name", "hook 3")
    assert len(table.splitlines()) == 2, "a heading and a row"
    bare = ctl.ok("list", "-o", "table", "--columns", "whname", "--name", "hook 3", "--no-header")
    assert bare.strip() == "hook 3"


def test_colour_only_on_terminals_that_want_it(sim, c, ctl):
    sim.add(**webhook(1))
    c.call("sync.now")
    cases = [({}, [], True), ({"NO_COLOR": "1"}, [], False), ({"NO_COLOR": ""}, [], True),
             ({"TERM": "dumb"}, [], False), ({}, ["--color", "never"], False),
             ({"NO_COLOR": "1"}, ["--color", "always"], True)]
    for env, words, coloured in cases:
        code, shown = ctl.on_terminal("list", *words, **env)
        assert code == 0 and ("\x1b[" in shown) == coloured, (env, words, shown)
    assert "\x1b[" not in ctl.ok("list", "-o", "table")
    assert "\x1b[" in ctl.ok("list", "-o", "table", "--color", "always")


# ---------------------------------------------------------- narrow terminals --


@pytest.fixture
def wide_rows(sim, c):
    """Rows too wide for any usual terminal, one of which the API does not have yet."""
    sim.add_all([webhook(n, whname=f"Construction permits of district {n}",
                         municipalityId="a long municipality",
                         callbackUrl="https://hooks.example.test/in/" + "x" * 60)
                 for n in range(4)])
    c.call("sync.now")
    c.go_offline(sim)
    c.create(**webhook(9, whname="Gesuche für die Öffnung", municipalityId="漢字漢字漢字漢字"))
    return c.call("webhook.list")["items"]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_narrow_terminal_cuts_what_is_not_id_or_state(ctl, wide_rows, width):
    code, shown = ctl.on_terminal("list", NO_COLOR="1", COLUMNS=str(width))
    heading, *lines = [line for line in shown.splitlines() if not line.startswith("note: ")]
    assert code == 0 and len(lines) == len(wide_rows) and heading.startswith("WHID")
    for row, line in zip(wide_rows, lines):
        name = line.removeprefix(row["whid"]).strip()
        assert name != line.strip(), "the id stands there whole"
        assert line.endswith(row["_whd"]["state"])
        assert cells(line) <= width and cells(heading) <= width
        whole = name.startswith(row["whname"])
        kept = row["whname"] if whole else name[:name.index("…")]
        assert row["whname"].startswith(kept) and len(kept) >= 11, line
        assert whole or width < 120, "the url gives way before the name"
    assert "https://hooks.example.test/in/" + "x" * 60 not in shown


def cells(text):
    return sum(2 if unicodedata.east_asian_width(ch) == "W" else 1 for ch in text)


def test_a_wide_terminal_and_a_pipe_cut_nothing(ctl, wide_rows):
    _, shown = ctl.on_terminal("list", NO_COLOR="1", COLUMNS="300")
    for out in (shown, ctl.ok("list", "-o", "table", COLUMNS="80")):
        assert all(row["callbackUrl"] in out and row["whname"] in out for row in wide_rows)
        assert "…" not in out


def test_ids_of_operations_are_whole_on_any_terminal(c, ctl, wide_rows):
    for op in c.call("queue.list")["items"]:
        _, shown = ctl.on_terminal("queue", "list", NO_COLOR="1", COLUMNS="80")
        assert op["op"] in shown and op["whid"] in shown and op["state"] in shown


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "xx_XX.nonsense", ""])
def test_umlauts_in_any_locale(sim, c, ctl, locale):
    """Where the locale knows ASCII only the table library must neither hang nor drop the row."""
    sim.add(**webhook(1, whname="Grüße", whcomment="漢字"))
    c.call("sync.now")
    for env in ({"LC_ALL": locale}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": locale}):
        code, shown = ctl.on_terminal("list", "-o", "table", COLUMNS="100", NO_COLOR="1", **env)
        assert code == 0 and "Gr" in shown and len(shown.splitlines()) == 2, (env, shown)
        assert "Gr" in ctl.ok("list", "-o", "table", **env)


def test_options_stand_anywhere(ctl, whd, rows):
    expected = ctl.ok("list", "-o", "ids", "--limit", "3")
    for words in (["-o", "ids", "list", "--limit", "3"], ["--limit", "3", "list", "-oids"],
                  ["list", "--output=ids", "--limit=3"], ["ls", "-o", "ids", "--limit", "3"],
                  ["-s", whd.socket, "list", "-o", "ids", "--limit", "3"]):
        assert ctl.ok(*words) == expected, words


def test_status_is_watched(ctl):
    running = ctl.start("status", "--watch=100ms", "--json")
    lines = [json.loads(running.stdout.readline()) for _ in range(3)]
    running.terminate()
    running.communicate(timeout=30)
    assert lines[0]["uptime_ms"] < lines[2]["uptime_ms"]


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_webhook_as_deep_as_may_be_is_shown_everywhere(world, sim):
    row = sim.add(**webhook(1), extra=nested(27))
    whd = world.whd(sim, {"limits.json_depth": "28"})
    c, ctl = whd.client(), Ctl(whd.socket)
    c.synced()
    assert ctl.json("list")[0]["extra"] == nested(27)
    c.go_offline(sim)
    op = c.update(row["whid"], {"whcomment": "mine"}, policy="manual")
    sim.edit(row["whid"], whcomment="theirs")
    sim.up()
    assert c.settled(op)["state"] == "conflict"
    assert ctl.json("queue", "list")[0]["op"] == op["op"]
    assert json.loads(ctl.run("queue", "get", op["op"], "--json").out)["op"] == op["op"]
    assert ctl.json("get", row["whid"])["extra"] == nested(27)


def test_webhook_deeper_than_that_cannot_be_allowed(world):
    whd = world.whd("http://127.0.0.1:1/", {"limits.json_depth": "29"}, start=False)
    assert whd.command("-n")[0] == 78
