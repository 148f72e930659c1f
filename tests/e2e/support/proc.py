# SPDX-License-Identifier: MIT
"""What the kernel says of a process: memory and how often its threads went to sleep."""

import pathlib

SANITIZED = 1 << 30  # KiB of address space that only a sanitizer's shadow takes


def _fields(path):
    lines = (line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    return {name: value.strip() for name, value in lines}


def memory(pid):
    """The Vm... fields of /proc/PID/status in KiB."""
    found = _fields(pathlib.Path(f"/proc/{pid}/status"))
    return {k: int(v.split()[0]) for k, v in found.items() if v.endswith(" kB")}


def is_sanitized(pid):
    """A sanitizer's build: its memory says nothing about the product's."""
    return memory(pid)["VmSize"] > SANITIZED


def wake_ups(pid):
    """Voluntary context switches of all its threads together."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int(_fields(task / "status")["voluntary_ctxt_switches"]) for task in tasks)


def bytes_written(pid):
    """By write calls so far; None if it is not to be seen, as open_files()."""
    try:
        return int(_fields(pathlib.Path(f"/proc/{pid}/io"))["wchar"])
    except PermissionError:
        return None


def open_files(pid):
    """How many; None if they are not to be seen: whd hides them from its own user."""
    try:
        return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
    except PermissionError:
        return None
