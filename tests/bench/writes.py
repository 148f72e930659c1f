# SPDX-License-Identifier: MIT
"""Durable changes beside redis, SQLite, bare LMDB commits and bare flushes."""

from compare import Row, comparison

SIZE = 500


def create(bench, clients, seconds=1):
    whd, redis = bench.written()
    options = {"clients": clients, "keys": bench.many, "size": SIZE,
               "seconds": seconds * bench.seconds}

    def creates():
        """What whd puts off until it is quiet takes nothing from who comes next, and is told."""
        got = bench.load("rpc", whd, what="create", **options)
        before = whd.cpu_ns()
        later = whd.settled().cpu_ns() - before
        return got | {"later_us": later / 1000 / (got["per_s"] * options["seconds"])}

    return {
        "whd": creates,
        "redis": lambda: bench.load("redis", redis, what="set", **options),
    }


def floor(bench, verb, **options):
    """A fresh folder on the same file system, with as many rows before."""
    options = {"size": SIZE, "count": bench.commits} | options

    def once():
        with bench.fresh() as folder:
            return bench.run(verb, folder=folder, **options)
    return once


@comparison("create-1",
            Row("durable create, 1 client, p50", "p50_us", "us", "LMDB commit",
                ("<=", 1.4, 1.15), floor="fdatasync"),
            Row("the same beside a commit of rows like whd's", "p50_us", "us", "LMDB rows"),
            Row("durable create, 1 client, p50 beside redis", "p50_us", "us", "redis"),
            Row("durable create, 1 client, p50 beside SQLite", "p50_us", "us", "SQLite"))
def create_1(bench):
    yield create(bench, 1) | {
        "LMDB commit": floor(bench, "commit", keys=bench.many),
        "LMDB rows": floor(bench, "store", what="create", keys=bench.many),
        "SQLite": floor(bench, "sqlite", keys=bench.many),
        "fdatasync": floor(bench, "flush"),
    }


@comparison("create-8",
            Row("durable creates, 8 clients", "per_s", "acks/s", "redis"))
def create_8(bench):
    yield create(bench, 8)


@comparison("create-50",
            Row("durable creates, 50 clients", "per_s", "acks/s", "redis", (">=", 0.85, 1.0),
                floor="LMDB rows"),
            Row("durable creates, 50 clients, server CPU", "cpu_us", "us/ack", "redis"),
            Row("the same, server CPU for index rows afterwards", "later_us", "us/ack"))
def create_50(bench):
    yield create(bench, 50) | {
        "LMDB rows": floor(bench, "store", what="create", keys=bench.many, depth=50)}


@comparison("create-50-long",
            Row("durable creates, 50 clients, six times as long", "per_s", "acks/s", "redis"),
            Row("the same, p99", "p99_us", "us", "redis"), most=3)
def create_50_long(bench):
    """More than whd leaves without index rows."""
    yield create(bench, 50, 6)
