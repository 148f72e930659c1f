# SPDX-License-Identifier: MIT
"""The documented shape of every result, and a checker that names what differs.

A shape is a function from a value to None; it raises Misshapen. Maps are
closed: a member that is not documented is an error too, but for webhooks,
which carry whatever the upstream sent.
"""

import functools

OP_STATES = ("queued", "checking", "sending", "unknown", "conflict", "held", "dead", "done",
             "cancelled", "superseded")
RESULTS = ("applied", "applied_changed", "adopted", "merged", "noop", "already")
HOOK_STATES = ("synced", "creating", "updating", "deleting", "conflict", "held", "rejected")
GATES = ("open", "link", "auth", "quota", "rate")
EVENT_KINDS = ("created", "updated", "deleted", "renamed", "op", "gate", "sync", "reset")


class Misshapen(AssertionError):
    pass


def fail(value, what):
    raise Misshapen(f"{value!r} is not {what}")


def text(value):
    if not isinstance(value, str):
        fail(value, "a string")


def number(value):
    if isinstance(value, bool) or not isinstance(value, int):
        fail(value, "an integer")


def natural(value):
    number(value)
    if value < 0:
        fail(value, "an integer >= 0")


def when(value):
    """ms since 1970, between 2020 and 2100."""
    number(value)
    if not 1577836800000 < value < 4102444800000:
        fail(value, "a time in ms since 1970")


def flag(value):
    if not isinstance(value, bool):
        fail(value, "true or false")


def anything(value):
    del value


def one_of(*words):
    def check(value):
        if value not in words:
            fail(value, f"one of {words}")
    return check


def maybe(shape):
    """nil or the shape."""
    def check(value):
        if value is not None:
            shape(value)
    return check


def listing(shape):
    def check(value):
        if not isinstance(value, list):
            fail(value, "a list")
        for item in value:
            shape(item)
    return check


def record(others=None, **members):
    """A map; a name ending in _ is optional (name_ = may be missing)."""
    def check(value):
        if not isinstance(value, dict):
            fail(value, "a map")
        known = {n.rstrip("_"): (s, n.endswith("_")) for n, s in members.items()}
        for name, (shape, optional) in known.items():
            if name in value:
                try:
                    shape(value[name])
                except Misshapen as error:
                    raise Misshapen(f"{name}: {error}") from None
            elif not optional:
                fail(value, f"a map with {name}")
        for name in value.keys() - known.keys():
            if others is None:
                fail(value, f"a map without {name}")
            others(value[name])
    return check


def mapping(shape):
    return record(others=shape)


fields = record(whname_=text, whcomment_=text, applicationId_=text, municipalityId_=text,
                callbackUrl_=text, processes_=listing(text))
webhook = record(
    others=anything, whid=text,
    _whd=record(revision=natural, pending=natural, state=one_of(*HOOK_STATES), tmp_id_=text,
                synced_at=maybe(when), age_ms=maybe(natural), stale=flag))
webhooks = record(items=listing(webhook), cursor_=text, damaged_=natural, revision=natural,
                  synced_at=maybe(when), age_ms=maybe(natural), stale=flag)
attempt = record(at=when, took_ms=number, status=natural, outcome=text, rule=text, error=text)
_OP = dict(op=text, kind=one_of("create", "update", "delete"), whid=text, tmp_id_=text,
           state=one_of(*OP_STATES), reason_=text, fields_=fields, created_at=when,
           created_by=natural, attempts=natural, next_at_=when, last_error_=text,
           result_=one_of(*RESULTS), into_=text, base_=anything, mine_=fields,
           theirs_=maybe(mapping(anything)))
op_short = record(**_OP)
op_full = record(**_OP, log=listing(attempt), why=text, next=text, absorbed_=listing(text),
                 changed_at=when, ended_at_=when)
ops = record(items=listing(op_short), cursor_=text)
upstream = record(url=text, online=flag, gate=one_of(*GATES), since=maybe(when),
                  until=maybe(when), last_error=maybe(text), last_error_at=maybe(when),
                  last_ok_at=maybe(when), keys_error_=text, learned_an_hour_=natural)
sync_state = record(synced_at=maybe(when), age_ms=maybe(natural), stale=flag, list=natural,
                    rows=natural, running=flag, suspect=natural, last_error=maybe(text),
                    next_at=maybe(when), restless_=listing(text))
status = record(
    others=anything, live=flag, ready=flag, fresh=flag, version=text, instance=text,
    uptime_ms=natural, upstream=upstream, sync=sync_state,
    queue=record(queued=natural, checking=natural, sending=natural, unknown=natural,
                 conflict=natural, held=natural, dead=natural, bytes=natural,
                 oldest_age_ms=maybe(natural), full=flag),
    store=record(others=anything, used=natural, max=natural, free_disk=natural,
                 revision=natural, history=natural, full=flag, backup_at=maybe(when),
                 damage=maybe(text)))
event = record(revision=natural, at=when, kind=one_of(*EVENT_KINDS), whid_=text, op_=text,
               state_=text, old_whid_=text, fields_=listing(text), reason_=text)
method = record(
    name=text, role=one_of("read", "write", "admin"), verb_=text, help=text, durable=flag,
    paged=flag, waits=flag, streams=flag, result=text,
    params=listing(record(name=text, type=text, required=flag, help=text)))
setting = record(section=text, key=text, value=text, default=text, origin=text, live=flag,
                 help=text)

SHAPES = {
    "hello": record(
        server=one_of("whd"), version=text, protocol=one_of(1), instance=text, uid=natural,
        role=one_of("read", "write", "admin"), limits=mapping(natural), features=listing(text)),
    "describe": record(
        methods=listing(method),
        errors=listing(record(code=text, type=one_of(0, 1), exit=natural, text=text))),
    "webhook": webhook,
    "webhooks": webhooks,
    "op": op_short,
    "ops": ops,
    "flushed": record(due=natural),
    "sync": record(revision=natural, added=natural, changed=natural, removed=natural,
                   unchanged=natural, complete=flag, why_=text),
    "events": record(events=listing(event), revision=natural, instance=text, reset_=flag),
    "subscribed": record(revision=natural, instance=text, reset_=flag),
    "status": status,
    "text": text,
    "dump": mapping(anything),
    "backup": record(path=text, bytes=natural, took_ms=natural),
    "check": record(sound=flag, found=natural, took_ms=natural,
                    problems=listing(record(table=text, problem=text))),
    "config": record(file=text, settings=listing(setting)),
    "config_reloaded": record(file=text, notes=text),
    "probe": record(status=natural, took_ms=natural, key=natural, keys=natural,
                    outcome=one_of("executed", "rejected", "not_executed", "unknown"), rule=text,
                    error=maybe(text), gate=one_of(*GATES), until=maybe(when)),
}


@functools.cache
def _full(name):
    return op_full if name == "queue.get" else None


def check(method_row, value):
    """Raises Misshapen unless value is what this method is documented to return."""
    shape = _full(method_row.name) or SHAPES[method_row.result]
    try:
        shape(value)
    except Misshapen as error:
        raise Misshapen(f"result of {method_row.name}: {error}") from None
