# SPDX-License-Identifier: MIT
"""Lists in pages: links of the API's own are followed, others never are, and a page that is
silently the first of several is not taken for the whole."""

import pytest

from support.client import refused
from support.data import webhook
from support.sim import six


def same_as_api(sim, c):
    assert {w["whid"]: six(w) for w in c.list(limit=1000)} == {
        r["whid"]: six(r) for r in sim.rows()}


@pytest.mark.parametrize("target", ["relative", "absolute"])
@pytest.mark.parametrize("link", ["nextLink", "odata", "link_header"])
def test_own_links_are_followed(sim, c, link, target):
    sim.seed(25)
    sim.set(page_size=10, page_link=link, page_link_url=target)
    before = sim.mark()
    result = c.call("sync.now")
    assert result["complete"] and result["added"] == 25
    same_as_api(sim, c)
    assert [e["reply_rows"] for e in sim.lists(before)] == [10, 10, 5]
    sim.remove(sim.rows()[12]["whid"])
    assert c.call("sync.now")["removed"] == 1
    same_as_api(sim, c)


@pytest.mark.parametrize("link", ["nextLink", "odata", "link_header"])
def test_link_that_leads_elsewhere_is_not_followed(sim, c, link):
    sim.seed(25)
    c.call("sync.now")
    sim.set(page_size=10, page_link=link, page_link_url="foreign")
    sim.remove(sim.rows()[24]["whid"])
    before = sim.mark()
    result = c.call("sync.now")
    assert not result["complete"] and "elsewhere" in result["why"] and result["removed"] == 0
    assert len(sim.lists(before)) == 1 and len(list(c.list())) == 25


LINKS = {
    "other host": lambda own, other: other,
    "other port": lambda own, other: own.replace("/webhookconfig", "x/webhookconfig"),
    "other path": lambda own, other: own + "/next",
    "user in front": lambda own, other: other.replace("//", "//127.0.0.1@"),
    "other scheme": lambda own, other: own.replace("http:", "https:"),
    "scheme relative": lambda own, other: other.replace("http:", ""),
    "backslash": lambda own, other: "\\\\" + other.split("//")[1],
    "control byte": lambda own, other: own + "?page=2\r\nX: y",
    "file": lambda own, other: "file:///etc/passwd",
    "javascript": lambda own, other: "javascript:1",
    "number": lambda own, other: 7,
    "object": lambda own, other: {"a": 1},
}


@pytest.mark.parametrize("what", LINKS)
def test_the_key_goes_to_nobody_else(world, sim, c, what):
    other = world.sim()
    sim.seed(5)
    c.call("sync.now")
    link = LINKS[what](sim.url, other.url)
    sim.fault("status", method="GET", status=200, body={"value": sim.rows()[:3], "nextLink": link})
    before = sim.mark()
    result = c.call("sync.now")
    assert not result["complete"] and result["removed"] == 0
    assert len(sim.log(before)) == 1 and other.log() == [] and other.stats()["connections"] == 0
    assert len(list(c.list())) == 5


def test_redirects_are_never_followed(world, sim, c):
    other = world.sim()
    whid = c.applied(c.create(**webhook(1)))["whid"]
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for status in (301, 302, 303, 307, 308):
            sim.fault("redirect", method=method, status=status, location=other.url)
    for _ in range(5):
        with pytest.raises(c.Error):
            c.call("sync.now")
    sim.clear_faults()
    c.call("sync.now")
    sim.fault("redirect", method="*", list=False, location=other.url, count=-1)
    c.create(**webhook(2))
    c.update(whid, {"whcomment": "x"})
    sim.wait_requests("PATCH", 1)
    sim.wait_requests("POST", 2)
    assert other.log() == [] and other.stats()["connections"] == 0
    sim.clear_faults()


@pytest.mark.parametrize("link", ["count", "total"])
def test_silent_paging_takes_nothing_away(sim, c, link):
    """The list says it has more than came, and gives no link."""
    sim.seed(25)
    c.call("sync.now")
    sim.set(page_size=10, page_link=link)
    result = c.call("sync.now")
    assert not result["complete"] and result["removed"] == 0, result
    assert len(list(c.list())) == 25


HEADS = {
    "206": (dict(status=206), False),
    "206, range of all": (dict(status=206, headers={"Content-Range": "items 0-7/8"}), True),
    "range": (dict(headers={"Content-Range": "items 0-7/10"}), False),
    "range without an end": (dict(headers={"Content-Range": "items 0-7/*"}), False),
    "range of all": (dict(headers={"Content-Range": "items 0-7/8"}), True),
    "total": (dict(headers={"X-Total-Count": "10"}), False),
    "total of all": (dict(headers={"X-Total-Count": "8"}), True),
    "203": (dict(status=203), True),
}


@pytest.mark.parametrize("what", HEADS)
def test_the_head_says_that_it_is_a_part(sim, c, what):
    head, whole = HEADS[what]
    sim.seed(10)
    c.call("sync.now")
    sim.fault("status", method="GET", body=sim.rows()[:8], **{"status": 200, **head})
    result = c.call("sync.now")
    assert (result["complete"], result["removed"]) == ((True, 2) if whole else (False, 0)), result
    assert len(list(c.list())) == (8 if whole else 10)


def read_in_two(sim, c, head, bodies=lambda first, second: (first, second)):
    """A list of two pages, where only the head of the first tells of the second."""
    sim.seed(10)
    rows = sim.rows()
    first, second = bodies(rows[:8], rows[8:])
    sim.fault("status", method="GET", status=200, body=first, headers=head)
    sim.fault("status", method="GET", status=200, body=second)
    result = c.call("sync.now")
    assert result["complete"] and result["added"] == 10
    same_as_api(sim, c)


@pytest.mark.parametrize("link", [
    "<?page=2>; rel='next'", "<?page=2>; rel=\"last next\"", "<?page=2>;REL=Next",
    "<?page=1>; rel=prev, <?page=2>; title=\"2\"; rel = next",
    "<?page=2>; title=\"a, b; rel=last\"; rel=\"next\"",
    "<?page=2&after=" + 3000 * "x" + ">; rel=\"next\""],
    ids=["quotes", "words", "none", "several", "comma", "long"])
def test_every_way_to_write_a_link_is_followed(sim, c, link):
    read_in_two(sim, c, {"Link": link})


def test_link_in_the_second_of_two_headers_is_followed(sim, c):
    read_in_two(sim, c, {"Link": "<?page=1>; rel=self", "link": "<?page=2>; rel=next"})


def test_wrapped_list_whose_links_are_in_the_head_is_followed(sim, c):
    """Its total, and that it has more, are of the whole list."""
    read_in_two(sim, c, {"Link": "<?page=2>; rel=next"},
                lambda first, second: ({"data": first, "total": 10, "hasMore": True},
                                       {"data": second, "total": 10, "hasMore": False}))


def test_link_that_cannot_be_read_may_be_the_next_page(sim, c):
    """Then what the list lacks is not taken for gone."""
    sim.seed(10)
    c.call("sync.now")
    sim.fault("status", method="GET", status=200, body=sim.rows()[:8],
              headers={"Link": "<?page=2; rel=next"})
    result = c.call("sync.now")
    assert (result["complete"], result["removed"]) == (False, 0)


@pytest.mark.parametrize("body", [
    {"success": False, "data": []}, {"error": "db down", "items": []}, {"code": 503, "value": []},
    {"errors": {"db": "down"}, "data": []}], ids=lambda body: next(iter(body)))
def test_an_error_report_with_a_list_is_no_list(sim, c, body):
    sim.seed(3)
    c.call("sync.now")
    sim.fault("status", method="GET", status=200, body=body)
    with refused("OFFLINE", "not a list"):
        c.call("sync.now")
    assert len(list(c.list())) == 3


def test_silent_paging_without_any_sign_is_caught_by_the_guard(sim, c):
    sim.seed(25)
    c.call("sync.now")
    sim.set(page_size=10, page_link="none")
    result = c.call("sync.now")
    assert not result["complete"] and result["removed"] == 0
    assert len(list(c.list())) == 25


def test_pages_are_bounded(world, sim):
    sim.seed(25)
    sim.set(page_size=2, page_link="nextLink")
    c = world.whd(sim, {"upstream.max_pages": 5}).client()
    result = c.call("sync.now")
    assert not result["complete"] and "max_pages" in result["why"]
    assert len(sim.lists()) % 5 == 0
    assert c.call("webhook.list")["synced_at"] is None


def test_page_that_breaks_makes_the_list_incomplete(sim, c):
    sim.seed(25)
    c.call("sync.now")
    sim.set(page_size=10, page_link="nextLink")
    sim.remove(sim.rows()[0]["whid"])
    for action, members in (("cut_body", {"bytes": 700}), ("status", {"status": 500}),
                            ("html", {"status": 200, "execute": True})):
        rule = sim.fault(action, method="GET", skip=1, count=2, **members)
        try:
            result = c.call("sync.now")
            assert not result["complete"] and result["removed"] == 0, action
        except c.Error as error:
            assert error.code == "OFFLINE" and "whname" not in error.message, error
        assert len(list(c.list())) == 25
        sim.clear_faults(rule)
    assert c.call("sync.now")["removed"] == 1


@pytest.mark.parametrize("links", [[""], ["?page=1", "?page=1"], ["?page=1", "?page=2", "?page=1"]])
def test_pages_that_lead_back_end(sim, c, links):
    """A page links to itself, or to one before it: none is read twice."""
    for link in links:
        body = {"value": [webhook(1, whid="same")], "nextLink": sim.url + link}
        sim.fault("status", method="GET", status=200, body=body)
    before = sim.mark()
    result = c.call("sync.now")
    assert not result["complete"] and "leads back" in result["why"]
    assert len(sim.lists(before)) == len(links)


def test_endless_pages_end(world, sim):
    """Each page has another link, and there is always one more."""
    c = world.whd(sim, {"upstream.max_pages": 20}).client()
    c.synced()
    for n in range(30):
        body = {"value": [webhook(n, whid=f"w{n}")], "nextLink": f"?page={n}"}
        sim.fault("status", method="GET", status=200, body=body)
    before = sim.mark()
    result = c.call("sync.now")
    assert not result["complete"] and "max_pages" in result["why"]
    assert len(sim.lists(before)) == 20


def test_a_large_reply_is_bounded(world, sim):
    sim.seed(200)
    c = world.whd(sim, {"upstream.max_body": "20KiB"}).client()
    with pytest.raises(c.Error) as failed:
        result = c.call("sync.now")
        assert not result["complete"], result
        raise c.Error("OFFLINE", "an incomplete list is as good")
    assert failed.value.code == "OFFLINE"
    assert c.call("webhook.list")["synced_at"] is None


@pytest.fixture
def paged(sim, c):
    """25 webhooks in three pages, as whd knows; returns their whids as the API lists them."""
    sim.seed(25)
    sim.set(page_size=10, page_link="nextLink")
    assert c.call("sync.now")["complete"]
    return [row["whid"] for row in sim.rows()]


def is_queued(c, op):
    return c.call("queue.get", op=op["op"])["state"] == "queued"


def ask_for_list(c):
    with refused("TIMEOUT"):
        c.call("sync.now", timeout_ms=0)


def test_nothing_of_ours_is_deleted_between_two_pages(sim, c, paged):
    """It would bring the first of a later page to one that was read before."""
    before = sim.mark()
    rule = sim.fault("delay", method="GET", ms=600000, skip=1)
    ask_for_list(c)
    sim.wait_hits(rule)
    gone = c.delete(paged[0])
    c.applied(c.update(paged[1], {"whcomment": "meanwhile"}))
    assert is_queued(c, gone) and not sim.log(before, method="DELETE")
    sim.clear_faults()
    c.applied(gone)
    assert [e["reply_rows"] for e in sim.lists(before)][:3] == [10, 10, 5]
    c.call("sync.now")
    same_as_api(sim, c)


def test_list_in_pages_waits_for_our_deletes_on_their_way(sim, c, paged):
    rule = sim.fault("delay", method="DELETE", ms=600000)
    gone = c.delete(paged[0])
    sim.wait_hits(rule)
    before = sim.mark()
    ask_for_list(c)
    second = c.delete(paged[1])
    c.applied(c.update(paged[2], {"whcomment": "meanwhile"}))
    assert is_queued(c, second) and not sim.lists(before)
    sim.clear_faults()
    c.applied(gone)
    c.applied(second)
    c.call("sync.now")
    same_as_api(sim, c)
