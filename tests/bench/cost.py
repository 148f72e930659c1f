# SPDX-License-Identifier: MIT
"""Counts the instructions of a get, a listed webhook, a change and an element of the API's list.

    cost.py WHD

A true whd runs under callgrind, which counts the same on every machine however
busy it is. Each thing is done N times and then 2 N times; the difference, over
N, is what one of them costs. More than the bound means that something has
become dearer: find it with callgrind_annotate, or raise the bound and say why.
"""

import itertools
import pathlib
import re
import selectors
import subprocess
import sys
import tempfile

import api
import peers
import rows

ROWS = 2000
LEFT = 1024     # operations that whd leaves without index rows
LATER = 1100
BOUNDS = {  # instructions; what was counted when the bound was set, and a fifth
    "get": 5250,
    "plain get": 2150,
    "get again": 1500,
    "listed webhook": 2400,
    "queued create": 198_000,
    "queued create, and its index rows": 281_000,
    "unchanged element": 1400,
}


class Counted(peers.Whd):
    """whd under callgrind."""

    def __init__(self, program, folder, url):
        self.out = folder / "callgrind"
        folder.mkdir()
        super().__init__(program, folder, url, under=(
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}"),
            retry__base="5min", retry__cap="5min")  # nothing by itself once the API is gone
        self.part = 0

    def count(self):
        """Instructions since the last call."""
        self.part += 1
        subprocess.run(["callgrind_control", "-d", str(self.pid)], check=True,
                       capture_output=True)
        text = pathlib.Path(f"{self.out}.{self.part}").read_text(encoding="utf-8")
        return int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)[1])


def gets(rpc, n):
    """max_age: what depends on the time is answered anew."""
    for chunk in peers.chunks(range(n), 16):
        rpc.send(("webhook.get", {"whid": rows.row_id(i % ROWS), "max_age": 10**9})
                 for i in chunk)


def gets_plain(rpc, n):
    """Some are answered from memory, as many each time."""
    for chunk in peers.chunks(range(n), 16):
        rpc.send(("webhook.get", {"whid": rows.row_id(i % ROWS)}) for i in chunk)


def gets_again(rpc, n):
    for chunk in peers.chunks(range(n), 16):
        rpc.send(("webhook.get", {"whid": rows.row_id(i % 16)}) for i in chunk)


def lists(rpc, n):
    for _ in range(n // ROWS):
        if sum(map(len, rpc.pages(view="confirmed"))) != ROWS:
            sys.exit("cost: a list is not whole")


def creates(rpc, n, serial=itertools.count()):
    for _ in range(n):
        i = next(serial)
        hook = {**rows.row(i), "whname": f"new {i}", "callbackUrl": f"https://new.example/{i}"}
        del hook["whid"]
        rpc.call("webhook.create", **hook)


def syncs(rpc, n):
    for _ in range(n // ROWS):
        result = rpc.call("sync.now", timeout_ms=120000)
        if not result["complete"] or result["changed"]:
            sys.exit(f"cost: a list that says the same gave {result}")


def settle(rpc):
    """Until nothing goes on by itself: the index is built after the first list."""
    while not rpc.call("dump", section="store")["store"]["terms"]:
        pass


def catch_up(rpc):
    """Returns when whd leaves no more operations without index rows than it ever does. That it
    takes no processor time tells nothing: it may wait for a busy disk."""
    pause = selectors.DefaultSelector()
    while (m := rpc.call("dump", section="store")["store"])["ops_tail"] and \
            m["op_seq"] - m["ops_tail"] + 1 > LEFT:
        pause.select(0.1)
    pause.close()


def cost(whd, rpc, do, n):
    do(rpc, n)  # what is done once is done before
    whd.count()
    do(rpc, n)
    once = whd.count()
    do(rpc, 2 * n)
    return (whd.count() - once) / n


def main(program):
    api_server = api.serve(ROWS)
    with tempfile.TemporaryDirectory(prefix="whd-cost-") as folder:
        whd = Counted(program, pathlib.Path(folder) / "whd", api_server.url).synced()
        try:
            rpc = whd.rpc()
            settle(rpc)
            found = {"get": cost(whd, rpc, gets, 2 * ROWS),
                     "plain get": cost(whd, rpc, gets_plain, 2 * ROWS),
                     "get again": cost(whd, rpc, gets_again, 2 * ROWS),
                     "listed webhook": cost(whd, rpc, lists, ROWS),
                     "unchanged element": cost(whd, rpc, syncs, ROWS)}
            api_server.stop()
            found["queued create"] = cost(whd, rpc, creates, 100)

            def creates_and_rows(rpc, n):
                creates(rpc, n)
                catch_up(rpc)
            found["queued create, and its index rows"] = cost(whd, rpc, creates_and_rows, LATER)
            rpc.close()
        finally:
            whd.stop()
    dearer = [name for name, n in found.items() if n > BOUNDS[name]]
    for name, n in found.items():
        print(f"{name}: {n:.0f} instructions, at most {BOUNDS[name]}")
    if dearer:
        sys.exit(f"cost: too dear: {', '.join(dearer)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
