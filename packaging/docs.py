#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Keeps the documents equal to the tables they describe.

    docs.py check  DESCRIBE [ROOT]     exit status 1 if a document is out of date
    docs.py update DESCRIBE [ROOT]     write the sections anew

DESCRIBE is the program of tests/tools. A document holds a section between two
lines, whatever a comment looks like in its format:

    <!-- generated: markdown-methods -->
    <!-- end of generated -->
"""

import pathlib
import re
import subprocess
import sys

DOCUMENTS = ("proto/PROTOCOL.md", "packaging/whd.conf.example", "packaging/man/whctl.1",
             "packaging/man/whd-rpc.7", "packaging/man/whd.conf.5")
BEGIN = re.compile(r"generated: ([a-z-]+)")
END = "end of generated"


class Stale(Exception):
    """What is wrong with a document, with its line."""


def sections(describe):
    """What describe prints, by name of the section."""
    def run(*words):
        return subprocess.run([describe, *words], check=True, capture_output=True,
                              encoding="utf-8").stdout
    return {name: run(name).splitlines() for name in run().split()}


def blocks(path, lines):
    """(first, last, name) of each section: the lines between the marks."""
    found, begin, name = [], None, None
    for number, line in enumerate(lines):
        if BEGIN.search(line) and begin is None:
            begin, name = number + 1, BEGIN.search(line)[1]
        elif END in line:
            if begin is None:
                raise Stale(f"{path}:{number + 1}: this end has no beginning: remove it")
            found.append((begin, number, name))
            begin = None
    if begin is not None:
        raise Stale(f"{path}:{begin}: this section has no end: add a line '{END}'")
    return found


def renewed(path, lines, known):
    """The document with its sections as they should be, and the line of the first that was not."""
    fresh, at, stale = [], 0, None
    for first, last, name in blocks(path, lines):
        if name not in known:
            raise Stale(f"{path}:{first}: there is no section {name}: {', '.join(known)}")
        if lines[first:last] != known[name]:
            stale = stale or first
        fresh += lines[at:first] + known[name]
        at = last
    return fresh + lines[at:], stale


def check_anchors(path, lines):
    """Every link inside the document leads to one of its headings."""
    def anchor(heading):
        return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
    there = {anchor(line.lstrip("#")) for line in lines if line.startswith("#")}
    for number, line in enumerate(lines):
        for name in re.findall(r"\]\(#([^)]+)\)", line):
            if name not in there:
                raise Stale(f"{path}:{number + 1}: no heading leads to #{name}: add it")


def main(mode, describe, root="."):
    known = sections(describe)
    used, problems = set(), 0
    for path in DOCUMENTS:
        file = pathlib.Path(root) / path
        lines = file.read_text(encoding="utf-8").splitlines()
        try:
            fresh, stale = renewed(path, lines, known)
            used |= {name for _, _, name in blocks(path, lines)}
            if stale is not None and mode == "check":
                raise Stale(f"{path}:{stale}: differs from the tables: "
                            "cmake --build build/dev --target docs")
            if stale is not None:
                file.write_text("\n".join(fresh) + "\n", encoding="utf-8")
                print(f"{path}: written anew")
            check_anchors(path, fresh)
        except Stale as stale:
            print(stale)
            problems += 1
    for name in sorted(known.keys() - used):
        print(f"tests/tools/describe.c:1: nobody shows the section {name}: remove it or show it")
        problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("check", "update"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
