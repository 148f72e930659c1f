# SPDX-License-Identifier: MIT
"""A whd of the tests: its folder, its configuration, its starts and its ends."""

import os
import signal
import subprocess

from support import last_words, secrets
from support.client import Client
from support.paths import WHD
from support.process import Child

KEY = "test-key-1"
DEFAULTS = {
    "sync.interval": "1h",  # lists come when a test asks for one
    "retry.base": "20ms",
    "retry.cap": "200ms",
    "queue.settle_timeout": "600ms",
    "queue.settle_error": "300ms",
    "log.level": "debug",
}


def render(settings):
    """INI text of {"section.key": value}; None leaves a setting out."""
    sections = {}
    for name, value in settings.items():
        section, key = name.split(".")
        if value is not None:
            sections.setdefault(section, []).append(f"{key} = {value}\n")
    return "".join(f"[{s}]\n" + "".join(lines) for s, lines in sections.items())


class Whd:
    """One store and one socket, served by one process after the other."""

    def __init__(self, folder, url, settings=None, keys=(KEY,), ca_file=None, env=None):
        self.folder = folder
        self.socket = folder / "whd.sock"
        self.config = folder / "whd.conf"
        self.key_file = folder / "keys"
        self.store = folder / "store"
        self.env = {"PATH": os.environ.get("PATH", ""), **(env or {})}
        self.env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        self.settings = {
            "upstream.url": url, "upstream.key_file": self.key_file,
            "upstream.allow_http": "yes", "upstream.ca_file": ca_file,
            "socket.path": self.socket, "store.path": self.store, **DEFAULTS, **(settings or {})}
        self.child = None
        self.children = []
        self._clients = []
        self.write_keys(*keys)
        self.write_config()

    # ------------------------------------------------------------- folders --

    def _write_private(self, path, text):
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8")
        part.chmod(0o600)
        part.rename(path)

    def write_keys(self, *keys):
        secrets.add(*keys)
        self._write_private(self.key_file, "".join(k + "\n" for k in keys))

    def write_config(self, **changes):
        """Changes settings (section_key=value) and writes the file; takes effect by a reload."""
        for name, value in changes.items():
            section, _, key = name.partition("_")
            self.settings[f"{section}.{key}"] = value
        self._write_private(self.config, render(self.settings))

    # ---------------------------------------------------------- start, end --

    def spawn(self, *options, argv=(), **popen):
        """Starts the program without waiting for anything."""
        self.child = Child([*argv, WHD, "-c", self.config, *options], env=self.env, **popen)
        self.children.append(self.child)
        return self.child

    def start(self, **popen):
        """Starts it and waits until it serves."""
        self.spawn(**popen).wait_line(r"msg=ready")
        return self

    def kill(self):
        """kill -9."""
        self.close_clients()
        return self.child.kill()

    def stop(self):
        self.close_clients()
        if self.child.alive:
            last_words.take(self.settings["socket.path"])
        return self.child.terminate()

    def restart(self):
        assert self.stop() == 0, self.child.tail()
        return self.start()

    def logged(self):
        """All lines up to now: what answers to a signal comes behind them."""
        self.reload()
        return self.child.lines

    def reload(self):
        """SIGHUP; returns once it has been taken or refused."""
        seen = len(self.child.lines)
        self.child.signal(signal.SIGHUP)
        return self.child.wait_line(r"configuration read again|reload refused", seen)

    def command(self, *options):
        """whd as a command: (exit status, stdout, stderr)."""
        done = subprocess.run([WHD, "-c", self.config, *options], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    # -------------------------------------------------------------- client --

    def client(self, **options):
        """A new connection, closed with the daemon."""
        client = Client(self.socket, **options)
        self._clients.append(client)
        return client

    def close_clients(self):
        for client in self._clients:
            client.close()

    @property
    def log(self):
        return "\n".join(child.text for child in self.children)
