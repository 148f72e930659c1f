# SPDX-License-Identifier: MIT
"""Changing webhooks with whctl: all the ways in, waiting, and what a person is asked."""

import json
import shutil
import signal

import pytest

from support.ctl import Ctl
from support.data import webhook
from support.mock import Mock
from support.sim import six

OPTIONS = ("--name", "hook 1", "--comment", "comment 1", "--app",
           "d0db4b13-20d4-42c3-8268-37db22b36f98", "--municipality", "351", "--url",
           "https://hooks.example.org/in/1", "--process", "p1", "--process", "all")


def test_create_in_every_way(world, sim, ctl):
    file = world.folder / "hook.json"
    file.write_text(json.dumps(webhook(1)), encoding="utf-8")
    ways = {
        "options": (OPTIONS, None), "a word": ([json.dumps(webhook(1))], None),
        "a file": (["-f", file], None),
        "standard input": (["-f", "-"], json.dumps(webhook(1)).encode()),
        "option over file": (["-f", file, "--name", "hook 1"], None),
    }
    for what, (words, stdin) in ways.items():
        op = ctl.json("create", *words, "--wait", stdin=stdin)
        assert op["state"] == "done", what
        assert six(sim.row(op["whid"])) == six(webhook(1))
        ctl.json("delete", op["whid"], "--wait")
    assert sim.executed("POST") == len(ways)


YAML = '''whname: 0301
whcomment: "null"
applicationId: no
municipalityId: {municipality}
callbackUrl: https://hooks.example.org/in/1
processes: [~tilde, "~"]
'''


def test_yaml_is_text_as_it_stands(sim, ctl):
    text = YAML.format(municipality="1_000")
    op = ctl.json("create", "-f", "-", "--wait", stdin=text.encode())
    row = sim.row(op["whid"])
    assert [row[m] for m in ("whname", "whcomment", "applicationId", "municipalityId")] == \
        ["0301", "null", "no", "1_000"]
    assert sorted(row["processes"]) == ["~", "~tilde"]


@pytest.mark.parametrize("null", ["null", "~", "Null", "NULL", ""])
def test_null_of_yaml_is_null_as_in_json(sim, ctl, null):
    text = YAML.format(municipality=null)
    said = ctl.fails(2, "create", "-f", "-", stdin=text.encode())
    assert said == ctl.fails(2, "create", "-f", "-", stdin=json.dumps(
        {**webhook(1), "municipalityId": None}).encode())
    assert sim.changes() == []


@pytest.mark.parametrize("second", ["{}", "---\nwhname: b\n", "--- [unclosed\n"])
def test_a_second_document_is_not_passed_over(sim, c, ctl, second):
    text = YAML.format(municipality="351") + second
    said = ctl.fails(2, "create", "-f", "-", stdin=text.encode())
    assert second != "---\nwhname: b\n" or "one webhook at a time" in said
    assert c.call("queue.list")["items"] == [] and sim.changes() == []


def test_what_get_prints_can_be_created_again(sim, c, ctl):
    first = c.applied(c.create(**webhook(1)))["whid"]
    text = ctl.ok("get", first, "--json")
    second = ctl.json("create", "-f", "-", "--allow-duplicate", "--wait", stdin=text.encode())
    assert second["whid"] != first
    assert six(sim.row(second["whid"])) == six(sim.row(first))


def test_members_that_get_prints_and_whd_does_not_take_are_passed_over(sim, c, ctl):
    theirs = sim.add(**webhook(1), eventTypes=["a"], tags=[])
    c.call("sync.now")
    shown = ctl.json("get", theirs["whid"])
    assert shown["eventTypes"] == ["a"]
    again = json.dumps({**shown, "whname": "again"}).encode()
    for words in (["create"], ["update"]):
        ran = ctl.run(*words, "-f", "-", "--wait", "-o", "value=state", stdin=again)
        assert (ran.code, ran.out) == (0, "done\n"), ran
        assert ran.err == "whctl: passed over, as whd does not take it: eventTypes, tags\n"
    assert [six(r) for r in sim.rows()] == [six(webhook(1, whname="again"))] * 2
    assert sim.row(theirs["whid"])["eventTypes"] == ["a"]
    assert ctl.ok("update", theirs["whid"], json.dumps({"whname": "x", "_whd": {}, "y": 1}),
                  "--quiet") == ""
    for words in (["create"], ["update", theirs["whid"]]):
        ctl.fails(2, *words, "-f", "-", stdin=json.dumps(
            webhook(1, eventTypes=[])).encode(), says=["eventTypes"])


def test_update_in_every_way(sim, c, ctl):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    ctl.json("update", whid, "--comment", "one", "--wait")
    assert sim.row(whid)["whcomment"] == "one"
    ctl.json("update", "name:hook 1", '{"whcomment":"two"}', "--wait")
    assert sim.row(whid)["whcomment"] == "two"
    ctl.json("update", whid, "--process", "+more", "--process", "-p1", "--wait")
    assert sorted(sim.row(whid)["processes"]) == ["all", "more"]
    ctl.json("update", whid, "--process", "only", "--wait")
    assert sim.row(whid)["processes"] == ["only"]
    ctl.json("update", "-f", "-", "--wait", stdin=json.dumps(
        {"whid": whid, "whname": "renamed"}).encode())
    assert sim.row(whid)["whname"] == "renamed"
    ran = ctl.json("update", whid, "--comment", "dry", "--dry-run")
    assert ran["fields"] == {"whcomment": "dry"} and sim.row(whid)["whcomment"] == "two"


def test_a_dry_run_of_several_deletes_asks_nothing_and_waits_for_nothing(sim, c, ctl):
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(2)]
    shown = ctl.ok("delete", *whids, "--dry-run", "--wait", "-o", "jsonl")
    assert [json.loads(line)["whid"] for line in shown.splitlines()] == whids
    assert len(sim.rows()) == 2 and c.call("queue.list")["items"] == []
    ctl.ok("delete", *whids, "--dry-run", "--no-dry-run", "--yes", "--wait")
    assert sim.rows() == []


def test_names_stand_for_ids_if_they_are_unique(sim, c, ctl):
    sim.add(**webhook(1))
    for n in range(2):
        sim.add(**webhook(2, callbackUrl=f"https://twin.example.org/{n}"))
    c.call("sync.now")
    assert ctl.json("get", "name:hook 1")["whname"] == "hook 1"
    err = ctl.fails(2, "get", "name:hook 2", says=["AMBIGUOUS"])
    assert all(r["whid"] in err for r in sim.rows()[1:])
    ctl.fails(2, "delete", "name:hook 2")
    ctl.fails(3, "get", "name:hook 3")
    assert len(sim.rows()) == 3


def test_names_stand_for_ids_in_options_and_in_what_is_waited_for(sim, c, ctl):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.applied(c.create(**webhook(2)))
    c.go_offline(sim)
    op = c.update(whid, {"whcomment": "x"})
    c.create(**webhook(3))
    assert [o["op"] for o in ctl.json("queue", "list", "--whid", "name:hook 1")] == [op["op"]]
    assert [o["whid"] for o in ctl.json("history", "--whid", "name:hook 1")] == [whid]
    assert ctl.ok("wait", "whid=name:hook 1", "--for", "exists", "-o", "value=whid") == f"{whid}\n"
    ctl.fails(6, "wait", "whid=name:hook 1", "--for", "deleted", "--timeout", "100ms",
              says=[f"webhook {whid} is not yet"])
    for words in (["queue", "list", "--whid"], ["history", "--whid"]):
        ctl.fails(3, *words, "name:hook 4", says=["no webhook is named hook 4"])
    ctl.fails(3, "wait", "whid=name:hook 4", "--for", "deleted", says=["NOT_FOUND"])


def test_a_create_adopts_by_name(sim, c, ctl):
    sim.fault("status", method="POST", status=201, body={})  # says done, did nothing
    op = c.settled(c.create(**webhook(1)))
    made = sim.add(**webhook(1, whname="made by hand"))
    c.call("sync.now")
    assert op["state"] == "held"
    ctl.ok("queue", "resolve", op["op"], "adopt", "--whid", "name:made by hand")
    assert c.applied(op)["whid"] == made["whid"]


def test_without_wait_it_is_queued_and_said_so(sim, c, ctl):
    c.go_offline(sim)
    op = ctl.json("create", *OPTIONS)
    assert op["state"] == "queued"
    code, shown = ctl.on_terminal("update", op["tmp_id"], "--comment", "x", NO_COLOR="1")
    assert code == 0 and op["op"] in shown
    sim.up()
    assert ctl.json("queue", "wait", op["op"])["state"] == "done"
    assert sim.rows()[0]["whcomment"] == "x"


def pages(*items):
    """One page each, all but the last with a cursor."""
    found = [{"items": [{"whid": w, "whname": "x"} for w in page], "synced_at": 1}
             for page in items]
    for n, page in enumerate(found[:-1]):
        page["cursor"] = f"c{n + 1}"
    return found


@pytest.mark.parametrize("items, code, says", [
    ([[], ["w1"]], 0, "w1"), ([["w1"], []], 0, "w1"), ([["w1"], [], ["w2"]], 2, "w1, w2"),
    ([[], []], 3, "no webhook"), ([["w1", "w2"], ["w3"]], 2, "w1, w2")])
def test_name_is_looked_for_on_all_pages(world, items, code, says):
    """A page may end without an item, when whd has looked at many webhooks for it."""
    answers = pages(*items)

    def answer(method, params):
        if method == "webhook.list":
            return answers[int(params.get("cursor", "c0")[1:])]
        return {"whid": params["whid"], "whname": "x"}

    with Mock(world.folder, answer) as mock:
        ran = Ctl(mock.path).run("get", "name:x", "--json")
    assert ran.code == code and says in ran.out + ran.err, ran


def test_wait_by_habit_is_for_verbs_that_take_it(sim, c, ctl):
    c.go_offline(sim)
    op = c.create(**webhook(1))["op"]
    held = json.loads(ctl.ok("queue", "hold", op, "--json", WHCTL_WAIT="1"))
    assert held["state"] == "held"


def test_wait_by_environment(sim, c, ctl):
    op = json.loads(ctl.run("create", *OPTIONS, "--json", WHCTL_WAIT="1").out)
    assert op["state"] == "done"
    c.go_offline(sim)
    ran = ctl.run("delete", op["whid"], "--json", "--no-wait", WHCTL_WAIT="1")
    assert json.loads(ran.out)["state"] == "queued"


def test_delete_of_several_asks_on_a_terminal(sim, c, ctl):
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(2)]
    code, shown = ctl.on_terminal("delete", *whids, typed="n\n")
    assert code == 1 and "Delete 2 webhooks?" in shown and len(sim.rows()) == 2
    code, _ = ctl.on_terminal("delete", *whids, "--wait", typed="y\n")
    assert code == 0 and sim.rows() == []


def test_wait_for_a_webhook(sim, c, ctl):
    c.go_offline(sim)
    op = c.create(**webhook(1))
    tmp = op["tmp_id"]
    assert ctl.run("wait", f"whid={tmp}", "--for", "exists", "--timeout", "20s").code == 0
    assert ctl.run("wait", f"whid={tmp}", "--timeout", "100ms").code == 6
    waiting = ctl.start("wait", f"whid={tmp}", "--timeout", "30s")
    sim.up()
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    whid = c.get(tmp)["whid"]
    later = ctl.start("wait", "whid=made-later", "--for", "exists", "--timeout", "30s")
    gone = ctl.start("wait", f"whid={whid}", "--for", "deleted", "--timeout", "30s")
    sim.add(**webhook(2, whid="made-later"))
    c.applied(c.delete(whid))
    c.call("sync.now")
    for process in (later, gone):
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_watch_follows_and_finds_its_way_back(sim, whd, ctl):
    watching = ctl.start("watch", "--json", "--since", "1", "--limit", "12")
    c = whd.client()
    c.applied(c.create(**webhook(1)))
    first = json.loads(watching.stdout.readline())
    whd.kill()
    whd.start()
    c = whd.client()
    for n in range(2, 7):
        c.applied(c.create(**webhook(n)))
    rest = [json.loads(line) for line in watching.stdout]
    watching.communicate(timeout=30)
    assert watching.returncode == 0
    revisions = [e["revision"] for e in (first, *rest)]
    assert revisions == list(range(2, 14)), "no gap over the restart"


@pytest.mark.parametrize("form", ["json", "jsonl", "tsv", "table", "ids", "value=revision"])
@pytest.mark.parametrize("place", [["--since", 2**62], ["--since", 1, "--instance", "another"]],
                         ids=lambda p: p[-1])
def test_watch_says_among_the_events_that_some_are_missing(c, ctl, place, form):
    head = c.head()
    ran = ctl.run("watch", *place, "--limit", 1, "-o", form)
    assert ran.code == 0 and ran.err == "whctl: events are missing here: list again\n"
    if form.startswith("json"):
        assert json.loads(ran.out) == {"revision": head, "kind": "reset"}
    elif form in ("tsv", "table"):
        assert ran.out.splitlines()[-1].split() == [str(head), "reset"]
    else:
        assert ran.out == f"{head}\n"


def test_watch_that_comes_back_to_another_whd_says_so_among_the_events(whd, c, ctl):
    c.applied(c.create(**webhook(1)))
    head = c.head()
    watching = ctl.start("watch", "-o", "jsonl", "--since", "1", "--limit", head)
    seen = [json.loads(watching.stdout.readline()) for _ in range(2, head + 1)]
    whd.kill()
    shutil.rmtree(whd.store)
    whd.start()
    out, err = watching.communicate(timeout=30)
    assert [e["revision"] for e in seen] == list(range(2, head + 1))
    assert set(json.loads(out)) == {"revision", "kind"} and json.loads(out)["kind"] == "reset"
    assert watching.returncode == 0 and "events are missing" in err


@pytest.mark.parametrize("ignored", [False, True])
def test_watch_ends_when_nobody_reads_it(c, ctl, ignored):
    c.applied(c.create(**webhook(1)))
    watching = ctl.start("watch", "--since", "1", "-o", "jsonl", restore_signals=not ignored)
    for _ in range(1, c.head()):
        watching.stdout.readline()
    watching.stdout.close()
    try:
        assert watching.wait(30) == (9 if ignored else -signal.SIGPIPE)
        assert ("OUTPUT" in watching.stderr.read()) == ignored
    finally:
        watching.kill()
        watching.communicate()


def test_socket_by_option_environment_and_default(world, whd):
    ctl = Ctl("/nowhere")
    assert json.loads(ctl.ok("status", "--json", "-s", str(whd.socket)))["live"]
    assert json.loads(ctl.ok("status", "--json", WHD_SOCKET=str(whd.socket)))["live"]
    ran = ctl.run("status", WHD_SOCKET="")
    assert ran.code in (0, 5) and (ran.code == 0 or "/run/whd/whd.sock" in ran.err)


@pytest.mark.parametrize("text", ["{", "[1]", '{"whname": 1}', '{"a": 1}', "", "\x00",
                                  '{"whname": "a", "whname": "b"}', "[" * 5000])
def test_bad_input_changes_nothing(sim, c, ctl, text):
    ran = ctl.run("create", "-f", "-", stdin=text.encode())
    assert ran.code == 2 and ran.out == ""
    assert c.call("queue.list")["items"] == [] and sim.changes() == []


def test_rpc_reaches_every_method(sim, c, ctl):
    assert ctl.json("rpc", "hello")["server"] == "whd"
    assert ctl.json("rpc", "webhook.list", '{"limit": 1}')["items"] == []
    made = ctl.json("rpc", "webhook.create", "-", stdin=json.dumps(webhook(1)).encode())
    assert c.applied(made)["state"] == "done"
    ctl.fails(3, "rpc", "webhook.get", '{"whid": "x"}')
    ctl.fails(2, "rpc", "webhook.get", '{"whit": "x"}', says=["whid"])


def test_wait_shows_operations_and_else_what_a_format_asks_for(c, ctl):
    op = c.applied(c.create(**webhook(1)))
    assert op["op"] in ctl.ok("wait", op["op"])
    assert ctl.ok("wait", "idle") == ctl.ok("wait", f"whid={op['whid']}") == ""
    assert ctl.ok("wait", f"whid={op['whid']}", "-o", "value=whid").strip() == op["whid"]
    ctl.fails(3, "wait", "01a207f5-c71a-7d3b-afef-9a99463295ce", says=["OP_NOT_FOUND"])
