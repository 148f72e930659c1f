# SPDX-License-Identifier: MIT
"""Every way in which the API may present its data, each through a whole life: listed, created,
changed, deleted. What whd serves and what the API holds in the end must not depend on it."""

import itertools

import pytest

from support.client import refused
from support.data import webhook
from support.sim import SIX, six

SHAPES = {
    # 1. what a list is wrapped in
    "bare list": {}, **{
        f"wrapped in {name}": {"list_shape": "wrapped", "wrap_name": name}
        for name in ("value", "data", "items", "webhooks", "result", "Webhook Configs")},
    "nested wrapper": {"list_shape": "nested"},
    "an empty list beside it": {"list_shape": "wrapped_two"},
    "one bare object": {"list_shape": "object_if_one"},
    "null if empty": {"list_shape": "null_if_empty"},
    "nothing if empty": {"list_shape": "empty_if_empty"},
    "204 if empty": {"list_shape": "no_content_if_empty"},
    # 2. the id
    **{f"id is {name}": {"id_name": name}
       for name in ("whId", "id", "webhookId", "webhookConfigurationId", "_id", "WHID", "Id")},
    "number ids": {"id_type": "number"}, "text ids": {"id_type": "string"},
    "upper case GUIDs": {"id_type": "guid_upper"},
    "number ids named id": {"id_type": "number", "id_name": "id"},
    # 3. the documented members
    **{f"{case} names": {"name_case": case} for case in ("lower", "upper", "pascal")},
    **{f"processes as {shape}": {"processes_shape": shape}
       for shape in ("objects", "comma", "null_if_empty", "absent_if_empty")},
    "empty text null": {"empty_text": "null"}, "empty text absent": {"empty_text": "absent"},
    # 4. unknown members
    "unknown members": {"unknown_members": True},
    "unknown members, upper names": {"unknown_members": True, "name_case": "upper"},
    # 5. replies to a POST are in test_ambiguous.py
    # 6. replies to a GET with an id
    **{f"one as {shape}": {"get_one_shape": shape}
       for shape in ("as_list", "object", "whole_list")},
    **{f"missing one as {how}": {"get_one_missing": how}
       for how in ("null", "empty", "404", "400")},
    "filter ignored": {"filter_ignored": True},
    # 7. replies to PATCH and DELETE are in test_ambiguous_changes.py
    "patch merges": {"patch_semantics": "merge"},
    # 8. the outside of a reply
    "byte order mark": {"bom": True}, "chunked": {"chunked": True}, "pretty": {"pretty": True},
    "ascii only": {"ascii_only": True}, "no keep-alive": {"keep_alive": False},
    **{f"content type {kind}": {"content_type": kind} for kind in ("text", "html", "none")},
    "gzip if accepted": {"gzip": "on"}, "gzip always": {"gzip": "always"},
    "everything at once": {
        "list_shape": "wrapped", "wrap_name": "data", "id_name": "webhookId", "id_type": "number",
        "name_case": "pascal", "processes_shape": "objects", "unknown_members": True, "bom": True,
        "content_type": "text", "gzip": "on", "chunked": True, "pretty": True,
        "get_one_shape": "whole_list", "member_order": "by_request", "empty_text": "null"},
}
EMPTY = {name: "" for name in SIX if name != "processes"}
NORMALISE = ("trim", "url_lower", "url_slash", "guid_lower", "comment_upper", "sort_processes")


def compare(sim, c):
    """whd's rows and the API's, id for id and member for member, in normal form."""
    whole = ({**EMPTY, **w} for w in c.list())  # a text that the API leaves out is empty
    served = {str(w["whid"]).lower(): six(w) for w in whole}
    assert served == {str(r["whid"]).lower(): six(r) for r in sim.rows()}


@pytest.fixture(params=SHAPES)
def shaped(request, world, sim):
    """A whd that always reads a webhook before it changes it, and an API of some shape."""
    sim.set(**SHAPES[request.param])
    c = world.whd(sim, {"queue.check_age": "0", "sync.interval": "200ms"}).client()
    c.synced()
    return c


def test_whole_life(sim, shaped):
    c = shaped
    compare(sim, c)
    first = c.applied(c.create(**webhook(1, whcomment="", processes=[])))
    compare(sim, c)
    second = c.applied(c.create(**webhook(2)))
    assert c.call("sync.now")["complete"]
    compare(sim, c)
    whid = second["whid"]
    assert isinstance(whid, str) and c.get(whid)["whid"] == whid
    assert set(SIX) <= set(c.get(whid))
    before = {k: v for k, v in sim.row(whid).items() if k not in SIX}
    c.applied(c.update(whid, {"whcomment": "changed"}, add_processes=["more"]))
    assert sim.row(whid)["whcomment"] == "changed" and "more" in sim.row(whid)["processes"]
    assert {k: v for k, v in sim.row(whid).items() if k not in SIX} == before
    c.applied(c.update(first["whid"], {"whname": "first"}))
    assert c.call("sync.now")["complete"]
    compare(sim, c)
    c.applied(c.delete(whid))
    compare(sim, c)
    c.applied(c.delete(first["whid"]))
    assert sim.rows() == [] and list(c.list()) == []
    assert sim.executed("POST") == 2 and sim.executed("DELETE") == 2


@pytest.mark.parametrize("how", NORMALISE)
def test_what_the_api_rewrites_is_learned(world, sim, how):
    sim.set(normalise=how)
    c = world.whd(sim, {"queue.check_age": "0", "sync.interval": "200ms"}).client()
    c.synced()
    row = webhook(1, whname=" spaced ", callbackUrl="https://Hooks.Example.org/In",
                  applicationId="D0DB4B13-20D4-42C3-8268-37DB22B36F98", processes=["b", "a"])
    whid = c.applied(c.create(**row))["whid"]
    assert c.call("sync.now")["changed"] == 0
    compare(sim, c)
    for n in range(3):
        op = c.applied(c.update(whid, {"whcomment": f"turn {n}"}))
        assert op["result"] in ("applied", "applied_changed"), "its rewriting is no conflict"
    compare(sim, c)
    c.applied(c.delete(whid))
    assert sim.executed("POST") == 1 and sim.rows() == []


def test_duplicate_keys_in_an_element_take_nothing_away(sim, c):
    sim.seed(3)
    c.call("sync.now")
    sim.set(duplicate_keys=True)
    sim.edit(sim.rows()[0]["whid"], whcomment="x")
    result = c.call("sync.now")
    if result["complete"]:
        compare(sim, c)
    else:
        assert result["removed"] == 0 and len(list(c.list())) == 3


def test_unknown_members_lost_in_a_patch_are_noticed(sim, whd, c):
    """The API forgot what whd did not send; whd serves what is there now, not what was."""
    row = sim.add(**webhook(1), color="red")
    c.call("sync.now")
    sim.set(patch_drops_unknown=True)
    c.applied(c.update(row["whid"], {"whcomment": "x"}))
    whd.child.wait_line("dropped members.*patch_body = full")
    assert "whd_alarms_members_lost_total 1\n" in c.call("metrics")
    c.call("sync.now")
    assert "color" not in c.get(row["whid"])
    c.applied(c.update(row["whid"], {"whcomment": "y"}))
    assert "whd_alarms_members_lost_total 1\n" in c.call("metrics"), "once"


def test_ids_are_opaque(sim, c):
    made = ["007", "7", "Abc", " x", "ä", "a" * 256, "1e3", "-1", "null"]
    for n, whid in enumerate(made):
        sim.add(**webhook(n, whid=whid))
    c.call("sync.now")
    assert {w["whid"] for w in c.list()} == set(made)
    assert c.get("7")["whname"] == "hook 1" and c.get("007")["whname"] == "hook 0"
    assert c.get("Abc")["whname"] == "hook 2"
    with refused("NOT_FOUND"):
        c.get("ABC")


def test_a_switch_of_shape_while_running_is_no_change(sim, c):
    """The API is a shim over something new: its form may change any day."""
    sim.seed(6)
    c.call("sync.now")
    revision = c.head()
    for name, switches in itertools.islice(SHAPES.items(), 1, 12):
        if "id_name" in switches or "empty" in name:
            continue
        sim.set(**switches)
        result = c.call("sync.now")
        assert (result["changed"], result["removed"]) == (0, 0), name
    assert c.head() == revision
