# SPDX-License-Identifier: MIT
"""Copies of the store while it is served: what is in them, where they go, how many are kept."""

import os
import shutil
import stat

from support.client import refused
from support.ctl import Ctl
from support.data import webhook

KEPT = 7


def copies(whd):
    return sorted((whd.store / "backups").glob("*"))


def test_a_copy_of_its_own(sim, whd, c):
    c.applied(c.create(**webhook(1)))
    assert c.status()["store"]["backup_at"] is None
    made = c.call("store.backup")
    assert [str(p) for p in copies(whd)] == [made["path"]]
    info = os.stat(made["path"])
    assert info.st_size == made["bytes"] and stat.S_IMODE(info.st_mode) == 0o600
    assert c.status()["store"]["backup_at"] is not None
    assert whd.restart().client().status()["store"]["backup_at"] is not None, "read off the file"


def test_a_copy_where_it_is_wanted(whd, c):
    file = whd.folder / "copy.mdb"
    assert c.call("store.backup", path=str(file))["path"] == str(file)
    before = file.read_bytes()
    with refused("INVALID_PARAM", "File exists", str(file)):
        c.call("store.backup", path=str(file))
    assert file.read_bytes() == before and not (whd.store / "backups").exists()


def test_places_that_are_none(whd, c):
    for file in ("copy.mdb", "", "/\x01", "/" + "x" * 5000):
        with refused("INVALID_PARAM", "from / on"):
            c.call("store.backup", path=file)
    with refused("INVALID_PARAM", "No such file"):
        c.call("store.backup", path=str(whd.folder / "none" / "copy.mdb"))
    assert c.status()["live"]
    assert "whd_backups_failed_total 0\n" in c.call("metrics"), "those were the caller's"


def test_a_copy_that_fails_is_counted(whd, c):
    (whd.store / "backups").write_text("in the way")
    with refused("INTERNAL", "backups"):
        c.call("store.backup")
    assert "whd_backups_failed_total 1\n" in c.call("metrics")


def test_copies_by_the_clock(world, sim):
    """One after the other from the first start on; old ones make room for new ones."""
    whd = world.whd(sim, {"store.backup_interval": "1min"}, env={"WHD_TEST_BACKUP_MS": "50"})
    foreign = whd.store / "backups" / "mine.mdb"
    for _ in range(2):
        whd.child.wait_line("backup made", nth=KEPT + 3, since=len(whd.child.lines))
        assert len([p for p in copies(whd) if p.suffix == ".mdb" and p != foreign]) <= KEPT + 1
        foreign.write_text("not a copy of whd's own")
    whd.write_config(store_backup_interval="0")
    whd.reload()
    client = whd.client()
    client.call("store.backup")  # none is running behind it
    assert len(copies(whd)) == KEPT + 1 and foreign.exists()


def test_copies_from_a_clock_that_was_ahead_go_first(whd, c):
    folder = whd.store / "backups"
    made = [c.call("store.backup")["path"] for _ in range(2)]
    ahead = [folder / f"whd-2099010{n}T000000.000Z.mdb" for n in range(1, 8)]
    for file in ahead:
        shutil.copy(made[0], file)
    made.append(c.call("store.backup")["path"])
    kept = sorted(str(f) for f in folder.iterdir())
    assert kept == sorted(made + [str(f) for f in ahead[-4:]])


def test_copies_that_were_cut_short_are_taken_away(whd, c):
    folder = whd.store / "backups"
    made = c.call("store.backup")["path"]
    others = [folder / "whd-else", folder / "mine.mdb.whd-new"]
    for file in [*others, folder / "whd-20260101T000000.000Z.mdb.whd-new"]:
        file.write_bytes(b"x")
    again = c.call("store.backup")["path"]
    assert sorted(map(str, folder.iterdir())) == sorted([made, again, *map(str, others)])


def test_a_copy_leaves_what_must_be_free(world, sim):
    whd = world.whd(sim, {"store.min_free": "1TiB"})
    c = whd.client()
    c.synced()
    with refused("STORE_FULL", "min_free"):
        c.call("store.backup")
    assert copies(whd) == []
    assert c.call("store.backup", path=str(whd.folder / "elsewhere.mdb"))["bytes"]


def test_an_interval_outlasts_a_restart(world, sim):
    whd = world.whd(sim, {"store.backup_interval": "1h"})
    whd.child.wait_line("backup made")
    seen = copies(whd)
    whd.restart()
    whd.client().call("store.check")  # time enough to begin one
    assert copies(whd) == seen


def test_a_copy_while_changes_come(sim, whd, c):
    for n in range(30):
        c.create(**webhook(n))
    file = whd.folder / "copy.mdb"
    c.call("store.backup", path=str(file))
    c.idle()
    assert len(sim.rows()) == 30


def test_whctl_backup_and_check(whd, c, monkeypatch):
    ctl = Ctl(whd.socket)
    made = ctl.json("backup", whd.folder / "copy.mdb")
    assert made["path"] == str(whd.folder / "copy.mdb")
    monkeypatch.chdir(whd.folder)
    ctl.fails(2, "backup", "copy.mdb", says=["INVALID_PARAM", str(whd.folder / "copy.mdb")])
    assert "backups/whd-" in ctl.ok("backup")
    checked = ctl.json("check")
    assert checked.pop("took_ms") >= 0
    assert checked == {"sound": True, "found": 0, "problems": []}


def test_whctl_says_that_only_whd_sees_the_copy(world, sim, monkeypatch):
    """The same path leads whd and whctl to two folders, as /tmp does if the service has its own."""
    whd = world.whd(sim, start=False)
    whd.start(cwd=whd.folder)
    ctl, path = Ctl(whd.socket), "/proc/self/cwd/copy.mdb"
    monkeypatch.chdir(world.subfolder("elsewhere"))
    ran = ctl.run("backup", path)
    assert ran.code == 1 and (whd.folder / "copy.mdb").exists() and path in ran.out
    assert "NOT_HERE" in ran.err and path in ran.err and "below /var/lib/whd" in ran.err
    monkeypatch.chdir(whd.folder)
    (whd.folder / "copy.mdb").unlink()
    assert path in ctl.ok("backup", path)
