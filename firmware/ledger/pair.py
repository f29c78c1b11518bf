"""A small value kept in two files, written in turn: a torn or rotten copy costs the last step and never the value."""

import hashlib

from shared.compat import const
from shared.errors import WireError
from shared.slices import finish
from shared.wire import Layout

_COPY = Layout(b"PScopy01", (("generation", "u4"), ("data", "v2")))
_FRONT = Layout(b"PScopy01", (("generation", "u4"), ("size", "u2")))  # of a copy, up to its data
_CHECK_SIZE = const(8)  # the front of the SHA-256 of the copy stands behind it


def with_check(document: bytes) -> bytes:
    """A document with the front of its SHA-256 behind it."""
    return document + hashlib.sha256(document).digest()[:_CHECK_SIZE]


def without_check(data: bytes) -> bytes:
    """The document, when the check behind it is right; WireError otherwise."""
    document = bytes(data[:-_CHECK_SIZE])
    if len(data) <= _CHECK_SIZE or hashlib.sha256(document).digest()[:_CHECK_SIZE] != bytes(data[-_CHECK_SIZE:]):
        raise WireError("the check behind the file is wrong")
    return document


class Pair:
    """`<name>-a` and `<name>-b` on a flash; a slot is 0 or 1."""

    def __init__(self, flash, name: str) -> None:
        self._flash = flash
        self._names = (name + "-a", name + "-b")
        self._newest = None  # (slot, generation) of the newest copy, where save() knows it without reading both

    def copies(self) -> "list[tuple[int, bytes]]":
        """(slot, data) of each good copy, the newest first."""
        found = []
        for slot in (0, 1):
            fields = self._read(slot)
            if fields is not None:
                found.append((fields["generation"], slot, fields["data"]))
        found.sort(reverse=True)
        if found:
            self._newest = (found[0][1], found[0][0])
        return [(slot, data) for _generation, slot, data in found]

    def load(self) -> "bytes | None":
        """The newest good copy, or None when there is none."""
        copies = self.copies()
        return copies[0][1] if copies else None

    def save(self, data: bytes, keep: "int | None" = None) -> None:
        """Write a new copy over the older one, or over the one that is not `keep`."""
        finish(self.save_steps([data], keep))

    def save_steps(self, parts: "list[bytes]", keep: "int | None" = None):
        """save() of what stands in parts, as an iterator of steps which returns the slot.

        Nothing is put together: a heap in use has no 4 KB in a row for the state of eight meters.
        """
        newest, generation = self._newest or self._found()
        self._newest = None  # what a write leaves that fails has to be read
        slot = 1 - (newest if keep is None else keep)
        pieces = [_FRONT.encode(generation=generation + 1, size=sum([len(part) for part in parts]))] + parts
        check = hashlib.sha256()
        for piece in pieces:
            check.update(piece)
        pieces.append(check.digest()[:_CHECK_SIZE])
        yield
        yield from self._flash.rewrite_steps(self._names[slot], pieces)
        self._newest = (slot, generation + 1)
        return slot

    def _found(self):
        """(slot, generation) of the newest copy; generation 0 where there is none."""
        generations = [self._generation(slot) for slot in (0, 1)]
        slot = 0 if generations[0] >= generations[1] else 1
        return slot, generations[slot]

    def _generation(self, slot):
        fields = self._read(slot)
        return 0 if fields is None else fields["generation"]

    def _read(self, slot):
        try:
            return _COPY.decode(without_check(self._flash.read(self._names[slot])))
        except (OSError, WireError):
            return None
