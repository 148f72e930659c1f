# SPDX-License-Identifier: MIT
"""The project's own tables, read from their sources: methods, parameters, error codes, fields,
settings. Tests that walk over them need no change when a row is added."""

import re

from support.paths import ROOT

_STRING = r'"((?:[^"\\]|\\.)*)"'


def _rows(path, macro, pattern):
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(rf"^{macro}\({pattern}", text, re.MULTILINE)


class Method:
    def __init__(self, ident, name, verb, role, flags, result):
        self.id, self.name, self.verb, self.role = ident, name, verb, role.lower()
        self.flags = {f.strip() for f in flags.split("|")} - {"0"}
        self.result = result.lower()
        self.params = {}  # name -> (type, required)


def methods():
    """All methods by name, as commands.def has them."""
    path = "proto/commands.def"
    found = {}
    head = rf"(\w+), {_STRING}, {_STRING}, (\w+), ([\w |]+), (\w+), "
    for ident, name, verb, role, flags, result in _rows(path, "WH_CMD", head):
        found[ident] = Method(ident, name, verb, role, flags, result)
    for ident, name, kind, need in _rows(path, "WH_ARG", r"(\w+), (\w+), (\w+), (REQ|OPT)"):
        found[ident].params[name] = (kind, need == "REQ")
    return {m.name: m for m in found.values()}


def errors():
    """Error code -> (type, exit status of whctl)."""
    rows = _rows("proto/errors.def", "WH_ERROR", r"(\w+), (\d), (\d+), ")
    return {name: (int(kind), int(status)) for name, kind, status in rows}


def settings():
    """(section, key) -> (type, default, reload)."""
    rows = _rows("daemon/config.def", "WH_SET",
                 rf"(\w+), (\w+), (\w+), {_STRING}, (\d+), (\d+), (\w+)")
    return {(s, k): (t, d, r) for s, k, t, d, _, _, r in rows}


def reasons():
    """(state, reason or result) -> why, as reasons.def has them."""
    rows = _rows("daemon/core/reasons.def", "WH_REASON", rf"(\w+), {_STRING}, {_STRING}")
    return {(state.lower(), token): why for state, token, why in rows}


def counters():
    """The names of counters.def."""
    return set(_rows("daemon/counters.def", "WH_COUNTER", r"(\w+), "))
