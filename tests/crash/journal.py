# SPDX-License-Identifier: MIT
"""What a power cut may leave of the store, from the journal that the shim kept.

The model: a write is on the disk for certain once a flush of its file has come
back (a write through an O_DSYNC descriptor: once it has come back itself).
Each other one is there, or not, or torn between sectors of 512 bytes, whatever
became of those around it. Names (new files, renames, removals) are on the disk
once a flush of their folder has come back; of the others the first few are.
"""

import os
import shutil
import struct

SECTOR = 512
HEAD = struct.Struct("=7Q40s")
MAGIC = 0x6C616E72756F6A77
KINDS = ("data", "meta", "sync", "truncate", "rename", "request", "answer", "create", "unlink",
         "mkdir", "end")


class Call:
    """One record: a call on its way, or (end) one that is through."""

    def __init__(self, head, payload):
        magic, kind, self.seq, self.file, self.at, _, _, name = HEAD.unpack(head)
        assert magic == MAGIC, "the journal is damaged"
        self.kind, self.payload = KINDS[kind], payload
        self.name = name.rstrip(b"\0").decode()


def read(file):
    """The calls in the order in which they were made, over all starts."""
    data, at, calls = file.read_bytes(), 0, []
    while at < len(data):
        size = HEAD.unpack_from(data, at)[5]
        calls.append(Call(data[at:at + HEAD.size], data[at + HEAD.size:at + HEAD.size + size]))
        at += HEAD.size + size
    return calls


def by_start(calls):
    """Numbers begin anew with each start: (start, seq) tells calls apart."""
    start = 0
    for number, call in enumerate(calls):
        if number and call.seq == 1:
            start += 1
        yield start, call


class Change:
    """Something that is on the disk, or may be."""

    def __init__(self, call):
        self.call, self.safe = call, False


class Disk:
    """The store's files and names, each change marked as safe or not."""

    def __init__(self, calls):
        self.names = []     # create, rename, unlink, mkdir
        self.files = {}     # inode -> writes and truncations
        going = {}
        for start, call in by_start(calls):
            if call.kind == "end":
                self._through(going.pop((start, call.at), None))
                continue
            going[start, call.seq] = self._begin(call)

    def _begin(self, call):
        change = Change(call)
        if call.kind in ("create", "rename", "unlink", "mkdir"):
            self.names.append(change)
        elif call.kind in ("data", "meta", "truncate"):
            self.files.setdefault(call.file, []).append(change)
        elif call.kind == "sync":
            change.covers = self._covered(call)
        return change

    def _covered(self, call):
        if call.name == ".":
            return [c for c in self.names if c.call.kind != "mkdir"]
        if call.name == "..":
            return [c for c in self.names if c.call.kind == "mkdir"]
        return list(self.files.get(call.file, []))

    def _through(self, change):
        if change is None:
            return
        if change.call.kind == "meta":
            change.safe = True
        for covered in getattr(change, "covers", ()):
            covered.safe = True

    def unsafe(self):
        """How many writes a cut may lose or tear."""
        return sum(not c.safe for changes in self.files.values() for c in changes)

    # -------------------------------------------------------------- images --

    def image(self, luck):
        """name -> (inode, bytes), or None if the folder itself is lost. luck: see Luck."""
        names, folder = {}, False
        unsafe = [c for c in self.names if not c.safe]
        kept = set(map(id, unsafe[:luck.how_many(len(unsafe))]))
        for change in self.names:
            if change.safe or id(change) in kept:
                folder |= change.call.kind == "mkdir"
                self._rename(names, change.call)
        if not folder:
            return None
        return {name: (inode, self._content(inode, luck)) for name, inode in names.items()}

    def _rename(self, names, call):
        if call.kind == "create":
            names[call.name] = call.file
        elif call.kind == "unlink":
            names.pop(call.name, None)
        elif call.kind == "rename" and call.name in names:
            names[call.payload.decode()] = names.pop(call.name)

    def _content(self, inode, luck):
        data = bytearray()
        for change in self.files.get(inode, ()):
            call = change.call
            if call.kind == "truncate":
                if change.safe or luck.keeps():
                    data = data[:call.at] + bytes(max(0, call.at - len(data)))
                continue
            for at, part in [(0, call.payload)] if change.safe else luck.sectors(call):
                begin = call.at + at
                data += bytes(max(0, begin - len(data)))
                data[begin:begin + len(part)] = part
        return bytes(data)


class Luck:
    """What becomes of that which is not safe. number 0: all of it is lost, 1: nothing is."""

    def __init__(self, number, draw):
        self.number, self.draw = number, draw
        self.lost = self.torn = 0

    def keeps(self):
        return self.number == 1 or (self.number > 1 and self.draw.random() < 0.5)

    def how_many(self, n):
        return {0: 0, 1: n}.get(self.number, self.draw.randint(0, n))

    def sectors(self, call):
        """The parts of a write that are there: (offset in it, bytes)."""
        cuts = list(range(0, len(call.payload), SECTOR))
        if self.number == 1:
            return [(0, call.payload)]
        fate = self.draw.choice(("whole", "torn", "lost")) if self.number else "lost"
        if fate == "whole":
            return [(0, call.payload)]
        kept = [at for at in cuts if fate == "torn" and self.draw.random() < 0.5]
        self.lost += not kept
        self.torn += 0 < len(kept) < len(cuts)
        return [(at, call.payload[at:at + SECTOR]) for at in kept]


class Shelf:
    """Keeps the inodes of a store, so that an image has the files that were there and not copies:
    whd tells them apart."""

    def __init__(self, store):
        self.store, self.shelf = store, store.with_suffix(".shelf")
        self.shelf.mkdir()
        for path in store.iterdir() if store.is_dir() else ():
            os.link(path, self.shelf / str(path.stat().st_ino))

    def put(self, image):
        """Makes the store what the image says."""
        shutil.rmtree(self.store, ignore_errors=True)
        if image is None:
            return
        self.store.mkdir(mode=0o700)
        for name, (inode, data) in image.items():
            kept, path = self.shelf / str(inode), self.store / name
            if kept.exists():
                os.link(kept, path)
            with open(path, "r+b" if kept.exists() else "wb") as file:
                file.truncate(0)
                file.write(data)
            path.chmod(0o600)
