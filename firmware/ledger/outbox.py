"""What the cloud has acknowledged, and what is next for it: batches from the first unacknowledged entry on."""

from firmware.ledger.pair import Pair
from shared.compat import const
from shared.documents import BATCH_ENTRIES_MAX
from shared.wire import Layout

_ACKED = Layout(b"PSacked1", (("epoch", "u2"), ("sequence", "u4")))
BATCH_ENTRIES = const(24)


_AGAIN = const(100)  # calls of save() from one that flash refused to the next try


class Outbox:
    """`acknowledged` is the highest sequence that the cloud holds without a gap, `durable` what a restart knows of it.

    It is kept in `acked-a` and `acked-b`. What is pruned must be durable: the cloud is asked for nothing twice.
    """

    def __init__(self, flash, store, epoch: int) -> None:
        self._store = store
        self._epoch = epoch
        self._files = Pair(flash, "acked")
        self.acknowledged = self.durable = self._load()
        self._moved = False  # since save() last wrote
        self._wait = 0

    def waiting(self) -> int:
        """How many entries are not acknowledged."""
        return max(0, self._store.state.sequence - self.acknowledged)

    def next(self) -> "tuple[int, bytes, bytes, bytes]":
        """(first sequence, head before, bodies, head after), ending at the end of a group. DamageError."""
        first = self.acknowledged + 1
        previous, bodies, head = self._store.run(first, BATCH_ENTRIES)
        if not bodies:  # a group is longer: an opening of eight meters
            previous, bodies, head = self._store.run(first, BATCH_ENTRIES_MAX)
        return first, previous, bodies, head

    def acknowledge(self, sequence: int, head: bytes) -> bool:
        """Move on when the head is our own at that sequence; tells whether it did. DamageError."""
        return self.acknowledged < sequence <= self._store.state.sequence and self._move(sequence, head)

    def give_back(self, sequence: int, head: bytes) -> bool:
        """Go back to what the cloud holds since it was restored, where the entries behind it are still here.

        Tells whether it did. DamageError.
        """
        kept = sequence >= self._store.first_kept() or (sequence == 0 and self._store.first_kept() == 1)
        return kept and sequence < self.acknowledged and self._move(sequence, head)

    def save(self) -> None:
        """Make durable what is new; called now and then, for it may take an erase. What flash refuses waits a while."""
        self._wait = max(0, self._wait - 1)
        if not self._moved or self._wait:
            return
        try:
            self._files.save(_ACKED.encode(epoch=self._epoch, sequence=self.acknowledged))
        except OSError:
            self._wait = _AGAIN
            return
        self.durable = self.acknowledged
        self._moved = False

    def _move(self, sequence, head):
        if self._store.head_at(sequence) != head:
            return False
        self.acknowledged = sequence
        self.durable = min(self.durable, sequence)
        self._moved = True
        return True

    def _load(self):
        data = self._files.load()
        if data is None:
            return 0
        fields = _ACKED.decode(data)
        return fields["sequence"] if fields["epoch"] == self._epoch else 0
