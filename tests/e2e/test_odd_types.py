# SPDX-License-Identifier: MIT
"""The API may hold documented members in types that nobody documented. What whd cannot read it
shows as it is, and sends back as it came: an update of one member destroys no other one."""

import json

import pytest

from support.client import refused
from support.data import webhook

ODD = {
    "municipalityId is a truth value": ("municipalityId", True),
    "municipalityId is an object": ("municipalityId", {"id": 9}),
    "applicationId is a list": ("applicationId", [1, "a"]),
    "callbackUrl is an object": ("callbackUrl", {"href": "https://a.example/"}),
    "processes holds objects without an id": ("processes", [{"p": 1}, "p-1"]),
    "processes is an object": ("processes", {"p-1": True}),
}


@pytest.fixture(params=ODD)
def odd(request, sim, c):
    name, value = ODD[request.param]
    row = sim.add(**{**webhook(1), name: value})
    c.call("sync.now")
    return row["whid"], name, value


def test_shown_as_it_is(c, odd):
    whid, name, value = odd
    assert c.get(whid)[name] == value


def test_an_update_of_another_member_sends_it_back(sim, c, odd):
    whid, name, value = odd
    mark = sim.mark()
    op = c.settled(c.update(whid, set={"whcomment": "ours"}))
    sent, = [json.loads(r["body"]) for r in sim.log(mark, "PATCH")]
    assert sent[name] == value and sent["whcomment"] == "ours"
    # whsim refuses such a value in a request; that is told, and nothing was destroyed.
    assert op["state"] == "dead" and sim.row(whid)[name] == value


def test_what_is_asked_for_is_sent(sim, c, odd):
    whid, name, _ = odd
    wanted = ["p-2"] if name == "processes" else "https://b.example/"
    mark = sim.mark()
    c.applied(c.update(whid, set={name: wanted}))
    sent, = [json.loads(r["body"]) for r in sim.log(mark, "PATCH")]
    assert sent[name] == wanted


def test_others_change_it_to_another_odd_value(world, sim):
    c = world.whd(sim, {"queue.check_age": "0"}).client()
    whid = sim.add(**{**webhook(1), "municipalityId": {"id": 9}})["whid"]
    c.call("sync.now")
    c.go_offline(sim)
    op = c.update(whid, set={"municipalityId": "olten"})
    sim.edit(whid, municipalityId={"id": 10})
    c.go_online(sim)
    assert c.settled(op)["state"] == "conflict"
    assert sim.row(whid)["municipalityId"] == {"id": 10}


@pytest.mark.parametrize("value", [[{"p": 1}], {"p-1": True}])
def test_nothing_is_added_to_what_is_no_list_of_text(sim, c, value):
    whid = sim.add(**{**webhook(1), "processes": value})["whid"]
    c.call("sync.now")
    with refused("INVALID_PARAM", "processes"):
        c.update(whid, add_processes=["p-2"])
    assert c.get(whid)["processes"] == value
