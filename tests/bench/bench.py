# SPDX-License-Identifier: MIT
"""Measures whd beside its peers, in turns, and writes a table, a JSON file and pictures.

packaging/bench.sh calls it. All that runs is started here, in a private
folder, and ended here.
"""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import types

import msgpack

import compare
import growth  # noqa: F401: registers its comparisons
import peers
import picture
import plot
import reads  # noqa: F401
import rest  # noqa: F401
import rows
import syncs  # noqa: F401
import table
import writes  # noqa: F401

QUICK = {"rounds": 1, "seconds": 0.2, "many": 2000, "commits": 50, "changes": 200,
         "subscribers": 50}
FULL = {"rounds": 9, "seconds": 1.0, "many": reads.MANY, "commits": 1000, "changes": 10000,
        "subscribers": 1000}


class Bench:
    """The folder, the sizes, and the servers that comparisons share."""

    def __init__(self, build, sizes, stack):
        self.whd_program, self.load_program = build / "bin/whd", build / "tests/whd-bench"
        self.stack = stack
        self.folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="whd-bench-", dir="/var/tmp")))
        self.numbers = itertools.count()
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = (cpus[0], cpus[-1])
        for name, value in sizes.items():
            setattr(self, name, value)
        self.kept = {}

    def say(self, what):
        if sys.stderr.isatty():
            print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    # ------------------------------------------------------------ whd-bench --

    def begin(self, verb, **options):
        argv = [self.load_program, verb]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)

    def end(self, process):
        out, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(process.args)} failed")
        return json.loads(out)

    def run(self, verb, **options):
        return self.end(self.begin(verb, **options))

    def load(self, speak, peer, **options):
        return self.run("load", speak=speak, socket=peer.socket, pid=peer.pid, **options)

    # -------------------------------------------------------------- servers --

    def new(self, kind):
        """A folder of its own for a server."""
        folder = self.folder / f"{kind}{next(self.numbers)}"
        folder.mkdir()
        return folder

    @contextlib.contextmanager
    def fresh(self):
        folder = self.new("floor")
        yield folder
        shutil.rmtree(folder)

    def keep(self, peer):
        self.stack.callback(peer.stop)
        return peer

    def once(self, name, make):
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def serving(self, n):
        """nginx with a list of n webhooks."""
        nginx = self.keep(peers.Nginx(self.new("nginx")))
        nginx.serve(rows.body(n))
        return nginx

    def api(self, n):
        return self.once(f"api {n}", lambda: self.serving(n))

    def api_alone(self, n):
        """The same, for a comparison that changes the list or stops it."""
        return self.once("api alone", lambda: self.serving(n))

    def answers_of(self, whd):
        """(id, what get answers) of all rows."""
        rpc = whd.rpc()
        pairs = [(w["whid"], msgpack.packb(w)) for page in rpc.pages() for w in page]
        rpc.close()
        return pairs

    def served(self, n):
        """whd, redis and memcached on one core, with the same n answers."""
        def make():
            cpu = self.cpus[0]
            all_of = types.SimpleNamespace(
                whd=self.keep(peers.Whd(self.whd_program, self.new("whd"), self.api(n).url,
                                        cpu)),
                redis=self.keep(peers.Redis(self.new("redis"), cpu)),
                memcached=self.keep(peers.Memcached(self.new("memcached"), cpu)))
            pairs = self.answers_of(all_of.whd.synced())
            all_of.redis.fill(pairs)
            all_of.memcached.fill(pairs)
            return all_of
        return self.once(f"served {n}", make)

    def whd(self, url, keep=True, **settings):
        peer = peers.Whd(self.whd_program, self.new("whd"), url, **settings)
        return self.keep(peer) if keep else peer

    def offline_alone(self, n):
        """whd with n webhooks whose API has gone away."""
        nginx = self.serving(n)
        whd = self.whd(nginx.url).synced().settled()
        nginx.stop()
        return whd

    def offline(self, n):
        """The same, shared by all that say so."""
        return self.once(f"offline {n}", lambda: self.offline_alone(n))

    def written(self):
        """whd and redis, both flushing each change; whd's API has gone away. Nothing is queued
        there yet, as the floors have nothing but their rows either."""
        whd = self.offline_alone(self.many)
        redis = self.keep(peers.Redis(self.new("redis"), durable=True))
        redis.fill(self.answers_of(whd))
        return whd, redis


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.split(": ")[1] for line in text.splitlines() if line.startswith("model name")]
    return (f"{len(names)} x {names[0] if names else platform.machine()}, "
            f"Linux {platform.release().split('-')[0]}, load before {os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser(prog="packaging/bench.sh")
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="comparisons whose name begins so; may be repeated")
    parser.add_argument("--rounds", type=int, help="how often each side is measured")
    parser.add_argument("--many", type=int, help="webhooks, instead of 100,000")
    parser.add_argument("--list", action="store_true", help="show the names and end")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--picture", type=pathlib.Path, metavar="FILE",
                        help="whd beside its peers, as SVG")
    parser.add_argument("--growth", type=pathlib.Path, metavar="FILE",
                        help="time over size, of the comparisons growth*, as SVG")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    names = [n for n in compare.COMPARISONS
             if not asked.only or any(n.startswith(o) for o in asked.only)]
    if asked.list:
        print("\n".join(names))
        return
    sizes = dict(QUICK if asked.quick else FULL)
    sizes["rounds"] = asked.rounds or sizes["rounds"]
    sizes["many"] = asked.many or sizes["many"]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = {"machine": machine(), "quick": asked.quick, "rows": []}
    with contextlib.ExitStack() as stack:
        bench = Bench(asked.build, sizes, stack)
        for name in names:
            found["rows"] += compare.run(name, bench)
    bench.say("")
    print(table.text(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.picture:
        asked.picture.write_text(picture.svg(found), encoding="utf-8")
    if asked.growth:
        asked.growth.write_text(plot.svg(found), encoding="utf-8")


if __name__ == "__main__":
    main()
