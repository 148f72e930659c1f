# SPDX-License-Identifier: MIT
"""An older store in the place of the store: nothing is sent before the API was looked at, nothing
is made twice, and whoever followed the old one is told. By --restore, or by hand."""

import os
import shutil

import pytest

from support.client import refused
from support.data import webhook
from support.rivals import meanwhile
from support.sim import six

FAST = {"sync.interval": "100ms"}
RUNNING, BAD_CONFIG = 75, 78


def restore(whd, file):
    code, out, err = whd.command("--restore", file)
    assert code == 0 and err == "", (out, err)
    return out


def backup(whd, c):
    file = whd.folder / "copy.mdb"
    c.call("store.backup", path=str(file))
    return file


def by_command(whd, file):
    restore(whd, file)


def by_hand(whd, file):
    shutil.copyfile(file, whd.store / "data.mdb")


def by_hand_as_a_new_file(whd, file):
    os.unlink(whd.store / "data.mdb")
    shutil.copy(file, whd.store / "data.mdb")


WAYS = [by_command, by_hand, by_hand_as_a_new_file]


def start_unseen(sim, whd):
    """Starts whd while the API cannot be reached; returns the client and the API's log so far."""
    sim.down()
    c = whd.start().client()
    return c, sim.mark()


def looked_first(sim, mark):
    """The requests since `mark`: those that change something come after a whole list."""
    log = sim.log(mark)
    first = next((i for i, e in enumerate(log) if e["method"] != "GET"), len(log))
    assert any(e["method"] == "GET" and e["whid"] is None for e in log[:first]), log
    return log


@pytest.mark.parametrize("way", WAYS)
def test_what_was_done_since_is_not_done_again(world, sim, way):
    sim.add_all([webhook(n) for n in range(5)])
    whids = {r["whname"]: r["whid"] for r in sim.rows()}
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    made = c.create(**webhook(10))
    gone = c.create(**webhook(11))
    update = c.update(whids["hook 0"], {"whcomment": "changed"})
    delete = c.delete(whids["hook 1"])
    held = c.create(**webhook(12))
    c.call("queue.hold", op=held["op"])
    file = backup(whd, c)
    old = c.status()
    head = c.head()

    c.go_online(sim)
    for op in (made, gone, update, delete):
        c.applied(op)
    late = c.applied(c.create(**webhook(13)))
    sim.remove(next(r["whid"] for r in sim.rows() if r["whname"] == "hook 11"))
    c.call("queue.release", op=held["op"])
    c.applied(held)
    c.call("sync.now")
    c.go_offline(sim)
    lost = c.create(**webhook(14))
    executed = {m: sim.executed(m) for m in ("POST", "PATCH", "DELETE")}
    whd.kill()
    way(whd, file)

    c, mark = start_unseen(sim, whd)
    now = c.status()
    assert now["instance"] != old["instance"] and now["store"]["revision"] > 2 ** 32
    assert c.call("events.read", since=head, instance=old["instance"], timeout_ms=0)["reset"]
    states = {o["op"]: (o["state"], o.get("reason")) for o in c.call("queue.list")["items"]}
    assert states == {o["op"]: ("unknown", "restored") for o in (made, gone, update, delete)} | {
        held["op"]: ("held", "admin")}
    assert "restored" in c.call("queue.get", op=made["op"])["why"]
    assert sim.changes(mark) == []

    sim.up()
    assert c.applied(made)["result"] == "adopted"
    assert c.applied(update)["result"] == "noop"
    assert c.applied(delete)["state"] == "done"
    assert c.settled(gone)["state"] == "held"
    alone = c.call("queue.get", op=gone["op"])
    assert alone["reason"] == "restored" and "adopt" in alone["next"]
    assert sim.changes(mark) == [], "all was there already"
    c.call("queue.release", op=held["op"])
    assert c.applied(held)["result"] == "adopted", "let go, it is looked for first"
    assert {m: sim.executed(m) for m in executed} == executed
    with refused("OP_NOT_FOUND"):
        c.call("queue.get", op=lost["op"])
    assert c.call("webhook.get", whid=late["whid"])["whname"] == "hook 13"

    c.call("queue.resolve", op=gone["op"], take="recreate")
    c.applied(gone)
    assert sim.executed("POST") == executed["POST"] + 1
    c.idle()
    c.call("sync.now")
    assert sorted(map(str, (six(w) for w in c.list()))) == sorted(
        map(str, (six(r) for r in sim.rows())))


def test_what_comes_back_is_never_taken_for_the_result(world, sim):
    """A webhook that was to be deleted is in no list, a create that was queued since wants the
    same, the store is put back, and the webhook comes into view again."""
    sim.add(**webhook(1))
    old = sim.add(**webhook(0))["whid"]
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    deletion = meanwhile(sim, c, lambda: c.delete(old),
                         lambda: sim.edit(old, whcomment="not for long"))
    assert deletion["state"] == "conflict"
    sim.remove(old)
    c.call("sync.now")
    c.go_offline(sim)
    create = c.create(**webhook(0))
    file = backup(whd, c)
    whd.kill()
    restore(whd, file)
    c, _ = start_unseen(sim, whd)
    sim.add(whid=old, **webhook(0))
    sim.up()
    c.applied(deletion)
    assert c.settled(create)["state"] == "held"
    assert c.call("queue.get", op=create["op"])["reason"] == "restored"


def test_what_was_not_done_is_done_after_a_look(world, sim):
    sim.add_all([webhook(n) for n in range(3)])
    whids = {r["whname"]: r["whid"] for r in sim.rows()}
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    update = c.update(whids["hook 0"], {"whcomment": "changed"})
    delete = c.delete(whids["hook 1"])
    file = backup(whd, c)
    whd.kill()
    restore(whd, file)
    c, mark = start_unseen(sim, whd)
    sim.up()
    c.applied(update)
    c.applied(delete)
    log = looked_first(sim, mark)
    assert [e["method"] for e in log if e["method"] != "GET"].count("PATCH") == 1
    assert sim.executed("PATCH") == 1 and sim.executed("DELETE") == 1
    assert {r["whname"]: r["whcomment"] for r in sim.rows()} == {
        "hook 0": "changed", "hook 2": "comment 2"}


def test_what_others_changed_since_is_not_overwritten(world, sim):
    """Neither a policy nor force counts for what may be older than the API's row."""
    sim.add_all([webhook(n) for n in range(3)])
    whids = {r["whname"]: r["whid"] for r in sim.rows()}
    whd = world.whd(sim, {**FAST, "queue.policy": "local-wins"})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    update = c.update(whids["hook 0"], {"whcomment": "then"})
    delete = c.call("webhook.delete", whid=whids["hook 1"], force=True)
    file = backup(whd, c)
    c.go_online(sim)
    c.applied(update)
    c.applied(c.update(whids["hook 0"], {"whcomment": "later"}))
    c.applied(delete)
    again = c.applied(c.create(**webhook(1)))
    whd.kill()
    restore(whd, file)
    c, mark = start_unseen(sim, whd)
    sim.up()
    assert c.settled(update)["state"] == "conflict"
    assert c.applied(delete)["state"] == "done"
    c.idle()
    assert sim.changes(mark) == []
    assert sim.row(whids["hook 0"])["whcomment"] == "later" and sim.row(again["whid"])
    c.call("queue.resolve", op=update["op"], take="mine")
    c.applied(update)
    assert sim.row(whids["hook 0"])["whcomment"] == "then", "a person has decided"


def test_followers_wait_for_the_look_too(world, sim):
    """An update behind a create that was sent: neither is sent again."""
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    rule = sim.fault("stall", method="POST")
    create = c.create(**webhook(1))
    sim.wait_hits(rule)
    update = c.update(create["tmp_id"], {"whcomment": "second"})
    file = backup(whd, c)
    sim.clear_faults()
    whd.kill()
    c = whd.start().client()
    c.applied(create)
    c.applied(update)
    executed = sim.executed("POST"), sim.executed("PATCH")
    whd.kill()
    restore(whd, file)
    c, mark = start_unseen(sim, whd)
    sim.up()
    # the API has it with the comment of the update: near, but not what the create wanted
    held = c.settled(create)
    assert (held["state"], held["reason"]) == ("held", "restored")
    assert sim.changes(mark) == []
    c.call("queue.resolve", op=create["op"], take="adopt", whid=sim.rows()[0]["whid"])
    c.applied(create)
    assert c.applied(update)["result"] == "noop"
    assert (sim.executed("POST"), sim.executed("PATCH")) == executed
    assert [r["whcomment"] for r in sim.rows()] == ["second"]


def test_what_was_held_is_looked_for_when_it_is_let_go(world, sim):
    """An update that, as far as the copy knows, was never sent."""
    sim.add(**webhook(0))
    whid = sim.rows()[0]["whid"]
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    update = c.update(whid, {"whcomment": "changed"})
    c.call("queue.hold", op=update["op"])
    file = backup(whd, c)
    whd.kill()
    restore(whd, file)
    c, mark = start_unseen(sim, whd)
    c.call("queue.resolve", op=update["op"], take="mine")
    sim.up()
    c.applied(update)
    looked_first(sim, mark)
    assert sim.executed("PATCH") == 1 and sim.rows()[0]["whcomment"] == "changed"


def test_a_second_start_is_an_ordinary_one(world, sim):
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    file = backup(whd, c)
    whd.stop()
    restore(whd, file)
    instance = whd.start().client().status()["instance"]
    assert whd.restart().client().status()["instance"] == instance
    whd.kill()
    assert whd.start().client().status()["instance"] == instance


def test_a_folder_that_was_moved(world, sim):
    """Whoever moves a store by copying it gets the same care; moving the folder is no copy."""
    whd = world.whd(sim, FAST)
    c = whd.client()
    c.synced()
    instance = c.status()["instance"]
    whd.stop()
    whd.store.rename(whd.folder / "elsewhere")
    shutil.copytree(whd.folder / "elsewhere", whd.store)
    c = whd.start().client()
    assert c.status()["instance"] != instance
    instance = c.status()["instance"]
    whd.stop()
    whd.store.rename(whd.folder / "there")
    whd.write_config(store_path=whd.folder / "there")
    whd.store = whd.folder / "there"
    assert whd.start().client().status()["instance"] == instance


def test_what_cannot_be_restored(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    c.applied(c.create(**webhook(1)))
    file = backup(whd, c)
    code, out, err = whd.command("--restore", file)
    assert code == RUNNING and out == "" and "another whd has" in err
    assert c.status()["live"]
    whd.stop()
    before = (whd.store / "data.mdb").read_bytes()
    damaged = whd.folder / "damaged.mdb"
    data = bytearray(file.read_bytes())
    data[data.index(b"https://hooks")] ^= 1
    damaged.write_bytes(data)
    for bad, says in ((damaged, "is damaged"), (whd.folder / "none.mdb", "No such file"),
                      (whd.config, "not a store at all"), (whd.folder, "")):
        code, out, err = whd.command("--restore", bad)
        assert code == 1 and out == "" and says in err and str(bad) in err, err
    assert (whd.store / "data.mdb").read_bytes() == before
    assert sorted(p.name for p in whd.store.glob("data.mdb*")) == ["data.mdb"]


def test_the_store_that_was_there_is_kept(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    file = backup(whd, c)
    c.applied(c.create(**webhook(1)))
    whd.stop()
    now = (whd.store / "data.mdb").read_bytes()
    said = restore(whd, file)
    (kept,) = whd.store.glob("data.mdb.replaced-*")
    assert str(kept) in said and kept.read_bytes() == now
    restore(whd, kept)
    assert [w["whname"] for w in whd.start().client().list()] == ["hook 1"]


def test_restore_into_an_empty_place(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    c.applied(c.create(**webhook(1)))
    file = backup(whd, c)
    whd.stop()
    shutil.rmtree(whd.store)
    assert "kept as" not in restore(whd, file)
    assert [w["whname"] for w in whd.start().client().list()] == ["hook 1"]


def test_a_copy_that_is_not_there_is_named(world, whd):
    assert whd.stop() == 0
    before = (whd.store / "data.mdb").read_bytes()
    code, out, err = whd.command("--restore", world.folder / "none.mdb")
    assert code == 1 and out == "" and "none.mdb: No such file" in err
    assert "folder" not in err and "nothing was changed" in err
    assert (whd.store / "data.mdb").read_bytes() == before


def test_a_copy_of_another_upstream_is_not_put_in_place(world, sim, whd):
    """The start would refuse it, when the store that was good is aside already."""
    copy = backup(whd, whd.client())
    other = world.whd(world.sim())
    other.client().synced()
    other.stop()
    before = {f.name: f.read_bytes() for f in other.store.iterdir() if f.is_file()}
    code, out, err = other.command("--restore", copy)
    assert (code, out) == (BAD_CONFIG, "")
    for part in (str(copy), sim.url, other.settings["upstream.url"], "[upstream] url"):
        assert part in err
    assert {f.name: f.read_bytes() for f in other.store.iterdir() if f.is_file()} == before
    other.write_config(upstream_url=sim.url)
    restore(other, copy)
    other.start().client().synced()
