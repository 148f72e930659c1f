# SPDX-License-Identifier: MIT
"""A socket that answers as it is told, for what a client makes of answers that whd seldom gives."""

import socket
import threading

import msgpack


class Mock:
    """answer(method, params) gives the result of each call; calls: all that came, in order."""

    def __init__(self, folder, answer):
        self.path, self.answer, self.calls = folder / "mock.sock", answer, []
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.bind(str(self.path))
        self._sock.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                peer, _ = self._sock.accept()
            except OSError:
                return
            with peer:
                self._answer_all(peer)

    def _answer_all(self, peer):
        unpacker = msgpack.Unpacker(raw=False)
        while data := peer.recv(65536):
            unpacker.feed(data)
            for _, ident, method, params in unpacker:
                self.calls.append((method, params[0]))
                peer.sendall(msgpack.packb([1, ident, None, self.answer(method, params[0])]))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._thread.join()
