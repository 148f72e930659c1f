# SPDX-License-Identifier: MIT
"""The lives: together they pass every commit of whd and every edge between two states."""

from life import Life
from support.data import webhook
from support.sim import six


class Changes(Life):
    """Every kind of change, online and offline, with what others do in between."""

    seeds = 8
    ends = {
        "create a": "done", "update a 1": "done", "update a 2": "done", "create b": "done",
        "update b 1": "done", "create c": "cancelled", "delete c": "cancelled",
        "update s1 1": "done", "update s2 1": ("superseded", "done"), "delete s2": "done",
        "delete s3": "done", "update s4 1": "cancelled", "update s5 1": "cancelled",
        "update s6 1": "done", "create s7": "done", "update s7 1": "done",
        "delete s0": ("done", None),
    }
    effects = {
        "a": [("POST", "a 0"), ("PATCH", "a 1"), ("PATCH", "a 1")], "b": [("POST", "b 1")],
        "s0": [], "s1": [("PATCH", "mine")], "s3": [("DELETE", None)],
        # a look at the row may be under way when the delete comes: then both are sent
        "s2": ([("DELETE", None)], [("PATCH", "x"), ("DELETE", None)]),
        "s7": [("PATCH", "s7 1")],
    }

    def create_a(self, sim, c):
        self.create(c, "a")
        self.settle(c, "create a")

    def update_a(self, sim, c):
        self.update(c, "a", "a 1")
        self.settle(c, "update a 1")

    def add_a_process(self, sim, c):
        self.change("update a 2", c, "update", whid=self.whids["a"], add_processes=["more"])
        processes = sorted({*self.rows["a"]["processes"], "more"})
        self.rows["a"] = {**self.rows["a"], "processes": processes}
        self.settle(c, "update a 2")

    def queue_creates(self, sim, c):
        for whname in ("b", "c"):
            self.create(c, whname)
            self.whids[whname] = self.look(c, f"create {whname}")["whid"]
        self.update(c, "b", "b 1")
        self.delete(c, "c")

    def queue_changes(self, sim, c):
        self.update(c, "s1", "mine")
        self.update(c, "s2", "x")
        self.delete(c, "s2")
        self.delete(c, "s3")
        self.update(c, "s4", "x")
        self.update(c, "s5", "x")
        self.update(c, "s6", "same")

    def others_meanwhile(self, sim, c):
        self.others_edit(sim, "s1", whcomment="theirs")
        self.others_edit(sim, "s5", whcomment="theirs")
        self.others_edit(sim, "s6", whcomment="same")
        self.others_remove(sim, "s4")
        self.rows["s5"] = {**self.rows["s5"], "whcomment": "theirs"}

    def conflicts(self, sim, c):
        for name in ("update s1 1", "update s4 1", "update s5 1"):
            self.settle(c, name, "conflict", "done", "cancelled")

    def resolve(self, sim, c):
        self.verb(c, "update s1 1", "resolve", take="mine")
        self.verb(c, "update s4 1", "resolve", take="discard")
        self.verb(c, "update s5 1", "resolve", take="theirs")
        for name in ("update s1 1", "update s4 1", "update s5 1", "update s6 1", "create b"):
            self.settle(c, name, "done", "cancelled")

    def create_what_is_there(self, sim, c):
        """Somebody else's webhook is what was asked for: it is taken, nothing is sent."""
        self.change("create s7", c, "create", **webhook(7, whname="s7", whcomment="s"))
        self.settle(c, "create s7")
        self.update(c, "s7", "s7 1")
        self.settle(c, "update s7 1")

    def delete_what_is_gone(self, sim, c):
        if self.once("gone"):
            self.others_remove(sim, "s0")
        try:
            self.delete(c, "s0")
            self.settle(c, "delete s0")
        except c.Error as error:
            if error.code != "NOT_FOUND":  # a list was quicker
                raise

    steps = ("first_list", "create_a", "update_a", "add_a_process", "offline", "queue_creates",
             "queue_changes", "others_meanwhile", "online", "conflicts", "resolve",
             "create_what_is_there", "delete_what_is_gone", "idle")


class Verbs(Life):
    """A person's hand in the queue; what the API refuses."""

    seeds = 7
    ends = {
        "update s0 1": "done", "update s1 1": "cancelled", "update s2 1": "cancelled",
        "update s3 1": "cancelled", "update s3 2": "done", "delete s4": "done",
        "create no": "done", "create never": "cancelled", "update s5 1": "done",
        "update s6 1": "cancelled", "update s6 2": "superseded", "delete s6": "done",
    }
    effects = {
        "s0": [("PATCH", "s0 1")], "s1": [], "s2": [], "s3": [("PATCH", "s3 2")],
        "s4": [("DELETE", None)], "no": [("POST", "no 0")], "never": [],
        "s5": [("PATCH", "s5 1")], "s6": [("DELETE", None)],
    }

    def queue_all(self, sim, c):
        for n in (0, 1, 2, 3, 6):
            self.update(c, f"s{n}", f"s{n} 1")
        for n in (1, 2):
            self.rows[f"s{n}"] = {**self.rows[f"s{n}"], "whcomment": "s"}
        self.delete(c, "s4")

    def hold(self, sim, c):
        for name in ("update s0 1", "update s2 1", "delete s4"):
            self.verb(c, name, "hold")

    def others_meanwhile(self, sim, c):
        self.others_edit(sim, "s3", whcomment="theirs")
        self.others_edit(sim, "s6", whcomment="theirs")

    def queue_behind_conflicts(self, sim, c):
        """They wait for the ones before them."""
        for name in ("update s3 1", "update s6 1"):
            self.settle(c, name, "conflict", "cancelled")
        for whname in ("s3", "s6"):
            self.update(c, whname, f"{whname} 2", n=2, policy="local-wins")
        self.delete(c, "s6", force=True)

    def verbs(self, sim, c):
        for name in ("update s1 1", "update s2 1"):
            self.verb(c, name, "cancel")
        self.verb(c, "update s0 1", "release")
        self.verb(c, "delete s4", "retry")
        c.call("queue.flush")

    def end_conflicts(self, sim, c):
        self.verb(c, "update s3 1", "cancel")
        self.verb(c, "update s6 1", "resolve", take="theirs")
        for name in ("update s0 1", "update s3 2", "delete s4", "delete s6"):
            self.settle(c, name)

    def refuse(self, sim, c):
        """The API refuses two creates and forbids an update, until it does not."""
        if self.once("refuse"):
            sim.fault("status", method="POST", status=400, body={"message": "no"}, count=-1)
            sim.fault("status", method="PATCH", status=403, body={"message": "no"}, count=-1)
        self.create(c, "no")
        self.create(c, "never")
        self.update(c, "s5", "s5 1")
        self.rows.pop("never")
        for name in ("create no", "create never"):
            self.settle(c, name, "dead")
        self.settle(c, "update s5 1", "held")

    def allow(self, sim, c):
        sim.clear_faults()
        self.verb(c, "create no", "retry")
        self.verb(c, "create never", "cancel")
        self.verb(c, "update s5 1", "retry")
        for name in ("create no", "update s5 1"):
            self.settle(c, name)

    steps = ("first_list", "offline", "queue_all", "hold", "others_meanwhile", "verbs", "online",
             "queue_behind_conflicts", "end_conflicts", "refuse", "allow", "idle")


class Unknown(Life):
    """Requests without an answer: executed or not, whd has to look."""

    seeds = 6
    ends = {
        "create lost": "done", "create unsent": "done", "update s0 1": "done",
        "update s1 1": "done", "delete s2": "done", "update s3 1": "cancelled",
        "create clash": "cancelled", "create near": "done", "update s4 1": "done",
    }
    effects = {
        "lost": [("POST", "lost 0")], "unsent": [("POST", "unsent 0")],
        "s0": [("PATCH", "s0 1")], "s1": [("PATCH", "s1 1")], "s2": [("DELETE", None)],
        "s3": None, "clash": [], "near": [("POST", "near 0")], "s4": [("PATCH", "s4 1")],
    }

    def no_answer(self, sim, c):
        if self.once("no answer"):
            sim.fault("close_after", method="POST")
            sim.fault("reset_after", method="PATCH")
            sim.fault("close_after", method="DELETE")
        self.create(c, "lost")
        self.update(c, "s0", "s0 1")
        self.delete(c, "s2")
        for name in ("create lost", "update s0 1", "delete s2"):
            self.settle(c, name)

    def never_arrived(self, sim, c):
        if self.once("never arrived"):
            sim.fault("reset_before", method="POST")
            sim.fault("status", method="PATCH", status=503)
        self.create(c, "unsent")
        self.update(c, "s1", "s1 1")
        for name in ("create unsent", "update s1 1"):
            self.settle(c, name)

    def key_refused(self, sim, c):
        """Not executed: whd tries the next key."""
        if self.once("key refused"):
            sim.fault("apim_401", method="PATCH")
        self.update(c, "s4", "s4 1")
        self.settle(c, "update s4 1")

    def gone_while_unknown(self, sim, c):
        if self.once("gone"):
            sim.fault("close_after", method="PATCH", count=-1)
            self.no_lists = sim.fault("status", method="GET", list=True, status=500, count=-1)
        self.update(c, "s3", "s3 1")
        self.until(c, "update s3 1", "unknown", "conflict", "cancelled")
        self.others_remove(sim, "s3")
        if self.once("lists again"):
            sim.clear_faults(self.no_lists)
        self.settle(c, "update s3 1", "conflict", "cancelled")
        self.verb(c, "update s3 1", "resolve", take="discard")

    def conflict_of_names(self, sim, c):
        if self.once("clash"):
            sim.clear_faults()
            sim.fault("status", method="POST", status=409, body={"message": "no"}, count=-1)
        self.create(c, "clash")
        self.rows.pop("clash")
        self.settle(c, "create clash", "dead", "cancelled")
        self.verb(c, "create clash", "cancel")

    def nearly_it(self, sim, c):
        """What the API made differs a little from what was sent: a person says that it is it."""
        if self.once("nearly"):
            sim.clear_faults()
            sim.set(normalise="comment_upper")
            sim.fault("close_after", method="POST")
        self.create(c, "near")
        self.rows["near"] = {**self.rows["near"], "whcomment": "NEAR 0"}
        self.settle(c, "create near", "held", "done")

    def release_and_adopt(self, sim, c):
        made = next(r["whid"] for r in sim.rows() if r["whname"] == "near")
        if not self.look(c, "create near")["log"][-1]["outcome"] == "executed":
            self.verb(c, "create near", "release")
            self.settle(c, "create near", "held", "done")
        self.verb(c, "create near", "resolve", take="adopt", whid=made)
        self.settle(c, "create near")
        sim.set(normalise="none")

    steps = ("first_list", "no_answer", "never_arrived", "key_refused", "gone_while_unknown",
             "conflict_of_names", "nearly_it", "release_and_adopt", "idle")


class Lists(Life):
    """What lists bring: rows that come, change and go, also suspiciously many. And a stop."""

    settings = {"queue.check_age": "1min"}  # a list is enough of a look
    seeds = 8
    ends = {"create a": "done", "update a 1": "done", "update s0 1": "done"}
    effects = {"a": [("POST", "a 0"), ("PATCH", "a 1")], "s0": [("PATCH", "mine")]}

    def others(self, sim, c):
        if not any(r["whname"] == "theirs" for r in sim.rows()):
            sim.add(**webhook(20, whname="theirs"))
        self.rows["theirs"] = six(webhook(20, whname="theirs"))
        self.others_edit(sim, "s0", whcomment="edited")
        self.rows["s0"] = {**self.rows["s0"], "whcomment": "edited"}
        self.others_remove(sim, "s1")
        c.call("sync.now")

    def create_a(self, sim, c):
        self.create(c, "a")
        self.settle(c, "create a")

    def update_a(self, sim, c):
        self.update(c, "a", "a 1")
        self.settle(c, "update a 1")

    def change_offline(self, sim, c):
        self.update(c, "s0", "mine")
        self.verb(c, "update s0 1", "hold")
        self.others_edit(sim, "s0", whcomment="theirs")

    def conflict(self, sim, c):
        c.call("sync.now")
        self.verb(c, "update s0 1", "release")
        self.settle(c, "update s0 1", "conflict", "done")
        self.verb(c, "update s0 1", "resolve", take="mine")
        self.settle(c, "update s0 1")

    def shrink(self, sim, c):
        for n in range(2, 8):
            self.others_remove(sim, f"s{n}")
        c.call("sync.now")
        c.call("sync.accept")
        c.call("sync.now")

    steps = ("first_list", "others", "create_a", "stop", "update_a", "offline", "change_offline",
             "online", "conflict", "shrink", "idle")


class PutBack(Life):
    """The store is moved to another place with operations in it: each is looked up first."""

    seeds = 3
    ends = {
        "update s0 1": "done", "delete s1": "done", "create a": "done", "create s2": "done",
        "create b": "done",
    }
    effects = {
        "s0": [("PATCH", "s0 1")], "s1": [("DELETE", None)], "a": [("POST", "a 0")],
        "b": [("POST", "b 0")],
    }

    def queue_all(self, sim, c):
        self.update(c, "s0", "s0 1")
        self.delete(c, "s1")
        self.create(c, "a")

    def decide(self, sim, c):
        """Of a create nobody can say whether it was made before: a person does."""
        self.settle(c, "create a", "held", "done")
        self.verb(c, "create a", "resolve", take="recreate")
        for name in ("update s0 1", "delete s1", "create a"):
            self.settle(c, name)

    def create_what_is_there(self, sim, c):
        self.change("create s2", c, "create", **webhook(2, whname="s2", whcomment="s"))
        self.settle(c, "create s2")

    def create_b(self, sim, c):
        self.create(c, "b")
        self.settle(c, "create b")

    steps = ("first_list", "offline", "queue_all", "put_back", "online", "decide",
             "create_what_is_there", "create_b", "idle")


LIVES = {life.__name__.lower(): life for life in (Lists, PutBack, Changes, Verbs, Unknown)}
