# SPDX-License-Identifier: MIT
"""Tries whd-bench and what bench.py makes of its numbers, without any peer.

    smoke.py WHD WHD-BENCH

A whd is filled from a list served here. Nothing is said about speed.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import xml.dom.minidom

import api
import bench
import compare
import peers
import picture
import plot
import table

ROWS = 1500  # two pages of a list


def check(what, holds):
    if not holds:
        sys.exit(f"smoke: {what}")


def try_generator(b, whd, api_url):
    """One call of each verb; what it counts must be what was done."""
    for what in ("get", "create", "update", "queue", "held"):
        found = b.load("rpc", whd, what=what, keys=ROWS, clients=3, depth=4, seconds=0.2)
        check(f"{what}: {found}", found["answers"] > 0 and found["p50_us"] <= found["p99_us"])
        check(f"{what}: no CPU time", found["cpu_us"] > 0)
    found = b.run("list", socket=whd.socket)
    check(f"list: {found}", found["items"] >= ROWS and found["bytes"] > ROWS * 400)
    found = b.run("follow", socket=whd.socket, clients=20, slow=2, count=3, keys=ROWS)
    check(f"follow: {found}", found["clients"] == 20 and found["bytes"] > 50)
    found = b.run("fan", clients=20, count=3, size=found["bytes"])
    check(f"fan: {found}", found["p50_us"] > 0)
    for verb in ("commit", "flush"):
        with b.fresh() as folder:
            found = b.run(verb, folder=folder, count=10, keys=10)
            check(f"{verb}: {found}", found["commits"] == 10)
    for what in ("create", "drain"):
        with b.fresh() as folder:
            found = b.run("store", what=what, folder=folder, count=10, depth=5, keys=50)
            check(f"store {what}: {found}", found["commits"] == 10 and found["per_s"] > 0)
    found = b.run("patch", url=api_url, count=50, clients=4)
    check(f"patch: {found}", found["requests"] == 50)


def try_refusal(b, whd):
    """Ids that are not there: an answer that is no webhook must end it."""
    process = b.begin("load", what="get", keys=ROWS * 1000, socket=whd.socket, seconds=5)
    check("a wrong answer was taken for a right one", process.wait() == 1)


def try_syncs(b, whd_program, server):
    """What lists are compared by; one changed webhook is far from all pages of the store."""
    vars(b).update(whd_program=whd_program, many=ROWS, seconds=0.2, rounds=1,
                   cpus=(min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))),
                   kept={"api alone": server}, say=lambda _: None)
    compare.run("sync-one", b)  # after it the store's file is as long as it will be for a while
    for name in ("sync-one", "sync-six", "get-while-syncing"):
        made = compare.run(name, b)
        found = {row["metric"]: row["whd"] for row in made}
        check(f"{name}: {made}", len(made) == len(compare.COMPARISONS[name][1]))
        check(f"{name}: {made}", 0 < found.get("pages", 1) < 40)


def try_growth(b):
    """Each size has its row of each operation, and the picture a line of each operation, also
    when it is drawn from the file. The queue is as long after all rounds as it was before."""
    vars(b).update(many=ROWS, seconds=0.2, rounds=2, kept={}, serving=api.serve)
    made = compare.run("growth", b) + compare.run("growth-queue", b)
    for name, operations in (("growth", 3), ("growth-queue", 5)):
        found = [r["size"] for r in made if r["comparison"] == name]
        check(f"{name}: {found}", found == [1000, ROWS] * operations)
    drawn = plot.svg(json.loads(json.dumps({"machine": "a & b", "rows": made})))
    parts = xml.dom.minidom.parseString(drawn)
    lines = [p for p in parts.getElementsByTagName("polyline") if p.hasAttribute("stroke-width")]
    check("a line each", len(lines) == 3 + 5)
    check("two points a line", len(parts.getElementsByTagName("circle")) == 2 * len(lines))
    check("no size, no line", "polyline" not in plot.svg({"machine": "none", "rows": [
        r | {"size": None} for r in made]}))


def try_report():
    """Ratios, verdicts, table and picture of made-up numbers."""
    row = compare.Row("get & <list>", "per_s", "req/s", "peer", (">=", 1.5, 3.0))
    found = {"whd": [{"per_s": 10.0}, {"per_s": 40.0}, {"per_s": 20.0}],
             "peer": [{"per_s": 10.0}, {"per_s": 10.0}, {"per_s": 10.0}]}
    made = compare.make_row("get", row, found, ROWS)
    check(f"row: {made}", made["ratio"] == 2.0 and made["verdict"] == "must" and
          (made["least"], made["most"]) == (1.0, 4.0))
    all_of = {"machine": "none", "rows": [made]}
    check("table", "2" in table.text(all_of) and ">= 1.5" in table.text(all_of))
    xml.dom.minidom.parseString(picture.svg(all_of))
    for name, (_, its_rows, _) in compare.COMPARISONS.items():
        for r in its_rows:
            check(f"{name}: a goal without sense", not r.goal or r.goal[0] in (">=", "<="))


def main(whd_program, load_program):
    server = api.serve(ROWS)
    with tempfile.TemporaryDirectory(prefix="whd-bench-") as folder:
        folder = pathlib.Path(folder)
        b = bench.Bench.__new__(bench.Bench)
        vars(b).update(vars(types.SimpleNamespace(
            load_program=load_program, folder=folder, numbers=iter(range(100)))))
        whd = peers.Whd(whd_program, folder / "whd", server.url)
        try:
            try_generator(b, whd.synced(), server.url)
            try_refusal(b, whd)
        finally:
            check("whd ended badly", whd.stop() == 0)
        with contextlib.ExitStack() as b.stack:
            try_syncs(b, whd_program, server)
            try_growth(b)
    try_report()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
