# SPDX-License-Identifier: MIT
"""Lists of the API: unchanged, changed a little, taken for the first time."""

import itertools
import threading
import time

import rows
from compare import Row, comparison

PAGE = 4096


def written_bytes(peer):
    """What it gave to write calls. write_bytes would be wrong: Linux charges the whole folio,
    up to 512 pages, for each page of it that is written."""
    with open(f"/proc/{peer.pid}/io", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("wchar"))


class Meanwhile:
    """Does what `run` does, on a thread, while the block runs; `run` ends once `end` is set."""

    def __init__(self):
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        raise NotImplementedError

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


class Peak(Meanwhile):
    """The most anonymous memory of a process while something runs, over what it had before."""

    def __init__(self, peer):
        super().__init__()
        self.peer, self.before = peer, peer.memory()["RssAnon"]
        self.most = self.before

    def run(self):
        while not self.end.wait(0.002):
            self.most = max(self.most, self.peer.memory()["RssAnon"])

    @property
    def mib(self):
        return (self.most - self.before) / 1024


def sync(whd, changed):
    rpc = whd.rpc()
    cpu, pages = whd.cpu_ns(), written_bytes(whd)
    with Peak(whd) as peak:
        began = time.monotonic()
        result = rpc.call("sync.now", timeout_ms=120000)
        ms = (time.monotonic() - began) * 1000
    rpc.close()
    if result["changed"] != changed or not result["complete"]:
        raise RuntimeError(f"a list with {changed} changes gave {result}")
    pages = (written_bytes(whd) - pages) / PAGE
    return {"ms": ms, "cpu_ms": (whd.cpu_ns() - cpu) / 1e6, "pages": pages,
            "pages_per_row": pages / changed if changed else None, "mib": peak.mib}


def resync(bench, changed):
    """Each round lists once, with the given number of other webhooks changed since."""
    nginx = bench.api_alone(bench.many)
    whd = bench.once("synced", lambda: bench.whd(nginx.url).synced().settled())
    step = max(bench.many // max(changed, 1), 1)
    places = [i * step for i in range(changed)]
    turns = bench.numbers

    def whd_side():
        if changed:
            nginx.serve(rows.body(bench.many, places, turn=next(turns) + 1))
            if bench.once("others", set) - set(places):
                sync_any(whd)
                nginx.serve(rows.body(bench.many, places, turn=next(turns) + 1))
            bench.kept["others"] = set(places)
        return sync(whd, changed)
    return {
        "whd": whd_side,
        "download": lambda: bench.run("fetch", url=nginx.url),
        "parse": lambda: bench.run("fetch", url=nginx.url, what="parse"),
    }


def sync_any(whd):
    rpc = whd.rpc()
    rpc.call("sync.now", timeout_ms=120000)
    rpc.close()


def sync_rows(name, beside, *goals):
    first, *others = goals
    return [Row(f"list of {{many}}, {name}", "ms", "ms", beside, first),
            Row(f"list of {{many}}, {name}, CPU", "cpu_ms", "ms", beside),
            *others,
            Row(f"list of {{many}}, {name}, anonymous memory", "mib", "MiB")]


@comparison("sync-same", *sync_rows(
    "unchanged", "download", ("<=", 1.8, 1.3),
    Row("list of {many}, unchanged, pages written", "pages", "pages")))
def sync_same(bench):
    sides = resync(bench, 0)
    sides["whd"]()
    yield sides


@comparison("sync-one", *sync_rows(
    "one changed", "download", ("<=", 4, 2.5),
    Row("list of {many}, one changed, pages written", "pages", "pages", goal=("<=", 20, 12))))
def sync_one(bench):
    yield resync(bench, 1)


@comparison("sync-1%", *sync_rows(
    "1 % changed", "parse", ("<=", 1.0, 0.6),
    Row("list of {many}, 1 % changed, pages a changed row", "pages_per_row", "pages",
        goal=("<=", 2, 1.2))))
def sync_1(bench):
    yield resync(bench, bench.many // 100)


@comparison("sync-10%", *sync_rows("10 % changed", "parse", None), most=5)
def sync_10(bench):
    yield resync(bench, bench.many // 10)


@comparison("sync-first",
            Row("first list of {many}", "ms", "ms", "parse and put", ("<=", 5, 4)),
            Row("first list of {many}, CPU", "cpu_ms", "ms", "parse and put"),
            Row("first list of {many}, anonymous memory", "mib", "MiB", goal=("<=", 16, 8)),
            most=5)
def sync_first(bench):
    nginx = bench.api_alone(bench.many)

    def whd_side():
        whd = bench.whd(nginx.url, keep=False)
        try:
            with Peak(whd) as peak:
                whd.synced()
            ms = (time.monotonic() - whd.began) * 1000 - whd.ready_ms
            return {"ms": ms, "cpu_ms": whd.cpu_ns() / 1e6, "mib": peak.mib}
        finally:
            whd.stop()

    def naive():
        with bench.fresh() as folder:
            return bench.run("fetch", url=nginx.url, what="parse", folder=folder)
    yield {"whd": whd_side, "parse and put": naive}


@comparison("sync-six",
            Row("data.mdb after 6 lists with 1 % changed", "mib", "MiB", "before",
                ("<=", 1.5, 1.2)),
            most=1)
def sync_six(bench):
    """Each list changes other webhooks; the store is as the first list left it."""
    nginx = bench.api_alone(bench.many)
    nginx.serve(rows.body(bench.many))
    whd = bench.whd(nginx.url, keep=False).synced().settled()
    sizes = [whd.data_size()]
    for turn in range(6):
        places = range(turn, bench.many, 100)
        nginx.serve(rows.body(bench.many, places, turn=next(bench.numbers) + 1))
        sync_any(whd)
    sizes.append(whd.data_size())
    whd.stop()
    nginx.serve(rows.body(bench.many))
    yield {"whd": lambda: {"mib": sizes[1]}, "before": lambda: {"mib": sizes[0]}}


class Syncing(Meanwhile):
    """One list after the other while something else runs, each with 1 % changed."""

    def __init__(self, whd, nginx, bodies):
        super().__init__()
        self.whd, self.nginx, self.bodies = whd, nginx, itertools.cycle(bodies)
        self.count = 0

    def run(self):
        while not self.end.is_set():
            self.nginx.serve(next(self.bodies))
            sync_any(self.whd)
            self.count += 1


@comparison("get-while-syncing",
            Row("get, p99 while lists of {many} run", "p99_us", "us", "idle",
                ("<=", 1.5, 1.0)),
            Row("get, p50 while lists of {many} run", "p50_us", "us", "idle"))
def get_while_syncing(bench):
    """whd's loop and the client share a core, its other threads and the API the other one."""
    nginx = bench.api_alone(bench.many)
    nginx.serve(rows.body(bench.many))
    whd = bench.whd(nginx.url, keep=False).synced().settled()
    whd.spread(*bench.cpus)
    nginx.pin(bench.cpus[1])
    places = range(0, bench.many, 100)
    bodies = [rows.body(bench.many, places, turn=1), rows.body(bench.many, places, turn=2)]
    options = {"what": "get", "keys": bench.many, "cpu": bench.cpus[0],
               "seconds": max(bench.seconds, 2)}

    def during():
        with Syncing(whd, nginx, bodies) as syncing:
            found = bench.load("rpc", whd, **options)
        return found | {"lists": syncing.count}
    yield {"whd": during, "idle": lambda: bench.load("rpc", whd, **options)}
    whd.stop()
    nginx.pin(None)
    nginx.serve(rows.body(bench.many))
