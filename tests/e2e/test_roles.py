# SPDX-License-Identifier: MIT
"""Who may do what: every method of the table with every role, by real users with real groups."""

import os
import shutil
import subprocess

import msgpack
import pytest

from support import contract, tables, wire
from support.client import refused
from support.data import webhook

READER, WRITER, ADMIN, STRANGER = 61001, 61002, 61003, 61004
WRITERS, ADMINS = 62002, 62003  # groups
ROLES = {"read": 0, "write": 1, "admin": 2}
ACCESS = {"access.read": f"{READER} {WRITER}", "access.write": f"@{WRITERS}",
          "access.admin": f"{ADMIN} @{ADMINS}", "socket.mode": "0666"}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed"),
]

# Speaks for another user: bytes from stdin to the socket, answers to stdout.
RELAY = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
    s.shutdown(socket.SHUT_WR)
except OSError:
    pass  # turned away already: the reason is there to be read
while True:
    try:
        data = s.recv(65536)
    except ConnectionResetError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
"""


@pytest.fixture
def guarded(world, sim):
    world.folder.chmod(0o755)
    whd = world.whd(sim, ACCESS)
    whd.client().synced()
    return whd


def as_user(whd, uid, requests, gid=65534, groups=()):
    """Sends requests as that user; {id: (code or None, result)}."""
    more = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    done = subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={gid}", more, "/usr/bin/python3", "-c", RELAY,
         str(whd.socket)],
        input=b"".join(msgpack.packb(r) for r in requests), capture_output=True, timeout=60,
        check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers = {}
    for message in msgpack.Unpacker(wire.io_of(done.stdout), raw=False):
        error = message[2]
        if error:
            contract.note_error(error[0], error[1].partition(":")[0])
        answers[message[1]] = (error[1].partition(":")[0] if error else None,
                               error[1] if error else message[3])
    return answers


def role_of(whd, uid, **ids):
    return as_user(whd, uid, [[0, 0, "hello", []]], **ids)[0]


def test_roles_come_from_users_and_groups(guarded):
    cases = [
        (READER, {}, "read"), (WRITER, {}, "read"), (WRITER, {"gid": WRITERS}, "write"),
        (READER, {"groups": (7, 8, WRITERS)}, "write"), (ADMIN, {}, "admin"),
        (STRANGER, {"groups": (ADMINS,)}, "admin"), (STRANGER, {"groups": range(100, 140)}, None),
        (STRANGER, {"groups": (*range(100, 160), WRITERS)}, "write"),
    ]
    for uid, ids, role in cases:
        code, result = role_of(guarded, uid, **ids)
        if role is None:
            assert code == "NOT_PERMITTED", (uid, ids, code)
        else:
            assert (result["role"], result["uid"]) == (role, uid), (uid, ids)
    assert guarded.client().call("hello")["role"] == "admin", "root"


@pytest.mark.parametrize("role,uid,gid", [("read", READER, 65534), ("write", WRITER, WRITERS),
                                          ("admin", ADMIN, 65534), (None, STRANGER, 65534)])
def test_every_method_with_every_role(guarded, role, uid, gid):
    """From the contract's own table: what needs more than the role is refused, and by its name."""
    described = {m["name"]: m["role"] for m in guarded.client().call("rpc.describe")["methods"]}
    assert described == {m.name: m.role for m in tables.methods().values()}
    methods = sorted(described)
    requests = [[0, n, name, [{"zzz": 1}]] for n, name in enumerate(methods)]
    answers = as_user(guarded, uid, requests, gid=gid)
    for n, name in enumerate(methods):
        allowed = role is not None and ROLES[role] >= ROLES[described[name]]
        code, text = answers[n]
        if allowed:
            assert code == "INVALID_PARAM", (name, text)
        else:
            assert code == "NOT_PERMITTED" and name in text and str(uid) in text, (name, text)


def test_reader_cannot_change_anything(sim, guarded):
    row = sim.add(**webhook(1))
    guarded.client().call("sync.now")
    answers = as_user(guarded, READER, [
        [0, 0, "webhook.get", [{"whid": row["whid"]}]],
        [0, 1, "webhook.create", [webhook(2)]],
        [0, 2, "webhook.update", [{"whid": row["whid"], "set": {"whname": "x"}}]],
        [0, 3, "webhook.delete", [{"whid": row["whid"]}]],
        [0, 4, "sync.now", []], [0, 5, "queue.flush", []], [0, 6, "config.show", []]])
    assert answers[0][0] is None and answers[0][1]["whname"] == "hook 1"
    assert {answers[n][0] for n in range(1, 7)} == {"NOT_PERMITTED"}
    guarded.client().idle()
    assert sim.changes() == [] and guarded.client().call("queue.list")["items"] == []


def test_writer_may_cancel_only_its_own(sim, guarded):
    c = guarded.client()
    c.go_offline(sim)
    roots = c.create(**webhook(1))
    own = as_user(guarded, WRITER, [[0, 0, "webhook.create", [webhook(2)]]], gid=WRITERS)[0][1]
    assert own["created_by"] == WRITER
    answers = as_user(guarded, WRITER, [
        [0, 0, "queue.cancel", [{"op": roots["op"]}]], [0, 1, "queue.cancel", [{"op": own["op"]}]],
        [0, 2, "queue.hold", [{"op": own["op"]}]]], gid=WRITERS)
    assert answers[0][0] == "NOT_PERMITTED" and answers[2][0] == "NOT_PERMITTED"
    assert answers[1][1]["state"] == "cancelled"


@pytest.fixture
def as_writer(guarded):
    """One call of somebody who may write: (code, text) or (None, result)."""
    def call(method, **params):
        return as_user(guarded, WRITER, [[0, 0, method, [params]]], gid=WRITERS)[0]
    return call


def test_nobody_cancels_what_others_joined_with_his(sim, guarded, as_writer):
    c = guarded.client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)

    own = as_writer("webhook.update", whid=whid, set={"whname": "x"})[1]
    assert c.update(whid, {"whcomment": "y"})["into"] == own["op"]
    code, text = as_writer("queue.cancel", op=own["op"])
    assert code == "NOT_PERMITTED" and "joined" in text
    c.call("queue.cancel", op=own["op"])
    own = as_writer("webhook.update", whid=whid, set={"whname": "x"})[1]
    assert as_writer("webhook.update", whid=whid, set={"whcomment": "z"})[1]["into"] == own["op"]
    assert as_writer("queue.cancel", op=own["op"])[1]["state"] == "cancelled"


def test_nobody_cancels_a_delete_that_others_asked_for_too(sim, guarded, as_writer):
    c = guarded.client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    gone = as_writer("webhook.delete", whid=whid)[1]
    assert as_writer("webhook.delete", whid=whid)[1]["op"] == gone["op"]
    assert c.delete(whid)["op"] == gone["op"]
    assert as_writer("queue.cancel", op=gone["op"])[0] == "NOT_PERMITTED"
    c.call("queue.cancel", op=gone["op"])


@pytest.mark.parametrize("joined", [False, True])
def test_nobody_takes_back_a_delete_that_replaced_what_others_asked_for(
        sim, guarded, as_writer, joined):
    """The change it replaced does not come back."""
    c = guarded.client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    if joined:
        as_writer("webhook.update", whid=whid, set={"whname": "x"})
    c.update(whid, {"whcomment": "y"})
    gone = as_writer("webhook.delete", whid=whid)[1]
    assert as_writer("queue.cancel", op=gone["op"])[0] == "NOT_PERMITTED"
    c.call("queue.cancel", op=gone["op"])


def test_nobody_cancels_what_others_joined_with_it_before_it_was_made_anew(
        sim, guarded, as_writer):
    c = guarded.client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    own = as_writer("webhook.update", whid=whid, set={"whname": "x"})[1]
    c.update(whid, {"whcomment": "y"})
    sim.remove(whid)
    c.go_online(sim)
    c.op_state(own, "conflict")
    c.go_offline(sim)
    c.call("queue.resolve", op=own["op"], take="recreate")
    assert as_writer("queue.cancel", op=own["op"])[0] == "NOT_PERMITTED"


def test_cascade_cancels_nothing_of_others(sim, guarded, as_writer):
    c = guarded.client()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)

    def states(*ops):
        return [c.call("queue.get", op=op["op"])["state"] for op in ops]

    own = as_writer("webhook.update", whid=whid, set={"whname": "x"})[1]
    roots = c.update(whid, {"whcomment": "x"}, policy="local-wins")
    code, text = as_writer("queue.cancel", op=own["op"], cascade=True)
    assert code == "NOT_PERMITTED" and "other users" in text
    assert states(own, roots) == ["queued", "queued"]
    c.call("queue.cancel", op=roots["op"])
    last = as_writer("webhook.update", whid=whid, set={"whname": "y"}, policy="local-wins")[1]
    assert as_writer("queue.cancel", op=own["op"], cascade=True)[1]["state"] == "cancelled"
    assert states(own, roots, last) == ["cancelled"] * 3


def test_request_id_belongs_to_its_user(sim, guarded):
    c = guarded.client()
    mine = c.create(**webhook(1), request_id="same")
    theirs = as_user(guarded, WRITER, [
        [0, 0, "webhook.create", [{**webhook(2), "request_id": "same"}]]], gid=WRITERS)[0]
    assert theirs[0] is None and theirs[1]["op"] != mine["op"]
    c.idle()
    assert sim.executed("POST") == 2


def test_reload_changes_the_rights_of_open_connections(guarded):
    c = guarded.client()
    reader = subprocess.Popen(
        ["setpriv", f"--reuid={READER}", "--regid=65534", "--clear-groups", "/usr/bin/python3",
         "-c", RELAY.replace("    s.sendall(sys.stdin.buffer.read())",
                             "    s.sendall(sys.stdin.buffer.readline()[:-1])\n"
                             "    sys.stdout.buffer.write(s.recv(65536)); sys.stdout.flush()\n"
                             "    s.sendall(sys.stdin.buffer.read())"),
         str(guarded.socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader.stdin.write(msgpack.packb([0, 1, "hello", []]) + b"\n")
    reader.stdin.flush()
    unpacker = msgpack.Unpacker(raw=False)
    while True:
        unpacker.feed(reader.stdout.read1(65536))
        first = next(iter(unpacker), None)
        if first:
            break
    assert first[3]["role"] == "read"
    guarded.write_config(access_read=str(WRITER), access_write=str(READER))
    c.call("config.reload")
    reader.stdin.write(msgpack.packb([0, 2, "hello", []]))
    reader.stdin.close()
    assert msgpack.unpackb(reader.stdout.read(), raw=False)[3]["role"] == "write"
    reader.stdout.close()
    assert reader.wait(30) == 0


def test_rights_taken_away_end_the_connection(guarded):
    c = guarded.client()
    watcher = subprocess.Popen(
        ["setpriv", f"--reuid={READER}", "--regid=65534", "--clear-groups", "/usr/bin/python3",
         "-c", RELAY.replace("s.shutdown(socket.SHUT_WR)", "sys.stdout.flush()"),
         str(guarded.socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watcher.stdin.write(msgpack.packb([0, 1, "wait", [
        {"until": "idle", "revision": 10**9, "timeout_ms": 300000}]]))
    watcher.stdin.close()
    for _ in range(10000):
        if c.call("dump", section="waits")["waits"]["wait"]:
            break
    guarded.write_config(access_read=str(WRITER))
    c.call("config.reload")
    assert watcher.stdout.read() == b"", "gone without another word"
    watcher.stdout.close()
    assert watcher.wait(30) == 0


def test_socket_permissions_are_those_configured(world, sim):
    world.folder.chmod(0o755)
    whd = world.whd(sim, {"socket.mode": "0660", "socket.group": str(WRITERS)})
    info = whd.socket.stat()
    assert info.st_mode & 0o7777 == 0o660 and info.st_gid == WRITERS
    assert as_user(whd, WRITER, [[0, 0, "hello", []]], gid=WRITERS)[0][1]["role"] == "read"
    with pytest.raises(AssertionError, match="PermissionError"):
        as_user(whd, STRANGER, [[0, 0, "hello", []]])


def test_places_are_kept_for_admins(world, sim):
    """Others cannot take the last connections away from who must repair things."""
    world.folder.chmod(0o755)
    whd = world.whd(sim, {**ACCESS, "limits.connections": 6, "limits.admin_reserve": 2})
    whd.close_clients()
    held = [wire.Raw(whd.socket) for _ in range(4)]
    for raw in held:
        raw.send(1, "hello")
        assert raw.result(1)["role"] == "admin"
    code, text = role_of(whd, READER)
    assert code == "BUSY" and "connections" in text
    assert whd.client().call("hello")["role"] == "admin"


def test_peer_without_any_role_is_told_so(guarded):
    code, text = role_of(guarded, STRANGER)
    assert code == "NOT_PERMITTED" and "[access]" in text
    with refused("METHOD_NOT_FOUND"):
        guarded.client().call("zzzzzzzzzzzzzzzzzzzzzzzzz")
