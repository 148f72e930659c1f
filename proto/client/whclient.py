# SPDX-License-Identifier: MIT
"""Client of whd, the local copy of webhook configurations. One file, needs only msgpack.

    from whclient import Client, WhdError

    with Client() as whd:
        for webhook in whd.list(municipalityId="351"):
            print(webhook["whid"], webhook["whname"], webhook["_whd"]["state"])
        op = whd.create(whname="a", whcomment="", applicationId="7", municipalityId="351",
                        callbackUrl="https://example.org/hook", processes=["p1"])
        print(whd.wait(op["op"])["state"])

AsyncClient is the same for asyncio. A client belongs to one thread (or one event loop).
Methods, parameters and results are those of `call("rpc.describe")`; None = not given.
"""

import asyncio
import os
import secrets
import socket
import stat
import time
from collections import deque

import msgpack

SOCKET = "/run/whd/whd.sock"
MESSAGE_MAX = 16 * 1024 * 1024
SETTLED = ("conflict", "held", "dead", "done", "cancelled", "superseded")
_WAITS = ("queue.wait", "sync.now", "events.read", "wait", "upstream.probe")  # may be parked by whd
_WAIT_DEFAULT, _WAIT_MAX = 30.0, 300.0
_LONG = ("store.backup", "store.check")  # read the whole store
_LONG_PATIENCE = 1800.0
_READS = ("hello", "rpc.describe", "webhook.get", "webhook.list", "queue.list", "queue.get",
          "queue.wait", "history.list", "events.read", "wait", "status", "metrics")


class WhdError(Exception):
    """What went wrong: whd's own code (NOT_FOUND, ...), or UNREACHABLE, LOST, TIMEOUT, PROTOCOL.

    code: stable, upper snake.  message: a sentence that ends with what to do.
    type: 1 = the caller's fault, 0 = anything else.
    """

    def __init__(self, code, message, type=0):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.type = code, message, type


def request_id():
    """A fresh UUIDv7: repeating a change under the same id cannot queue it twice."""
    n = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    n = n & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    h = f"{n:032x}"
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def _lost(path):
    return WhdError("LOST", f"the connection to whd on {path} broke before it answered")


def _is_socket(path):
    return stat.S_ISSOCK(os.stat(path).st_mode)


def _unreachable(path, error):
    if isinstance(error, ConnectionRefusedError) and os.path.exists(path) and not _is_socket(path):
        return WhdError("UNREACHABLE", f"{path} is no socket: whd listens elsewhere")
    why = {FileNotFoundError: f"there is no socket {path}: whd is not running or listens elsewhere",
           ConnectionRefusedError: f"nobody listens on {path}: whd has stopped",
           PermissionError: f"this user may not use the socket {path}: join its group"}
    return WhdError("UNREACHABLE", why.get(type(error), f"cannot connect to {path}: {error}"))


def _answer_error(error):
    """The exception for the error slot of an answer: [type, "CODE: sentence"]."""
    kind, text = error if isinstance(error, list) and len(error) == 2 else (0, str(error))
    code, colon, sentence = str(text).partition(": ")
    return WhdError(code, sentence, kind) if colon else WhdError("ERROR", str(text), kind)


def _patience(method, params, timeout):
    """Seconds to wait for an answer: the client's own, and what whd may park the call."""
    if method in _LONG:
        return max(timeout, _LONG_PATIENCE)
    if method not in _WAITS:
        return timeout
    asked = params.get("timeout_ms")
    return timeout + min(_WAIT_MAX, _WAIT_DEFAULT if asked is None else asked / 1000)


def _harmless(method, params):
    """True if carrying the request out twice is the same as once."""
    return method in _READS or params.get("request_id") is not None


def _rounds(timeout):
    """The timeout_ms of each round of a wait that may be longer than whd allows for one."""
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        yield int(1000 * max(0.0, min(left, _WAIT_MAX))), left <= _WAIT_MAX


def _carrier(op):
    """The id of the operation that carries this one out with its own; None if none does. What
    a delete superseded is carried out by nobody."""
    return op.get("into") if op.get("result") == "merged" else None


class _Wire:
    """Messages to bytes and back, bounded; no I/O."""

    def __init__(self):
        self._unpacker = msgpack.Unpacker(raw=False, unicode_errors="replace",
                                          max_buffer_size=MESSAGE_MAX)
        self._next_id = 0

    def request(self, method, params):
        self._next_id = self._next_id % 0xFFFFFFFF + 1
        return self._next_id, msgpack.packb([0, self._next_id, method, [params]])

    def feed(self, data):
        """The whole messages in what has arrived so far."""
        try:
            self._unpacker.feed(data)
            messages = list(self._unpacker)
        except Exception as error:  # msgpack raises a dozen unrelated types
            raise WhdError("PROTOCOL",
                           f"what answers does not speak as whd does: {error}") from None
        for m in messages:
            if not isinstance(m, list) or len(m) < 3:
                raise WhdError("PROTOCOL", "what answers does not speak as whd does")
        return messages


class _Methods:
    """The typed calls, the same for both clients: each is self.call() with its parameters."""

    def get(self, whid, **params):
        """One webhook (view="confirmed", max_age=ms)."""
        return self.call("webhook.get", whid=whid, **params)

    def create(self, **fields):
        """Queues a create (whname, whcomment, applicationId, municipalityId, callbackUrl,
        processes); returns the operation, which is on disk then."""
        return self.call("webhook.create", **{"request_id": request_id(), **fields})

    def update(self, whid, set=None, **params):
        """Queues a change of the members in set (add_processes, remove_processes, policy,
        if_revision, ...); returns the operation."""
        params = {"request_id": request_id(), **params}
        return self.call("webhook.update", whid=whid, set=set, **params)

    def delete(self, whid, **params):
        """Queues a delete (force=True, ...); returns the operation."""
        return self.call("webhook.delete", **{"request_id": request_id(), "whid": whid, **params})

    def status(self):
        """How whd, the upstream, the queue and the store are."""
        return self.call("status")


class Client(_Methods):
    """A blocking client. path: None = $WHD_SOCKET or the usual one. timeout: seconds a call."""

    def __init__(self, path=None, timeout=10):
        self.path = path or os.environ.get("WHD_SOCKET") or SOCKET
        self.timeout = timeout
        self._sock = None
        self._notified = deque()
        self._connect()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        if self._sock:
            self._sock.close()
        self._sock = None

    def _connect(self):
        self.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            raise _unreachable(self.path, error) from None
        self._sock, self._wire = sock, _Wire()

    def _reconnect(self, end):
        """Connects again with growing pauses: the other end may be restarting."""
        delay = 0.02
        while True:
            try:
                return self._connect()
            except WhdError:
                if delay > 1.3 or time.monotonic() + delay > end:
                    raise
            time.sleep(delay)
            delay *= 2

    def call(self, method, **params):
        """Calls a method and returns its result, or raises WhdError. A connection that breaks
        is opened again and the request repeated once if that is harmless."""
        end = time.monotonic() + _patience(method, params, self.timeout)
        if not self._sock:
            self._connect()
        try:
            return self._call_once(method, params, end)
        except WhdError as error:
            harmless = error.code == "LOST" and (self._unsent or _harmless(method, params))
            if not harmless:
                raise
        self._reconnect(end)
        return self._call_once(method, params, end)

    def _call_once(self, method, params, end):
        wanted, data = self._wire.request(method, params)
        self._unsent = True  # a request that is not whole is not carried out
        try:
            self._sock.settimeout(max(0.001, end - time.monotonic()))
            self._sock.sendall(data)
            self._unsent = False
        except socket.timeout:
            self.close()
            raise WhdError("TIMEOUT", "whd does not take the request: see its status") from None
        except OSError:
            pass  # it may have said why before it closed
        answer = None
        while not answer:
            for message in self._receive(end):
                if message[0] == 2:  # also behind the answer
                    self._notified.append(message)
                elif message[0] == 1 and message[1] in (wanted, 0):
                    answer = answer or message
        if answer[2] is not None:
            raise _answer_error(answer[2])
        return answer[3]

    def _receive(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise WhdError("TIMEOUT", "whd did not answer in time: the work may go on")
        self._sock.settimeout(min(left, 1e6))
        try:
            data = self._sock.recv(65536)
        except socket.timeout:
            return []
        except OSError:
            data = b""
        if not data:
            self.close()
            raise _lost(self.path)
        try:
            return self._wire.feed(data)
        except WhdError:
            self.close()
            raise

    def pages(self, method, **params):
        """The items of a method that answers in pages, over all pages."""
        cursor = None
        while True:
            page = self.call(method, **{**params, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("cursor")
            if cursor is None:
                return

    def list(self, **filters):
        """All webhooks that match (whname, applicationId, municipalityId, callbackUrl, process,
        pending, view, max_age), one after another."""
        return self.pages("webhook.list", **filters)

    def wait(self, op, timeout=30):
        """Waits until operation op ended or needs a person, at most timeout seconds; returns it
        as it then is. If another one carries it out (into), that is waited for and returned."""
        for timeout_ms, last in _rounds(timeout):
            now = self.call("queue.wait", op=op, timeout_ms=timeout_ms)
            if _carrier(now):
                op = _carrier(now)
            elif now["state"] in SETTLED or last:
                return now

    def events(self, since=None, instance=None, timeout=None):
        """Subscribes, on a connection of its own, and returns an iterator of events."""
        return Events(self.path, self.timeout, since, instance, timeout)


class Events:
    """Events as they happen, from the moment it was made. revision, instance, reset: what whd
    said then; reset = there is a gap, list again. timeout: seconds to wait for the next event
    before WhdError TIMEOUT; None = for ever."""

    def __init__(self, path, call_timeout, since, instance, timeout):
        self.timeout = timeout
        self._client = Client(path, call_timeout)
        try:
            started = self._client.call("events.subscribe", since=since, instance=instance)
        except BaseException:
            self.close()
            raise
        self.revision, self.instance = started["revision"], started["instance"]
        self.reset = bool(started.get("reset"))

    def __iter__(self):
        return self

    def __next__(self):
        notified = self._client._notified
        end = time.monotonic() + (1e9 if self.timeout is None else self.timeout)
        while True:
            while notified:
                message = notified.popleft()
                if message[1] == "event" and message[2]:
                    return message[2][0]
            if not self._client._sock:
                raise StopIteration
            notified.extend(m for m in self._client._receive(end) if m[0] == 2)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self._client.close()


class AsyncClient(_Methods):
    """The same for asyncio: `async with AsyncClient() as whd: await whd.get(...)`. Calls may
    overlap. Nothing is repeated by itself; the next call after LOST connects again."""

    def __init__(self, path=None, timeout=10):
        self.path = path or os.environ.get("WHD_SOCKET") or SOCKET
        self.timeout = timeout
        self._writer = self._reader_task = None
        self._waiting = {}
        self._connecting = asyncio.Lock()
        self._notified = asyncio.Queue(1000)  # full = nothing more is read for a while

    async def __aenter__(self):
        await self._connect()
        return self

    async def __aexit__(self, *exc):
        await self.close()

    async def close(self):
        task, self._reader_task = self._reader_task, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _connect(self):
        async with self._connecting:
            if self._writer:
                return
            try:
                reader, self._writer = await asyncio.open_unix_connection(self.path)
            except OSError as error:
                raise _unreachable(self.path, error) from None
            self._wire = _Wire()
            self._reader_task = asyncio.create_task(self._read(reader, self._writer))

    async def _read(self, reader, writer):
        error = _lost(self.path)
        try:
            while data := await reader.read(65536):
                for message in self._wire.feed(data):
                    await self._take(message)
        except (WhdError, OSError) as failed:
            error = failed if isinstance(failed, WhdError) else error
        finally:
            self._writer = None
            writer.close()
            waiting, self._waiting = self._waiting, {}
            for future in waiting.values():
                if not future.done():
                    future.set_exception(error)
            if self._notified.empty():  # wakes who waits for an event
                self._notified.put_nowait(None)

    async def _take(self, message):
        if message[0] == 2:
            await self._notified.put(message)
            return
        if message[0] == 1 and message[1] == 0 and message[2] is not None:
            raise _answer_error(message[2])
        future = self._waiting.pop(message[1], None) if message[0] == 1 else None
        if future and not future.done():
            if message[2] is not None:
                future.set_exception(_answer_error(message[2]))
            else:
                future.set_result(message[3])

    async def call(self, method, **params):
        """Calls a method and returns its result, or raises WhdError."""
        await self._connect()
        wanted, data = self._wire.request(method, params)
        future = self._waiting[wanted] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(data)
            return await asyncio.wait_for(future, _patience(method, params, self.timeout))
        except asyncio.TimeoutError:
            raise WhdError("TIMEOUT", "whd did not answer in time: the work may go on") from None
        finally:
            self._waiting.pop(wanted, None)

    async def pages(self, method, **params):
        """The items of a method that answers in pages, over all pages."""
        cursor = None
        while True:
            page = await self.call(method, **{**params, "cursor": cursor})
            for item in page["items"]:
                yield item
            cursor = page.get("cursor")
            if cursor is None:
                return

    def list(self, **filters):
        """All webhooks that match: `async for webhook in whd.list(...)`."""
        return self.pages("webhook.list", **filters)

    async def wait(self, op, timeout=30):
        """Waits until operation op, or the one that carries it out (into), ended or needs a
        person; returns that as it then is."""
        for timeout_ms, last in _rounds(timeout):
            now = await self.call("queue.wait", op=op, timeout_ms=timeout_ms)
            if _carrier(now):
                op = _carrier(now)
            elif now["state"] in SETTLED or last:
                return now

    async def events(self, since=None, instance=None):
        """Events as they happen, on a connection of their own; ends when that does. If there is a
        gap behind since, the first is of the kind reset, as whd tells of one later: list again."""
        async with AsyncClient(self.path, self.timeout) as own:
            started = await own.call("events.subscribe", since=since, instance=instance)
            if started.get("reset"):
                yield {"revision": started["revision"], "at": int(time.time() * 1000),
                       "kind": "reset"}
            while own._writer or not own._notified.empty():
                message = await own._notified.get()
                if message and message[1] == "event" and message[2]:
                    yield message[2][0]
