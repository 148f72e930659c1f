# SPDX-License-Identifier: MIT
"""The API as far as a measured whd needs it: one list, and changes that succeed."""

import contextlib
import http.server
import socket
import threading

import peers
import rows


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PATCH(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PATCH

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Can what peers.Nginx can, as far as lists go."""
    daemon_threads = True
    body = b"[]"

    def __init__(self, *where):
        self.connections = []
        super().__init__(*where)

    def process_request(self, request, client_address):
        self.connections.append(request)
        super().process_request(request, client_address)

    def serve(self, data):
        self.body = data

    def pin(self, cpu):
        """It is a thread of ours."""

    def stop(self):
        """Nothing is answered any more, on old connections neither."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def serve(n):
    """An API with n webhooks; has a url, and ends with stop()."""
    server = Server(("127.0.0.1", 0), Api)
    server.serve(rows.body(n))
    server.url = f"http://127.0.0.1:{server.server_port}{peers.UPSTREAM}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
