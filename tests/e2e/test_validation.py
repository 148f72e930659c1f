# SPDX-License-Identifier: MIT
"""What a caller may not send: each member missing, of the wrong type, too long, not text."""

import pytest

from support import tables
from support.client import refused
from support.data import webhook
from support.sim import SIX

LONGEST = {"whname": 1024, "whcomment": 4096, "applicationId": 256, "municipalityId": 256,
           "callbackUrl": 2048}
TEXTS = tuple(LONGEST)
WRONG_TYPES = (7, 1.5, True, ["x"], {"a": 1})
CONTROLS = ("a\nb", "a\x00b", "a\x1b[31mb", "a\x7fb", "a\u0085b", "a\u009bb", "\r")
NOT_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"abc\xf5\x80\x80\x80", b"\xe2\x82")
BAD_URLS = ("no url", "example.org/x", "ftp://example.org/x", "javascript:alert(1)", "https://",
            "https:///x", "http://exa mple.org/", "//example.org/x", "file:///etc/passwd",
            "https://example.org:99999/x", "https://example.org/x#fragment",
            "https://user:secret@example.org/x")
GOOD_URLS = ("http://example.org", "https://example.org:8443/a?b=c",
             "https://[::1]:8080/x", "https://münchen.example/x",
             "https://EXAMPLE.org/%20")


@pytest.fixture(autouse=True)
def nothing_leaks(sim, c):
    """Whatever is refused leaves no trace: no operation, no event, no request."""
    head, requests = c.head(), sim.mark()
    yield
    if c.head() != head:
        c.idle()
        assert all("good" in e["body"] for e in sim.changes(requests) if e["method"] == "POST")


def url_of_length(n):
    return "https://example.org/" + "x" * (n - len("https://example.org/"))


def test_each_member_is_required(c):
    for name in SIX:
        fields = webhook(1)
        del fields[name]
        with refused("INVALID_PARAM", f'"{name}"'):
            c.create(**fields)
    assert c.call("queue.list")["items"] == []


@pytest.mark.parametrize("name", SIX)
def test_wrong_type_is_named(c, name):
    wrong = [w for w in WRONG_TYPES if not (name == "processes" and w == ["x"])]
    for value in wrong:
        with refused("INVALID_PARAM", name):
            c.create(**webhook(1, **{name: value}))
    for value in wrong:
        with refused("INVALID_PARAM"):
            c.update("any", {name: value})


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_bounded_and_printable(sim, c, name):
    make = url_of_length if name == "callbackUrl" else lambda n: "x" * n
    with refused("INVALID_PARAM", name, str(LONGEST[name])):
        c.create(**webhook(1, **{name: make(LONGEST[name] + 1)}))
    for bad in CONTROLS:
        if name == "whcomment" and bad.strip("\t\n\r ab") == "":
            continue  # free text may have lines and tabs
        value = "https://example.org/" + bad if name == "callbackUrl" else bad
        with refused("INVALID_PARAM", name):
            c.create(**webhook(1, **{name: value}))
    for bad in NOT_UTF8:
        with refused("INVALID_PARAM", name):
            c.create(**webhook(1, **{name: bad}))
    fields = {**webhook(1, whcomment="good"), name: make(LONGEST[name])}
    if name == "whcomment":
        fields["whname"] = "good"
    c.applied(c.create(**fields))
    assert sim.rows()[0][name] == make(LONGEST[name])


def test_only_the_comment_may_be_empty(sim, c):
    for name in ("whname", "applicationId", "municipalityId", "callbackUrl"):
        with refused("INVALID_PARAM", name, "empty"):
            c.create(**webhook(1, **{name: ""}))
    c.applied(c.create(**webhook(1, whname="good", whcomment="", processes=[])))
    assert sim.rows()[0]["whcomment"] == "" and sim.rows()[0]["processes"] == []


def test_processes_are_unique_texts(sim, c):
    cases = {
        "twice": ["a", "b", "a"], "control": ["a\n"], "empty": [""], "number": ["a", 1],
        "long": ["x" * 257], "many": [str(i) for i in range(257)], "nil": [None],
    }
    for what, value in cases.items():
        with refused("INVALID_PARAM", "processes"):
            c.create(**webhook(1, processes=value))
            raise AssertionError(what)
    for value in cases["many"], ["a", "a"]:
        with refused("INVALID_PARAM"):
            c.update("any", add_processes=value)
    c.applied(c.create(**webhook(1, whname="good", processes=cases["many"][:256])))
    whid = sim.rows()[0]["whid"]
    with refused("INVALID_PARAM", "processes", "256"):
        c.update(whid, add_processes=["one more"])
    c.applied(c.update(whid, add_processes=["one more"], remove_processes=["0"]))


@pytest.mark.parametrize("url", BAD_URLS)
def test_bad_url(c, url):
    with refused("INVALID_PARAM", "callbackUrl"):
        c.create(**webhook(1, callbackUrl=url))
    with refused("INVALID_PARAM", "callbackUrl"):
        c.update("any", {"callbackUrl": url})


def test_good_urls(sim, c):
    for n, url in enumerate(GOOD_URLS):
        c.applied(c.create(**webhook(n, whname=f"good {n}", callbackUrl=url)))
    assert [r["callbackUrl"] for r in sim.rows()] == list(GOOD_URLS)


def test_update_needs_something_to_do(c):
    for change in ({}, {"set": None}):
        with refused("INVALID_PARAM"):
            c.call("webhook.update", whid="any", **change)
    with refused("INVALID_PARAM", "whnam"):
        c.update("any", {"whnam": "x"})
    with refused("INVALID_PARAM"):
        c.update("any", {"whid": "other"})
    with refused("INVALID_PARAM", "policy"):
        c.update("any", {"whname": "x"}, policy="mine")
    with refused("INVALID_PARAM", "if_revision"):
        c.update("any", {"whname": "x"}, if_revision=-1)


@pytest.mark.parametrize("bad", ["", "x" * 257, "a\nb", "a\x00", b"\xff"])
def test_bad_whid(c, bad):
    """An empty id could mean every webhook; it must not get anywhere."""
    with refused("INVALID_PARAM", "whid"):
        c.update(bad, {"whname": "x"})
    with refused("INVALID_PARAM", "whid"):
        c.delete(bad)
    for method in "queue.list", "history.list":
        with refused("INVALID_PARAM", "whid"):
            c.call(method, whid=bad)


def test_parameters_are_checked_by_the_table(c):
    """For every method: an unknown name, a name almost right, each type wrong, each one missing."""
    wrong = {"STR": 1, "INT": "x", "BOOL": 1, "MAP": "x", "LIST": "x", "MS": -1}
    for method in tables.methods().values():
        with refused("INVALID_PARAM", "zzzzzz"):
            c.call(method.name, zzzzzz=1)
        given = {n: {"STR": "x", "LIST": [], "MAP": {}}.get(k, 1)
                 for n, (k, need) in method.params.items() if need}
        for name in given:
            with refused("INVALID_PARAM", f'"{name}"'):
                c.call(method.name, **{k: v for k, v in given.items() if k != name})
        for name, (kind, _) in method.params.items():
            with refused("INVALID_PARAM", f'"{name}"'):
                c.call(method.name, **{**given, name: wrong[kind]})


def test_the_nearest_name_is_suggested(c):
    with refused("INVALID_PARAM", "whcoment", "whcomment"):
        c.create(**webhook(1), whcoment="x")
    with refused("METHOD_NOT_FOUND", "webhook.lst", "webhook.list"):
        c.call("webhook.lst")
    with refused("METHOD_NOT_FOUND", "rpc.describe"):
        c.call("zzzzzzzzzzzzzzzzzzzz")
