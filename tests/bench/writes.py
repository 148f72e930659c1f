# SPDX-License-Identifier: MIT
"""Durable changes beside redis, SQLite, bare LMDB commits and bare flushes."""

from compare import Row, comparison

SIZE = 500


def create(bench, clients):
    whd, redis = bench.written()
    options = {"clients": clients, "keys": bench.many, "size": SIZE, "seconds": bench.seconds}
    return {
        "whd": lambda: bench.load("rpc", whd, what="create", **options),
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
            Row("durable creates, 50 clients, server CPU", "cpu_us", "us/ack", "redis"))
def create_50(bench):
    yield create(bench, 50) | {
        "LMDB rows": floor(bench, "store", what="create", keys=bench.many, depth=50)}
