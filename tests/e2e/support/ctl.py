# SPDX-License-Identifier: MIT
"""whctl as a user runs it: words in, exit status, standard output and standard error out."""

import collections
import json
import os
import pty
import select
import subprocess

from support.paths import WHCTL

PATIENCE = 60

Ran = collections.namedtuple("Ran", "code out err")


class Ctl:
    """Runs whctl against one socket. A command that fails where it should not fails the test."""

    def __init__(self, socket, **env):
        self.env = {"PATH": os.environ.get("PATH", ""), "WHD_SOCKET": str(socket),
                    "LC_ALL": "C.UTF-8", **env}

    def run(self, *words, stdin=None, **env):
        """Whatever happens: (exit status, stdout, stderr)."""
        done = subprocess.run([WHCTL, *map(str, words)], env={**self.env, **env}, input=stdin,
                              capture_output=True, timeout=PATIENCE, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *words, **more):
        """What a command that must succeed printed; nothing may be on stderr."""
        ran = self.run(*words, **more)
        assert ran.code == 0 and ran.err == "", ran
        return ran.out

    def json(self, *words, **more):
        return json.loads(self.ok(*words, "--json", **more))

    def fails(self, code, *words, says=(), **more):
        """It must end with this status, with words on stderr and nothing on stdout."""
        ran = self.run(*words, **more)
        assert ran.code == code and ran.out == "" and ran.err, ran
        for part in says:
            assert part in ran.err, ran
        return ran.err

    def start(self, *words, **popen):
        """Leaves it running; the caller ends it."""
        return subprocess.Popen([WHCTL, *map(str, words)], env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)

    def on_terminal(self, *words, typed="", **env):
        """Runs it on a terminal of its own; (exit status, all that was shown)."""
        master, slave = pty.openpty()
        process = subprocess.Popen([WHCTL, *map(str, words)], stdin=slave, stdout=slave,
                                   stderr=slave, env={**self.env, "TERM": "xterm", **env},
                                   start_new_session=True)
        os.close(slave)
        os.write(master, typed.encode())
        shown = b""
        while select.select([master], [], [], PATIENCE)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        os.close(master)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()  # nothing is left running by a test that fails
            process.wait(PATIENCE)
            raise
        return code, shown.decode("utf-8", "replace").replace("\r\n", "\n")
