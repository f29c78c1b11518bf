"""Reads the ledger back after a start: newest checkpoint, then every entry behind it, each link checked.

Never raises: it returns the good prefix, and names what is wrong with the rest. Only a torn last record or group of
the last segment is no damage.
"""

from firmware.ledger import segments
from shared import entries
from shared.compat import const
from shared.errors import SharedError
from shared.state import GatewayState

_GROUP_LEFT_AT = const(11)


class Recovery:
    """The result: `state` and `head` of the good prefix, `damage` ("" if none), `torn` if the tail was dropped."""

    def __init__(self, flash, genesis: bytes, state: GatewayState, checkpoints, mark: "tuple[int, bytes] | None"):
        self._flash = flash
        self._mark = mark
        self.state = state
        self.head = genesis
        self.damage = ""
        self.torn = False
        self.records = 0  # whole, good records in the last segment
        self.firsts = segments.list_firsts(flash)
        start = checkpoints.load(self.firsts)
        if start is not None:
            self.state, self.head = start
        try:
            self._replay()
        except SharedError as error:
            self.damage = str(error)
        self._compare_with_mark()

    def _replay(self):
        """Walk the segments from the one that holds the first entry after the checkpoint."""
        if not self.firsts:
            return
        begin = self.firsts.index(segments.holding(self.firsts, self.state.sequence + 1))
        for at in range(begin, len(self.firsts)):
            if at + 1 < len(self.firsts):
                self._whole_segment(self.firsts[at], self.firsts[at + 1] - self.firsts[at])
            else:
                self._last_segment(self.firsts[at])

    def _whole_segment(self, first, count):
        segment = segments.read_segment(self._flash, first, self.state.epoch)
        if segment.count < count:
            raise _damage("segment {} is cut off", first)
        head = self._join(segment)
        for index in range(self.state.sequence + 1 - first, count):
            head = segment.follow(head, index)
            self._take(segment, index, head)
        if self.state.sequence != first + count - 1:
            raise _damage("segment {} ends inside a group", first)

    def _last_segment(self, first):
        """The same, but its end may be torn: after the mark no append had returned."""
        try:
            segment = segments.read_segment(self._flash, first, self.state.epoch)
        except SharedError:
            self._tear(first, 0)
            return
        head = self._join(segment)
        try:
            for index in range(self.state.sequence + 1 - first, segment.count):
                head = segment.follow(head, index)
                self._take(segment, index, head)
        except SharedError:
            self.torn = True
        good = self.state.sequence + 1 - first
        self._tear(first, good, self.torn or segment.has_rest or good != segment.count)

    def _tear(self, first, good, torn=True):
        if first + good != self.state.sequence + 1:
            raise _damage("segment {} does not follow the one before it", first)
        self.torn = torn
        self.records = good

    def _join(self, segment):
        """The running head at the first entry that is to be taken; ChainError when the segment does not fit it."""
        head = segment.head
        for index in range(self.state.sequence + 1 - segment.first):
            head = segment.follow(head, index)
        if head != self.head:
            raise _damage("segment {} does not continue the chain", segment.first)
        return head

    def _take(self, segment, index, head):
        """Fold an entry in, with its whole group at once."""
        left = segment.body(index)[_GROUP_LEFT_AT]
        if left:
            return
        start = self.state.sequence + 1 - segment.first
        group = [entries.decode(segment.body(at)) for at in range(start, index + 1)]
        for at, entry in enumerate(group):
            if entry.sequence != self.state.sequence + 1 + at or entry.group_left != len(group) - 1 - at:
                raise _damage("entry {} is out of order", entry.sequence)
        for entry in group:
            self.state.apply(entry)
        self.head = head
        self._compare_at(self.state.sequence)

    def _compare_at(self, sequence):
        if self._mark is not None and sequence == self._mark[0] and self.head != self._mark[1]:
            self.damage = "entry {} is not the one that was made durable".format(sequence)

    def _compare_with_mark(self):
        if self.damage:
            return
        if self._mark is None:
            if self.state.sequence:
                self.damage = "both high-water marks are lost"
        elif self.state.sequence < self._mark[0]:
            self.damage = "the ledger ends at {} below its mark {}".format(self.state.sequence, self._mark[0])


class DamageError(SharedError):
    """The ledger on flash is not what was made durable."""


def _damage(text, number):
    return DamageError(text.format(number))
