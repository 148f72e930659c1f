# SPDX-License-Identifier: MIT
"""The cases of the switches: (setting, check).

The check gets a whsim with the two rows of two_rows(); it must not hold under
the default setting and must hold under the one given.
"""

import gzip
import json
import urllib.parse

from whsim_harness import GUID, PATH, SIX, UNKNOWN, webhook

SUMMARY = {"whname", "applicationId"}


def two_rows(sim):
    sim.verb("POST", "/rows", {"whid": "id-1", "whname": "Eins", "own": 1})
    sim.verb("POST", "/rows", webhook(whid=GUID, whname="Zwei\u00e4"))


def ids(rows, name="whid"):
    return [row[name] for row in rows]


BOTH = ["id-1", GUID]


def emptied(sim):
    sim.verb("DELETE", "/rows")
    return sim.api()


def only_first(sim):
    sim.verb("DELETE", "/rows?whid=" + GUID)
    return sim.list()


def whole_keys(sim):
    pairs = json.loads(sim.api("GET", "?whid=" + GUID).body,
                       object_pairs_hook=list)
    return [name for name, value in pairs[0]]


def hidden_row(sim):
    whid = sim.post().json["whid"]
    hidden = whid not in ids(sim.list())
    found = ids(sim.api("GET", "?whid=" + whid).json) == [whid]
    sim.verb("PATCH", "/config", {"visible_after_ms": 0})
    return hidden and found and whid in ids(sim.list())


def paged(sim, query=""):
    return sim.api("GET", query)


def next_link(sim, member):
    """Follows the link of the first page to the second and last one."""
    first = paged(sim).json
    url = urllib.parse.urlsplit(first[member])
    last = paged(sim, "?" + url.query).json
    assert ids(first["value"]) + ids(last["value"]) == BOTH
    assert member not in last
    return url.scheme, url.netloc


def link_header(sim):
    link = paged(sim).headers["Link"]
    return (link == '</webhookconfig?page=2>; rel="next"' and
            ids(paged(sim).json) == ["id-1"] and
            ids(paged(sim, "?page=2").json) == [GUID] and
            paged(sim, "?page=2").headers["Link"] is None and
            paged(sim, "?page=99999999999999999999").json == [])


def differs_by_request(sim, view):
    seen = [view(sim) for _ in range(20)]
    return any(one != seen[0] for one in seen)


def patched(sim, **members):
    reply = sim.patch("id-1", **members)
    return reply, sim.rows()[0]


def partly_patched(sim):
    """A PATCH of one member, allowed: what became of the others?"""
    sim.verb("PATCH", "/config", {"require_all_six": False})
    sim.api("PATCH", "?whid=" + GUID, {"whcomment": "neu"})
    return sim.rows()[1]


def created_with(sim, **members):
    reply = sim.post(**members)
    return reply, sim.rows()[-1]


def taken(sim, **members):
    """The second POST is refused, and so is a PATCH into the same."""
    first = sim.post(**members)
    second = sim.post(**members)
    moved = sim.patch("id-1", **members)
    kept = sim.patch(first.json["whid"], **members)
    return [r.status for r in (second, moved, kept)] == [409, 409, 200]


def posted(sim):
    reply = sim.post()
    return reply, sim.rows()[-1]["whid"]


def is_posted(sim, check):
    return check(*posted(sim))


def http_url(sim, host):
    return "http", f"{host}:{sim.url.port}"


PAGE = {"page_size": 1}
SWITCHES = [
    ({"list_shape": "wrapped"}, lambda s: ids(s.list()["value"]) == BOTH),
    ({"list_shape": "wrapped", "wrap_name": "webhooks"},
     lambda s: ids(s.list()["webhooks"]) == BOTH),
    ({"list_shape": "wrapped_two"},
     lambda s: [s.list()["warnings"], ids(s.list()["value"])] == [[], BOTH]),
    ({"list_shape": "nested"},
     lambda s: ids(s.list()["response"]["value"]) == BOTH),
    ({"list_shape": "object_if_one"},
     lambda s: isinstance(s.list(), list) and
     only_first(s)["whid"] == "id-1"),
    ({"list_shape": "null_if_empty"}, lambda s: emptied(s).body == b"null"),
    ({"list_shape": "empty_if_empty"},
     lambda s: (emptied(s).status, s.api().body) == (200, b"")),
    ({"list_shape": "no_content_if_empty"},
     lambda s: s.api().status == 200 and emptied(s).status == 204),
    ({"id_name": "webhookId"}, lambda s: ids(s.list(), "webhookId") == BOTH),
    ({"id_type": "guid_upper"},
     lambda s: ids(s.list())[1] == GUID.upper() and ids(s.rows()) == BOTH and
     ids(s.api("GET", "?whid=" + GUID.upper()).json) == [GUID.upper()]),
    ({"id_type": "string"},
     lambda s: s.post().json["whid"] == s.rows()[-1]["whid"] and
     s.rows()[-1]["whid"].startswith("wh-")),
    ({"id_type": "number"},
     lambda s: isinstance(s.post().json["whid"], int) and
     s.rows()[-1]["whid"] == str(s.list()[-1]["whid"])),
    ({"name_case": "lower"},
     lambda s: set(n.lower() for n in SIX) <= set(s.list()[0])),
    ({"name_case": "upper"},
     lambda s: set(n.upper() for n in SIX) <= set(s.list()[0])),
    ({"name_case": "pascal"},
     lambda s: {"Whname", "ApplicationId", "CallbackUrl"} <=
     set(s.list()[0])),
    ({"processes_shape": "objects"},
     lambda s: s.list()[1]["processes"] ==
     [{"processId": "p2"}, {"processId": "p1"}]),
    ({"processes_shape": "comma"},
     lambda s: [r["processes"] for r in s.list()] == ["", "p2,p1"]),
    ({"processes_shape": "null_if_empty"},
     lambda s: [r["processes"] for r in s.list()] == [None, ["p2", "p1"]]),
    ({"processes_shape": "absent_if_empty"},
     lambda s: ["processes" in r for r in s.list()] == [False, True]),
    ({"empty_text": "null"},
     lambda s: [r["whcomment"] for r in s.list()] == [None, "Kommentar"]),
    ({"empty_text": "absent"},
     lambda s: ["whcomment" in r for r in s.list()] == [False, True]),
    ({"members": "summary", "members_in": "lists"},
     lambda s: [set(SIX) & set(r) for r in s.list()] == [SUMMARY] * 2 and
     set(SIX) <= set(s.post().json)),
    ({"members": "no_processes", "members_in": "both"},
     lambda s: ["processes" in r for r in (*s.list(), s.post().json)] == [False] * 3),
    ({"members": "summary", "members_in": "rows"},
     lambda s: set(SIX) <= set(s.list()[0]) and set(s.post().json) & set(SIX) == SUMMARY),
    ({"unknown_members": True},
     lambda s: set(UNKNOWN) <= set(s.post().json) and
     s.rows()[-1]["sequence"] == 2**53 + 1 and
     s.rows()[-1]["audit"]["trail"] == [{"step": 1}, {"final": False}]),
    ({"volatile_member": True},
     lambda s: s.list()[0]["servedAs"] != s.list()[0]["servedAs"]),
    ({"member_order": "reverse"},
     lambda s: whole_keys(s) == (["whid"] + SIX)[::-1]),
    ({"member_order": "by_request"},
     lambda s: differs_by_request(s, whole_keys)),
    ({"duplicate_keys": True},
     lambda s: whole_keys(s).count("whname") == 2 and
     s.list()[0]["whname"] == "Eins"),
    ({"pretty": True}, lambda s: s.api().body.count(b"\n") > 10 and
     ids(s.list()) == BOTH),
    ({"ascii_only": True}, lambda s: b"Zwei\\u00E4" in s.api().body),
    ({"duplicate_id_in_list": True},
     lambda s: ids(s.list()) == BOTH + ["id-1"]),
    ({"order": "reverse"}, lambda s: ids(s.list()) == BOTH[::-1]),
    ({"order": "random_by_request"},
     lambda s: differs_by_request(s, lambda t: ids(t.list()))),
    ({"visible_after_ms": 3600000}, hidden_row),
    (PAGE, lambda s: ids(paged(s).json) == ["id-1"] and
     ids(paged(s, "?page=2").json) == [GUID] and
     paged(s).headers["Link"] is None),
    ({**PAGE, "page_link": "nextLink"},
     lambda s: next_link(s, "nextLink") == ("", "")),
    ({**PAGE, "page_link": "odata"},
     lambda s: next_link(s, "@odata.nextLink") == ("", "")),
    ({**PAGE, "page_link": "nextLink", "page_link_url": "absolute"},
     lambda s: next_link(s, "nextLink") == http_url(s, "127.0.0.1")),
    ({**PAGE, "page_link": "nextLink", "page_link_url": "foreign"},
     lambda s: next_link(s, "nextLink") == http_url(s, "localhost")),
    ({**PAGE, "page_link": "link_header"}, link_header),
    ({**PAGE, "page_link": "count"},
     lambda s: (s.list()["count"], len(s.list()["value"])) == (2, 1)),
    ({"page_link": "total"},
     lambda s: (s.list()["total"], len(s.list()["value"])) == (2, 2)),
    ({"post_status": 201}, lambda s: s.post().status == 201),
    ({"post_status": 204},
     lambda s: (s.post().status, s.post().body) == (204, b"")),
    ({"post_reply": "array1"},
     lambda s: is_posted(s, lambda r, i: ids(r.json) == [i])),
    ({"post_reply": "id"},
     lambda s: is_posted(s, lambda r, i: r.body.decode() == i and
                         r.headers["Content-Type"][:10] == "text/plain")),
    ({"post_reply": "id_json_string"},
     lambda s: is_posted(s, lambda r, i: r.json == i)),
    ({"post_reply": "id_json_string", "id_type": "number"},
     lambda s: is_posted(s, lambda r, i: r.json == int(i))),
    ({"post_reply": "id_object"},
     lambda s: is_posted(s, lambda r, i: r.json == {"whid": i})),
    ({"post_reply": "text"},
     lambda s: s.post().body == b"Webhook configuration created."),
    ({"post_reply": "empty"},
     lambda s: (s.post().status, s.post().body) == (200, b"")),
    ({"post_reply": "object_without_id"},
     lambda s: is_posted(s, lambda r, i: list(r.json) == SIX)),
    ({"post_location": True},
     lambda s: is_posted(s, lambda r, i: r.headers["Location"] ==
                         PATH + "?whid=" + i)),
    ({"get_one_shape": "as_list", "list_shape": "wrapped"},
     lambda s: ids(s.api("GET", "?whid=id-1").json["value"]) == ["id-1"]),
    ({"get_one_shape": "object"},
     lambda s: s.api("GET", "?whid=id-1").json["whid"] == "id-1"),
    ({"get_one_shape": "whole_list"},
     lambda s: ids(s.api("GET", "?whid=id-1").json) == BOTH),
    ({"get_one_missing": "null"},
     lambda s: s.api("GET", "?whid=no").body == b"null"),
    ({"get_one_missing": "empty"},
     lambda s: s.api("GET", "?whid=no").body == b""),
    ({"get_one_missing": 404},
     lambda s: s.api("GET", "?whid=no").status == 404),
    ({"get_one_missing": "400"},
     lambda s: s.api("GET", "?whid=no").status == 400),
    ({"filter_ignored": True},
     lambda s: ids(s.api("GET", "?whid=no").json) == BOTH),
    ({"patch_status": 204},
     lambda s: (s.patch(GUID).status, s.patch(GUID).body) == (204, b"")),
    ({"patch_reply": "old"},
     lambda s: (s.patch("id-1").json["whname"], s.rows()[0]["whname"]) ==
     ("Eins", "Neu")),
    ({"patch_reply": "empty"},
     lambda s: (s.patch(GUID).status, s.patch(GUID).body) == (200, b"")),
    ({"patch_reply": "text"},
     lambda s: s.patch(GUID).body == b"Webhook configuration updated."),
    ({"patch_semantics": "merge"},
     lambda s: partly_patched(s)["whname"] == "Zwei\u00e4" and
     s.rows()[1]["whcomment"] == "neu"),
    ({"patch_drops_unknown": True},
     lambda s: patched(s)[1]["whname"] == "Neu" and "own" not in s.rows()[0]),
    ({"patch_missing": 410}, lambda s: s.patch("no").status == 410),
    ({"delete_status": 200},
     lambda s: s.api("DELETE", "?whid=" + GUID).status == 200),
    ({"delete_missing": 410},
     lambda s: s.api("DELETE", "?whid=no").status == 410),
    ({"delete_missing": 204},
     lambda s: s.api("DELETE", "?whid=no").status == 204 and
     not s.log()[-1]["executed"]),
    ({"request_unknown": "store"},
     lambda s: s.post_row(extra=[1])["extra"] == [1]),
    ({"request_unknown": "refuse"},
     lambda s: list(s.post(extra=[1]).json["errors"]) == ["extra"]),
    ({"require_all_six": False},
     lambda s: s.api("POST", body={"whname": "x"}).status == 200 and
     s.rows()[-1]["processes"] == []),
    ({"normalise": "trim"},
     lambda s: s.post_row(whname="  a b ")["whname"] == "a b"),
    ({"normalise": "url_lower"},
     lambda s: s.post_row()["callbackUrl"] == "https://x.test/in"),
    ({"normalise": "url_slash"},
     lambda s: s.post_row()["callbackUrl"] == "https://x.test/In/"),
    ({"normalise": "guid_lower"},
     lambda s: s.post_row(applicationId="AB")["applicationId"] == "ab"),
    ({"normalise": "comment_upper"},
     lambda s: s.post_row()["whcomment"] == "KOMMENTAR"),
    ({"normalise": "sort_processes"},
     lambda s: s.post_row()["processes"] == ["p1", "p2"]),
    ({"uniqueness": "name"},
     lambda s: taken(s, whname="doppelt")),
    ({"uniqueness": "url"},
     lambda s: taken(s, callbackUrl="https://doppelt.test/")),
    ({"bom": True}, lambda s: s.api().body[:4] == b"\xef\xbb\xbf["),
    ({"content_type": "text"},
     lambda s: s.api().headers["Content-Type"][:10] == "text/plain"),
    ({"content_type": "html"},
     lambda s: s.api().headers["Content-Type"][:9] == "text/html"),
    ({"content_type": "none"},
     lambda s: s.api().headers["Content-Type"] is None),
    ({"gzip": "on"},
     lambda s: s.api().headers["Content-Encoding"] is None and json.loads(
         gzip.decompress(s.api(headers={"Accept-Encoding": "gzip"}).body))),
    ({"gzip": "always", "bom": True},
     lambda s: gzip.decompress(s.api().body)[:4] == b"\xef\xbb\xbf["),
    ({"chunked": True},
     lambda s: s.api().headers["Transfer-Encoding"] == "chunked" and
     ids(s.list()) == BOTH),
    ({"keep_alive": False},
     lambda s: s.api().headers["Connection"] == "close"),
    ({"retry_after_header": "X-Wait"},
     lambda s: s.fault("apim_429") and
     s.api().headers["X-Wait"] == "60"),
]
