#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Planted bugs: does the simulation find what it is there to find?

Each planted/*.patch breaks one rule in one place. `make` writes the files it
touches, broken, into a folder; the build links them in front of everything
else. `run` builds them all, runs each one and wants it caught within a number
of seeds; unbroken the same program must pass. A patch that says "Caught at seed
N." is tried from there on first.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEDS = 10000  # a bug that shows only beyond them counts as not caught
CONTROL = 100  # seeds that must pass unbroken; the test `sim` lives far more


def die(sentence):
    sys.exit(f"planted.py: {sentence}")


def hunks(patch):
    """(file, old text, new text) of each hunk of a unified diff."""
    path, found = None, []
    for line in patch.read_text().splitlines(keepends=True):
        if line.startswith("+++ b/"):
            path = line[6:].strip()
        elif line.startswith("@@"):
            found.append((path, [], []))
        elif path and found and line[0] in " -+\n" and not line.startswith("---"):
            line = " \n" if line == "\n" else line
            if line[0] != "+":
                found[-1][1].append(line[1:])
            if line[0] != "-":
                found[-1][2].append(line[1:])
    return [(path, "".join(old), "".join(new)) for path, old, new in found]


def make(patch, folder):
    """Writes the broken files. Lines are found by what they say, wherever they stand."""
    broken = {}
    for path, old, new in hunks(patch):
        text = broken.get(path) or (ROOT / path).read_text()
        if text.count(old) != 1:
            die(f"{patch.name} does not apply any more: {path} holds {text.count(old)} times\n"
                f"{old}mend the patch, so that it breaks the same rule in today's code")
        broken[path] = text.replace(old, new)
    if not broken:
        die(f"{patch.name} holds no hunk")
    for path, text in broken.items():
        to = folder / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)


def live(program, first, last):
    """(exit status, sentence of the broken promise)"""
    done = subprocess.run([program, "--seeds", f"{first}..{last}"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    told = re.search(r"^seed \d+ failed: .*", done.stdout, re.M)
    return done.returncode, told.group(0) if told else done.stdout[-2000:]


def likely_seed(patch):
    told = re.search(r"^Caught at seed (\d+)\.$", patch.read_text(), re.M)
    return int(told.group(1)) if told else 1


def caught(patch, tests):
    name, likely = patch.stem, likely_seed(patch)
    status, sentence = live(tests / f"planted-{name}", likely, SEEDS)
    if status == 0 and likely > 1:
        status, sentence = live(tests / f"planted-{name}", 1, likely - 1)
    good = status == 1 and sentence.startswith("seed ")
    print(f"{name}: {'caught: ' + sentence if good else 'NOT CAUGHT: ' + sentence}", flush=True)
    return good


def unbroken(tests):
    status, sentence = live(tests / "whd-sim", 1, CONTROL)
    print(f"unbroken: {'passes' if status == 0 else 'FAILS: ' + sentence}", flush=True)
    return status == 0


def run(build):
    patches = sorted((HERE / "planted").glob("*.patch"))
    tests = build / "tests"
    subprocess.run(["cmake", "--build", build, "--target", "planted"], check=True,
                   stdout=subprocess.DEVNULL)
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        control = pool.submit(unbroken, tests)
        results = list(pool.map(lambda patch: caught(patch, tests), patches))
    print(f"{sum(results)} of {len(patches)} planted bugs caught")
    return 0 if all(results) and control.result() else 1


def main(args):
    if len(args) == 3 and args[0] == "make":
        return make(pathlib.Path(args[1]), pathlib.Path(args[2]))
    if len(args) == 2 and args[0] == "run":
        return run(pathlib.Path(args[1]).resolve())
    return die("usage: planted.py make PATCH FOLDER | planted.py run BUILD")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
