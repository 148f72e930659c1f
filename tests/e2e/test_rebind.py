# SPDX-License-Identifier: MIT
"""A store belongs to one upstream: another one is refused until somebody gives the queue up."""

import json
import stat

from support.data import webhook

RUNNING, CONFIG = 75, 78


def test_another_upstream(world, sim):
    other = world.sim()
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    c.applied(c.create(**webhook(1)))
    c.go_offline(sim)
    create = c.create(**webhook(2))
    held = c.create(**webhook(3))
    c.call("queue.hold", op=held["op"])
    instance = c.status()["instance"]
    code, out, err = whd.command("--rebind")
    assert code == 0 and "already" in out, "the url is still the same"

    whd.write_config(upstream_url=other.url)
    code, out, err = whd.command("--rebind")
    assert code == RUNNING and out == "" and "another whd has" in err
    assert not list(whd.store.glob("queue-*"))
    whd.stop()
    before = (whd.store / "data.mdb").read_bytes()
    child = whd.spawn()
    assert child.wait() == CONFIG
    for part in (sim.url, other.url, "--rebind"):
        assert part in child.text
    assert (whd.store / "data.mdb").read_bytes() == before

    code, out, err = whd.command("--rebind")
    assert code == 0 and err == ""
    (queue,) = whd.store.glob("queue-*.jsonl")
    (kept,) = whd.store.glob("data.mdb.rebound-*")
    assert str(queue) in out and str(kept) in out and "2 operations" in out
    assert stat.S_IMODE(queue.stat().st_mode) == 0o600 and kept.read_bytes() == before
    ops = [json.loads(line) for line in queue.read_text(encoding="utf-8").splitlines()]
    assert [(o["op"], o["state"], o["fields"]["whname"]) for o in ops] == [
        (create["op"], "queued", "hook 2"), (held["op"], "held", "hook 3")]

    other.add_all([webhook(9)])
    sim.up()
    c = whd.start().client()
    c.synced()
    c.idle()
    assert c.status()["instance"] != instance and c.call("queue.list")["items"] == []
    assert [w["whname"] for w in c.list()] == ["hook 9"]
    assert other.changes() == [] and sim.executed("POST") == 1
    assert whd.restart().client().status()["live"], "bound to the other one now"


def test_queue_that_cannot_be_written_as_a_whole_is_not_given_up(world, sim):
    whd = world.whd(sim)
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    ops = [c.create(**webhook(n, whcomment="x" * 1000))["op"] for n in range(20)]
    assert whd.stop() == 0
    url = whd.settings["upstream.url"]
    whd.write_config(upstream_url="http://127.0.0.1:1/other")
    child = whd.spawn("--rebind", argv=["prlimit", "--fsize=9000"])
    assert child.wait() == 1 and "nothing was changed" in child.text, child.text
    assert not list(whd.store.glob("queue-*")) and not list(whd.store.glob("*rebound*"))
    whd.write_config(upstream_url=url)
    assert [o["op"] for o in whd.start().client().call("queue.list")["items"]] == ops
