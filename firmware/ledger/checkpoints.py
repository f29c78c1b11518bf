"""The two last states that a CHECKPOINT entry covers. A file without its entry does not count."""

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
            state = self._covered(data, firsts)
            if state is None:
                continue
            if found is None:
                found = (state, data[:_HEAD_SIZE])
                self._slot = slot
                self.newest = state.sequence
            else:
                self.older = state.sequence
        return found

    def save(self, state: states.GatewayState, head: bytes) -> int:
        """Write the state; it counts when its CHECKPOINT entry is durable and covered() was called with the slot."""
        return self._pair.save(head + state.to_bytes(), self._slot)

    def covered(self, slot: int, sequence: int) -> None:
        """The CHECKPOINT entry of the state up to `sequence` in this slot is durable."""
        self._slot = slot
        self.older = self.newest
        self.newest = sequence

    def _covered(self, data, firsts):
        """The state, when the entry behind it names its hash and links to its head."""
        try:
            state = states.from_bytes(data[_HEAD_SIZE:])
            first = segments.holding(firsts, state.sequence + 1)
            segment = segments.read_segment(self._flash, first, self._epoch)
            index = state.sequence + 1 - first
            if state.epoch != self._epoch or index >= segment.count:
                return None
            segment.follow(data[:_HEAD_SIZE], index)
            entry = entries.decode(segment.body(index))
        except SharedError:
            return None
        named = entry.kind == kinds.CHECKPOINT and entry.sequence == state.sequence + 1
        return state if named and entry.digest == state.digest() else None
