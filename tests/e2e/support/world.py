# SPDX-License-Identifier: MIT
"""Everything one test starts, in one short-named folder, and its orderly end.

At the end each whd must still be alive and leave with status 0 when asked to,
and no key may stand in its answers, its log or its store: every test checks
that.
"""

import os
import pathlib
import shutil
import tempfile

from support import secrets
from support.daemon import Whd
from support.sim import Sim


MEMORY = pathlib.Path("/dev/shm")
MEMORY_LEAST = 256 << 20


def make_folder():
    """In memory where there is room: whd flushes each change, and a disk makes tests wait for it.
    WHD_TEST_TMP names another place."""
    place = os.environ.get("WHD_TEST_TMP")
    if not place and os.access(MEMORY, os.W_OK):
        if shutil.disk_usage(MEMORY).free >= MEMORY_LEAST:
            place = MEMORY
    return pathlib.Path(tempfile.mkdtemp(prefix="whd-e2e-", dir=place))


class World:
    def __init__(self):
        self.folder = make_folder()
        self.sims = []
        self.whds = []
        self.closers = []

    def subfolder(self, name):
        path = self.folder / name
        path.mkdir(mode=0o755)
        return path

    def sim(self, *options, tls=None):
        sim = Sim(self.subfolder(f"sim{len(self.sims)}"), *options, tls=tls)
        self.sims.append(sim)
        return sim

    def whd(self, sim, settings=None, start=True, **options):
        """A whd on this simulator (or on an url)."""
        url = sim if isinstance(sim, str) else sim.url
        if not isinstance(sim, str):
            options.setdefault("ca_file", sim.ca_file)
        whd = Whd(self.subfolder(f"whd{len(self.whds)}"), url, settings, **options)
        self.whds.append(whd)
        return whd.start() if start else whd

    def later(self, close):
        """Calls close() at the end of the test."""
        self.closers.append(close)

    # ----------------------------------------------------------------- end --

    def show(self):
        for whd in self.whds:
            print(f"--- {whd.folder} (exit {whd.child and whd.child.code})")
            print(whd.child.tail(150) if whd.child else "never started")

    def _end(self, whd, problems):
        for child in whd.children[:-1]:
            child.kill()
        if not whd.child:
            return
        was_alive = whd.child.alive
        try:
            code = whd.stop()
        except Exception as error:
            code = f"does not end: {error}"
            whd.kill()
        if was_alive and code != 0:
            problems.append(f"{whd.folder.name} ended with {code}")
        self._look_for_keys(whd, problems)

    def _look_for_keys(self, whd, problems):
        """In its log, and in all of its files but those that hold them."""
        try:
            secrets.look(f"the log of {whd.folder.name}", whd.log)
            for file in whd.folder.rglob("*"):
                if file.is_file() and not file.name.startswith(whd.key_file.name):
                    secrets.look(file, file.read_bytes())
        except secrets.Leak as leak:
            problems.append(str(leak))

    def close(self):
        problems = []
        for close in reversed(self.closers):
            close()
        for whd in self.whds:
            self._end(whd, problems)
        for sim in self.sims:
            if sim.stop() != 0:
                problems.append("the simulator ended with an error")
        self.show()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not problems, problems
