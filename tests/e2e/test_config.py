# SPDX-License-Identifier: MIT
"""The configuration: every mistake is named with file, line and setting before anything runs; a
reload takes what is live and keeps the old one on a mistake."""

import grp
import os
import pathlib
import subprocess

import pytest

from support import tables
from support.client import refused
from support.data import webhook
from support.paths import WHD

BAD_CONFIG = 78


def check(whd, *options):
    """Runs whd -n; (exit code, stdout, stderr)."""
    done = subprocess.run([WHD, "-c", whd.config, "-n", *options], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def idle(world):
    """A whd that was never started. The default's group need not be there."""
    return world.whd("http://127.0.0.1:1/webhookconfig",
                     {"access.write": "@0", "access.admin": "@0"}, start=False)


def test_good_configuration(idle):
    code, out, err = check(idle)
    assert code == 0 and "good" in out and err == ""


def has_default_group():
    return any(entry.gr_name == "whd-admin" for entry in grp.getgrall())


@pytest.mark.skipif(has_default_group(), reason="this machine has the default's group")
def test_missing_group_of_the_default_is_a_warning(idle):
    idle.write_config(access_write=None)
    code, out, err = check(idle)
    assert code == 0 and "good" in out
    assert err == f'{idle.config}: access.write: warning: there is no group "whd-admin": ' \
                  "create it or correct the name\n"
    idle.write_config(access_admin="@nobodies")
    code, out, err = check(idle)
    warning, problem = err.splitlines()
    assert code == BAD_CONFIG and out == ""
    assert "access.write: warning: " in warning and "access.admin: there is no" in problem


MISTAKES = {
    # what is appended (its first line is line 1 of a drop-in): what the message must name
    "unknown setting": ("[sync]\nintervall = 5s\n", (":2:", "sync.intervall", "interval")),
    "unknown section": ("\n[snyc]\ninterval = 5s\n", (":2:", "[snyc]", "[sync]")),
    "wrong section": ("[queue]\nlevel = info\n", (":2:", "queue.level", "[log]")),
    "no duration": ("[sync]\ninterval = fast\n", (":2:", "sync.interval", "10s")),
    "no unit": ("[sync]\ninterval = 60\n", (":2:", "sync.interval")),
    "out of range": ("[queue]\nconcurrency = 65\n", (":2:", "queue.concurrency", "64")),
    "negative": ("[queue]\nconcurrency = -1\n", (":2:", "queue.concurrency")),
    "no number": ("[queue]\nconcurrency = 4x\n", (":2:", "queue.concurrency")),
    "no word": ("[log]\nlevel = loud\n", (":2:", "log.level", "debug")),
    "no boolean": ("[upstream]\nallow_http = true\n", (":2:", "upstream.allow_http", "yes")),
    "no size": ("[limits]\nframe = 1kb\n", (":2:", "limits.frame", "KiB")),
    "too short requests": ("[limits]\nframe = 223KiB\n", (":2:", "limits.frame", "224KiB")),
    "too flat requests": ("[limits]\ndepth = 4\n", (":2:", "limits.depth", "least is 5")),
    "too few values": ("[limits]\nelements = 999\n", (":2:", "limits.elements", "1000")),
    "no mode": ("[socket]\nmode = 9999\n", (":2:", "socket.mode")),
    "relative path": ("[store]\npath = store\n", (":2:", "store.path", "/")),
    "empty": ("[store]\npath =\n", (":2:", "store.path", "empty")),
    "twice": ("[sync]\ninterval = 5s\ninterval = 6s\n", (":3:", "sync.interval", "line 2")),
    "before a section": ("interval = 5s\n", (":1:", "[section]")),
    "no setting": ("[sync]\ninterval\n", (":2:", "key = value")),
    "section unclosed": ("[sync\n", (":1:", "]")),
    "text behind a section": ("[sync] interval = 1s\n", (":1:",)),
    "control byte": ("[sync]\ninterval = 5s\x1b[31m\n", (":2:", "control")),
    "not utf-8": (b"[sync]\ninterval = \xff\n", (":2:", "UTF-8")),
    "too long a line": ("[sync]\nignore_members = " + "x" * 300 + "\n", (":2:", "long")),
    "unknown user": ("[access]\nread = no-such-user\n", (":2:", "access.read", "no-such-user")),
    "base over cap": ("[retry]\nbase = 1min\ncap = 1s\n", ("retry.base", "retry.cap")),
    "backups too often": ("[store]\nbackup_interval = 59999ms\n",
                          ("store.backup_interval", "1min")),
    "ignored name": ("[sync]\nignore_members = seen whname whcomment\n",
                     ("sync.ignore_members", "whname is", "whcomment is")),
    "ignored name behind a comma": ("[sync]\nignore_members = seen,whname\n",
                                    ("sync.ignore_members", "whname is")),
    "ignored id": ("[sync]\nignore_members = whid\n", ("sync.ignore_members", "whid is")),
    "high over max": ("[limits]\nout_high = 8MiB\n", ("limits.out_high", "limits.out_max")),
    "http elsewhere": ("[upstream]\nurl = http://example.org/x\n", ("upstream.url", "127.0.0.1")),
    "no url": ("[upstream]\nurl = example\n", (":2:", "upstream.url", "https://")),
    "query in url": ("[upstream]\nurl = http://127.0.0.1/x?a=b\n", ("upstream.url", "query")),
    "socket path too long": (f"[socket]\npath = /{'x' * 103}\n", (":2:", "socket.path", "103")),
    "unknown group": ("[socket]\ngroup = nobodies\n", (":2:", "socket.group", "nobodies")),
    "no ca file": ("[upstream]\nca_file = /nowhere/ca.pem\n", ("upstream.ca_file", "/nowhere")),
    "ca file that is a folder": ("[upstream]\nca_file = /\n", ("upstream.ca_file", "no file")),
    "ca file that is empty": ("[upstream]\nca_file = /dev/null\n", ("upstream.ca_file",)),
    "bad header": ("[upstream]\nheader = a b\n", ("upstream.header",)),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistake_is_named(idle, what):
    text, parts = MISTAKES[what]
    folder = idle.config.with_name("whd.conf.d")
    folder.mkdir(mode=0o755)
    drop_in = folder / "10-test.conf"
    drop_in.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = check(idle)
    assert code == BAD_CONFIG and out == ""
    assert "10-test.conf" in err
    for part in parts:
        assert part in err, err
    assert "\x1b" not in err, "what is repeated is made printable"
    child = idle.spawn()
    assert child.wait() == BAD_CONFIG and not idle.store.exists()


def test_all_mistakes_are_told_at_once(idle):
    idle.config.write_text("[sync]\nintervall = 5s\n[quue]\n[log]\nlevel = loud\n")
    code, _, err = check(idle)
    assert code == BAD_CONFIG
    for line in (2, 3, 5):
        assert f"whd.conf:{line}:" in err


def test_missing_url_says_where_to_get_one(idle):
    idle.write_config(upstream_url=None)
    code, _, err = check(idle)
    assert code == BAD_CONFIG and "portal" in err


@pytest.mark.parametrize("what", ["missing", "writable", "link", "folder", "fifo", "large"])
def test_file_that_cannot_be_trusted(idle, what):
    path = idle.config
    if what == "writable":
        path.chmod(0o666)
    else:
        text = path.read_bytes()
        path.unlink()
        if what == "link":
            path.with_name("real").write_bytes(text)
            path.symlink_to("real")
        elif what == "folder":
            path.mkdir()
        elif what == "fifo":
            os.mkfifo(path)
        elif what == "large":
            path.write_bytes(b"#" * (2 << 20))
    code, _, err = check(idle)
    assert code == BAD_CONFIG and str(path) in err


@pytest.mark.parametrize("what", ["missing", "readable", "link", "empty", "space", "twice"])
def test_key_file_that_cannot_be_used(world, what):
    whd = world.whd("http://127.0.0.1:1/webhookconfig", start=False)
    path = whd.key_file
    if what == "missing":
        path.unlink()
    elif what == "readable":
        path.chmod(0o644)
    elif what == "link":
        path.rename(path.with_name("keys.real"))
        path.symlink_to("keys.real")
    else:
        path.write_text({"empty": "# none\n", "space": "a b\n", "twice": "same\nsame\n"}[what])
    child = whd.spawn()
    assert child.wait() == BAD_CONFIG, "a restart cannot help"
    assert str(path) in child.text and "test-key-1" not in child.text
    code, _, err = check(whd)
    assert code == BAD_CONFIG and str(path) in err and "test-key-1" not in err


@pytest.mark.parametrize("passed", [False, True])
def test_credential_that_is_missing(world, passed):
    """Systemd passes no keys, or not this one."""
    folder = world.subfolder("passed")
    folder.chmod(0o700)
    whd = world.whd("http://127.0.0.1:1/webhookconfig", {"upstream.key_file": None}, start=False,
                    env={"CREDENTIALS_DIRECTORY": str(folder)} if passed else {})
    child = whd.spawn()
    assert child.wait() == BAD_CONFIG
    assert "subscription-key" in child.text


def test_print_and_parse_again(world, idle):
    """What -n -v prints is a configuration with the same values."""
    code, first, _ = check(idle, "-v")
    assert code == 0
    for section, key in tables.settings():
        assert f"[{section}]" in first and f"{key} =" in first
    idle.config.write_text(first)
    assert check(idle, "-v") == (0, first, "")


def test_drop_ins_override_in_order(world, sim):
    whd = world.whd(sim, {"queue.concurrency": 3}, start=False)
    folder = whd.config.with_name("whd.conf.d")
    folder.mkdir(mode=0o755)
    (folder / "20-b.conf").write_text("[queue]\nconcurrency = 7\n")
    (folder / "10-a.conf").write_text("[queue]\nconcurrency = 5\nmax_ops = 9\n")
    (folder / "30.conf.bak").write_text("[queue]\nconcurrency = 1\n")
    shown = {(s["section"], s["key"]): s for s in
             whd.start().client().call("config.show")["settings"]}
    assert shown["queue", "concurrency"]["value"] == "7"
    assert shown["queue", "concurrency"]["origin"].endswith("20-b.conf:2")
    assert shown["queue", "max_ops"]["value"] == "9"
    assert shown["queue", "policy"]["origin"] == "default"
    assert shown.keys() == tables.settings().keys()
    for name, (_, default, reload_) in tables.settings().items():
        assert shown[name]["live"] == (reload_ == "LIVE"), name
        assert shown[name]["default"] == default
    assert "test-key-1" not in str(shown)


# ------------------------------------------------------------------- reload --


@pytest.mark.parametrize("how", ["SIGHUP", "config.reload"])
def test_reload_takes_what_is_live(world, sim, how):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    whd.write_config(queue_max_ops=1, sync_interval="100ms", socket_mode="0600")
    if how == "SIGHUP":
        assert "socket.mode" in whd.reload()
    else:
        assert "socket.mode" in c.call("config.reload")["notes"], "this needs a restart"
    head = c.head()
    sim.add(**webhook(5))
    c.until(lambda e: e["kind"] == "created", head)
    c.go_offline(sim)
    c.create(**webhook(1))
    with refused("QUEUE_FULL"):
        c.create(**webhook(2))
    assert whd.socket.stat().st_mode & 0o777 == 0o660


def test_reload_of_the_interval_counts_at_once(world, sim):
    """From the last list on, whether it became shorter or longer."""
    whd = world.whd(sim, {"sync.interval": "1h"})
    c = whd.client()
    c.synced()
    for interval, minutes in (("10min", 10), ("2h", 120), ("1h", 60)):
        whd.write_config(sync_interval=interval)
        whd.reload()
        status = c.status()["sync"]
        wait = (status["next_at"] - status["synced_at"]) / 60000
        assert 0.9 * minutes - 0.1 <= wait <= 1.1 * minutes + 0.1, interval
    before = c.status()["sync"]["next_at"]
    whd.reload()
    assert abs(c.status()["sync"]["next_at"] - before) < 1000, "the same interval moves nothing"
    whd.write_config(sync_interval="100ms")
    whd.reload()
    sim.wait_requests("GET", len(sim.lists()) + 3)


@pytest.mark.parametrize("how", ["SIGHUP", "config.reload"])
def test_bad_reload_changes_nothing(world, sim, how):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    before = c.call("config.show")
    whd.write_config(queue_max_ops=1, queue_policy="mine")
    if how == "SIGHUP":
        line = whd.reload()
        assert "refused" in line and "queue.policy" in line
    else:
        with refused("INVALID_PARAM", "queue.policy", "whd.conf:"):
            c.call("config.reload")
    assert c.call("config.show") == before
    whd.write_config(queue_policy="merge", socket_group="no-such-group")
    with refused("INVALID_PARAM", "socket.group"):
        c.call("config.reload")
    whd.write_config(socket_group=None)
    whd.key_file.write_text("")
    with refused("INVALID_PARAM", "keys"):
        c.call("config.reload")
    assert c.call("config.show") == before
    assert c.applied(c.create(**webhook(1)))


def test_log_level_while_running(world, sim):
    whd = world.whd(sim, {"log.level": "info"})
    c = whd.client()
    c.synced()
    c.call("sync.now")
    assert "list begun" not in whd.child.text
    assert c.call("log.set", level="debug") == "debug"
    c.call("sync.now")
    whd.child.wait_line("list begun")
    for bad in ("", "loud", "DEBUG"):
        with refused("INVALID_PARAM", "level"):
            c.call("log.set", level=bad)


@pytest.mark.skipif(pathlib.Path("/run/systemd/journal/socket").exists(),
                    reason="this machine has a journal")
def test_log_for_a_journal_that_is_not_there(world):
    """Nothing is lost, and least of all why whd does not start."""
    whd = world.whd("http://127.0.0.1:1/webhookconfig", {"log.format": "journal"})
    assert whd.stop() == 0
    whd.key_file.unlink()
    child = whd.spawn()
    assert child.wait() == BAD_CONFIG
    assert "level=error" in child.text and str(whd.key_file) in child.text
