# SPDX-License-Identifier: MIT
"""get, list, and reads while others write, beside redis and memcached."""

from compare import Row, comparison

MANY, FEW = 100_000, 1000


def get(bench, keys, clients, depth, apart):
    """apart: client and server on a core each; else both on one, as latency is compared."""
    served = bench.served(keys)
    cpu = bench.cpus[1] if apart else bench.cpus[0]
    options = {"what": "get", "keys": keys, "clients": clients, "depth": depth,
               "cpu": cpu, "seconds": bench.seconds}
    return {
        "whd": lambda: bench.load("rpc", served.whd, **options),
        "redis": lambda: bench.load("redis", served.redis, **options),
        "memcached": lambda: bench.load("memcached", served.memcached, **options),
    }


@comparison("get-1",
            Row("get, 1 client", "per_s", "req/s", "redis", (">=", 1.1, 1.2), floor="memcached"),
            Row("get, 1 client, p50", "p50_us", "us", "redis", floor="memcached"),
            Row("get, 1 client, p99", "p99_us", "us", "redis", ("<=", 1.0, 0.9),
                floor="memcached"))
def get_1(bench):
    yield get(bench, bench.many, 1, 1, apart=False)


@comparison("get-50",
            Row("get, 50 clients", "per_s", "req/s", "redis", (">=", 1.1, 1.3),
                floor="memcached"),
            Row("get, 50 clients, server CPU", "cpu_us", "us/req", "redis", ("<=", 0.9, 0.8),
                floor="memcached"))
def get_50(bench):
    yield get(bench, bench.many, 50, 1, apart=True)


@comparison("get-1x16",
            Row("get, 1 client, depth 16", "per_s", "req/s", "redis", (">=", 1.2, 1.5),
                floor="memcached"),
            Row("get, 1 client, depth 16, server CPU", "cpu_us", "us/req", "redis",
                floor="memcached"))
def get_1x16(bench):
    yield get(bench, bench.many, 1, 16, apart=False)


@comparison("get-50x16",
            Row("get, 50 clients, depth 16, {many} keys", "per_s", "req/s", "redis",
                (">=", 1.2, 1.6), floor="memcached"),
            Row("get, 50 clients, depth 16, {many} keys, server CPU", "cpu_us", "us/req",
                "redis", floor="memcached"))
def get_50x16(bench):
    yield get(bench, bench.many, 50, 16, apart=True)


@comparison("get-50x16-few",
            Row("get, 50 clients, depth 16, 1,000 keys", "per_s", "req/s", "redis",
                (">=", 1.5, 2.0), floor="memcached"),
            Row("get, 50 clients, depth 16, 1,000 keys, server CPU", "cpu_us", "us/req",
                "redis", floor="memcached"))
def get_50x16_few(bench):
    yield get(bench, FEW, 50, 16, apart=True)


@comparison("list",
            Row("list of {many}", "mb_per_s", "MB/s", "redis", (">=", 2.0, 2.5)),
            Row("list of {many}, anonymous memory it takes", "extra_mib", "MiB",
                goal=("<=", 2.0, 0.5)))
def list_all(bench):
    served = bench.served(bench.many)

    def of(speak, peer):
        before = peer.memory()["RssAnon"]
        found = bench.run("list", speak=speak, socket=peer.socket, count=3, cpu=bench.cpus[1])
        if found["items"] != bench.many:
            raise RuntimeError(f"{speak}: {found['items']} of {bench.many} listed")
        found["extra_mib"] = max(0, peer.memory()["RssAnon"] - before) / 1024
        return found
    yield {"whd": lambda: of("rpc", served.whd), "redis": lambda: of("redis", served.redis)}


@comparison("get-while-writing",
            Row("get, p99 while 8 durable writers run", "p99_us", "us", "redis",
                ("<=", 0.40, 0.25)),
            Row("get, p50 while 8 durable writers run", "p50_us", "us", "redis"))
def get_while_writing(bench):
    whd, redis = bench.written()

    def of(speak, peer, what):
        writers = bench.begin("load", speak=speak, what=what, socket=peer.socket, keys=bench.many,
                              clients=8, seconds=bench.seconds + 1)
        found = bench.load(speak, peer, what="get", keys=bench.many, seconds=bench.seconds)
        found["writes_per_s"] = bench.end(writers)["per_s"]
        return found
    yield {"whd": lambda: of("rpc", whd, "create"), "redis": lambda: of("redis", redis, "set")}
