# SPDX-License-Identifier: MIT
"""The API as far as a measured whd needs it: one list, and changes that succeed."""

import http.server
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

    def serve(self, data):
        self.body = data

    def pin(self, cpu):
        """It is a thread of ours."""

    def stop(self):
        self.shutdown()
        self.server_close()


def serve(n):
    """An API with n webhooks; has a url, and ends with stop()."""
    server = Server(("127.0.0.1", 0), Api)
    server.serve(rows.body(n))
    server.url = f"http://127.0.0.1:{server.server_port}{peers.UPSTREAM}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
