# SPDX-License-Identifier: MIT
"""A connection to whd as bare bytes: what a foreign client sees, and what a hostile one does.

Answers are decoded strictly (a map that holds a key twice is an error) and
entered into the contract's book.
"""

import io
import socket

import msgpack

from support import contract, secrets

PATIENCE = 30


def io_of(data):
    """Bytes as a file, to be unpacked from."""
    return io.BytesIO(data)


def _strict(pairs):
    found = dict(pairs)
    assert len(found) == len(pairs), f"a map holds a key twice: {pairs}"
    assert all(isinstance(k, str) for k in found), f"a map's key is no text: {pairs}"
    return found


class Raw:
    """One connection; nothing is sent but what a test says."""

    def __init__(self, path, receive_buffer=None, timeout=PATIENCE):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self.unpacker = msgpack.Unpacker(raw=False, object_pairs_hook=_strict,
                                         strict_map_key=True, max_buffer_size=1 << 26)
        self.asked = {}      # id -> (method, parameter names)
        self.answers = []    # in the order they came: [1, id, error, result]
        self.notified = []

    def close(self):
        self.sock.close()

    # ------------------------------------------------------------- sending --

    def bytes(self, data):
        """Sends; if whd has closed already, what it said before is still there to be read."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def message(self, value):
        self.bytes(msgpack.packb(value))

    def send(self, ident, method, **params):
        self.asked[ident] = (method, list(params))
        self.message([0, ident, method, [params]])

    def settle(self, ident=987654):
        """Returns once whd has taken everything sent before: what waits is parked by then."""
        self.send(ident, "hello")
        self.result(ident)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    # ----------------------------------------------------------- receiving --

    def _take(self, message):
        assert isinstance(message, list), message
        if message[0] == 2:
            assert len(message) == 3, message
            self.notified.append(message)
            return
        assert len(message) == 4 and message[0] == 1, message
        self.answers.append(message)
        _, ident, error, result = message
        if error is not None:
            assert result is None and len(error) == 2, message
            code, colon, sentence = error[1].partition(": ")
            assert colon and sentence, error
            contract.note_error(error[0], code, sentence)
        elif ident in self.asked:
            contract.note_result(*self.asked[ident], result)

    def receive(self):
        """Waits for more bytes; False at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return False
        secrets.look("an answer", data)
        self.unpacker.feed(data)
        for message in self.unpacker:
            self._take(message)
        return True

    def answer(self, ident=None):
        """The next answer (to this id): (code or None, result)."""
        while True:
            for message in self.answers:
                if ident is None or message[1] == ident:
                    self.answers.remove(message)
                    error = message[2]
                    return (error[1].partition(":")[0] if error else None), message[3]
            assert self.receive(), "the connection ended without an answer"

    def result(self, ident):
        code, result = self.answer(ident)
        assert code is None, code
        return result

    def events_until(self, seen):
        """The events pushed up to the first for which seen(event) is true."""
        found = []
        while True:
            while self.notified:
                _, name, params = self.notified.pop(0)
                assert name == "event" and len(params) == 1
                contract.shapes.event(params[0])
                found.append(params[0])
                if seen(params[0]):
                    return found
            assert self.receive(), "the connection ended"

    def rest(self):
        """Everything up to the end of the connection, which must come: the answers left."""
        while self.receive():
            pass
        return self.answers

    def refusals(self):
        """The error codes with their ids, up to the end of the connection."""
        return [(m[1], m[2][1].partition(":")[0]) for m in self.rest() if m[2]]
