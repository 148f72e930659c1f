# SPDX-License-Identifier: MIT
"""Starts whd as its units have systemd start it, and wants to be told what systemd must know.

    check_service.py WHD

The socket is passed, the key comes as a credential, notifications are read.
The API's address leads nowhere: nothing of this needs it.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

PATIENCE = 20  # seconds for what must come at once
WATCHDOG_USEC = 1_500_000


class Notifications:
    """The datagrams that sd_notify sends."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(PATIENCE)

    def wait(self, line):
        seen = []
        try:
            while line not in seen:
                seen = self.socket.recv(4096).decode().splitlines()
        except socket.timeout:
            sys.exit(f"check_service: whd did not say {line} within {PATIENCE} s")


def start(whd, folder, listener):
    """whd with everything systemd passes; fd 3 is the socket."""
    (folder / "credentials").mkdir(mode=0o700)
    (folder / "credentials/subscription-key").write_text("a-key\n", encoding="utf-8")
    config = folder / "whd.conf"
    config.write_text("[upstream]\nurl = https://gateway.example.invalid/webhookconfig\n"
                      f"[socket]\npath = {folder}/whd.sock\n[store]\npath = {folder}/store\n"
                      "[retry]\nbase = 1min\n", encoding="utf-8")
    env = {"NOTIFY_SOCKET": str(folder / "notify"), "LISTEN_FDS": "1",
           "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
           "WATCHDOG_USEC": str(WATCHDOG_USEC), "PATH": os.environ["PATH"]}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    # LISTEN_PID and WATCHDOG_PID must be those of whd: the shell becomes it.
    script = 'exec 3<&"$1"; shift; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@"'
    return subprocess.Popen(
        ["bash", "-c", script, "bash", str(listener.fileno()), whd, "-c", str(config)],
        env=env, pass_fds=[listener.fileno()], stderr=subprocess.PIPE, encoding="utf-8")


def check(whd, folder):
    told = Notifications(folder / "notify")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "whd.sock"))
    listener.listen()
    early = socket.socket(socket.AF_UNIX)  # before whd is there, as during a restart
    early.connect(str(folder / "whd.sock"))
    early.sendall(b"\x94\x00\x05\xa5hello\x90")
    child = start(whd, folder, listener)
    try:
        told.wait("READY=1")
        early.settimeout(PATIENCE)
        assert early.recv(4096)[:4] == b"\x94\x01\x05\xc0", "hello is not answered"
        for _ in range(3):
            told.wait("WATCHDOG=1")
        child.send_signal(signal.SIGHUP)
        told.wait("RELOADING=1")
        told.wait("READY=1")
        child.send_signal(signal.SIGTERM)
        told.wait("STOPPING=1")
        log = child.stderr.read()
        assert child.wait(PATIENCE) == 0, log
        assert (folder / "whd.sock").exists(), "whd removed a socket that is systemd's"
    finally:
        if child.poll() is None:
            child.kill()
            print(child.stderr.read(), file=sys.stderr)
            child.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        check(sys.argv[1], pathlib.Path(name))
