# SPDX-License-Identifier: MIT
"""whd as a process: arguments, exit codes, one instance a store, stale files, passed sockets,
what it tells the service manager, and what it leaves behind."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from support import wire
from support.client import Client, refused
from support.data import webhook
from support.paths import ROOT, WHD
from support.process import Child

RUNNING, USAGE = 75, 64


def run(*options):
    done = subprocess.run([WHD, *options], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def test_arguments(world):
    assert run("--version")[0] == 0 and run("--version")[1].startswith("whd ")
    code, out, _ = run("--help")
    assert code == 0 and "usage" in out
    for bad in (["--zzz"], ["extra"], ["-v"], ["-c"]):
        code, out, err = run(*bad)
        assert code == USAGE and out == "" and "usage" in err


def test_second_instance_on_the_same_store(world, sim, whd, c):
    other = world.whd(sim, {"store.path": whd.store}, start=False)
    child = other.spawn()
    assert child.wait() == RUNNING and str(whd.store) in child.text
    assert c.status()["live"], "the first one has not noticed"
    assert c.applied(c.create(**webhook(1)))["state"] == "done"


def test_second_instance_on_the_same_socket(world, sim, whd, c):
    other = world.whd(sim, {"socket.path": whd.socket}, start=False)
    child = other.spawn()
    assert child.wait() == RUNNING and str(whd.socket) in child.text
    assert whd.client().status()["instance"] == c.status()["instance"]


def test_stale_socket_and_lock_are_taken_over(whd):
    whd.kill()
    assert whd.socket.exists()
    whd.start()
    assert whd.client().status()["live"]
    (whd.socket.parent / "whd.sock.new").write_text("left behind")
    assert whd.restart().client().status()["live"]


def test_what_is_no_socket_is_not_replaced(world, sim):
    whd = world.whd(sim, start=False)
    whd.socket.write_text("precious")
    child = whd.spawn()
    assert child.wait() == 1 and "no socket" in child.text
    assert whd.socket.read_text() == "precious"


def test_stop_removes_the_socket_and_nothing_else(whd):
    files = {p.name for p in whd.store.iterdir()}
    assert whd.stop() == 0
    assert not whd.socket.exists()
    assert {p.name for p in whd.store.iterdir()} == files | {"whd.closed"}


def test_store_is_private(whd):
    assert stat.S_IMODE(whd.store.stat().st_mode) == 0o700
    for file in whd.store.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_signals_end_it_in_order(world, sim, number):
    import signal
    whd = world.whd(sim)
    whd.close_clients()
    whd.child.signal(getattr(signal, number))
    assert whd.child.wait() == 0


def test_another_upstream_is_refused(world, sim, whd):
    whd.client().applied(whd.client().create(**webhook(1)))
    assert whd.stop() == 0
    whd.write_config(upstream_url="http://127.0.0.1:1/webhookconfig")
    child = whd.spawn()
    assert child.wait() != 0 and "upstream" in child.text
    whd.write_config(upstream_url=sim.url)
    whd.start()
    assert len(list(whd.client().list())) == 1


def test_check_of_a_sound_and_of_a_damaged_store(world, sim):
    sim.seed(200)
    whd = world.whd(sim)
    whd.client().synced()
    assert run("-c", whd.config, "--check")[0] == 0, "also while it is in use"
    assert whd.stop() == 0
    code, out, _ = run("-c", whd.config, "--check")
    assert code == 0 and "sound" in out
    data = max(whd.store.iterdir(), key=lambda p: p.stat().st_size)
    bytes_ = bytearray(data.read_bytes())
    at = bytes_.find(b"hooks.example.test/in/000100")
    bytes_[at] ^= 1
    data.write_bytes(bytes_)
    code, out, err = run("-c", whd.config, "--check")
    assert code == 1 and "damaged" in err


def test_one_thing_at_a_time(whd):
    for words in (["-n", "--check"], ["--check", "-n"], ["--rebind", "--restore", "x"]):
        code, out, err = run("-c", whd.config, *words)
        assert code == 64 and out == "" and "do not go together" in err
    assert run("-c", whd.config, "--check", "--check")[0] == 0


def test_help_names_every_exit_status():
    said = run("--help")[1]
    manual = (ROOT / "packaging/man/whd.8").read_text().split(".Sh EXIT STATUS")[1]
    for status in re.findall(r"^\.It (\d+)$", manual.split(".Sh")[0], re.M):
        assert re.search(rf"\b{status} ", said), status


def damage(whd, row):
    """Stops whd and changes a bit of the stored row."""
    assert whd.stop() == 0
    data = whd.store / "data.mdb"
    bytes_ = bytearray(data.read_bytes())
    for at in occurrences(bytes_, row["callbackUrl"].encode()):
        bytes_[at] ^= 1
    data.write_bytes(bytes_)


def test_damaged_row_is_told_and_fetched_again(world, sim):
    """One bit of a stored row: never served as if it were good."""
    sim.seed(50)
    whd = world.whd(sim)
    whd.client().synced()
    row = sim.rows()[20]
    damage(whd, row)
    sim.down()
    whd.start()
    c = whd.client()
    with refused("CORRUPT"):
        c.get(row["whid"])
    with refused("CORRUPT"):
        c.update(row["whid"], {"whcomment": "x"})
    assert len(list(c.list())) == 49, "the others are served"
    c.go_online(sim)
    c.call("sync.now")
    assert c.get(row["whid"])["callbackUrl"] == row["callbackUrl"]


def test_damaged_row_that_no_list_brings_back_costs_few_lists(world, sim):
    """Others deleted it, and no list is whole: however often somebody reads it."""
    sim.seed(5)
    whd = world.whd(sim)
    whd.client().synced()
    row = sim.rows()[2]
    damage(whd, row)
    sim.remove(row["whid"])
    sim.fault("status", method="GET", status=200, body=[{"whname": "no id"}], count=-1)
    c = whd.start().client()
    assert not c.call("sync.now")["complete"]
    before = sim.mark()
    for _ in range(500):
        with refused("CORRUPT"):
            c.get(row["whid"])
    assert len(sim.lists(before)) <= 3


def occurrences(data, text):
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + 1)


# ------------------------------------------------------------------ systemd --


def test_tells_the_service_manager(world, sim):
    path = world.folder / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    manager.settimeout(30)
    whd = world.whd(sim, env={"NOTIFY_SOCKET": str(path)})
    assert b"READY=1" in manager.recv(4096)
    whd.reload()
    reloading, ready = manager.recv(4096), manager.recv(4096)
    assert b"RELOADING=1" in reloading and b"MONOTONIC_USEC=" in reloading
    assert b"READY=1" in ready
    assert whd.stop() == 0
    assert b"STOPPING=1" in manager.recv(4096)
    manager.close()


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
def test_socket_activation(world, sim):
    """The first connection starts it; the socket stays when it goes."""
    whd = world.whd(sim, start=False)
    activator = Child(["systemd-socket-activate", "-l", whd.socket, WHD, "-c", whd.config],
                      env=whd.env)
    world.later(activator.kill)
    activator.wait_line("Listening on")
    client = Client(whd.socket)
    assert client.synced()["live"]
    assert client.call("dump", section="server")["server"]["socket"] == "passed by systemd"
    assert client.applied(client.create(**webhook(1)))["state"] == "done"
    client.close()
    assert activator.terminate() == 0
    assert whd.socket.exists(), "it is the service manager's"


def test_key_from_the_service_manager(world, sim):
    folder = world.folder / "credentials"
    folder.mkdir(mode=0o700)
    (folder / "subscription-key").write_text("test-key-2\n")
    whd = world.whd(sim, {"upstream.key_file": None}, env={"CREDENTIALS_DIRECTORY": str(folder)})
    whd.client().synced()
    assert {e["key"] for e in sim.log()} == {1}
    assert whd.stop() == 0
    whd.env.pop("CREDENTIALS_DIRECTORY")
    child = whd.spawn()
    assert child.wait() != 0 and "key_file" in child.text


# ------------------------------------------------------------------ secrets --


def test_key_and_environment_stay_inside(world, sim):
    """Not in its arguments, its environment, its answers; no proxy or key log is obeyed."""
    trap = world.folder / "keylog"
    whd = world.whd(sim, env={
        "http_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
        "all_proxy": "http://127.0.0.1:1", "SSLKEYLOGFILE": str(trap), "LANG": "tr_TR.UTF-8"})
    c = whd.client()
    c.synced()
    sim.fault("status", method="GET", status=500, body={"echo": "something"})
    with refused("OFFLINE"):
        c.call("sync.now")
    said = json.dumps([c.call("dump"), c.status(), c.call("config.show"), c.call("metrics")])
    assert "test-key-1" not in said
    proc = pathlib.Path(f"/proc/{whd.child.pid}")
    assert b"test-key-1" not in (proc / "cmdline").read_bytes()
    assert not trap.exists()
    if os.geteuid() == 0:
        assert b"test-key-1" not in (proc / "environ").read_bytes()


def test_names_in_the_log_stay_on_their_line(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.call("hello", client="a\nlevel=error msg=forged\x1b[31m")
    c.call("hello", client="plain")
    whd.child.wait_line("client=plain")
    assert not [line for line in whd.child.lines if line.startswith("level=error")]
    assert "\x1b" not in whd.child.text


def test_log_as_json(world, sim):
    whd = world.whd(sim, {"log.format": "json"}, start=False)
    whd.spawn().wait_line("ready")
    raw = wire.Raw(whd.socket)
    raw.send(1, "hello", client='quote " and ü \x00')
    raw.result(1)
    raw.send(2, "log.set", level="warning")
    raw.result(2)
    whd.child.wait_line("quote")
    whd.child.wait_line("level set")
    for line in whd.child.lines:
        assert json.loads(line)["message"]


def test_store_that_is_being_checked_is_no_other_whd(world, sim):
    """Exit status 1 has systemd try again; 75, another whd, would be the end of it."""
    whd = world.whd(sim)
    whd.client().synced()
    assert whd.stop() == 0
    with open(whd.store / "whd.lock", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as a check that lasts does
        child = whd.spawn()
        assert child.wait() == 1
        assert "whd --check" in child.text and str(whd.store) in child.text
    whd.start()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_are_closed_are_not_used_for_anything_else(world, sim, closed):
    whd = world.whd(sim, start=False)
    child = Child(["sh", "-c", f'exec "$0" "$@" {closed}', WHD, "-c", whd.config], env=whd.env)
    whd.children.append(child)
    whd.child = child
    end = time.monotonic() + 30
    while not whd.socket.exists():
        assert child.alive and time.monotonic() < end, child.tail()
    whd.client().synced()
    assert whd.stop() == 0
    assert (whd.store / "whd.closed").exists()
