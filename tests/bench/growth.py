# SPDX-License-Identifier: MIT
"""What one operation takes the more webhooks there are, and the more operations are queued."""

import contextlib
import functools

import peers
import reads
import rest
import rows
from compare import Row, comparison

BETWEEN = (10_000, 100_000)
QUEUED = 100_000  # at most, however many webhooks there are
CREATED = "351"  # the municipality of all that whd-bench creates; rows.py knows none so named
AT_ONCE = 60
TAIL = 1100  # more than whd keeps without an index
STATES = ("queued", "checking", "sending", "unknown", "conflict", "held", "dead")


def sizes(most):
    """{side: size}, in the order of the rows that grown() makes."""
    return {"few": reads.FEW, **{f"{n:,}": n for n in BETWEEN if n < most}, "whd": most}


def grown(operation, metric, things, goal=None):
    """A row for each size; only the largest has a goal. The rows of a size that is not
    measured are left out of what is shown."""
    title = f"{operation}, {{size}} {things}"
    beside = f"{title} beside {reads.FEW:,}"
    yield Row(title, metric, "us", of="few")
    for n in BETWEEN:
        yield Row(beside, metric, "us", "few", of=f"{n:,}")
    yield Row(beside, metric, "us", "few", goal)


def sides(of, most):
    return {side: functools.partial(of, n) for side, n in sizes(most).items()}


@contextlib.contextmanager
def on_one_core(bench, whd):
    """Who asks and who answers share a core, as wherever reads are compared: else it is
    chance whether an answer wakes up another core. What waits for the disk may run anywhere."""
    whd.spread(*bench.cpus)
    yield {"cpu": bench.cpus[0]}
    whd.pin(None)


def page_us(bench, whd, core):
    return bench.run("list", what="page", socket=whd.socket, count=20, **core)["ms"] * 1000


# ---------------------------------------------------------------- webhooks --

def cancel_all(whd):
    """What was changed while it was measured, so that all reads find an empty queue. The last
    change may be on its way when the generator ends: it is there after the first cancel."""
    rpc = whd.rpc()
    while found := rpc.call("queue.list", limit=1000)["items"]:
        for chunk in peers.chunks(found, AT_ONCE):
            rpc.send(("queue.cancel", {"op": op["op"]}) for op in chunk)
    rpc.close()


@comparison("growth",
            *grown("get", "get_us", "webhooks", ("<=", 2.5, 1.8)),
            *grown("update", "update_us", "webhooks", ("<=", 2.5, 1.8)),
            *grown("page of one municipality", "page_us", "webhooks", ("<=", 2.5, 1.8)))
def growth(bench):
    whds = {n: bench.offline_alone(n) for n in sizes(bench.many).values()}

    def of(n):
        whd = whds[n]
        options = {"keys": n, "seconds": bench.seconds / 2}
        with on_one_core(bench, whd) as core:
            get = bench.load("rpc", whd, what="get", **options, **core)
            page = page_us(bench, whd, core)
        update = bench.load("rpc", whd, what="update", **options)
        cancel_all(whd)
        return {"size": n, "get_us": get["p50_us"], "update_us": update["p50_us"],
                "page_us": page}
    yield sides(of, bench.many)
    for whd in whds.values():
        whd.stop()


# ------------------------------------------------------------------- queue --

def expect(rpc, n):
    """n operations wait, the newest of them held."""
    queue = rpc.call("status")["queue"]
    if (sum(queue[state] for state in STATES), queue["held"]) != (n, 1):
        raise RuntimeError(f"the queue is not as it was made, {n} with 1 held: {queue}")
    for found, count in ((rpc.call("queue.list", limit=100), 100),
                         (rpc.call("queue.list", limit=100, state="held"), 1)):
        if len(found["items"]) != count:
            raise RuntimeError(f"{len(found['items'])} operations on a page, not {count}")


def take_back(whd, n):
    """What was created while it was measured: a create that is deleted before it has left
    ends with its delete, so that the next round finds as many operations as this one. The
    last of them may be on its way when the generator ends: it is there after the deletes."""
    rpc = whd.rpc()
    while created := [w["whid"] for page in rpc.pages(municipalityId=CREATED) for w in page]:
        for chunk in peers.chunks(created, AT_ONCE):
            rpc.send(("webhook.delete", {"whid": whid}) for whid in chunk)
    expect(rpc, n)
    rpc.close()


def create(whd, numbers):
    rpc = whd.rpc()
    for chunk in peers.chunks(numbers, AT_ONCE):
        made = [rows.row(i) | {"municipalityId": CREATED} for i in chunk]
        rpc.send(("webhook.create", {k: v for k, v in row.items() if k != "whid"})
                 for row in made)
    rpc.close()


def backlog(bench, webhooks, n):
    """whd with so many webhooks, n of which have a change that cannot leave. The newest is
    held: whoever lists what is held by looking at one after the other finds it last. Others
    come and go after it, so that in every queue it is among those that have an index."""
    whd = bench.offline_alone(webhooks)
    rest.queue(whd, range(n))
    rpc = whd.rpc()
    newest = rpc.call("queue.list", whid=rows.row_id(n - 1))["items"][0]
    rpc.call("queue.hold", op=newest["op"])
    rpc.close()
    create(whd, range(webhooks, webhooks + TAIL))
    take_back(whd, n)
    return whd


@comparison("growth-queue",
            *grown("get of a changed webhook", "get_us", "queued"),
            *grown("create", "create_us", "queued"),
            *grown("page of one municipality", "page_us", "queued"),
            *grown("first 100 of the queue", "queue_us", "queued"),
            *grown("the one that is held", "held_us", "queued"))
def growth_queue(bench):
    most = min(bench.many, QUEUED)
    webhooks = max(sizes(most).values())
    whds = {n: backlog(bench, webhooks, n) for n in sizes(most).values()}

    def of(n):
        def p50(what, **core):
            return bench.load("rpc", whds[n], what=what, keys=n, seconds=bench.seconds / 4,
                              **core)["p50_us"]
        with on_one_core(bench, whds[n]) as core:
            found = {f"{what}_us": p50(what, **core) for what in ("get", "queue", "held")}
            found["page_us"] = page_us(bench, whds[n], core)
        found["create_us"] = p50("create")
        take_back(whds[n], n)
        return found | {"size": n}
    yield sides(of, most)
    for whd in whds.values():
        whd.stop()
