# SPDX-License-Identifier: MIT
"""The cases of the fault rules: (rule, check).

The check gets an empty whsim; it must not hold without the rule and must hold
with it.  Most of them send one POST.
"""

import json

from whsim_harness import drain


def executed(sim):
    entry = sim.log()[-1]
    assert entry["executed"] == (entry["executed_n"] > 0)
    return entry["executed_n"]


def ends(sim, wanted, times):
    return sim.raw() == (b"", wanted) and executed(sim) == times


def status_of(data):
    return int(data.split()[1])


def body_of(data):
    return data.partition(b"\r\n\r\n")[2]


def compact(row):
    return json.dumps(row, separators=(",", ":"))


def cut(sim, ending="end", chunked=False):
    data, ended = sim.raw()
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.split(b"Content-Length: ")[1].split()[0]) \
        if not chunked else None
    return (ended == ending and executed(sim) == 1 and
            (b"\r\n0\r\n" not in body and body.endswith(b'{"whid":"\r\n')
             if chunked else body == b'{"whid":"' and length > 100))


def replied(sim, status, part, times, header=None):
    reply = sim.post()
    return (reply.status == status and part in reply.body and
            executed(sim) == times and
            (not header or reply.headers[header[0]] == header[1]))


def same_body(sim, **headers):
    reply = sim.post()
    return (reply.json == sim.rows()[-1] and executed(sim) == 1 and
            all(reply.headers[n.replace("_", "-")] == v
                for n, v in headers.items()))


def garbage(sim):
    reply = sim.post()
    return (reply.status == 200 and len(reply.body) == 20 and
            min(reply.body) >= 0x80 and executed(sim) == 1 and
            reply.headers["Content-Type"].startswith("application/json"))


def held(sim, times_before, answer):
    """Held until the rule is removed; then closed, or answered."""
    sock = sim.send()
    sim.wait("log_at_least=1")
    before = executed(sim)
    sim.verb("DELETE", "/fault?id=1")
    data, _ = drain(sock)
    return before == times_before and (status_of(data) == 200 if answer
                                       else data == b"")


def late(sim, status):
    data, _ = sim.raw()
    if (status_of(data) if data else 0) != status or executed(sim):
        return False
    assert sim.verb("GET", "/late") == {"pending": 1}
    assert sim.verb("POST", "/late") == {"executed": 1}
    return executed(sim) == 1 and len(sim.rows()) == 1


def late_by_itself(sim):
    sim.raw()
    sim.wait("method=POST&executed_at_least=1")
    return sim.log()[0]["status"] == 504 and len(sim.rows()) == 1


def no_rows(sim):
    return sim.rows() == []


DAY = 86400000
FAULTS = [
    ({"action": "delay", "ms": DAY}, lambda s: held(s, 0, True)),
    ({"action": "close_before"}, lambda s: ends(s, "end", 0)),
    ({"action": "close_after"}, lambda s: ends(s, "end", 1)),
    ({"action": "reset_before"}, lambda s: ends(s, "reset", 0)),
    ({"action": "reset_after"}, lambda s: ends(s, "reset", 1)),
    ({"action": "reset_before", "unread": True},
     lambda s: s.raw() == (b"", "reset") and s.log()[0]["body"] == ""),
    ({"action": "close_before", "unread": True},
     lambda s: s.raw()[0] == b"" and s.log()[0]["body"] == ""),
    ({"action": "cut_head"},
     lambda s: s.raw() == (b"HTTP/1.1 200 OK\r\nContent-Type: applic", "end") and
     executed(s) == 1),
    ({"action": "cut_head", "execute": False},
     lambda s: s.raw()[1] == "end" and executed(s) == 0),
    ({"action": "cut_body", "bytes": 9}, cut),
    ({"action": "cut_body", "bytes": 9, "reset": True},
     lambda s: cut(s, "reset")),
    ({"action": "cut_body", "bytes": 9, "chunked": True},
     lambda s: cut(s, chunked=True)),
    ({"action": "cut_body", "bytes": 0},
     lambda s: s.raw()[0].endswith(b"\r\n\r\n")),
    ({"action": "cut_body"},
     lambda s: len(body_of(s.raw()[0])) == len(compact(s.rows()[0])) // 2),
    ({"action": "slow_body", "bytes": 1, "ms": DAY}, lambda s: held(s, 1, True)),
    ({"action": "garbage", "bytes": 20}, garbage),
    ({"action": "garbage", "status": 201, "execute": False},
     lambda s: s.post().status == 201 and no_rows(s)),
    ({"action": "html", "status": 200},
     lambda s: replied(s, 200, b"<html>", 0,
                       ("Content-Type", "text/html; charset=utf-8"))),
    ({"action": "html", "status": 403, "execute": True},
     lambda s: replied(s, 403, b"<html>", 1)),
    ({"action": "html"}, lambda s: replied(s, 503, b"<html>", 0)),
    ({"action": "status"}, lambda s: replied(s, 500, b"", 0)),
    ({"action": "status", "status": 409, "body": {"a": [1]},
      "headers": {"Retry-After": "7"}, "execute": True},
     lambda s: replied(s, 409, b'{"a":[1]}', 1, ("Retry-After", "7"))),
    ({"action": "status", "status": 502, "body": "<x>",
      "headers": {"Content-Type": "a/b"}},
     lambda s: replied(s, 502, b"<x>", 0, ("Content-Type", "a/b"))),
    ({"action": "status", "status": 200, "body": "x", "content_type": "c/d"},
     lambda s: replied(s, 200, b"x", 0, ("Content-Type", "c/d"))),
    ({"action": "empty_200"},
     lambda s: body_of(s.raw()[0]) == b"" and executed(s) == 1),
    ({"action": "empty_200", "status": 202, "execute": False},
     lambda s: (s.post().status, s.rows()) == (202, [])),
    ({"action": "wrong_content_type"},
     lambda s: same_body(s, Content_Type="text/html")),
    ({"action": "wrong_content_type", "content_type": "image/png"},
     lambda s: same_body(s, Content_Type="image/png")),
    ({"action": "redirect"},
     lambda s: replied(s, 302, b"moved", 0,
                       ("Location", "https://login.example.test/"))),
    ({"action": "redirect", "status": 307, "location": "/x",
      "execute": True},
     lambda s: replied(s, 307, b"moved", 1, ("Location", "/x"))),
    ({"action": "stall"}, lambda s: held(s, 0, False) and no_rows(s)),
    ({"action": "stall", "execute": True}, lambda s: held(s, 1, False)),
    ({"action": "stall", "resume": True},
     lambda s: held(s, 0, True) and executed(s) == 1),
    ({"action": "stall", "resume": True, "execute": True},
     lambda s: held(s, 1, True) and executed(s) == 1),
    ({"action": "execute_late", "ms": DAY}, lambda s: late(s, 504)),
    ({"action": "execute_late", "ms": DAY, "status": 500},
     lambda s: late(s, 500)),
    ({"action": "execute_late", "ms": DAY, "drop": True},
     lambda s: late(s, 0)),
    ({"action": "execute_late", "ms": 30}, late_by_itself),
    ({"action": "execute_twice"},
     lambda s: replied(s, 200, b"", 2) and len(s.rows()) == 2),
    ({"action": "apim_401"},
     lambda s: replied(s, 401, b'{"statusCode":401,"message":"Access denied '
                       b'due to invalid subscription key. Make sure to '
                       b'provide a valid key for an active subscription."}',
                       0)),
    ({"action": "apim_401", "missing": True},
     lambda s: replied(s, 401, b'{"statusCode":401,"message":"Access denied '
                       b'due to missing subscription key. Make sure to '
                       b'include subscription key when making requests to '
                       b'an API."}', 0)),
    ({"action": "apim_429", "seconds": 7},
     lambda s: replied(s, 429, b'{"statusCode":429,"message":"Rate limit is '
                       b'exceeded. Try again in 7 seconds."}', 0,
                       ("Retry-After", "7"))),
    ({"action": "apim_429", "http_date": True},
     lambda s: s.post().headers["Retry-After"].endswith(" GMT")),
    ({"action": "apim_403_quota"},
     lambda s: replied(s, 403, b'{"statusCode":403,"message":"Out of call '
                       b'volume quota. Quota will be replenished in '
                       b'5.03:23:11."}', 0, ("Retry-After", "444191"))),
    ({"action": "apim_403_quota", "period": "00:00:09", "seconds": 9},
     lambda s: replied(s, 403, b"00:00:09", 0, ("Retry-After", "9"))),
    ({"action": "apim_403_ip"},
     lambda s: replied(s, 403, b'{"statusCode":403,"message":"Forbidden"}',
                       0)),
    ({"action": "apim_404_route"},
     lambda s: replied(s, 404, b'{"statusCode":404,"message":"Resource not '
                       b'found"}', 0)),
]
