# SPDX-License-Identifier: MIT
"""The line to the API: outages, probes, what goes first afterwards, and a rate that is kept."""

from support import wire
from support.client import refused
from support.ctl import Ctl
from support.data import webhook

BUSY = {"sync.interval": "100ms"}  # would list ten times a second if it were let


def test_black_hole_is_an_outage_and_only_probed(world, sim):
    c = world.whd(sim, {"sync.interval": "300ms", "upstream.timeout": "150ms"}).client()
    c.synced()
    whid = c.applied(c.create(**webhook(0)))["whid"]
    sim.net("blackhole")
    c.gate("link")
    op = c.update(whid, {"whcomment": "x"})
    with refused("TIMEOUT"):
        c.call("wait", until="online", timeout_ms=600)
    assert c.call("queue.get", op=op["op"])["attempts"] == 0
    before = sim.mark()
    sim.up()
    c.applied(op)
    assert sim.log(before)[0]["method"] == "GET", "a probe comes first"
    assert sim.row(whid)["whcomment"] == "x"


def test_outage_is_probed_by_reads_alone_one_at_a_time(world, sim):
    """Everything gets a 500, changes wait: the API sees lists, none beside another, no change."""
    c = world.whd(sim, {"sync.interval": "100ms", "retry.base": "20ms",
                        "retry.cap": "50ms"}).client()
    c.synced()
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(3)]
    sim.fault("status", method="*", status=500, count=-1)
    c.gate("link")
    ops = [c.update(w, {"whcomment": "x"}) for w in whids] + [c.create(**webhook(9))]
    before = sim.mark()
    sim.wait(log_at_least=before + 8)
    probes = sim.log(before)
    assert {(e["method"], e["whid"]) for e in probes} == {("GET", None)}
    assert len({e["conn"] for e in probes}) == 1, "one after the other"
    for op in ops:
        assert c.call("queue.get", op=op["op"])["attempts"] == 0
    sim.clear_faults()
    for op in ops:
        c.applied(op)


def test_503_with_retry_after_is_honoured(world, sim):
    c = world.whd(sim, BUSY).client()
    c.synced()
    sim.fault("status", method="GET", status=503, headers={"Retry-After": "2"}, body="wait")
    c.gate("link")
    with refused("OFFLINE", "gate is shut"):  # nor does who asks get round it
        c.call("sync.now", timeout_ms=100)
    c.call("queue.flush")
    c.gate("open")
    log = sim.log()
    at = next(i for i, e in enumerate(log) if e["status"] == 503)
    assert log[at + 1]["at_ms"] - log[at]["at_ms"] >= 2000


def test_after_an_outage_one_request_goes_first(world, sim):
    whd = world.whd(sim, {"queue.concurrency": 8})
    c = whd.client()
    c.synced()
    c.go_offline(sim)
    ops = [c.create(**webhook(n)) for n in range(20)]
    whd.child.wait_line("why=probe", len(whd.child.lines), nth=2)
    rule = sim.fault("delay", method="POST", ms=600000, count=1)
    sim.up()
    sim.wait_hits(rule)
    with refused("TIMEOUT"):
        c.call("wait", until="idle", timeout_ms=300)
    assert len(sim.log(method="POST")) == 1, "the others wait for the first to succeed"
    sim.clear_faults()
    for op in ops:
        c.applied(op)
    assert sim.executed("POST") == 20


def refusals(sim):
    return [e for e in sim.log() if e["status"] == 429]


def test_rate_is_learned_from_429(world, sim):
    """The gateway grants ten calls a second. The first 429 tells when its window begins, the
    second one how much it grants; what is under way then may be refused, too, and no more after
    that."""
    whd = world.whd(sim, {"sync.interval": "500ms"})
    c = whd.client()
    c.synced()
    sim.verb("POST", "/rate", {"per_window": 10, "window_ms": 1000})
    ops = [c.create(**webhook(n)) for n in range(40)]
    for op in ops:
        assert c.applied(op)["result"] == "applied"
    assert sim.executed("POST") == 40
    first, last = refusals(sim)[0]["at_ms"], refusals(sim)[-1]["at_ms"]
    assert len(refusals(sim)) <= 10 and last - first < 2500, (len(refusals(sim)), last - first)
    learned = c.status()["upstream"]["learned_an_hour"]
    assert learned > 0 and "whd_learned_rate 0\n" not in c.call("metrics")
    assert f"at most {learned} requests an hour" in Ctl(whd.socket).on_terminal("status")[1]
    whd.child.wait_line("a rate was learned.*a_minute=[1-9]")


def test_refusals_on_a_quiet_site_teach_no_rate(world, sim):
    """Lists that are refused now and then, while there is nothing else to send, say how long to
    wait and no more: what is queued afterwards goes out without a pause."""
    c = world.whd(sim, {"sync.interval": "100ms"}).client()
    c.synced()
    for _ in range(3):
        rule = sim.fault("apim_429", method="GET", seconds=1, count=1)
        sim.wait_hits(rule)
        c.online()
        c.call("sync.now")
    assert len(refusals(sim)) == 3
    for n in range(20):
        c.applied(c.create(**webhook(n)))
    assert c.call("dump", section="pump")["pump"]["learned_rate"] == 0


def test_lists_leave_the_last_tokens_to_changes(world, sim):
    """With a rate of one a second, lists that are always due do not starve the changes."""
    c = world.whd(sim, {"sync.interval": "100ms", "upstream.rate": "8",
                        "upstream.burst": "8"}).client()
    c.synced()
    before = sim.mark()
    for n in range(8):
        c.applied(c.create(**webhook(n)))
    seen = [e["method"] for e in sim.log(before)]
    assert seen.count("POST") == 8 and seen.count("GET") <= 24, seen


def test_configured_rate_is_kept(world, sim):
    c = world.whd(sim, {"upstream.rate": "20", "upstream.burst": "2"}).client()
    c.synced()
    ops = [c.create(**webhook(n)) for n in range(20)]
    for op in ops:
        c.applied(op)
    times = [e["at_ms"] for e in sim.log()]
    assert times[-1] - times[0] >= (len(times) - 3) * 1000 / 20


def took_at_rate(sim, before, rate, ahead):
    """As long as the rate wants, but for what may go ahead of it."""
    times = [e["at_ms"] for e in sim.log(before)]
    assert times[-1] - times[0] >= (len(times) - ahead) * 1000 / rate, times
    return len(times)


def test_looks_count_as_requests_of_a_rate(world, sim):
    c = world.whd(sim, {"upstream.rate": "40", "upstream.burst": "2",
                        "queue.check_age": "0ms"}).client()
    whids = [c.applied(c.create(**webhook(n)))["whid"] for n in range(20)]
    before = sim.mark()
    for op in [c.update(whid, {"whcomment": "x"}) for whid in whids]:
        c.applied(op)
    assert took_at_rate(sim, before, 40, ahead=2 + 2) >= 40


def test_pages_count_as_requests_of_a_rate(world, sim):
    sim.seed(25)
    sim.set(page_size=5, page_link="nextLink")
    c = world.whd(sim, {"upstream.rate": "40", "upstream.burst": "8"}).client()
    c.synced()
    before = sim.mark()
    for _ in range(6):
        assert c.call("sync.now")["complete"]
    assert took_at_rate(sim, before, 40, ahead=8 + 5) == 30


def said(whd, what, error=""):
    return [line for line in whd.logged() if f'msg="{what}"' in line and error in line]


def test_list_that_fails_is_told_once_and_its_end_too(world, sim):
    """With a wrong path in the url there is nothing else to see for some intervals."""
    whd = world.whd(sim, {"log.level": "info"})
    c = whd.client()
    c.synced()
    for status, times in ((500, 3), (404, 2)):
        sim.fault("status", method="GET", status=status, count=times)
        for _ in range(times):
            with refused("OFFLINE", str(status)):
                c.call("sync.now")
    c.call("sync.now")
    failed = said(whd, "a list failed")
    assert ["level=warning" in line for line in failed] == [True, True]
    assert "HTTP 500" in failed[0] and "HTTP 404" in failed[1]
    assert len(said(whd, "list applied")) == 2, "the first one, and the one that was good again"


def test_who_asked_hears_of_a_list_that_failed_though_another_is_wanted(world, sim):
    """He does not wait for the next one, which is another's."""
    whd = world.whd(sim, {"sync.interval": "1h", "upstream.timeout": "1s"})
    whd.client().synced()
    rule = sim.fault("stall", method="GET", list=True, count=-1)
    first, second = wire.Raw(whd.socket), wire.Raw(whd.socket)
    first.send(1, "sync.now", timeout_ms=1900)
    sim.wait_hits(rule)
    second.send(2, "sync.now", timeout_ms=60000)
    assert first.answer(1)[0] == "OFFLINE"


def test_shorter_waits_hold_at_once(world, sim):
    """A line that was to be probed in minutes is probed now."""
    whd = world.whd(sim, {"sync.interval": "1h", "retry.base": "10min", "retry.cap": "10min"})
    c = whd.client()
    c.synced()
    sim.down()
    with refused("OFFLINE"):
        c.call("sync.now")
    sim.up()
    whd.write_config(retry_base="20ms", retry_cap="100ms")
    whd.reload()
    c.call("wait", until="online", timeout_ms=10000)


def test_outage_is_told_once(world, sim):
    """As a gate that is shut; the lists that meet it add nothing."""
    sim.down()
    whd = world.whd(sim, {"log.level": "debug"})
    whd.child.wait_line("a list failed", nth=3)
    c = whd.client()
    c.go_online(sim)
    c.synced()
    assert len(said(whd, "a gate is shut")) == 1
    assert all("level=debug" in line for line in said(whd, "a list failed"))
    assert len(said(whd, "the upstream is in reach")) == 1


def split_reads(sim, before):
    """Lists and changes among what the API was asked for since."""
    log = sim.log(before)
    return ([e for e in log if e["method"] == "GET" and not e["whid"]],
            [e for e in log if e["method"] != "GET"])


def test_low_rate_carries_updates_out_one_by_one(world, sim):
    """What a list shows is stale when the next request may go out: no list serves many."""
    sim.seed(10)
    whids = [row["whid"] for row in sim.rows()]
    c = world.whd(sim, {**BUSY, "upstream.rate": "8", "upstream.burst": "1",
                        "queue.check_age": "100ms"}).client()
    c.synced()
    before = sim.mark()
    for op in [c.update(whid, {"whcomment": "x"}) for whid in whids]:
        c.applied(op)
    lists, changes = split_reads(sim, before)
    assert len(changes) == 10 and len(lists) < 10, (lists, changes)


def test_low_rate_carries_creates_out(world, sim):
    """A list counts for the create that it was read for, however long the rate makes that wait:
    here it may wait for one second, and the rate lets a request go out every 1.25 s."""
    c = world.whd(sim, {**BUSY, "upstream.rate": "0.8", "upstream.burst": "1",
                        "queue.check_age": "100ms"}).client()
    c.synced()
    before = sim.mark()
    for op in [c.create(**webhook(n)) for n in range(2)]:
        assert c.applied(op)["result"] == "applied"
    lists, changes = split_reads(sim, before)
    assert len(changes) == 2 and len(lists) <= 3, (lists, changes)
