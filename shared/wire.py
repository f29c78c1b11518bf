"""Fixed binary layouts: a tag, then fields in order. Every field is range-checked when written and when read.

A layout is data: `Layout(b"PSack001", (("gateway", "u4"), ("head", "b32")))`; a constant tuple takes no heap of a board
that has it frozen. Types:

- `uN`  unsigned integer of N bytes, big-endian
- `sN`  signed integer of N bytes, stored with the offset 2**(8N-1) (MicroPython packs no signed big integers)
- `bN`  exactly N bytes
- `v2`  a two-byte length, then that many bytes

A parser refuses what is left over. The byte tables stand in `shared/FORMAT.md`.
"""

from shared.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TAG_SIZE = 8


def write_unsigned(value: int, size: int, name: str) -> bytes:
    """`value` as `size` big-endian bytes; WireError names the field when it does not fit."""
    if value < 0 or value >> (8 * size):
        raise WireError(f"{name}: {value} does not fit {size} unsigned bytes")
    return value.to_bytes(size, "big")


def _write_signed(value: int, size: int, name: str) -> bytes:
    half = 1 << (8 * size - 1)
    if not -half <= value < half:
        raise WireError(f"{name}: {value} does not fit {size} signed bytes")
    return (value + half).to_bytes(size, "big")


def _write_bytes(value: bytes, size: int, name: str) -> bytes:
    if len(value) != size:
        raise WireError(f"{name}: expected {size} bytes, got {len(value)}")
    return bytes(value)


def _write_variable(value: bytes, size: int, name: str) -> bytes:
    return write_unsigned(len(value), size, name + " length") + bytes(value)


_WRITERS: "dict[str, Any]" = {"u": write_unsigned, "s": _write_signed, "b": _write_bytes, "v": _write_variable}


class Reader:
    """Takes bytes from the front; WireError says which field was cut off."""

    def __init__(self, data: bytes, offset: int = 0):
        self._data = data
        self._at = offset

    def take(self, size: int, name: str) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise WireError(f"{name}: cut off at byte {len(self._data)}")
        piece = self._data[self._at : end]
        self._at = end
        return bytes(piece)

    def unsigned(self, size: int, name: str) -> int:
        return int.from_bytes(self.take(size, name), "big")

    def field(self, kind: str, name: str) -> "Any":
        size = int(kind[1:])
        if kind[0] == "u":
            return self.unsigned(size, name)
        if kind[0] == "s":
            return self.unsigned(size, name) - (1 << (8 * size - 1))
        if kind[0] == "b":
            return self.take(size, name)
        return self.take(self.unsigned(size, name + " length"), name)

    def at_end(self) -> bool:
        return self._at == len(self._data)

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at, "rest")

    def finish(self) -> None:
        if not self.at_end():
            raise WireError(f"{len(self._data) - self._at} bytes left over after the last field")


class Layout:
    """One document: `encode(field=value, ...) -> bytes`, `decode(bytes) -> dict`."""

    def __init__(self, tag: bytes, fields: "tuple[tuple[str, str], ...]"):
        assert tag == b"" or len(tag) == TAG_SIZE
        self.tag = tag
        self.fields = fields

    def encode(self, **values: "int | bytes") -> bytes:
        """All fields by name. WireError: a field is missing, unknown or out of range."""
        if len(values) != len(self.fields):
            raise WireError(f"{self.tag!r}: expected {len(self.fields)} fields, got {len(values)}")
        parts = [self.tag]
        for name, kind in self.fields:
            if name not in values:
                raise WireError(f"{self.tag!r}: field {name} is missing")
            parts.append(_WRITERS[kind[0]](values[name], int(kind[1:]), name))
        return b"".join(parts)

    def read(self, reader: Reader) -> "dict[str, Any]":
        """The fields from a reader that stands at the tag; leaves the rest for the caller."""
        if self.tag and reader.take(TAG_SIZE, "tag") != self.tag:
            raise WireError(f"not a {self.tag!r} document")
        return {name: reader.field(kind, name) for name, kind in self.fields}

    def decode(self, data: bytes) -> "dict[str, Any]":
        """A whole document; WireError on a wrong tag, a cut or a leftover."""
        reader = Reader(data)
        values = self.read(reader)
        reader.finish()
        return values
