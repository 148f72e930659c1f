# SPDX-License-Identifier: MIT
"""Proves the rest of whsim's README: the network and the gateway in front of
the API, start and stop, https, and that rough clients do not hurt it.
"""

import contextlib
import http.client
import json
import re
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from whsim_harness import (BINARY, KEY_HEADER, PATH, another, drain,
                           webhook)

DAY = 86400000


# ---- the network ----------------------------------------------------------

def test_refused_connections(sim):
    sim.fault("delay", ms=DAY)
    busy = sim.send()
    sim.wait("log_at_least=1")
    idle = sim.connect()
    sim.api(on=idle)
    sim.post()
    before = sim.rows()
    assert sim.verb("POST", "/net", {"state": "refuse"}) == {
        "state": "refuse"}
    for sock in (busy, idle.sock):
        assert drain(sock) == (b"", "reset")
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            sim.connect().connect()
    assert sim.verb("GET", "/stats")["net"] == "refuse"
    assert sim.verb("GET", "/stats")["connections"] == 0
    sim.verb("POST", "/net", {"state": "refuse"})
    sim.verb("POST", "/net", {"state": "up"})
    assert sim.api().json == before


def test_the_port_stays_ours_while_refusing(sim):
    for _ in range(5):
        sim.verb("POST", "/net", {"state": "refuse"})
        with another() as other:
            assert other.url.port != sim.url.port
        sim.verb("POST", "/net", {"state": "up"})
        assert sim.api().status == 200


def test_blackhole(sim):
    idle = sim.connect()
    sim.api(on=idle)
    sim.verb("POST", "/net", {"state": "blackhole"})
    sock = sim.send()
    idle.request("GET", PATH, headers={KEY_HEADER: "test-key-1"})
    sim.wait("log_at_least=3")
    assert [(e["fault"], e["status"], e["executed"])
            for e in sim.log()[1:]] == [("blackhole", 0, False)] * 2
    sim.verb("POST", "/net", {"state": "up"})
    assert drain(sock) == (b"", "end")
    assert drain(idle.sock) == (b"", "end")
    assert sim.list() == [] and sim.rows() == []


def test_reset_brings_the_network_up(sim):
    for state in ("refuse", "blackhole"):
        sim.verb("POST", "/net", {"state": state})
        sim.verb("POST", "/reset")
        assert sim.api().status == 200
    sim.verb("POST", "/net", {"state": "sideways"}, status=400)
    sim.verb("POST", "/net", {}, status=400)


def test_close_idle(sim):
    rule = sim.fault("delay", ms=DAY)
    busy = sim.send()
    sim.wait("log_at_least=1")
    idle = [sim.connect() for _ in range(3)]
    for one in idle:
        sim.api(on=one)
    sim.wait("done_at_least=3")
    assert sim.verb("POST", "/close_idle") == {"closed": 3}
    assert [drain(one.sock) for one in idle] == [(b"", "end")] * 3
    sim.verb("DELETE", f"/fault?id={rule}")
    assert drain(busy)[0].startswith(b"HTTP/1.1 200")


def lost_on_reuse(sim):
    """A request on a reused connection is executed, and nobody is told."""
    one = sim.connect()
    assert sim.api("POST", body=webhook(), on=one).status == 200
    with pytest.raises(http.client.RemoteDisconnected):
        sim.api("POST", body=webhook(), on=one)
    one.close()
    return [(e["conn_req"], e["executed_n"], e["status"]) for e in sim.log()]


def test_close_after_request(sim):
    for body in ({"on": True}, {}):
        sim.verb("POST", "/reset")
        sim.verb("POST", "/close_after_request", body)
        assert lost_on_reuse(sim) == [(1, 1, 200), (2, 1, 0)]
        assert sim.log()[1]["fault"] == "close_after_request"
    sim.verb("POST", "/close_after_request", {"on": False})
    one = sim.connect()
    assert [sim.api(on=one).status for _ in range(2)] == [200, 200]
    one.close()


def test_the_same_as_a_rule(sim):
    sim.fault("close_after", reused_only=True, count=-1)
    assert lost_on_reuse(sim) == [(1, 1, 200), (2, 1, 0)]


def test_a_client_that_sends_again_is_executed_again(sim):
    """What libcurl does on a dead reused connection."""
    sim.fault("reset_after", reused_only=True)
    one = sim.connect()
    sim.api(on=one)
    with pytest.raises(ConnectionResetError):
        sim.api("POST", body=webhook(), on=one)
    assert sim.api("POST", body=webhook(), on=one).status == 200
    one.close()
    assert len(sim.rows()) == 2


# ---- the gateway ----------------------------------------------------------

def test_rate_limit(sim):
    sim.verb("POST", "/rate", {"per_window": 2, "window_ms": DAY})
    assert sim.api(key=None).status == 401
    assert [sim.api().status for _ in range(2)] == [200, 200]
    refused = sim.post()
    seconds = int(refused.headers["Retry-After"])
    assert refused.status == 429 and 86000 < seconds <= 86400
    assert refused.json == {
        "statusCode": 429, "message":
        f"Rate limit is exceeded. Try again in {seconds} seconds."}
    assert sim.rows() == [] and not sim.log()[-1]["executed"]
    sim.verb("POST", "/rate", {"per_window": -1})
    assert sim.api().status == 200
    sim.verb("POST", "/rate", {"per_window": 1, "window_ms": 1})
    for _ in range(50):
        if sim.api().status == 200:
            break
    else:
        pytest.fail("the window never ended")
    sim.verb("POST", "/rate", {"window_ms": 0}, status=400)


def test_quota(sim):
    sim.verb("POST", "/quota", {"calls": 1, "period_ms": 5 * DAY})
    assert sim.api().status == 200
    refused = sim.post()
    assert refused.status == 403
    assert re.fullmatch(
        r"Out of call volume quota. Quota will be replenished in "
        r"(5\.00:00:00|4\.23:59:\d\d)\.", refused.json["message"])
    assert 431900 < int(refused.headers["Retry-After"]) <= 432000
    assert sim.rows() == []
    sim.verb("POST", "/quota", {"calls": -1})
    assert sim.api().status == 200


def test_reset_goes_back_to_the_start():
    with another("--seed", "2", "--key", "k") as sim:
        start = sim.rows(), sim.verb("GET", "/config")
        assert len(start[0]) == 2 and sim.api(key="k").json == start[0]
        sim.verb("POST", "/seed", {"n": 5})
        sim.verb("PATCH", "/config", {"bom": True, "id_name": "x"})
        sim.verb("POST", "/keys", {"valid": ["other"]})
        sim.verb("POST", "/rate", {"per_window": 0, "window_ms": DAY})
        sim.verb("POST", "/quota", {"calls": 0, "period_ms": DAY})
        sim.verb("POST", "/close_after_request", {"on": True})
        sim.fault("html", count=-1)
        sim.verb("POST", "/reset")
        assert (sim.rows(), sim.verb("GET", "/config")) == start
        assert sim.log() == [] and sim.verb("GET", "/fault")["faults"] == []
        one = sim.connect()
        for _ in range(2):
            assert sim.api(key="k", on=one).json == start[0]
        one.close()
        sim.verb("DELETE", "/rows")
        assert sim.api("POST", body=webhook(), key="k").status == 200


# ---- start and stop -------------------------------------------------------

def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_ports_path_and_header_are_honoured(tmp_path):
    file = tmp_path / "ready"
    port, control = free_port(), free_port()
    options = ["--port", str(port), "--control-port", str(control),
               "--path", "/a/b", "--header", "X-Key", "--key", "k1",
               "--key", "k2", "--control-file", str(file)]
    for _ in range(3):
        with another(*options, number=signal.SIGINT) as sim:
            assert sim.ready == {"url": f"http://127.0.0.1:{port}/a/b",
                                 "control": f"http://127.0.0.1:{control}",
                                 "pid": sim.process.pid}
            assert json.loads(file.read_text()) == sim.ready
            assert list(tmp_path.iterdir()) == [file]
            one = sim.connect()
            assert sim.api(path="/a/b", key=None, headers={"X-Key": "k2"},
                           on=one).json == []
            assert sim.api(path="/a/b", key="k2").status == 401
            assert sim.api(key=None, headers={"X-Key": "k2"}).status == 404
    one.close()


def test_a_port_that_is_taken(sim):
    for option, port in (("--port", sim.url.port),
                         ("--control-port", sim.control_url.port)):
        run = subprocess.run([BINARY, option, str(port)], text=True,
                             capture_output=True, timeout=20)
        assert run.returncode == 1 and run.stdout == ""
        assert option in run.stderr and str(port) in run.stderr


@pytest.mark.parametrize("options", [
    ["--port", "65536"], ["--port", "x"], ["--port", "-1"], ["--port", ""],
    ["--path", "a"], ["--path", "/a?b"], ["--header", "a:"], ["--key", ""],
    ["--seed", "1000001"], ["--tls-cert", "x"], ["--nonsense"], ["word"],
    ["--key", "k"] * 17])
def test_wrong_options(options):
    run = subprocess.run([BINARY, *options], text=True, capture_output=True,
                         timeout=20)
    assert run.returncode == 2 and run.stdout == "" and run.stderr


@pytest.mark.parametrize("options", [
    ["--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"],
    ["--tls-cert", "/proc/self/stat", "--tls-key", "/proc/self/stat"],
    ["--control-file", "/nonexistent/file"]])
def test_files_that_cannot_be_used(options):
    run = subprocess.run([BINARY, *options], text=True, capture_output=True,
                         timeout=20)
    assert run.returncode == 1 and run.stdout == "" and run.stderr


def test_stopping_while_everything_is_held():
    with another() as sim:
        sim.fault("stall")
        sim.fault("delay", ms=DAY)
        sim.fault("slow_body", ms=DAY)
        sim.fault("execute_late", ms=DAY)
        socks = [sim.send() for _ in range(4)]
        wait = socket.create_connection(("127.0.0.1", sim.control_url.port))
        wait.sendall(b"GET /wait?log_at_least=99 HTTP/1.1\r\nHost: x\r\n"
                     b"Connection: close\r\n\r\n")
        sim.wait("log_at_least=4")
    assert [drain(sock)[1] for sock in socks + [wait]] == ["end"] * 5


# ---- https ----------------------------------------------------------------

@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert"), str(folder / "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
         cert, "-days", "2", "-subj", "/CN=whsim", "-addext",
         "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=cert)
    with another("--tls-cert", cert, "--tls-key", key) as sim:
        sim.connect = lambda: http.client.HTTPSConnection(
            "127.0.0.1", sim.url.port, timeout=20, context=context)
        yield sim


def test_https(secure):
    secure.verb("POST", "/reset")
    assert secure.ready["url"].startswith("https://127.0.0.1:")
    created = secure.post().json
    assert secure.list() == [created] == secure.rows()
    secure.verb("POST", "/seed", {"n": 2000})
    assert len(secure.list()) == 2001
    with pytest.raises((http.client.HTTPException, OSError)):
        plain = http.client.HTTPConnection("127.0.0.1", secure.url.port)
        with contextlib.closing(plain):
            plain.request("GET", PATH)
            plain.getresponse()


def test_https_faults(secure):
    secure.verb("POST", "/reset")
    for action in ("close_after", "reset_after"):
        secure.fault(action)
        with pytest.raises((http.client.RemoteDisconnected,
                            ConnectionResetError, ssl.SSLError)):
            secure.post()
    secure.fault("cut_body", bytes=9)
    with pytest.raises((http.client.IncompleteRead, ssl.SSLError)):
        secure.post()
    assert [e["executed_n"] for e in secure.log()] == [1, 1, 1]
    secure.verb("PATCH", "/config", {"page_size": 1, "page_link": "nextLink",
                                     "page_link_url": "absolute"})
    assert secure.list()["nextLink"].startswith("https://")
    secure.verb("POST", "/net", {"state": "refuse"})
    with pytest.raises(ConnectionRefusedError):
        secure.api()
    secure.verb("POST", "/net", {"state": "up"})
    assert secure.api().status == 200
    secure.verb("POST", "/close_after_request", {"on": True})
    one = secure.connect()
    secure.api(on=one)
    with pytest.raises((http.client.RemoteDisconnected, ssl.SSLError)):
        secure.api("POST", body=webhook(), on=one)
    one.close()
    assert len(secure.rows()) == 4


# ---- rough clients --------------------------------------------------------

def hello(sim, data, reset=False):
    sock = socket.create_connection(("127.0.0.1", sim.url.port), 20)
    with contextlib.suppress(OSError):  # refused and closed before all of it was read: a reset
        sock.sendall(data)
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        sock.close()
        return None
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
    return drain(sock)


@pytest.mark.parametrize("data", [
    b"", b"\x00" * 100, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50,
    b"GET /webhookconfig HTTP/1.1\r\n", b"A" * 200000,
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /%00%ff?whid=%00a&whid=b&page=-9 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ids=lambda data: repr(data[:40]))
def test_rough_clients(sim, data):
    hello(sim, data)
    hello(sim, data, reset=True)
    control = socket.create_connection(("127.0.0.1", sim.control_url.port))
    with contextlib.suppress(OSError):
        control.sendall(data)
        control.shutdown(socket.SHUT_WR)
    drain(control)
    assert sim.post().status == 200
    assert sim.verb("GET", "/stats")["rows"] == 1


def test_wrong_calls_of_the_control(sim):
    for method, path, body, status in [
            ("GET", "/nothing", None, 404), ("PUT", "/rows", {}, 404),
            ("POST", "/seed", [], 400), ("GET", "/log?since=x", None, 400),
            ("GET", "/log?typo=1", None, 400), ("POST", "/rows", 5, 400),
            ("POST", "/rows", [{}, 5], 400), ("POST", "/keys", {}, 400),
            ("POST", "/close_after_request", {"on": 1}, 400)]:
        assert sim.verb(method, path, body, status=status)["error"]
    one = sim.control_connection
    one.request("POST", "/fault", body='{"action":"html","action":"html"}')
    reply = one.getresponse()
    assert reply.status == 400 and b"JSON" in reply.read()


def test_chunked_and_expected_requests(sim):
    text = json.dumps(webhook()).encode()
    one = sim.connect()
    one.request("POST", PATH, body=iter([text[:20], text[20:]]),
                headers={KEY_HEADER: "test-key-1"}, encode_chunked=True)
    assert one.getresponse().status == 200
    one.close()
    data, _ = sim.raw(extra="Expect: 100-continue\r\n")
    assert data.startswith(b"HTTP/1.1 100") and b"HTTP/1.1 200" in data
    assert sim.log()[-1]["headers"]["expect"] == "100-continue"
    assert len(sim.rows()) == 2
