# SPDX-License-Identifier: MIT
"""A child process whose stderr is read as it comes, so that tests can wait for a line.

It never polls: a reader thread wakes whoever waits. Only this process's own
child is ever signalled, by its id.
"""

import os
import re
import signal
import subprocess
import threading
import time

PATIENCE = 30  # seconds a test waits for what must come at once


class Child:
    """A program under test. `lines` is its stderr so far; `code` its exit code or None."""

    def __init__(self, argv, env=None, **popen):
        self.argv = [str(a) for a in argv]
        self.lines = []
        self._woken = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, **popen)
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.process.stderr:
            with self._woken:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._woken.notify_all()
        with self._woken:
            self._ended = True
            self._woken.notify_all()

    def line_or_end(self, pattern):
        """The first line that matches, or None if the program ended without one."""
        try:
            return self.wait_line(pattern)
        except AssertionError:
            if not self._ended:
                raise
            return None

    def wait_line(self, pattern, since=0, timeout=PATIENCE, nth=1):
        """The n-th line from number `since` on that matches; fails if it does not come."""
        expression = re.compile(pattern)
        end = time.monotonic() + timeout
        with self._woken:
            while True:
                found = [line for line in self.lines[since:] if expression.search(line)]
                if len(found) >= nth:
                    return found[nth - 1]
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"no line {pattern!r} from {self.argv[0]}:\n{self.tail()}")
                self._woken.wait(left)

    def tail(self, n=60):
        return "\n".join(self.lines[-n:])

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def code(self):
        return self.process.poll()

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """SIGSTOP; returns once it stands still, until SIGCONT."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def wait(self, timeout=PATIENCE):
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def kill(self):
        """kill -9; returns once it is gone."""
        if self.alive:
            self.signal(signal.SIGKILL)
        return self.wait()

    def terminate(self, timeout=PATIENCE):
        if self.alive:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)
