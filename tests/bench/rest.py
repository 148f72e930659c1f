# SPDX-License-Identifier: MIT
"""Draining the queue, starting, idling, memory, events, filtering."""

import itertools
import re
import selectors
import subprocess
import time

import peers
import reads
import rows
import writes
from compare import Row, comparison

BODY = 500
AT_ONCE = 240  # updates that whd marks in one commit, as those that went out before end
IDLE_SECONDS = 5


# ------------------------------------------------------------------ drain --

def queue(whd, numbers):
    """Updates of as many webhooks, in flight at once as many as may be."""
    rpc = whd.rpc()
    for chunk in peers.chunks(numbers, 60):
        rpc.send(("webhook.update", {"whid": rows.row_id(i),
                                     "set": {"whcomment": f"drained {i}"}}) for i in chunk)
    rpc.close()


def turns_of(many, n):
    """n numbers below `many` a turn, in each turn others as long as there are others."""
    for turn in itertools.count():
        yield [(turn * n + i) % many for i in range(n)]


def expect_requests(nginx, changes):
    """Each change went out once, beside a few lists."""
    requests = nginx.requests()
    if not changes <= requests < changes + 10:
        raise RuntimeError(f"{requests} requests for {changes} changes")


def drain(bench, at_once, tls):
    nginx = bench.api_alone(bench.many)
    url = nginx.tls_url if tls else nginx.url
    options = {"queue__concurrency": at_once, "retry__base": "10ms", "retry__cap": "50ms",
               "queue__check_age": "1h"}
    if tls:
        options["upstream__ca_file"] = nginx.certificate
    whd = bench.whd(url, **options).synced()
    turns = turns_of(bench.many, bench.changes)
    bare = {"url": url, "count": bench.changes, "clients": at_once, "size": BODY}

    def whd_side():
        """The API forgets the changes with the next list: each turn changes other webhooks, so
        that none meets a value that it does not expect. It is timed once the line is up again:
        what goes out from then on are the changes."""
        rpc = whd.rpc()
        rpc.call("sync.now", timeout_ms=120000)
        nginx.stop()
        queue(whd, next(turns))
        nginx.start()
        rpc.call("queue.flush")
        rpc.call("wait", until="online", timeout_ms=120000)
        began, cpu = time.monotonic(), whd.cpu_ns()
        rpc.call("wait", until="idle", timeout_ms=300000)
        seconds, cpu = time.monotonic() - began, whd.cpu_ns() - cpu
        rpc.close()
        expect_requests(nginx, bench.changes)
        return {"per_s": bench.changes / seconds, "cpu_us": cpu / 1000 / bench.changes}

    def wrk():
        script = bench.folder / "patch.lua"
        script.write_text(f'wrk.method = "PATCH"\nwrk.body = string.rep("x", {BODY})\n')
        out = subprocess.run(["wrk", "-t1", f"-c{at_once}", "-d1s", "-s", script, url],
                             check=True, capture_output=True, text=True).stdout
        return {"per_s": float(re.search(r"Requests/sec:\s*([\d.]+)", out)[1])}
    return {
        "whd": whd_side, "wrk": wrk,
        "curl multi": lambda: bench.run("patch", **bare),
        "libuv and curl": lambda: bench.run("patch-uv", **bare),
        "LMDB rows": writes.floor(bench, "store", what="drain", keys=bench.many, depth=AT_ONCE,
                                  count=bench.changes // AT_ONCE),
    }


def drain_rows(at_once, tls, goal=None):
    what = f"drain of 10,000 updates, {at_once} at once, http{'s' if tls else ''}"
    return (Row(what, "per_s", "req/s", "curl multi", goal, floor="wrk"),
            Row(f"{what}, beside a libuv program with curl", "per_s", "req/s", "libuv and curl",
                goal),
            Row(f"{what}, beside commits of rows like whd's", "per_s", "req/s", "LMDB rows"),
            Row(f"{what}, CPU", "cpu_us", "us/req", "curl multi"))


def add_drain(at_once, tls, goal=None):
    @comparison(f"drain-{'https' if tls else 'http'}-{at_once}", *drain_rows(at_once, tls, goal),
                most=3)
    def one(bench):
        yield drain(bench, at_once, tls)
    return one


for count, with_tls, its_goal in ((1, False, None), (4, False, None),
                                  (8, False, (">=", 0.4, 0.7)), (16, False, None),
                                  (1, True, None), (4, True, None), (16, True, None)):
    add_drain(count, with_tls, its_goal)


# ------------------------------------------------- start, idling, memory --

@comparison("start",
            Row("ready with {many} webhooks", "ready_ms", "ms", "redis", ("<=", 0.10, 0.05)))
def start(bench):
    nginx = bench.api_alone(bench.many)
    whd = bench.whd(nginx.url, keep=False).synced()
    redis = peers.Redis(bench.new("redis"))
    redis.fill((k, v) for k, v in bench.answers_of(whd))
    redis.command("DEL", "all")
    redis.command("SAVE")
    folder, url = whd.socket.parent, nginx.url
    whd.stop()
    redis.stop()

    def again(make):
        peer = make()
        peer.stop()
        return {"ready_ms": peer.ready_ms}
    yield {"whd": lambda: again(lambda: peers.Whd(bench.whd_program, folder, url)),
           "redis": lambda: again(lambda: peers.Redis(redis.folder))}


@comparison("idle",
            Row("wake-ups a second, idle", "wakes", "1/s", "redis"),
            Row("wake-ups a second, idle, of whd", "wakes", "1/s", goal=("<=", 1, 0.1)),
            most=3)
def idle(bench):
    served = bench.served(bench.many)

    def of(peer):
        before = peer.wake_ups()
        selectors.DefaultSelector().select(IDLE_SECONDS)
        return {"wakes": (peer.wake_ups() - before) / IDLE_SECONDS}
    yield {"whd": lambda: of(served.whd), "redis": lambda: of(served.redis)}


@comparison("memory",
            Row("anonymous memory, no webhook", "none", "MiB", goal=("<=", 4, 3)),
            Row("anonymous memory, 1,000 webhooks", "few", "MiB"),
            Row("anonymous memory, {many} webhooks", "many", "MiB", goal=("<=", 12, 6)),
            Row("anonymous memory, {many} webhooks beside redis", "many", "MiB", "redis"),
            Row("resident memory, {many} webhooks", "resident", "MiB", "redis"), most=1)
def memory(bench):
    nginx = bench.api_alone(bench.many)

    def anonymous(n):
        nginx.serve(rows.body(n))
        whd = bench.whd(nginx.url, keep=False).synced().settled()
        found = whd.memory()
        whd.stop()
        nginx.serve(rows.body(bench.many))
        return found["RssAnon"] / 1024, found["VmRSS"] / 1024

    def whd_side():
        many, resident = anonymous(bench.many)
        return {"none": anonymous(0)[0], "few": anonymous(reads.FEW)[0], "many": many,
                "resident": resident}

    def redis_side():
        whd = bench.whd(nginx.url, keep=False).synced()
        redis = peers.Redis(bench.new("redis"))
        redis.fill(bench.answers_of(whd))
        redis.command("DEL", "all")
        found = redis.memory()
        whd.stop()
        redis.stop()
        return {"many": found["RssAnon"] / 1024, "resident": found["VmRSS"] / 1024}
    yield {"whd": whd_side, "redis": redis_side}


# ------------------------------------------------------------------ events --

@comparison("events",
            Row("1,000 subscribers see a change", "fan_us", "us", "writes", ("<=", 3, 1.5)),
            Row("the same with one that does not read", "fan_us", "us", "whd", of="slow"))
def events(bench):
    whd = bench.offline(bench.many)

    def follow(slow):
        options = {"socket": whd.socket, "keys": bench.many, "count": 100, "pid": whd.pid}
        found = bench.run("follow", clients=bench.subscribers, slow=slow, **options)
        alone = bench.run("follow", clients=1, slow=slow, **options)
        found["fan_us"] = max(found["p50_us"] - alone["p50_us"], 1)
        bench.kept["event bytes"] = found["bytes"]
        return found

    def fan():
        found = bench.run("fan", clients=bench.subscribers, count=100,
                          size=bench.kept["event bytes"])
        return found | {"fan_us": found["p50_us"]}
    yield {"whd": lambda: follow(0), "slow": lambda: follow(1), "writes": fan}


# ---------------------------------------------------------------- filtered --

@comparison("filtered",
            Row("filtered list, 1 of 1,000 of {many}", "ms", "ms", "all", ("<=", 0.01, 0.005)))
def filtered(bench):
    whd = bench.served(bench.many).whd
    options = {"socket": whd.socket, "count": 3, "cpu": bench.cpus[1]}
    yield {"whd": lambda: bench.run("list", what="filtered", **options),
           "all": lambda: bench.run("list", **options)}
