#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What demo.sh says is checked here, at the simulated API itself: its rows and its request log.

    demo_check.py CONTROL net refuse|up|blackhole   cut the API off, or bring it back
    demo_check.py CONTROL snapshot FILE          keep its rows and where its log is
    demo_check.py CONTROL equal LIST             LIST (whctl list --json) is what the API holds
    demo_check.py CONTROL effect FILE CHANGE..   since FILE just these changes came, once each
    demo_check.py CONTROL untouched FILE         since FILE nothing came, nothing changed
    demo_check.py CONTROL age LIST               LIST tells its true age, and that it is stale
    demo_check.py CONTROL request PATH           print what a GET of the control port answers
    demo_check.py same-queue BEFORE AFTER        two whctl queue list --json hold the same
    demo_check.py gone PID                       wait until a process has ended, 10 s at most

A CHANGE is: create NAME MEMBER=VALUE.. | update NAME MEMBER=VALUE.. | delete NAME
CONTROL is the url of whsim's control port, which answers whatever happens to the API.

Each fact that holds is one line on stdout. The first that does not is an `expected` and a `seen`
line, and exit status 1; wrong use is 2.
"""

import collections
import json
import os
import select
import sys
import time
import urllib.request

CHANGES = {"create": "POST", "update": "PATCH", "delete": "DELETE"}
LIST_TOOK = 1000     # ms between the moment whd asked for a list and the moment the API logged it
SHOWN_WITHIN = 5000  # ms between whd's answer and the check of it
PAGE = 1000          # log entries a call
DEADLINE = 10        # s, of any single call


class Seen(Exception):
    """What is not as expected."""

    def __init__(self, expected, seen):
        super().__init__(f"expected: {expected}\nseen: {seen}")


def expect(holds, expected, seen):
    if not holds:
        raise Seen(expected, seen)


# ---------------------------------------------------------------- the API --

def call(control, path, body=None):
    """A verb of the control port; no proxy of the environment stands between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    with opener.open(control + path, data, DEADLINE) as reply:
        return json.loads(reply.read())


def log_since(control, number):
    """The entries of the request log above a number."""
    entries = []
    while True:
        page = call(control, f"/log?since={number}&limit={PAGE}")
        entries += page["entries"]
        number = page["next"]
        if len(page["entries"]) < PAGE:
            return entries


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def net(control, state):
    call(control, "/net", {"state": state})
    yield f'network of the API: {call(control, "/stats")["net"]}'


def snapshot(control, path):
    kept = {"log": call(control, "/stats")["log"], "rows": call(control, "/rows")}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    yield from ()


def request(control, path):
    yield json.dumps(call(control, path), ensure_ascii=False, indent=1)


# ---------------------------------------------------------- lists of rows --

def differences(expected, seen):
    """Where two lists of rows differ, in words; nothing if they are equal member by member."""
    expected, seen = ({row["whid"]: row for row in rows} for rows in (expected, seen))
    for whid in expected.keys() | seen.keys():
        one, other = expected.get(whid), seen.get(whid)
        if one is None or other is None:
            yield f"{whid} is {'missing' if other is None else 'one too many'}"
            continue
        for member in one.keys() | other.keys():
            was, now = one.get(member, "(absent)"), other.get(member, "(absent)")
            if was != now:
                yield f"{whid}: {member} is {now!r}, not {was!r}"


def expect_same_rows(what, expected, seen):
    found = "; ".join(sorted(differences(expected, seen)))
    expect(not found and len(expected) == len(seen), what, found or f"{len(seen)} rows")


def expect_no_duplicate(rows):
    for member in ("whid", "whname", "callbackUrl"):
        value, times = collections.Counter(row[member] for row in rows).most_common(1)[0]
        expect(times == 1, f"every {member} once in the API's list", f"{value!r} {times} times")


def equal(control, path):
    rows = call(control, "/rows")
    mine = [{member: value for member, value in row.items() if member != "_whd"}
            for row in load(path)]
    expect_same_rows("whd's list equal to the API's list", rows, mine)
    expect_no_duplicate(rows)
    yield (f"its own list holds the same {len(rows)} webhooks, all {sum(map(len, rows))} members "
           "equal, nothing twice")


# -------------------------------------------------- changes and their log --

def value_of(text):
    member, value = text.split("=", 1)
    return member, value.split(",") if member == "processes" else value


def changes_of(words):
    """The CHANGE words as (kind, name, members)."""
    changes = []
    for word in words:
        if word in CHANGES:
            changes.append([word])
        else:
            changes[-1].append(word)
    return [(kind, name, dict(map(value_of, members))) for kind, name, *members in changes]


def apply(rows, changes, now):
    """The rows as they should be after the changes; what is new has the id the API gave it."""
    rows = [dict(row) for row in rows]
    for kind, name, members in changes:
        if kind == "create":
            ids = [row["whid"] for row in now if row["whname"] == name]
            expect(len(ids) == 1, f"one webhook {name!r} in the API's list", f"{len(ids)} of them")
            rows.append({"whid": ids[0], "whname": name, **members})
        elif kind == "update":
            next(row for row in rows if row["whname"] == name).update(members)
        else:
            rows = [row for row in rows if row["whname"] != name]
    return rows


def is_about(entry, kind, name, whid):
    """Is this log entry the request of that change? A create is known by its name only."""
    if entry["method"] != CHANGES[kind]:
        return False
    if kind == "create":
        return json.loads(entry["body"]).get("whname") == name
    return entry["whid"] == whid


def take_request(entries, kind, name, whid):
    """The one request that carried a change, taken out of the entries."""
    mine = [entry for entry in entries if is_about(entry, kind, name, whid)]
    expect(len(mine) == 1, f"one {CHANGES[kind]} for {name!r} in the API's log", len(mine))
    entry = mine[0]
    entries.remove(entry)
    expect(entry["executed_n"] == 1 and entry["rows_changed"] == 1 and entry["status"] // 100 == 2,
           f"the {CHANGES[kind]} for {name!r} executed once, one row changed, answered 2xx",
           f"executed {entry['executed_n']} times, {entry['rows_changed']} rows changed, "
           f"answered {entry['status']}")
    return entry


def effect(control, path, *words):
    before, changes = load(path), changes_of(words)
    now = call(control, "/rows")
    sent = [e for e in log_since(control, before["log"]) if e["method"] != "GET"]
    for kind, name, _ in changes:
        known = [row["whid"] for row in before["rows"] if row["whname"] == name]
        entry = take_request(sent, kind, name, known[0] if known else None)
        yield (f"one {entry['method']} for \"{name}\", log entry {entry['n']}, executed once, "
               f"answered {entry['status']}")
    expect(not sent, "no other changing request in the API's log",
           [(e["n"], e["method"], e["whid"] or e["body"]) for e in sent])
    expect_same_rows("the API's rows from before with exactly these changes",
                     apply(before["rows"], changes, now), now)
    yield ("no other changing request; its list is the one from before with just that: "
           f"{len(now)} webhooks")


def untouched(control, path):
    before = load(path)
    came, stats = log_since(control, before["log"]), call(control, "/stats")
    expect(stats["net"] == "refuse" and stats["connections"] == 0, "an API nobody can connect to",
           f"network {stats['net']}, {stats['connections']} connections")
    expect(not came, "no request in the API's log since it was cut off", f"{len(came)} of them")
    expect_same_rows("the API's rows as they were", before["rows"], call(control, "/rows"))
    yield "not one request came in since it was cut off, and its list has not changed"


def age(control, path):
    said, now = load(path)[0]["_whd"], int(time.time() * 1000)
    logged = [e["wall_ms"] for e in log_since(control, 0)
              if e["method"] == "GET" and e["whid"] is None and e["executed"]][-1]
    expect(0 <= logged - said["synced_at"] <= LIST_TOOK,
           f"synced_at when the API logged its last list, {logged}, or just before",
           said["synced_at"])
    expect(now - SHOWN_WITHIN <= said["synced_at"] + said["age_ms"] <= now,
           f"an age that counts from {said['synced_at']}: {now - said['synced_at']} ms have passed",
           f"{said['age_ms']} ms")
    expect(said["stale"], "the copy marked as stale", "stale: false")
    at = time.strftime("%H:%M:%S", time.localtime(logged // 1000))
    yield (f"its log has the last list at {at}.{logged % 1000:03}; whd says {said['age_ms']} ms, "
           "which is since then")


# ------------------------------------------------------------- whd's side --

def same_queue(before, after):
    """Ids, kinds, webhooks and members, in their order. State and attempts may have moved on."""
    was, now = ([{name: op.get(name) for name in ("op", "kind", "whid", "fields", "created_at")}
                 for op in load(path)] for path in (before, after))
    expect(was == now, was, now)
    yield f"the same {len(now)} operations, in the same order, with the same members"


def gone(pid):
    try:
        watched = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return
    ended, _, _ = select.select([watched], [], [], DEADLINE)
    expect(ended, f"process {pid} ended within {DEADLINE} s", "it is still there")
    yield from ()


# ------------------------------------------------------------------- main --

AT_API = {"net": net, "snapshot": snapshot, "equal": equal, "effect": effect,
          "untouched": untouched, "age": age, "request": request}
ELSEWHERE = {"same-queue": same_queue, "gone": gone}


def main(words):
    if words and words[0] in ELSEWHERE:
        facts = ELSEWHERE[words[0]](*words[1:])
    elif len(words) > 1 and words[1] in AT_API:
        facts = AT_API[words[1]](words[0], *words[2:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for fact in facts:
            print(fact, flush=True)
    except Seen as seen:
        print(seen)
        return 1
    except OSError as error:
        print(f"expected: an answer\nseen: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
