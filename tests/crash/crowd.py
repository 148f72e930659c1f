# SPDX-License-Identifier: MIT
"""Who is about while whd is killed: clients that want changes, others who edit the same webhooks
at the API, and a network that does what it likes. Each is a thread with a seed of its own, and
keeps a book of what it did."""

import copy
import random
import threading

import msgpack

from support.client import Client, WhdError
from support.data import webhook

GONE = ("LOST", "UNREACHABLE", "SHUTTING_DOWN", "TIMEOUT")
REFUSED = ("NOT_FOUND", "DELETED", "BAD_STATE", "CONFLICT", "QUEUE_FULL", "NOT_SYNCED")
FAULTS = (
    dict(action="close_after"), dict(action="reset_after"), dict(action="close_before"),
    dict(action="reset_before"), dict(action="cut_body"), dict(action="garbage"),
    dict(action="status", status=503), dict(action="status", status=500, execute=True),
    dict(action="html", status=502), dict(action="apim_429", seconds=1),
    dict(action="delay", ms=100), dict(action="slow_body", bytes=64, ms=5),
    dict(action="execute_late", ms=150), dict(action="empty_200"),
)
FAULTS_OF_CHANGES = (dict(action="execute_twice", method="PATCH"),
                     dict(action="execute_twice", method="DELETE"),
                     dict(action="status", status=400, method="POST", body={"message": "no"}))


class Member(threading.Thread):
    """Acts again and again until told to stop; what goes wrong in it is kept."""

    def __init__(self, crowd, name):
        super().__init__(name=name, daemon=True)
        self.crowd, self.draw = crowd, random.Random(f"{crowd.seed} {name}")
        self.sim = copy.copy(crowd.sim)     # a control connection of its own
        self.sim._connection = None
        self.error = None

    def run(self):
        try:
            while not self.crowd.over.is_set():
                self.act()
        except BaseException as error:
            self.error = error
            self.crowd.over.set()

    def pause(self, most):
        """Until the API has seen a few more requests; never long."""
        seen = self.sim.stats()["log"]
        self.sim.verb("GET", f"/wait?log_at_least={seen + self.draw.randint(1, most)}"
                             f"&timeout_ms={self.draw.randint(20, 400)}")


class Asked:
    """A change that was asked for: its parameters, and its operation once acknowledged."""

    def __init__(self, method, params, marker):
        self.method, self.params, self.marker = method, params, marker
        self.op = self.refused = None


class Person(Member):
    """A client. The webhooks it changes nobody else at whd does: its order is theirs."""

    def __init__(self, crowd, number, whids):
        super().__init__(crowd, f"client {number}")
        self.number, self.targets, self.asked = number, list(whids), []
        self.client = None

    def act(self):
        change = self.draw.choices((self.create, self.comment, self.processes, self.delete),
                                   (3, 4, 3, 1))[0]
        asked = change(f"{self.number}-{len(self.asked)}")
        if asked:
            self.asked.append(asked)
            self.ask(asked)
        if self.draw.random() < 0.4:
            self.pause(20)

    # ------------------------------------------------------------- changes --

    def create(self, marker):
        row = webhook(whname=f"made {marker}", callbackUrl=f"https://hooks.example.org/{marker}")
        return Asked("webhook.create", row, marker)

    def some_target(self):
        return self.draw.choice(self.targets) if self.targets else None

    def comment(self, marker):
        whid = self.some_target()
        params = {"whid": whid, "set": {"whcomment": marker}}
        return whid and Asked("webhook.update", params, marker)

    def processes(self, marker):
        whid = self.some_target()
        verb = self.draw.choice(("add_processes", "remove_processes"))
        names = self.draw.sample(["all", "p0", "x", "y", "z"], 2)
        return whid and Asked("webhook.update", {"whid": whid, verb: names}, None)

    def delete(self, marker):
        whid = self.some_target()
        if whid:
            self.targets.remove(whid)
        return whid and Asked("webhook.delete", {"whid": whid}, None)

    # -------------------------------------------------------------- asking --

    def call(self, method, **params):
        """Asks until somebody answers: whd may be dead for a while."""
        while True:
            try:
                if not self.client:
                    self.client = Client(self.crowd.socket)
                return self.client.call(method, **params)
            except WhdError as error:
                if error.code not in GONE:
                    raise
                self.client = None
                self.crowd.alive.wait(1)

    def ask(self, asked):
        ident = f"{self.crowd.seed} {self.number} {len(self.asked)}"
        if self.draw.random() < 0.1:
            self.ask_and_hang_up(asked, ident)
        try:
            answer = self.call(asked.method, request_id=ident, **asked.params)
        except WhdError as error:
            assert error.code in REFUSED, error
            asked.refused = error.code
            return
        asked.op = answer["op"]
        if asked.method == "webhook.create":
            self.targets.append(answer["tmp_id"])
            self.look_at(answer["tmp_id"], asked.params["whname"])

    def ask_and_hang_up(self, asked, ident):
        """Sends the request and does not wait for what becomes of it; it is then asked again."""
        try:
            client = Client(self.crowd.socket)
            client._sock.sendall(msgpack.packb([0, 1, asked.method,
                                                [{**asked.params, "request_id": ident}]]))
            client.close()
        except (WhdError, OSError):
            pass

    def look_at(self, whid, whname):
        """What is acknowledged is seen, whoever died meanwhile."""
        assert self.call("webhook.get", whid=whid)["whname"] == whname


class Edit:
    """What somebody set at the API, and between which entries of its log."""

    def __init__(self, whid, member, value, before, after):
        self.whid, self.member, self.value = whid.lower(), member, value
        self.before, self.after = before, after


class Others(Member):
    """People who edit, add and remove rows at the API itself."""

    def __init__(self, crowd):
        super().__init__(crowd, "others")
        self.edits, self.n = [], 0

    def act(self):
        self.n += 1
        rows = self.sim.rows()
        what = self.draw.choices((self.edit, self.add, self.remove), (12, 2, 1))[0]
        if rows:
            what(self.draw.choice(rows))
        self.pause(12)

    def edit(self, row):
        member = "whcomment" if self.draw.random() < 0.15 else "applicationId"
        value, before = f"other {self.n}", self.sim.mark()
        try:
            self.sim.edit(row["whid"], **{member: value})
        except AssertionError:
            return  # it is gone by now
        self.edits.append(Edit(row["whid"], member, value, before, self.sim.mark()))

    def add(self, _):
        self.sim.add(**webhook(whname=f"other {self.n}", callbackUrl=f"https://o.example/{self.n}"))

    def remove(self, row):
        if not row["whname"].startswith("made"):
            self.sim.remove(row["whid"])


class Weather(Member):
    """Cuts, delays, doubles, garbles and refuses; takes the network away now and then."""

    def __init__(self, crowd):
        super().__init__(crowd, "weather")

    def act(self):
        if self.draw.random() < 0.08:
            self.sim.net(self.draw.choice(("refuse", "blackhole")))
            self.pause(3)
            self.sim.up()
        rule = dict(self.draw.choice(FAULTS if self.draw.random() < 0.85 else FAULTS_OF_CHANGES))
        rule.setdefault("method", self.draw.choice(("*", "POST", "PATCH", "DELETE", "GET")))
        self.sim.fault(count=self.draw.randint(1, 3), skip=self.draw.randint(0, 5), **rule)
        self.pause(10)
        if self.draw.random() < 0.3:
            self.sim.clear_faults()
