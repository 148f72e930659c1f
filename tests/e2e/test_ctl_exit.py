# SPDX-License-Identifier: MIT
"""The exit status of whctl, one test a number, and what it says on stderr with it."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from support import paths, tables
from support.ctl import Ctl
from support.data import webhook


def test_0_done(ctl):
    assert ctl.ok("list") == ""
    assert ctl.json("list") == []


def test_1_a_negative_answer(world, sim, c, ctl, whd):
    c.go_offline(sim)
    op = c.create(**webhook(1))
    c.call("queue.hold", op=op["op"])
    assert ctl.run("queue", "get", op["op"]).code == 1
    whd.write_config(sync_stale_after="1ms")
    c.call("config.reload")
    assert ctl.run("status", "--check").code == 1 and ctl.run("status").code == 0
    sim.up()
    sim.fault("cut_body", method="GET", bytes=1, count=-1)
    sim.add(**webhook(9))
    ran = ctl.run("sync", "--json")
    assert ran.code == 1 and not json.loads(ran.out)["complete"]


@pytest.mark.parametrize("words", [
    [], ["lst"], ["list", "--zzz"], ["get"], ["get", "a", "b"], ["create"],
    ["list", "-o", "xml"], ["list", "--limit", "0"], ["list", "--limit", "x"],
    ["create", "{"], ["create", "[]"], ["create", '{"whname":1}'], ["update", "x"],
    ["get", "x", "--max-age", "soon"], ["rpc", "no.method"], ["rpc", "hello", "7"],
    ["delete", "a", "b"], ["delete", "a", "b", "--no-dry-run"], ["metrics", "-o", "value=x"],
    ["metrics", "--columns", "x"], ["log", "info", "-o", "value=x"],
    ["wait", "synced", "--timeout", "1"], ["queue"], ["queue", "zzz"],
    ["sync", ""], ["", "list"], ["queue", ""],
    ["get", "x", "--view", "other"], ["log", "loud"], ["create", "-f", "/nowhere"],
    ["create", *(f"--{n}" for n in ("name", "app"))],
], ids=" ".join)
def test_2_wrong_use(ctl, words):
    ctl.fails(2, *words, says=["whctl"])


def test_2_what_is_no_operation_is_said_in_the_same_words(ctl):
    said = {ctl.fails(2, "queue", verb, "123").splitlines()[0]
            for verb in ("get", "wait", "retry", "hold")}
    assert len(said) == 1 and "not an operation id" in said.pop()


def test_2_an_empty_socket_is_not_the_usual_one(ctl):
    for words in (["-s", "", "list"], ["list", "--socket="]):
        ctl.fails(2, *words, says=["-s names no socket"])


def test_3_not_found(ctl):
    nowhere = "01a207f5-c71a-7d3b-afef-9a99463295ce"
    for words in (["get", "x"], ["update", "x", "--comment", "y"], ["delete", "x"],
                  ["queue", "get", nowhere], ["queue", "cancel", nowhere], ["get", "name:none"]):
        ctl.fails(3, *words, says=["hint"])


def test_what_is_very_long_is_repeated_in_part(ctl):
    long = "b" * 100_000
    for code, words in ((3, ["get", f"name:{long}"]), (2, [long]), (2, ["list", f"--{long}"])):
        err = ctl.run(*words).err
        assert "bbb..." in err and len(err) < 5000, (code, err[:100])
        assert ctl.run(*words).code == code


def test_4_rejected_or_in_conflict(sim, c, ctl):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    ctl.fails(4, "update", whid, "--comment", "x", "--if-revision", "1", says=["CONFLICT"])
    sim.fault("status", method="PATCH", status=422, body={"message": "no such name"})
    ran = ctl.run("update", whid, "--name", "bad", "--wait")
    assert ran.code == 4 and "no such name" in ran.err
    done = c.applied(c.create(**webhook(2)))
    ctl.fails(4, "queue", "hold", done["op"],
              says=["BAD_STATE", "has ended (done)", f"whctl queue get {done['op']}"])


@pytest.mark.parametrize("verb, state", [("hold", "held"), ("cancel", "cancelled")])
def test_4_what_an_admin_did_is_told_by_its_reason_not_by_an_older_attempt(sim, c, ctl, verb,
                                                                          state):
    sim.fault("apim_429", method="POST", seconds=600)
    op = c.create(**webhook(1))["op"]
    c.gate("rate")
    assert "429" in c.call(f"queue.{verb}", op=op)["last_error"]
    err = ctl.run("queue", "wait", op).err
    assert f"is {state}: admin" in err and "429" not in err


def test_4_what_the_api_does_not_permit_is_told_in_its_words(sim, c, ctl):
    sim.fault("status", method="POST", status=403, body={"message": "not in this house"})
    ran = ctl.run("create", json.dumps(webhook(1)), "--wait")
    assert ran.code == 4 and "is held: forbidden: " in ran.err and "not in this house" in ran.err


def test_4_a_change_that_a_delete_replaced_is_not_in_effect(sim, c, ctl):
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    update = c.update(whid, {"whcomment": "x"})["op"]
    c.delete(whid)
    c.go_online(sim)
    ctl.ok("wait", "idle")
    ran = ctl.run("queue", "wait", update)
    assert ran.code == 4 and "superseded" in ran.err
    assert sim.rows() == []


def test_5_not_reachable(world, whd, ctl):
    Ctl(world.folder / "none.sock").fails(5, "list", says=["none.sock", "-s PATH"])
    whd.kill()
    ctl.fails(5, "list", says=["nobody listens"])
    Ctl("/" + "x" * 200).fails(5, "list")
    for path in (world.folder, whd.config):
        Ctl(path).fails(5, "list", says=[f"{path} is no socket", "-s PATH"])


def test_5_names_each_that_was_not_deleted(world):
    nowhere = Ctl(world.folder / "none.sock")
    told = json.loads(nowhere.fails(5, "delete", "a", "b", "c", "--yes", "--json"))["error"]
    assert [f["whid"] for f in told["failed"]] == ["a", "b", "c"]
    assert {f["code"] for f in told["failed"]} == {"UNREACHABLE"}
    assert nowhere.fails(5, "delete", "a", "b", "c", "--yes").count("none.sock") == 1


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, setpriv")
def test_5_nobody_is_told_to_join_the_group_root(world, sim):
    world.folder.chmod(0o755)
    whd = world.whd(sim)
    whctl = world.folder / "whctl"
    shutil.copy(paths.WHCTL, whctl)
    whctl.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid=61001", "--regid=61001", "--clear-groups", whctl, "-s", whd.socket,
         "list"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 5 and "sudo" in done.stderr and "usermod" not in done.stderr


def test_6_time_is_up(sim, c, ctl):
    c.go_offline(sim)
    ran = ctl.run("create", json.dumps(webhook(1)), "--wait=50ms")
    assert ran.code == 6 and "whctl queue wait" in ran.err, "it is queued, and how to go on"
    op = c.call("queue.list")["items"][0]["op"]
    assert ctl.run("queue", "wait", op, "--timeout", "50ms").code == 6
    assert ctl.run("wait", "idle", "--timeout", "50ms").code == 6


def test_7_partly_failed(sim, c, ctl):
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(2)]
    ran = ctl.run("delete", whids[0], "nowhere", whids[1], "--yes", "--wait")
    assert ran.code == 7 and "nowhere" in ran.err
    assert sim.rows() == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, setpriv")
def test_8_not_permitted(world, sim):
    world.folder.chmod(0o755)
    whd = world.whd(sim, {"socket.mode": "0666", "access.read": "*", "access.write": "root"})
    whctl = world.folder / "whctl"
    shutil.copy(paths.WHCTL, whctl)
    whctl.chmod(0o755)

    def run(*words):
        return subprocess.run(
            ["setpriv", "--reuid=61001", "--regid=61001", "--clear-groups", whctl, "-s",
             whd.socket, *words], capture_output=True, text=True, timeout=30, check=False)

    assert run("list").returncode == 0
    done = run("create", json.dumps(webhook(1)))
    assert done.returncode == 8 and "NOT_PERMITTED" in done.stderr and "[access]" in done.stderr
    assert run("config", "show").returncode == 8 and sim.changes() == []


def test_9_anything_else(world, sim):
    sim.down()
    whd = world.whd(sim)
    ctl = Ctl(whd.socket)
    for name in ("x", "name:x"):
        ctl.fails(9, "get", name, says=["NOT_SYNCED", "whctl wait synced"])
    ctl.fails(9, "create", json.dumps(webhook(1)), "--no-queue", says=["OFFLINE"])
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([paths.WHCTL, "status"], env=ctl.env, stdout=full, timeout=30,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 9 and b"output" in done.stderr.lower()


def test_an_empty_list_before_the_first_one_is_said_to_be_so(world, sim):
    sim.down()
    ctl = Ctl(world.whd(sim).socket)
    for words in ([], ["-o", "ids"], ["--json"]):
        ran = ctl.run("list", *words)
        assert (ran.code, ran.out.strip()) == (0, "[]" if words == ["--json"] else "")
        assert "no list from the upstream has arrived yet" in ran.err
    assert ctl.run("-q", "list") == (0, "", "")
    sim.up()
    ctl.ok("wait", "synced")
    assert ctl.ok("list") == ""


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_9_says_that_a_change_is_queued_whose_result_cannot_be_shown(sim, c, ctl, where):
    c.go_offline(sim)
    done = subprocess.run(["sh", "-c", f'exec "$0" create "$1" {where}', paths.WHCTL,
                           json.dumps(webhook(1))], env=ctl.env, capture_output=True, text=True,
                          timeout=30, check=False)
    queued, = c.call("queue.list")["items"]
    assert done.returncode == 9 and f"queued as operation {queued['op']}" in done.stderr
    assert f"whctl queue get {queued['op']}" in done.stderr


def test_check_of_the_status_tells_what_needs_a_person(world, sim, c, ctl):
    c.synced()
    assert ctl.run("status", "--check").code == 0
    c.go_offline(sim)
    c.call("queue.hold", op=c.create(**webhook(1))["op"])
    assert ctl.run("status", "--check").code == 0, "what an admin holds is no fault by itself"
    assert "need a person: 1" in ctl.run("status", "--check=all").err
    sim.up()
    sim.keys("k-of-somebody-else")
    c.call("upstream.probe")
    c.gate("auth")
    ran = ctl.run("status", "--check")
    assert ran.code == 1 and "the API refuses every key" in ran.err and "upstream" in ran.out
    assert ctl.run("-q", "status", "--check") == (1, "", "")


def test_check_of_the_status_tells_of_keys_that_cannot_be_used(whd, c, ctl):
    c.synced()
    whd.key_file.write_text("two words\n", encoding="utf-8")
    whd.child.wait_line("cannot be used; the keys from before stay")
    ran = ctl.run("status", "--check")
    assert ran.code == 1 and f"the key file cannot be used: {whd.key_file}" in ran.err


@pytest.mark.parametrize("words", [["wait", "idle", "--timeout", "60s"], ["watch"],
                                   ["status", "--watch"]], ids=" ".join)
def test_130_stopped_by_ctrl_c(sim, c, whd, ctl, words):
    c.go_offline(sim)
    c.create(**webhook(1))
    calls = c.call("dump", section="server")["server"]["connections"]
    running = ctl.start(*words)
    for _ in range(100000):
        if c.call("dump", section="server")["server"]["connections"] > calls:
            break
    if words[0] == "status":
        running.stdout.readline()
    elif words[0] == "watch":
        while not c.call("dump", section="watch")["watch"]["subscribers"]:
            pass
    else:
        while not c.call("dump", section="waits")["waits"]["wait"]:
            pass
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130


def test_every_error_code_has_its_status(ctl):
    """The table of errors and the manual agree: each status is one of those documented."""
    said = ctl.ok("--help")
    for code, (_, status) in tables.errors().items():
        assert f"\n  {status} " in said, code


def test_json_errors_are_one_object(ctl):
    for words in (["get", "x"], ["lst"], ["create", "{"], ["delete", "a", "b"]):
        ran = ctl.run(*words, "--json")
        error = json.loads(ran.err)["error"]
        assert ran.out == "" and error["code"].isupper() and error["message"]
