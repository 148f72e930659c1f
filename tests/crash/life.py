# SPDX-License-Identifier: MIT
"""What a life of whd is made of: steps that can be taken up again wherever whd died.

A step says what it wants, not what is to be sent next: a change carries a
request_id, a verb is for an operation that still is in the state it is for. So
a step that was cut off is simply done again, and whatever happened meanwhile
the end is the same: the rows at the API, what was executed there, in which
order, and how each operation ended.
"""

from support.data import webhook
from support.sim import six

PATIENCE_MS = 30000
PASSING = ("checking", "sending", "unknown")  # whd is at work on it
LEGAL = {"retry": ("dead", "held"), "cancel": ("queued", "held", "conflict", "dead"),
         "hold": ("queued",), "release": ("held",), "resolve": ("conflict", "held")}


class Life:
    """A script. `steps` are its methods in order; a subclass says what must be true in the end:
    `ends` by name of change, `effects` as (method, whcomment) by whname. A tuple holds what is
    right, too; None is anything."""

    steps = ()
    settings = {}
    seeds = 0
    ends = {}
    effects = {}

    def __init__(self):
        self.at = 0         # the step to do
        self.ops = {}       # name of a change -> its operation, once acknowledged
        self.whids = {}     # whname -> whid
        self.rows = {}      # whname -> the six members, as they must be in the end
        self.cut_off = False
        self.done = set()   # what is done once, whoever dies

    def copy(self):
        """As it is now: to go on more than once."""
        other = type(self)()
        other.at, other.cut_off = self.at, self.cut_off
        other.ops, other.whids, other.rows = dict(self.ops), dict(self.whids), dict(self.rows)
        other.done = set(self.done)
        return other

    def prepare(self, sim):
        """The rows that are there before whd is."""
        for n in range(self.seeds):
            row = webhook(n, whname=f"s{n}", whcomment="s")
            whid = f"0000000{n}-aaaa-4aaa-8aaa-00000000000{n}"
            self.whids[f"s{n}"] = sim.add(**row, whid=whid)["whid"]
            self.rows[f"s{n}"] = six(row)

    # ------------------------------------------------------------- changes --

    def change(self, name, c, method, **params):
        """Asks for a change under its name, until it is acknowledged."""
        if name not in self.ops:
            self.ops[name] = c.call(f"webhook.{method}", request_id=name, **params)["op"]
        return self.ops[name]

    def create(self, c, whname, **members):
        row = webhook(len(whname), whname=whname, whcomment=f"{whname} 0", **members)
        self.rows[whname] = six(row)
        return self.change(f"create {whname}", c, "create", **row)

    def update(self, c, whname, comment, n=1, **params):
        """Sets whcomment, which the effects know the change by."""
        if whname in self.rows:
            self.rows[whname] = {**self.rows[whname], "whcomment": comment}
        return self.change(f"update {whname} {n}", c, "update", whid=self.whids[whname],
                           set={"whcomment": comment}, **params)

    def delete(self, c, whname, **params):
        self.rows.pop(whname, None)
        return self.change(f"delete {whname}", c, "delete", whid=self.whids[whname], **params)

    # ------------------------------------------------------------- waiting --

    def look(self, c, name):
        return c.call("queue.get", op=self.ops[name])

    def settle(self, c, name, *wanted):
        """Waits until it has ended or needs a person; it must be as `wanted` then."""
        op = c.call("queue.wait", op=self.ops[name], timeout_ms=PATIENCE_MS)
        assert op["state"] in (wanted or ("done",)), (name, self.look(c, name))
        if op.get("whid") and op["kind"] == "create" and op["state"] == "done":
            self.whids[name.removeprefix("create ")] = op["whid"]
        return op

    def until(self, c, name, *states):
        """Waits until the operation is in one of these states."""
        while True:
            head = c.head()
            op = self.look(c, name)
            if op["state"] in states:
                return op
            c.call("events.read", since=head, timeout_ms=200)

    def verb(self, c, name, verb, **params):
        """An admin's verb, unless the operation has left the states that it is for."""
        while True:
            head = c.head()
            state = self.look(c, name)["state"]
            if state in LEGAL[verb]:
                try:
                    return c.call(f"queue.{verb}", op=self.ops[name], **params)
                except c.Error as error:
                    if error.code != "BAD_STATE":
                        raise
            elif state not in PASSING:
                return None
            c.call("events.read", since=head, timeout_ms=100)

    # -------------------------------------------------------------- others --

    def once(self, what):
        """True the first time: the simulator does not die."""
        first = what not in self.done
        self.done.add(what)
        return first

    def others_edit(self, sim, whname, **members):
        sim.edit(self.whids[whname], **members)

    def others_remove(self, sim, whname):
        if sim.row(self.whids[whname]):
            sim.remove(self.whids[whname])
        self.rows.pop(whname, None)

    def offline(self, sim, c):
        """The API is away, and whd has noticed: nothing that is queued moves."""
        self.cut_off = True
        sim.down()
        while True:
            now = c.status()
            if now["upstream"]["gate"] == "link" and not now["queue"]["checking"]:
                return
            try:
                c.call("sync.now")
            except c.Error as error:
                if error.code != "OFFLINE":
                    raise

    def online(self, sim, c):
        self.cut_off = False
        sim.up()
        c.online()

    def first_list(self, sim, c):
        c.synced()

    def idle(self, sim, c):
        c.idle()
