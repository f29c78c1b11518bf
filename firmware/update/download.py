"""Brings an image into the other slot, chunk by chunk and in order, and reads it back. Slow on purpose.

A block of flash is written once it is whole. What was lost on the way is asked for again, ever less often.
"""

import hashlib

from shared.compat import const
from shared.update import CHUNK_SIZE

BLOCK_SIZE = const(4096)
ASK_CHUNKS = const(4)  # two blocks: writing them takes a fifth of a second of each round
ROUND_MS = const(2000)
AGAIN_FIRST_MS = const(15000)
AGAIN_MAX_MS = const(3600000)
_REFUSALS_MAX = const(3)


class Download:
    """`keep_progress(offset)` is called each 64 KB. `refused`: flash took a block three times in vain."""

    PROGRESS_EVERY = const(65536)

    def __init__(self, slots, image, offset: int, keep_progress) -> None:
        self._slots = slots
        self.image = image
        self._keep_progress = keep_progress
        self._block = bytearray(BLOCK_SIZE)
        self._filled = 0
        self._start = offset if offset < image.size else 0  # of the block that is being filled
        self._asked_end = 0
        self._next_ms = 0
        self._round_ms = 0
        self._again_ms = AGAIN_FIRST_MS
        self._refusals = 0
        self.refused = False

    @property
    def offset(self) -> int:
        """What comes next."""
        return self._start + self._filled

    def is_complete(self) -> bool:
        return self.offset >= self.image.size

    def hurry(self) -> None:
        """The link is up again: ask at once."""
        self._next_ms = 0
        self._again_ms = AGAIN_FIRST_MS

    def due(self, now_ms: int) -> int:
        """How many chunks to ask for now from `offset` on; 0: wait."""
        if now_ms < self._next_ms or self.is_complete():
            return 0
        chunks = (self.image.size - self.offset + CHUNK_SIZE - 1) // CHUNK_SIZE
        count = min(ASK_CHUNKS - self._filled // CHUNK_SIZE, chunks)
        self._asked_end = min(self.offset + count * CHUNK_SIZE, self.image.size)
        self._round_ms = now_ms + ROUND_MS
        self._next_ms = now_ms + self._again_ms
        self._again_ms = min(2 * self._again_ms, AGAIN_MAX_MS)
        return count

    def take(self, image_id: bytes, offset: int, data: bytes) -> str:
        """A chunk came; returns what is wrong with it, or ""."""
        if image_id != self.image.id:
            return "a chunk of another image"
        if offset != self.offset:
            return "a chunk at {}, {} is next".format(offset, self.offset)
        size = min(CHUNK_SIZE, self.image.size - offset)
        if len(data) != size:
            return "a chunk of {} bytes, {} are due".format(len(data), size)
        self._block[self._filled : self._filled + size] = data
        self._filled += size
        self._again_ms = AGAIN_FIRST_MS
        if self._filled == BLOCK_SIZE or self.is_complete():
            self._write()
        if self.offset >= self._asked_end:
            self._next_ms = self._round_ms
        return ""

    def _write(self):
        try:
            self._slots.write(self._start, memoryview(self._block)[: self._filled])
        except OSError:
            self._refusals += 1
            self.refused = self._refusals >= _REFUSALS_MAX
            self._filled = 0
            return
        self._start += self._filled
        self._filled = 0
        if self._start % self.PROGRESS_EVERY == 0 or self.is_complete():
            self._keep_progress(self._start if not self.is_complete() else self.image.size)


class ReadBack:
    """The hash of what the slot really holds, a piece at a time."""

    PIECE = const(2048)

    def __init__(self, slots, image) -> None:
        self._slots = slots
        self._image = image
        self._at = 0
        self._hash = hashlib.sha256()

    def step(self) -> "bool | None":
        """Read on; None: there is more to read, else whether it is the image. OSError: the slot cannot be read."""
        size = min(self.PIECE, self._image.size - self._at)
        self._hash.update(self._slots.read(self._at, size))
        self._at += size
        if self._at < self._image.size:
            return None
        return self._hash.digest() == self._image.sha256
