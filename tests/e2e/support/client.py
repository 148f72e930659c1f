# SPDX-License-Identifier: MIT
"""The project's own Python client, with every answer held against the contract, and what tests
ask again and again."""

import contextlib
import re
import time

from support import contract, paths  # paths: puts whclient.py into reach
from support.data import webhook

import whclient

assert paths.CLIENT
WhdError = whclient.WhdError
OWN_CODES = ("UNREACHABLE", "LOST", "PROTOCOL")  # the client's, not whd's


def counted(name, metrics):
    """What a counter stands at in what `metrics` answers."""
    return int(re.search(rf"^whd_{name}_total (\d+)$", metrics, re.MULTILINE)[1])


class Client(whclient.Client):
    """A blocking client whose answers are checked."""

    Error = WhdError

    def __init__(self, path, timeout=60):
        super().__init__(str(path), timeout)

    def call(self, method, **params):
        given = [name for name, value in params.items() if value is not None]
        try:
            result = super().call(method, **params)
        except WhdError as error:
            if error.code not in OWN_CODES:
                contract.note_error(error.type, error.code, error.message)
            raise
        contract.note_result(method, given, result)
        return result

    def go_offline(self, sim):
        """Takes the API away and makes whd notice: the gate `link` is shut afterwards."""
        sim.down()
        for _ in range(8):  # at most five failures in a row make an outage
            with refused("OFFLINE"):
                self.call("sync.now")
            if self.status()["upstream"]["gate"] == "link":
                return
        raise AssertionError(f"no outage noticed: {self.status()}")

    def go_online(self, sim):
        sim.up()
        return self.online()

    def warm_up(self, sim):
        """Creates webhook 0 while a list is held up, and returns its whid. From then on whd has
        two idle connections to the API: a change finds one used before, whatever lists do.
        For a whd that lists all the time."""
        rule = sim.fault("delay", method="GET", ms=600000)
        sim.wait_hits(rule)
        whid = self.applied(self.create(**webhook(0)))["whid"]
        sim.clear_faults(rule)
        self.call("sync.now")
        return whid

    # ------------------------------------------------------------- waiting --

    def synced(self, timeout=30):
        return self.call("wait", until="synced", timeout_ms=timeout * 1000)

    def idle(self, timeout=60):
        return self.call("wait", until="idle", timeout_ms=timeout * 1000)

    def online(self, timeout=30):
        return self.call("wait", until="online", timeout_ms=timeout * 1000)

    def settled(self, op, timeout=30):
        """The operation once it has ended or needs a person; fails if it does neither. It is
        that one, whatever it was merged into."""
        now = self.call("queue.wait", op=op["op"] if isinstance(op, dict) else op,
                        timeout_ms=timeout * 1000)
        assert now["state"] in whclient.SETTLED, now
        self.call("queue.get", op=now["op"])  # what it says is held against the table of reasons
        return now

    def applied(self, op, timeout=30):
        """The operation, which must have taken effect."""
        now = self.settled(op, timeout)
        assert now["state"] == "done", self.call("queue.get", op=now["op"])
        return now

    def until(self, seen, since=0, timeout=30):
        """Follows the change log from `since` until seen(event) is true; returns that event."""
        while True:
            page = self.call("events.read", since=since, timeout_ms=timeout * 1000)
            assert not page.get("reset"), page
            assert page["events"], f"nothing of the kind happened in {timeout} s"
            for event in page["events"]:
                if seen(event):
                    return event
            since = page["revision"]

    def op_state(self, op, state, since=0, timeout=30):
        """Waits until the operation has been in this state."""
        ident = op["op"] if isinstance(op, dict) else op
        return self.until(lambda e: e.get("op") == ident and e.get("state") == state, since,
                          timeout)

    def behind(self):
        """How many operations whd left without index rows."""
        m = self.call("dump", section="store")["store"]
        return m["op_seq"] - m["ops_tail"] + 1 if m["ops_tail"] else 0

    def past_behind(self):
        """How many ended operations it left without their index row by webhook."""
        m = self.call("dump", section="store")["store"]
        return m["history_head"] - m["history_behind"] + 1 if m["history_behind"] else 0

    def rows_behind(self):
        """How many webhooks are changed whose rows it has still to write."""
        return self.call("dump", section="store")["store"]["settled"]

    def caught_up(self, left=1024, timeout=30):
        """Waits until these are few, as they soon are when nobody wants anything."""
        end = time.monotonic() + timeout
        while (behind := max(self.behind(), self.past_behind())) > left or self.rows_behind():
            assert time.monotonic() < end, f"{behind} operations have no index rows yet"

    def head(self):
        """The newest revision of the change log."""
        return self.call("events.read")["revision"]

    def all_events(self, since=0, limit=1000):
        """Every event after `since`, page by page."""
        found = []
        while True:
            page = self.call("events.read", since=since, limit=limit, timeout_ms=0)
            assert not page.get("reset")
            if not page["events"]:
                return found
            assert len(page["events"]) <= limit
            assert page["revision"] == page["events"][-1]["revision"]
            found += page["events"]
            since = page["revision"]

    def counter(self, name):
        return counted(name, self.call("metrics"))

    def gate(self, name, timeout=30, since=0):
        """Waits until the change log says that this gate is the worst one shut ("open": none)."""
        return self.until(lambda e: e["kind"] == "gate" and e["state"] == name, since, timeout)


@contextlib.contextmanager
def refused(code, *parts):
    """The block must fail with this error code, and a sentence that names `parts`."""
    try:
        yield
    except WhdError as error:
        assert error.code == code, error
        for part in parts:
            assert part in error.message, error
    else:
        raise AssertionError(f"not refused with {code}")
