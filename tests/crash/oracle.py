# SPDX-License-Identifier: MIT
"""What must be true when everything is quiet, however often and wherever whd died.

Judged by the simulator's request log and rows, and by whd's queue, history and
rows: nothing acknowledged is lost, nothing was made up, each change was
executed once and in order, and whd shows what the API has.
"""

import json

from support.sim import six

CHANGES = ("POST", "PATCH", "DELETE")


def any_of(wanted):
    """A tuple is one of several that are right."""
    return wanted if isinstance(wanted, tuple) else (wanted,)


def differing(found, wanted):
    """What is not the same in two dicts: name -> (found, wanted)."""
    return {name: (found.get(name), wanted.get(name)) for name in {*found, *wanted}
            if found.get(name) != wanted.get(name)}


def sent_of(entry, names):
    """(whname, (method, whcomment)) of a request that changed something."""
    body = entry["body"]
    if isinstance(body, str) and body:
        body = json.loads(body)
    if entry["method"] == "DELETE":
        return names.get(entry["whid"].lower(), entry["whid"]), ("DELETE", None)
    return body["whname"], (entry["method"], body["whcomment"])


def executed(sim, names, since=0):
    """whname -> the changes that were executed, in order."""
    found = {}
    for entry in sim.log(since):
        if entry["method"] in CHANGES and entry["executed_n"]:
            name, sent = sent_of(entry, names)
            found.setdefault(name, []).extend([sent] * entry["executed_n"])
    return found


def all_ops(c):
    """Every operation there is, with its state: a list, so that one kept twice is seen."""
    found = []
    for method in ("queue.list", "history.list"):
        cursor = None
        while True:
            page = c.call(method, limit=1000, cursor=cursor)
            found += [(item["op"], item["state"]) for item in page["items"]]
            cursor = page.get("cursor")
            if not cursor:
                break
    return found


def check_ops(life, c):
    found = all_ops(c)
    assert len(dict(found)) == len(found), f"an operation is kept twice: {found}"
    names = {op: name for name, op in life.ops.items()}
    states = {names.get(op, op): state for op, state in found}
    wrong = {name: (states.get(name), life.ends.get(name)) for name in {*states, *life.ends}
             if states.get(name) not in any_of(life.ends.get(name))}
    assert not wrong, f"how changes ended: {wrong}"


def check_effects(life, sim, earlier, since):
    names = {whid.lower(): name for name, whid in life.whids.items()}
    seen = {name: list(sent) for name, sent in earlier.items()}
    for name, sent in executed(sim, names, since).items():
        seen.setdefault(name, []).extend(sent)
    for name in {*seen, *life.effects}:
        wanted = life.effects.get(name, [])
        if wanted is not None:
            found = seen.get(name, [])
            assert found in any_of(wanted), f"executed for {name}: {found}, not {wanted}"


def check_rows(life, sim, c):
    rows = {r["whname"]: six(r) for r in sim.rows()}
    assert len(rows) == len(sim.rows())
    assert rows == life.rows, f"the rows at the API: {differing(rows, life.rows)}"
    c.call("sync.now")
    theirs = {r["whid"].lower(): six(r) for r in sim.rows()}
    for view in ("effective", "confirmed"):
        shown = {w["whid"].lower(): six(w) for w in c.list(view=view)}
        assert shown == theirs, f"whd's {view} rows: {differing(shown, theirs)}"
    assert {w["_whd"]["state"] for w in c.list()} <= {"synced"}


def judge(life, sim, c, earlier=None, since=0):
    """earlier: what was executed up to entry `since` of the log, as executed() has it."""
    assert c.call("wait", until="idle", timeout_ms=30000)
    check_ops(life, c)
    check_rows(life, sim, c)
    check_effects(life, sim, earlier or {}, since)
