# SPDX-License-Identifier: MIT
"""What must be true of a crowd's books once all is quiet: see check()."""

import json

import oracle
from support.sim import six

ENDED = ("done", "cancelled", "superseded")
PEOPLE = ("conflict", "held", "dead")
LATE = 500  # requests later than which nothing is carried out any more
CREATED = ("applied", "applied_changed", "adopted")


class Log:
    """The simulator's request log, by webhook."""

    def __init__(self, sim):
        self.entries = sim.log()
        self.posts, self.patches, self.looks = {}, {}, {}
        for entry in self.entries:
            self._add(entry)

    def _add(self, entry):
        whid = (entry["whid"] or "").lower()
        if entry["method"] == "GET" and whid:
            if entry["status"] == 200 and not entry["fault"]:
                self.looks.setdefault(whid, []).append(entry["n"])
        elif entry["executed_n"] and entry["method"] in ("POST", "PATCH"):
            body = json.loads(entry["body"]) if isinstance(entry["body"], str) else entry["body"]
            if entry["method"] == "POST":
                self.posts[body["whname"]] = self.posts.get(body["whname"], 0) + 1
            else:
                fault = entry["fault"] or ""
                self.patches.setdefault(whid, []).append((entry["n"], fault, body))


def ops_by_id(c):
    found = {}
    for op, state in oracle.all_ops(c):
        assert op not in found, f"{op} is kept twice"
        found[op] = state
    return found


def check_asked(c, log, asked, states):
    """Every change acknowledged is there, ended as documented, and nothing was made up."""
    acknowledged = {a.op for a in asked if a.op}
    assert set(states) == acknowledged, (set(states) ^ acknowledged)
    for a in asked:
        if not a.op:
            continue
        op = c.call("queue.get", op=a.op)
        assert op["state"] in ENDED, op
        if a.method == "webhook.create":
            check_create(a, op, log.posts.get(a.params["whname"], 0))


def check_create(asked, op, requests):
    made = op["state"] == "done" and op["result"] in CREATED
    assert requests <= 1, f"created {requests} times: {op}"
    if made:
        assert requests == 1, f"said to be made, but never was: {op}"
    elif op["kind"] == "create" and op["state"] == "superseded":
        assert requests == 0, op


def check_order(people, log):
    """The comments of one client reach each webhook in the order in which it asked for them."""
    for person in people:
        rank = {a.marker: n for n, a in enumerate(person.asked) if a.marker}
        for whid, patches in log.patches.items():
            mine = [rank[body["whcomment"]] for *_, body in patches if body["whcomment"] in rank]
            assert mine == sorted(mine), f"{person.name}, {whid}: {mine}"


def is_lost(edit, later, log):
    """
    The edit was overwritten. That nobody had read it before is the only excuse: the API has no
    conditional writes. A request that is carried out late may overwrite what others did after it.
    """
    for n, fault, body in log.patches.get(edit.whid, ()):
        late = "delay" in fault or "late" in fault
        if body[edit.member] in later or n <= edit.before - (LATE if late else 0):
            continue
        looks = [look for look in log.looks.get(edit.whid, ()) if look < n]
        assert not looks or looks[-1] <= edit.after, (
            f"{edit.value} of {edit.whid} is lost in request {n}, though request {looks[-1]} had "
            f"read it")
        return True
    return False


def check_edits(edits, log):
    """An edit of others in a member that no client changes survives every PATCH whose row was
    read after it. Returns how many did not, because they came in between."""
    lost = 0
    for number, edit in enumerate(edits):
        later = {e.value for e in edits[number:] if (e.whid, e.member) == (edit.whid, edit.member)}
        lost += edit.member != "whcomment" and is_lost(edit, later, log)
    return lost


def check_rows(sim, c):
    c.call("sync.now")
    theirs = {r["whid"].lower(): six(r) for r in sim.rows()}
    for view in ("effective", "confirmed"):
        shown = {w["whid"].lower(): six(w) for w in c.list(view=view)}
        assert shown == theirs, f"{view}: {oracle.differing(shown, theirs)}"


def settle_for_people(c):
    """A person gives up whatever needs one; returns how many of which kind there were."""
    kinds = {}
    for item in list(c.pages("queue.list", limit=1000)):
        assert item["state"] in PEOPLE, f"nothing else may be left: {item}"
        kind = f"{item['state']} {item.get('reason', '')}"
        kinds[kind] = kinds.get(kind, 0) + 1
        try:
            c.call("queue.cancel", op=item["op"], cascade=True)
        except c.Error as error:
            assert error.code in ("BAD_STATE", "OP_NOT_FOUND"), error  # ended with another
    return kinds


def check(crowd, c):
    c.idle(120)
    kinds = settle_for_people(c)
    c.idle(60)
    log = Log(crowd.sim)
    asked = [a for person in crowd.people for a in person.asked]
    check_asked(c, log, asked, ops_by_id(c))
    check_order(crowd.people, log)
    lost = check_edits(crowd.others.edits, log)
    check_rows(crowd.sim, c)
    return {"asked": len(asked), "acknowledged": sum(a.op is not None for a in asked),
            "edits": len(crowd.others.edits), "overwritten unseen": lost,
            "requests": len(log.entries), **kinds}
