"""Sends hourly readings up: whole days segment by segment, then the running day once an hour; forgets what is stored.

Each message names a segment of flash and has a nonce of its own; the answer with both says that the cloud has it.
"""

from shared import documents
from shared.compat import const

RESEND_FIRST_MS = const(15000)
RESEND_MAX_MS = const(3600000)
RUNNING = const(0)  # the segment of a message that holds the running day: nothing on flash is named so


class ReadingsPost:
    """`desk` is the ReadingsDesk; `random(n)` gives n random bytes."""

    def __init__(self, core, desk, random) -> None:
        self._core = core
        self._desk = desk
        self._random = random
        self._segment = RUNNING
        self._size = 0
        self._nonce = documents.NO_NONCE
        self._wait_ms = RESEND_FIRST_MS
        self._next_ms = 0
        self._told_hour = 0  # the running day went up in this hour

    def due(self, now_ms: int) -> bytes:
        """The message that is to go up now, or b""."""
        if self._desk.store.waiting():
            return self._days(now_ms) if now_ms >= self._next_ms else b""
        if self._told_hour == self._desk.hour:
            return b""
        self._told_hour = self._desk.hour
        return self._message(RUNNING, self._desk.running_records())

    def stored(self, segment: int, nonce: bytes) -> str:
        """The cloud says that it has a message; what it held is forgotten. One line that says what became of it."""
        if segment == RUNNING:
            return "the running day's readings are stored"
        if nonce != self._nonce or segment != self._segment:
            return "refused: an acknowledgement of other readings"
        self._nonce = documents.NO_NONCE
        self._wait_ms = RESEND_FIRST_MS
        self._next_ms = 0
        gone = self._desk.store.forget(segment, self._size)
        return "readings {} are stored".format(segment) if gone else "more readings were added meanwhile"

    def _days(self, now_ms):
        oldest = self._desk.store.oldest()
        if oldest is None:
            return b""
        again = self._segment == oldest[0] and self._nonce != documents.NO_NONCE
        self._wait_ms = min(2 * self._wait_ms, RESEND_MAX_MS) if again else RESEND_FIRST_MS
        self._next_ms = now_ms + self._wait_ms
        self._segment, self._size, records = oldest
        return self._message(self._segment, records)

    def _message(self, segment, records):
        settings = self._core.settings
        self._nonce = self._random(len(documents.NO_NONCE))
        document = documents.READINGS.encode(
            utility=settings.utility,
            gateway=settings.gateway,
            epoch=settings.epoch,
            segment=segment,
            nonce=self._nonce,
            records=records,
        )
        return documents.with_mac(settings.link_key, document)
