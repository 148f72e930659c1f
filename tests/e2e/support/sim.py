# SPDX-License-Identifier: MIT
"""The simulated upstream API as the tests see it: how it is started, bent, and asked for the
truth. What whd did is judged by its log and its rows, never by what whd says of itself."""

import http.client
import json
import subprocess
import urllib.parse

from support import contract, secrets
from support.paths import WHSIM

SIX = ("whname", "whcomment", "applicationId", "municipalityId", "callbackUrl", "processes")
READY = 30


class Sim:
    """A running whsim."""

    def __init__(self, folder, *options, tls=None):
        self.control_file = folder / "sim.json"
        argv = [WHSIM, "--control-file", self.control_file, *options]
        if tls:
            argv += ["--tls-cert", tls.certificate, "--tls-key", tls.key]
        self.process = subprocess.Popen([str(a) for a in argv], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        ready = json.loads(self.process.stdout.readline())
        self.url = ready["url"]
        self.ca_file = tls.authority if tls else None
        self._control = urllib.parse.urlsplit(ready["control"])
        self._connection = None

    def stop(self):
        self._drop()
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(READY)
        self.process.stdout.close()
        return code

    # ------------------------------------------------------------- control --

    def _drop(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def verb(self, method, path, body=None):
        """A control verb; its answer as JSON. A refusal fails the test."""
        if not self._connection:
            self._connection = http.client.HTTPConnection(self._control.hostname,
                                                          self._control.port, timeout=120)
        try:
            text = None if body is None else json.dumps(body)
            self._connection.request(method, path, body=text)
            reply = self._connection.getresponse()
            data = reply.read()
        except (OSError, http.client.HTTPException):
            self._drop()
            raise
        assert reply.status == 200, data
        return json.loads(data)

    def set(self, **switches):
        for name, value in switches.items():
            word = str(value).lower() if isinstance(value, bool) else value
            contract.BOOK.switches |= {name, f"{name}={word}"}
        return self.verb("PATCH", "/config", switches)

    def fault(self, action, **members):
        """Adds a rule and returns its id."""
        contract.BOOK.faults |= {action, *(f"{action}.{m}" for m in members)}
        return self.verb("POST", "/fault", {"action": action, **members})["id"]

    def clear_faults(self, rule=None):
        return self.verb("DELETE", "/fault" if rule is None else f"/fault?id={rule}")

    def hits(self, rule):
        return next(f["hits"] for f in self.verb("GET", "/fault")["faults"] if f["id"] == rule)

    def net(self, state):
        return self.verb("POST", "/net", {"state": state})

    def down(self):
        return self.net("refuse")

    def up(self):
        return self.net("up")

    def keys(self, *valid):
        secrets.add(*valid)
        return self.verb("POST", "/keys", {"valid": list(valid)})

    def seed(self, n):
        return self.verb("POST", "/seed", {"n": n})

    # --------------------------------------------------------------- truth --

    def rows(self):
        return self.verb("GET", "/rows")

    def row(self, whid):
        """The row with this id, or None."""
        return next((r for r in self.rows() if r["whid"].lower() == whid.lower()), None)

    def add(self, **members):
        """Adds a row as another person would; returns it."""
        return self.verb("POST", "/rows", members)

    def add_all(self, rows):
        return self.verb("POST", "/rows", rows)["added"]

    def edit(self, whid, **members):
        return self.verb("PATCH", "/rows?whid=" + urllib.parse.quote(whid, safe=""), members)

    def remove(self, whid):
        return self.verb("DELETE", "/rows?whid=" + urllib.parse.quote(whid, safe=""))

    def remove_all(self):
        return self.verb("DELETE", "/rows")

    def log(self, since=0, method=None):
        """All entries of the request log with a number above `since`."""
        entries = []
        while True:
            page = self.verb("GET", f"/log?since={since}&limit=1000")
            entries += page["entries"]
            if not page["entries"] or page["next"] == since:
                break
            since = page["next"]
        return [e for e in entries if method in (None, e["method"])]

    def mark(self):
        """The number of the newest log entry: since= of what comes next."""
        return self.verb("GET", "/stats")["log"]

    def stats(self):
        return self.verb("GET", "/stats")

    def executed(self, method="POST", since=0):
        """How often requests of this method were carried out."""
        return sum(e["executed_n"] for e in self.log(since, method))

    def changes(self, since=0):
        """The log entries of requests that are not reads."""
        return [e for e in self.log(since) if e["method"] != "GET"]

    def lists(self, since=0):
        return [e for e in self.log(since) if e["method"] == "GET" and e["whid"] is None]

    def wait(self, timeout_ms=30000, **conditions):
        """Waits at the simulator itself, for instance log_at_least=7."""
        query = urllib.parse.urlencode({"timeout_ms": timeout_ms, **conditions})
        answer = self.verb("GET", "/wait?" + query)
        assert answer["met"], (conditions, answer)
        return answer

    def wait_quiet(self):
        """Once whoever was connected has died: returns when all of its requests are through."""
        while self.stats()["connections"]:
            pass

    def wait_requests(self, method, n):
        return self.wait(method=method, requests_at_least=n)

    def wait_hits(self, rule, n=1):
        return self.wait(fault=rule, hits_at_least=n)


def six(row):
    """The documented members of a row, processes as a set."""
    return {name: sorted(row[name]) if name == "processes" else row[name] for name in SIX}
