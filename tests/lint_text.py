# SPDX-License-Identifier: MIT
"""The rules that can be seen in a source file alone.

tests/lint.sh runs them, together with those that take a tool. Each rule is a
function that yields (line, what is wrong: what to do) for one file, and says
in @rule which files it is for. tests/lint_self_test.py plants a violation of
each and wants it found.

    lint_text.py ROOT [RULE...]     exit status 1 if something was found, 2 on wrong use
"""

import fnmatch
import functools
import os
import pathlib
import re
import sys

FILE_MAX, FUNCTION_MAX, PARAMETERS_MAX, NESTING_MAX, WIDTH_MAX = 600, 60, 5, 3, 100

C = ("*.c", "*.h")
CODE = (*C, "*.def", "*.py", "*.sh", "*.cmake", "CMakeLists.txt", "run")
TESTS = ("tests/*.c", "tests/*.h", "tests/*.py", "tests/*.sh", "packaging/*.sh", "packaging/*.py")
PRODUCT = ("proto/*", "store/*", "daemon/*", "ctl/*")
RULES = {}


def rule(name, *patterns, but=()):
    def add(function):
        RULES[name] = (function, patterns, but)
        return function
    return add


def fits(path, patterns):
    """True if a pattern matches the path, or its last part if the pattern has no slash."""
    return any(fnmatch.fnmatch(path if "/" in p else path.rpartition("/")[2], p)
               for p in patterns)


_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


class Source:
    """One file: its text, its lines, and for C its code without comments and literals."""

    def __init__(self, root, path):
        self.root, self.path = root, path
        self.data = (root / path).read_bytes()
        self.text = self.data.decode("utf-8", "replace")
        self.lines = self.text.splitlines()
        self.in_c = fits(path, (*C, "*.def"))

    @functools.cached_property
    def code(self):
        if not self.in_c:
            return [re.sub(r"(^|\s)#.*", "", line) for line in self.lines]

        def blank(match):
            text = match[0]
            if text[0] == '"':  # names of included files stay
                return text if self._included(match) else '"' + " " * (len(text) - 2) + '"'
            return re.sub(r"[^\n]", " ", text)
        return _NOISE.sub(blank, self.text).splitlines()

    def _included(self, match):
        begin = self.text.rfind("\n", 0, match.start()) + 1
        return re.match(r"\s*#\s*include\s*$", self.text[begin:match.start()])

    def find(self, pattern, message, code=True):
        expression = re.compile(pattern)
        for number, line in enumerate(self.code if code else self.lines, 1):
            for match in expression.finditer(line):
                yield number, message.format(match[0].strip())


# ------------------------------------------------------------ every file --

@rule("spdx", *CODE, "*.service", "*.socket", "*.conf", "*.example", "*.in", "*.map", "*.[1-9]")
def spdx(s):
    first = s.lines[1 if s.lines and s.lines[0].startswith("#!") else 0:][:1]
    if not first or "SPDX-License-Identifier: MIT" not in first[0]:
        yield 1, "the licence is not named: begin with SPDX-License-Identifier: MIT"


@rule("text", "*")
def text(s):
    if not s.data:
        yield 1, "the file is empty: remove it"
        return
    try:
        s.data.decode("utf-8")
    except UnicodeDecodeError as error:
        yield s.data.count(b"\n", 0, error.start) + 1, "not UTF-8: save it as UTF-8"
    yield from s.find(r"[ \t\r]+$", "white space at the end of the line: remove it", code=False)
    if not s.data.endswith(b"\n") or s.data.endswith(b"\n\n"):
        yield len(s.lines), "does not end with one line break: correct the end"


@rule("unfinished", "*", but=("tests/lint_*",))
def unfinished(s):
    yield from s.find(r"\b(TODO|FIXME|XXX|HACK|TBD)\b", "{} stays: finish it or leave it out",
                      code=False)


@rule("foreign", "*", but=("tests/lint_*",))
def foreign(s):
    yield from s.find(r"(?<![\w.])/(home|root|work|Users|mnt|opt|srv)/[\w.-]+",
                      "{} is a path of somebody's machine: leave it out", code=False)
    known = {p.name for p in s.root.rglob("*.md")}
    for number, line in enumerate(s.lines, 1):
        for name in re.findall(r"\b([A-Z][A-Za-z_-]+\.md)\b", line):
            if name not in known:
                yield number, f"there is no {name} in the project: leave it out"


@rule("names", "*")
def names(s):
    stem = pathlib.PurePath(s.path).stem
    if set(stem.split("_")) & {"util", "utils", "misc", "common", "helper", "helpers"}:
        yield 1, "the name says nothing: name the file after what it owns"


@rule("links", "*.md")
def links(s):
    folder = (s.root / s.path).parent
    for number, line in enumerate(s.lines, 1):
        for target in re.findall(r"\]\(([^)#:]+)\)", line):
            if not (folder / target).exists() and not (s.root / target).exists():
                yield number, f"{target} does not exist: correct the link"


# ------------------------------------------------------------------ sizes --

@rule("size", *CODE)
def size(s):
    if len(s.lines) > FILE_MAX:
        yield len(s.lines), f"{len(s.lines)} lines, at most {FILE_MAX}: split it by topic"


@rule("width", *CODE, but=("*.def",))
def width(s):
    for number, line in enumerate(s.lines, 1):
        if len(line.expandtabs(8)) > WIDTH_MAX:
            yield number, f"wider than {WIDTH_MAX} columns: break the line"


@rule("nesting", *C)
def nesting(s):
    yield from s.find(r"^\t{%d,}(if|for|while|switch|do)\b.*" % (NESTING_MAX + 1),
                      f"nested deeper than {NESTING_MAX}: take a function out")


def functions(code):
    """(line of the name, line of the closing brace, text of the head) of each C function."""
    head = begin = None
    for number, line in enumerate(code, 1):
        if re.match(r"\w.*\(", line) and begin is None:
            head = number
        elif line == "{" and head:
            begin = number
        elif line == "}" and begin:
            yield head, number, " ".join(code[head - 1:begin - 1])
            head = begin = None


@rule("function", *C)
def function(s):
    for first, last, _ in functions(s.code):
        if last - first + 1 > FUNCTION_MAX:
            yield first, f"{last - first + 1} lines, at most {FUNCTION_MAX}: take a function out"


def parameters(head):
    """How many parameters the head of a function has."""
    depth = count = 0
    for char in head:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 1
    return count + 1


@rule("parameters", *C)
def too_many_parameters(s):
    for first, _, head in functions(s.code):
        imposed = "struct MHD_Connection" in head  # the library says what its callbacks take
        if parameters(head) > PARAMETERS_MAX and not imposed:
            yield first, f"more than {PARAMETERS_MAX} parameters: gather them in a structure"


# ------------------------------------------------------------------ style --

@rule("head", *C, "*.def")
def head_comment(s):
    if len(s.lines) < 2 or not s.lines[1].startswith("/*"):
        yield 2, "no comment says what the file owns: begin with one"
        return
    last = next((n for n, line in enumerate(s.lines[1:], 2) if "*/" in line), len(s.lines))
    if last > 41:
        yield last, "the head comment is longer than 40 lines: move what is not the head's"


@rule("header", "*.h")
def header(s):
    directive = next((line for line in s.code if line.lstrip().startswith("#")), "")
    installed = re.match(r"\s*#\s*ifndef WHCLIENT_H\b", directive)  # C of any age, and C++
    if directive.strip() != "#pragma once" and not installed:
        yield 1, "the first directive is not #pragma once: put it there"


@rule("typedef", *C)
def typedef(s):
    yield from s.find(r"^\s*typedef\s+(struct|union|enum)\b[^;]*\{",
                      "a typedef hides a structure: write struct, union or enum")


BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat)\s*\(": "snprintf or a wh_buf",
    r"\b(strtok|atoi|atol|atoll|atof)\s*\(": "wh_parse_i64 or views",
    r"\b(sleep|usleep|nanosleep|clock_nanosleep)\s*\(": "a timer or a condition",
    r"(?<!uv_)\bsignal\s*\(": "sigaction, uv_signal or a signalfd",
    r"\b(localtime|gmtime|asctime|ctime)\s*\(": "gmtime_r",
    r"\b(rand|srand|random|srandom|drand48)\s*\(": "an argument that carries chance",
    r"\b(system|popen)\s*\(": "nothing: no other program is started",
    r"\b(alloca|strdupa)\s*\(": "memory that can be refused",
    r"(?<![\w_])assert\s*\(|<assert\.h>": "wh_require",
}


@rule("banned", *C)
def banned(s):
    for pattern, instead in BANNED.items():
        yield from s.find(pattern, "{} is banned: use " + instead)


@rule("locale", *PRODUCT)
def locale(s):
    yield from s.find(r"\bsetlocale\s*\(\s*LC_(ALL|NUMERIC)",
                      "{}: numbers would be written in another way, set LC_CTYPE only")


@rule("sleep", *TESTS, but=("tests/lint_*",))
def sleep(s):
    yield from s.find(r"\b(time\.sleep|asyncio\.sleep|sleep)\s*\(|(^|[;&|]|\bdo|\bthen)\s*sleep\s",
                      "{} waits for nothing: wait for a condition")


@rule("pragma", *C)
def pragma(s):
    yield from s.find(r"#\s*pragma\s+(GCC|clang)\s+diagnostic.*",
                      "a warning is silenced: correct what it says")


# ----------------------------------------------------------------- layers --

# Who may include whose headers. The first pattern that fits a file counts.
ARROWS = (
    ("proto/client/*", ("proto/*",)),
    ("proto/*", ("proto/*.h", "proto/*.def")),
    ("store/*", ("store/*", "proto/base.h", "proto/buf.h", "proto/fault.h")),
    ("daemon/core/*", ("daemon/core/*", "proto/*")),
    ("daemon/*", ("daemon/*", "store/store.h", "store/commit.h", "store/*.def", "proto/*")),
    ("ctl/*", ("ctl/*", "proto/*")),
    ("tests/whsim/*", ("tests/whsim/*",)),
)
# Nobody includes these but the files of their own folder.
PRIVATE = ("proto/client/client.h", "daemon/config_value.h", "daemon/conn.h")


@rule("arrows", *(pattern for pattern, _ in ARROWS))
def arrows(s):
    allowed = next(a for pattern, a in ARROWS if fits(s.path, (pattern,)))
    for number, line in enumerate(s.code, 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        target = match[1]
        own = s.path.rpartition("/")[0] == target.rpartition("/")[0]
        below_client = target.startswith("proto/client/") and not s.path.startswith("proto/client/")
        if not fits(target, allowed) or (target in PRIVATE and not own) or \
           (below_client and target != "proto/client/whclient.h") or \
           (below_client and not s.path.startswith("ctl/")):
            yield number, f"{target} is not below this file: see the layers in README.md"
        elif not (s.root / target).exists():
            yield number, f"{target} is not found from the top: write the whole path"


# System headers that belong to a place: the library has one owner.
PLACES = {
    "msgpack.h": ("proto/*",),
    "jansson.h": ("proto/json*", "tests/*"),
    "lmdb.h": ("store/*", "tests/*"),
    "curl/*": ("daemon/http*", "daemon/url.c", "daemon/whd.c", "tests/bench/*"),
    "uv.h": ("daemon/whd.h", "daemon/alarm.h", "daemon/conn*", "daemon/server*",
             "daemon/accept.c", "tests/bench/*"),
    "ini.h": ("daemon/config_read.c",),
    "systemd/*": ("daemon/sd.c", "daemon/log.c"),
    "xxhash.h": ("store/*", "daemon/*", "tests/*"),
    "libsmartcols.h": ("ctl/out_table.c",),
    "libfyaml.h": ("ctl/yaml.c",),
    "microhttpd.h": ("tests/whsim/*",),
    "pthread.h": ("store/*", "daemon/writer.c", "daemon/http.c", "daemon/log.c", "tests/*"),
    "sys/socket.h": ("daemon/*", "proto/client/*", "tests/*"),
}
CORE_MAY = ("inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
            "string.h", "time.h", "xxhash.h")
NOT_UV = ("daemon/apply*", "daemon/lane*", "daemon/config*", "daemon/core/*")


@rule("places", *C)
def places(s):
    for number, line in enumerate(s.code, 1):
        match = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
        if not match:
            continue
        name = match[1]
        owners = next((o for p, o in PLACES.items() if fnmatch.fnmatch(name, p)), None)
        if owners and not fits(s.path, owners):
            yield number, f"<{name}> belongs to {', '.join(owners)}: ask the owner"
        elif s.path == "store/store.h" and name == "lmdb.h":
            yield number, "<lmdb.h> is the store's own: keep it out of its interface"
        elif s.path.startswith("daemon/core/") and name not in CORE_MAY:
            yield number, f"<{name}>: core decides and does nothing else, leave it out"


@rule("clock", *(p + e for p in ("proto/", "store/", "daemon/", "ctl/") for e in C),
      but=("daemon/clock.c", "daemon/whd.c", "daemon/alarm.c", "proto/client/*", "ctl/session.c"))
def clock(s):
    yield from s.find(r"\b(clock_gettime|gettimeofday|uv_hrtime|uv_now|time)\s*\(",
                      "{} reads a clock: take the time as an argument")


@rule("chance", *(p + e for p in ("proto/", "store/", "daemon/", "ctl/") for e in C),
      but=("daemon/clock.c", "proto/client/request_id.c"))
def chance(s):
    yield from s.find(r"\b(getrandom|getentropy|arc4random\w*)\s*\(",
                      "{} is chance: take it as an argument")


# ------------------------------------------------------ the project as a whole --

def declared(s):
    """(line, name) of each function that a header declares."""
    for number, line in enumerate(s.code, 1):
        match = re.search(r"^[^#\s].*?\b(wh\w*_\w+)\s*\(", line)
        if match and not line.startswith(("typedef", "#define")):
            yield number, match[1]


def single(sources):
    """A function of a header that nobody but its own file uses. One that a table names is used
    by who expands the table."""
    users = {}
    for s in sources:
        if s.in_c:
            for word in set(re.findall(r"\bwh\w+", s.text)):
                users.setdefault(word, set()).add(s.path)
    for s in sources:
        if not fits(s.path, PRODUCT) or not fits(s.path, ("*.h",)) or \
           s.path == "proto/client/whclient.h":
            continue
        for line, name in declared(s):
            others = {p for p in users[name] if p != s.path}
            in_macro = len(re.findall(rf"\b{name}\b", "\n".join(s.code))) > 1
            if len(others) < 2 and not in_macro and not any(p.endswith(".h") for p in others):
                yield s.path, line, f"{name} is used by its own file only: make it static there"


WHOLE = {"single": single}


# ------------------------------------------------------------------ all of it --

NOT_OURS = (".git", "build", "__pycache__", ".pytest_cache", "seeds")


def all_files(root):
    """All but what git, a build and the tests leave, and the seeds, which are no text."""
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in NOT_OURS]
        found += [pathlib.Path(folder, name).relative_to(root).as_posix() for name in names
                  if name not in NOT_OURS]
    return sorted(found)


def look(root, wanted):
    """(path, line, rule, message) of everything found."""
    root = pathlib.Path(root).resolve()
    sources = [Source(root, path) for path in all_files(root)]
    for s in sources:
        for name in wanted:
            function_, patterns, but = RULES.get(name, (None, (), ()))
            if fits(s.path, patterns) and not fits(s.path, but):
                for line, message in function_(s):
                    yield s.path, line, name, message
    for name in wanted:
        if name in WHOLE:
            for path, line, message in WHOLE[name](sources):
                yield path, line, name, message


def main(root=".", *wanted):
    there = [*RULES, *WHOLE]
    unknown = set(wanted) - set(there)
    if unknown:
        print(f"lint: no rule {', '.join(unknown)}: there are {', '.join(there)}", file=sys.stderr)
        return 2
    problems = 0
    for path, line, name, message in look(root, wanted or there):
        print(f"{path}:{line}: {name}: {message}")
        problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
