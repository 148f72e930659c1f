# SPDX-License-Identifier: MIT
"""Where lives are lived: one simulator, one whd after the other, and whoever starts it again."""

import os
import shutil
import signal
import subprocess

import oracle
from support.client import Client, WhdError
from support.daemon import Whd
from support.paths import WHD
from support.sim import Sim
from support.world import make_folder

SETTINGS = {
    "sync.interval": "100ms",
    "queue.check_age": "0",   # each update and delete reads its row first
    "queue.settle_timeout": "60ms",
    "queue.settle_error": "30ms",
    "retry.base": "5ms",
    "retry.cap": "40ms",
}
LOST = ("LOST", "UNREACHABLE", "SHUTTING_DOWN")
REFUSALS = 5    # times in a row that a step may be refused for want of room


class Died(Exception):
    """whd ended, as a test wanted it to."""


class Mortal(Client):
    """A client that does not wait for a whd that is gone."""

    def _reconnect(self, end):
        raise WhdError("LOST", "whd died")


class Process:
    """A store with the whds that serve it. `hooks` is more environment for the first of them that
    is started (and those after an orderly stop), or what makes it from the number of the start;
    once one has died the next ones have nothing of it."""

    def __init__(self, folder, url, settings=None):
        self.whd = Whd(folder, url, {**SETTINGS, **(settings or {})},
                       keys=("test-key-1", "test-key-2"))
        self.hooks = {}
        self.starts = 0
        self.deaths = []        # exit codes of those that ended by themselves
        self.client = None
        self.ends = {-signal.SIGKILL}   # the exit codes that are deaths

    @property
    def died(self):
        return bool(self.deaths)

    def _note_death(self):
        code = self.whd.child.wait()
        assert code in self.ends, f"ended with {code}: {self.whd.child.tail()}"
        self.deaths.append(code)
        self.client = None
        self.hooks = {}

    def start(self):
        whd, hooks = self.whd, self.hooks
        whd.env = {"PATH": os.environ.get("PATH", ""),
                   # every other whd has index rows for nearly all operations, and at once
                   **({} if self.starts % 2 else {"WHD_TEST_CATCH_UP": "1"}),
                   **(hooks(self.starts) if callable(hooks) else hooks)}
        self.starts += 1
        whd.spawn()
        try:
            if whd.child.line_or_end(r"msg=ready"):
                self.client = Mortal(whd.socket)
                return
        except WhdError:
            pass  # it died behind that line
        self._note_death()
        raise Died

    def call(self, act, sim):
        """Does a step with a client of a whd that runs; raises Died if it does not any more."""
        if self.client is None:
            self.start()
        try:
            return act(sim, self.client)
        except self.client.Error as error:
            if error.code not in LOST:
                raise
            self._note_death()
            raise Died from None

    def stop(self):
        """In good order; raises Died if it died on the way."""
        if self.client is None:
            return
        self.client.close()
        self.client = None
        code = self.whd.child.terminate()
        if code in self.ends:
            self._note_death()
            raise Died
        assert code == 0, (code, self.whd.child.tail())

    def move_store(self):
        """The same files in another place: what it looks like after a restore by hand."""
        store = self.whd.store
        shutil.copytree(store, store.with_suffix(".copy"))
        shutil.rmtree(store)
        store.with_suffix(".copy").rename(store)

    def again(self):
        """From now on it is as if it had never died."""
        self.deaths, self.client, self.hooks = [], None, {}

    def kill(self):
        for child in self.whd.children:
            child.kill()

    def check_store(self):
        """whd --check: every checksum and every index."""
        done = subprocess.run([str(WHD), "-c", str(self.whd.config), "--check"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


class Arena:
    def __init__(self):
        self.folder = make_folder()
        self.sim_folder = self.folder / "sim"
        self.sim_folder.mkdir()
        self.sim = Sim(self.sim_folder)
        self.n = 0

    def close(self):
        self.sim.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def subfolder(self):
        self.n += 1
        path = self.folder / str(self.n)
        path.mkdir()
        return path

    def begin(self, life):
        self.sim.up()
        self.sim.verb("POST", "/reset")
        life.prepare(self.sim)

    def process(self, life):
        return Process(self.subfolder(), self.sim.url, life.settings)

    def go(self, life, process, deaths=1):
        """Lives on until the script is through. A step in which whd dies, or has no room, is
        done again."""
        refusals = 0
        while life.at < len(life.steps):
            step = life.steps[life.at]
            try:
                if life.cut_off and process.client is None and step != "put_back":
                    process.call(life.offline, self.sim)
                if step in ("stop", "put_back"):
                    process.stop()
                    if step == "put_back":
                        process.move_store()
                else:
                    process.call(getattr(life, step), self.sim)
                life.at += 1
                refusals = 0
            except WhdError as error:
                refusals += 1
                if error.code != "STORE_FULL" or refusals > REFUSALS:
                    raise
            except Died:
                assert len(process.deaths) <= deaths, process.whd.log[-3000:]

    def go_until_death(self, life, process):
        """The same up to the first death; False if there was none."""
        try:
            self.go(life, process, deaths=0)
        except AssertionError:
            if not process.died:
                raise
        return process.died

    def end(self, life, process, earlier=None, since=0):
        """The judgement, an orderly stop, and a look at every byte of the store. earlier: what
        was executed up to entry `since` of the simulator's log."""
        try:
            while True:
                try:
                    process.call(lambda sim, c: oracle.judge(life, sim, c, earlier, since),
                                 self.sim)
                    process.stop()
                    break
                except Died:
                    assert len(process.deaths) == 1
            process.check_store()
        except BaseException:
            print(f"--- {process.whd.folder} deaths {process.deaths}")
            print(process.whd.log[-12000:])
            raise
        finally:
            process.kill()

    def forget(self, process):
        shutil.rmtree(process.whd.folder, ignore_errors=True)

    def live(self, life, env=None, ends=()):
        """One life from the beginning to the judgement; returns its process. env: as Process
        has it, or what makes that from the process. ends: exit codes that are deaths, too."""
        self.begin(life)
        process = self.process(life)
        process.ends |= set(ends)
        process.hooks = env(process) if callable(env) else env or {}
        try:
            self.go(life, process)
        except BaseException:
            print(f"--- {type(life).__name__} step {life.at} {life.steps[life.at:life.at + 1]}"
                  f" deaths {process.deaths}")
            print(process.whd.log[-12000:])
            process.kill()
            raise
        self.end(life, process)
        return process
