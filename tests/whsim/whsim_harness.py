# SPDX-License-Identifier: MIT
"""Starts a whsim and talks to it: the API as a client would, and the control
verbs.  Used by test_whsim.py and its tables of cases; it asserts nothing about
the API itself.
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
BINARY = os.environ.get("WHSIM", str(HERE.parents[1] / "build/bin/whsim"))
KEY_HEADER = "Ocp-Apim-Subscription-Key"
PATH = "/webhookconfig"
SIX = ["whname", "whcomment", "applicationId", "municipalityId",
       "callbackUrl", "processes"]
GUID = "0aa0bb11-22cc-4dd3-8ee4-ff5566778899"
UNKNOWN = ["eventTypes", "isActive", "disabledAt", "weight", "sequence",
           "version", "audit", "umlaut", "ETag"]


def webhook(**members):
    row = {"whname": "Neu", "whcomment": "Kommentar", "applicationId": "app",
           "municipalityId": "mun", "callbackUrl": "https://x.test/In",
           "processes": ["p2", "p1"]}
    row.update(members)
    return row


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Sim:
    """A running whsim: its API and its control verbs."""

    def __init__(self, *options):
        self.process = subprocess.Popen([BINARY, *options], text=True,
                                        stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        self.url = urllib.parse.urlsplit(self.ready["url"])
        self.control_url = urllib.parse.urlsplit(self.ready["control"])
        self.control_connection = http.client.HTTPConnection(
            self.control_url.hostname, self.control_url.port, timeout=60)

    def stop(self, number=signal.SIGTERM):
        self.control_connection.close()
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code

    def verb(self, method, path, body=None, status=200):
        text = None if body is None else json.dumps(body)
        try:
            self.control_connection.request(method, path, body=text)
            reply = Reply(self.control_connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.control_connection.close()
            raise
        assert reply.status == status, reply.body
        return reply.json

    def fault(self, action, **members):
        rule = dict(members, action=action)
        return self.verb("POST", "/fault", rule)["id"]

    def wait(self, condition):
        answer = self.verb("GET", "/wait?timeout_ms=20000&" + condition)
        assert answer["met"], condition

    def log(self):
        return self.verb("GET", "/log")["entries"]

    def rows(self):
        return self.verb("GET", "/rows")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.url.port,
                                          timeout=20)

    def api(self, method="GET", query="", body=None, key="test-key-1",
            headers=(), path=PATH, on=None):
        """One request, on a connection of its own unless one is given."""
        connection = on or self.connect()
        sent = dict(headers)
        if key:
            sent[KEY_HEADER] = key
        text = json.dumps(body) if isinstance(body, (dict, list)) else body
        try:
            connection.request(method, path + query, body=text, headers=sent)
            return Reply(connection.getresponse())
        finally:
            if not on:
                connection.close()

    def list(self):
        return self.api().json

    def post(self, **members):
        return self.api("POST", body=webhook(**members))

    def post_row(self, **members):
        """Creates a row and returns it as it is really stored."""
        self.post(**members)
        return self.rows()[-1]

    def patch(self, whid, **members):
        return self.api("PATCH", "?whid=" + whid, webhook(**members))

    def send(self, method="POST", query="", body=None, extra=""):
        """Sends a request and returns the socket, unread."""
        text = json.dumps(body or webhook()) if method != "GET" else ""
        sock = socket.create_connection(("127.0.0.1", self.url.port), 20)
        sock.sendall((f"{method} {PATH}{query} HTTP/1.1\r\nHost: x\r\n"
                      f"{KEY_HEADER}: test-key-1\r\n{extra}"
                      f"Connection: close\r\nContent-Length: {len(text)}\r\n"
                      f"\r\n{text}").encode())
        return sock

    def raw(self, *args, **kwargs):
        """Sends a request; returns what came and how it ended."""
        return drain(self.send(*args, **kwargs))


def drain(sock):
    data = b""
    with sock:
        try:
            while piece := sock.recv(65536):
                data += piece
        except ConnectionResetError:
            return data, "reset"
    return data, "end"


@contextlib.contextmanager
def another(*options, number=signal.SIGTERM):
    running = Sim(*options)
    try:
        yield running
    finally:
        code = running.stop(number)
    assert code == 0
