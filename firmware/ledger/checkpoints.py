"""The two last states that a CHECKPOINT entry covers. A file without its entry does not count."""

import hashlib

from firmware.ledger import segments
from firmware.ledger.pair import Pair
from shared import entries, kinds
from shared import state as states
from shared.compat import const
from shared.errors import SharedError

_HEAD_SIZE = const(32)


class Checkpoints:
    """`check-a` and `check-b`: the head (32 bytes) before the CHECKPOINT entry, then the canonical state."""

    def __init__(self, flash, epoch: int) -> None:
        self._flash = flash
        self._epoch = epoch
        self._pair = Pair(flash, "check")
        self._slot = None  # the newest that counts
        self.newest = 0  # sequence of the state in it; 0: there is none
        self.older = 0

    def load(self, firsts: "list[int]") -> "tuple[states.GatewayState, bytes] | None":
        """(state, head) of the newest checkpoint that the ledger covers."""
        found = None
        for slot, data in self._pair.copies():
            sequence = self._sequence_covered(data, firsts)
            if found is None and sequence:
                found = (states.from_bytes(data[_HEAD_SIZE:]), data[:_HEAD_SIZE])
                self._slot = slot
                self.newest = sequence
            else:
                self.older = sequence
        return found

    def save_steps(self, head: bytes, parts: "list[bytes]"):
        """Write a state, as the parts of its canonical bytes, and its head; an iterator of steps that returns the slot.

        It counts when its CHECKPOINT entry is durable and covered() was called with the slot.
        """
        return self._pair.save_steps([head] + parts, self._slot)

    def covered(self, slot: int, sequence: int) -> None:
        """The CHECKPOINT entry of the state up to `sequence` in this slot is durable."""
        self._slot = slot
        self.older = self.newest
        self.newest = sequence

    def _sequence_covered(self, data, firsts):
        """The sequence of the state, when the entry behind it names its hash and links to its head; otherwise 0."""
        try:
            epoch, sequence = states.place_of(data[_HEAD_SIZE:])
            first = segments.holding(firsts, sequence + 1)
            segment = segments.read_segment(self._flash, first, self._epoch)
            index = sequence + 1 - first
            if epoch != self._epoch or index >= segment.count:
                return 0
            segment.follow(data[:_HEAD_SIZE], index)
            entry = entries.decode(segment.body(index))
        except SharedError:
            return 0
        named = entry.kind == kinds.CHECKPOINT and entry.sequence == sequence + 1
        return sequence if named and entry.digest == digest_of([data[_HEAD_SIZE:]]) else 0


def digest_of(parts: "list[bytes]") -> bytes:
    """The digest of a CHECKPOINT entry, from the parts of the canonical bytes of its state."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()[: entries.HASH_SIZE]
