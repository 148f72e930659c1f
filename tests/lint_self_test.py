# SPDX-License-Identifier: MIT
"""Plants a violation of every rule of lint and wants it found, with file and line.

    lint_self_test.py BUILD

Each case is a small project of its own in a temporary folder. A rule without a
case fails the test: a rule that cannot fail is none. The last case is a sound
project in which nothing must be found.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import lint_text

HERE = pathlib.Path(__file__).resolve().parent
C = "/* SPDX-License-Identifier: MIT */\n/* A file. */\n"
H = C + "#pragma once\n"
PY = "# SPDX-License-Identifier: MIT\n"
BODY = "int\nf(void)\n{\n%s\treturn 0;\n}\n"

# rule: (file, its text, line at which it must be found)
PLANTS = {
    "spdx": [("proto/a.c", "int x;\n", 1), ("packaging/a.sh", "#!/bin/sh\ntrue\n", 1)],
    "text": [("proto/a.c", C + "int x; \n", 3), ("a.py", PY + "x = 1", 2),
             ("b.py", PY + "\n\n", 3)],
    "unfinished": [("proto/a.c", C + "/* TODO: more */\n", 3), ("README.md", "FIXME\n", 1)],
    "foreign": [("README.md", "see /home/me/notes\n", 1), ("a.py", PY + "# as NOTES.md says\n", 2)],
    "names": [("proto/string_utils.c", C, 1), ("ctl/misc.h", H, 1)],
    "links": [("README.md", "[a](nowhere.md)\n", 1)],
    "size": [("proto/a.c", C + "\n" * 599, 601)],
    "width": [("proto/a.c", C + "\t/* " + "x" * 90 + " */\n", 3)],
    "nesting": [("proto/a.c", C + BODY % "\t\t\t\tif (x)\n", 6)],
    "function": [("proto/a.c", C + BODY % ("\tx();\n" * 60), 4)],
    "parameters": [("proto/a.c", C + "int\nf(int a, int b, int c,\n  int d, int e, int g)\n{\n}\n",
                    4)],
    "head": [("proto/a.c", "/* SPDX-License-Identifier: MIT */\nint x;\n", 2)],
    "header": [("proto/a.h", C + "#include <stdint.h>\n#pragma once\n", 1)],
    "typedef": [("proto/a.c", C + "typedef struct a {\n\tint x;\n} a;\n", 3)],
    "banned": [("proto/a.c", C + "\tstrcpy(a, b);\n", 3), ("tests/a.c", C + "\tsleep(1);\n", 3),
               ("ctl/a.c", C + "\tsignal(SIGINT, f);\n", 3), ("store/a.c", C + "\tassert(x);\n", 3),
               ("daemon/a.c", C + '\tpopen("ls", "r");\n', 3),
               ("tests/b.c", C + "\tn = atoi(s);\n", 3)],
    "locale": [("ctl/a.c", C + '\tsetlocale(LC_ALL, "");\n', 3)],
    "sleep": [("tests/a.py", PY + "time.sleep(1)\n", 2), ("packaging/a.sh", PY + "x; sleep 1\n", 2),
              ("tests/b.sh", PY + "while x; do sleep 0.1; done\n", 2)],
    "pragma": [("proto/a.c", C + '#pragma GCC diagnostic ignored "-Wall"\n', 3)],
    "arrows": [("proto/a.c", C + '#include "store/store.h"\n', 3),
               ("store/a.c", C + '#include "daemon/core/op.h"\n', 3),
               ("store/b.c", C + '#include "proto/json.h"\n', 3),
               ("daemon/core/a.c", C + '#include "daemon/whd.h"\n', 3),
               ("daemon/core/b.c", C + '#include "store/store.h"\n', 3),
               ("daemon/a.c", C + '#include "store/table.h"\n', 3),
               ("daemon/b.c", C + '#include "proto/client/whclient.h"\n', 3),
               ("ctl/a.c", C + '#include "daemon/config.h"\n', 3),
               ("ctl/b.c", C + '#include "proto/client/client.h"\n', 3),
               ("proto/b.c", C + '#include "proto/client/whclient.h"\n', 3),
               ("tests/whsim/a.c", C + '#include "proto/buf.h"\n', 3),
               ("proto/c.c", C + '#include "buf.h"\n', 3),
               ("proto/d.c", C + '#include "proto/nowhere.h"\n', 3)],
    "places": [("ctl/a.c", C + "#include <lmdb.h>\n", 3),
               ("store/store.h", H + "#include <lmdb.h>\n", 4),
               ("daemon/apply.c", C + "#include <uv.h>\n", 3),
               ("daemon/pump.c", C + "#include <curl/curl.h>\n", 3),
               ("daemon/core/a.c", C + "#include <unistd.h>\n", 3)],
    "clock": [("daemon/core/a.c", C + "\tx = time(NULL);\n", 3),
              ("store/a.c", C + "\tclock_gettime(CLOCK_REALTIME, &t);\n", 3)],
    "chance": [("daemon/core/a.c", C + "\tx = arc4random_uniform(2);\n", 3)],
    "single": [("proto/a.h", H + "int wh_a_get(void);\n", 4)],
    "headers": [("proto/a.h", H + "extern uint8_t x;\n", 1)],
    "format": [("proto/a.c", C + "int  x  ;\n", 3)],
    "shell": [("packaging/a.sh", "#!/bin/bash\nif true\n", 3)],
    "python": [("tests/a.py", PY + "def f(:\n", 1)],
    "manual": [("packaging/man/a.1", '.\\" x\n.Dt A 1\n.Zz\n', 3)],
}
# Found in programs; the text is C that is compiled for it.
BUILT = {
    "needed": ("bin/whd", "int main(void) { return 0; }", ["-Wl,--no-as-needed", "-lresolv"]),
    "state": ("CMakeFiles/a.dir/proto/a.c.o", "static int x = 1; int f(void) { return x++; }",
              ["-c"]),
}
SOUND = {
    "proto/a.h": H + "int wh_a_get(void);\n",
    "proto/a.c": '/* SPDX-License-Identifier: MIT */\n/* Owns "strcpy(" in words. */\n'
                 '#include "proto/a.h"\n\nint\nwh_a_get(void)\n{\n\treturn 0; /* sleep(1) */\n}\n',
    "proto/b.c": C + '#include "proto/a.h"\n\nint b = sizeof(wh_a_get());\n',
    "README.md": "[a](proto/a.c)\n",
}


class Failure(Exception):
    pass


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def lint(root, rules, build=None):
    """What lint says about a small project: its findings, and its notes."""
    words = [str(HERE / "lint.sh")] + (["-b", str(build)] if build else [])
    for rule in rules:
        words += ["-r", rule]
    done = subprocess.run([*words, str(root)], capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def expect(rule, root, where, build=None):
    status, found, notes = lint(root, [rule], build)
    if f"{rule} is not checked" in notes:
        return print(f"  {rule}: {notes.strip()}")
    if status != 1 or not any(line.startswith(f"{where}: {rule}: ") for line in found):
        raise Failure(f"{rule}: not found at {where}: status {status}, {found}, {notes}")
    return None


def plant(rule, path, text, line):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copy(HERE.parent / ".clang-format", root)
        write(root, path, text)
        expect(rule, root, f"{path}:{line}")


def plant_built(rule, path, source, options):
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder)
        (build / path).parent.mkdir(parents=True)
        (build / "CMakeFiles").mkdir(exist_ok=True)
        write(build, "a.c", source)
        subprocess.run(["gcc", build / "a.c", "-o", build / path, *options], check=True)
        found_at = "proto/a.c:1" if rule == "state" else f"{path}:1"
        expect(rule, build, found_at, build)


def plant_document(build):
    """A number of the table of errors is changed by hand."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path in ("proto/PROTOCOL.md", "packaging"):
            whole = HERE.parent / path
            copy = shutil.copytree if whole.is_dir() else shutil.copy
            (root / path).parent.mkdir(exist_ok=True)
            copy(whole, root / path)
        text = (root / "proto/PROTOCOL.md").read_text(encoding="utf-8")
        changed = text.replace("| `NOT_FOUND` | 1 | 3 |", "| `NOT_FOUND` | 1 | 4 |")
        if changed == text:
            raise Failure("docs: PROTOCOL.md has no row of NOT_FOUND to change")
        write(root, "proto/PROTOCOL.md", changed)
        section = next(n for n, line in enumerate(text.splitlines(), 1)
                       if "generated: markdown-errors" in line)
        expect("docs", root, f"proto/PROTOCOL.md:{section}", build)


def main(build):
    rules = {*lint_text.RULES, *lint_text.WHOLE}
    without = rules - PLANTS.keys()
    if without:
        raise Failure(f"no case for {', '.join(sorted(without))}: add one to PLANTS")
    for rule, cases in PLANTS.items():
        for case in cases:
            plant(rule, *case)
    for rule, case in BUILT.items():
        plant_built(rule, *case)
    plant_document(pathlib.Path(build).resolve())
    with tempfile.TemporaryDirectory() as folder:
        for path, text in SOUND.items():
            write(pathlib.Path(folder), path, text)
        status, found, notes = lint(folder, ["text", "headers"])
        if status != 0:
            raise Failure(f"found in a sound project: {found} {notes}")
    print(f"{len(PLANTS) + len(BUILT) + 1} rules, each found what was planted")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failure as failure:
        sys.exit(f"lint_self_test: {failure}")
