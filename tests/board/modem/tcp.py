"""The far end of one TCP connection (RFC 9293, as far as a line in order needs it), passed on to a local socket.

What arrives out of order is dropped and asked for again; what is not acknowledged is sent again from its beginning.
"""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_FIN, _SYN, _RST, _PUSH, _ACK = 1, 2, 4, 8, 16
_MODULUS = 1 << 32
_WINDOW_BYTES = 8192
_MSS_BYTES = 536
_AGAIN_S = 3.0  # an emulated chip is slower than its clock at times
_AGAIN_MAX = 8


@dataclass
class Segment:
    """One segment; numbers are 32 bits."""

    source: int
    target: int
    sequence: int
    acknowledged: int
    flags: int
    window: int = _WINDOW_BYTES
    options: bytes = b""
    data: bytes = b""

    @classmethod
    def parsed(cls, body: bytes) -> "Segment":
        source, target, sequence, acknowledged, offset, flags, window, _, _ = struct.unpack(">HHIIBBHHH", body[:20])
        size = (offset >> 4) * 4
        return cls(source, target, sequence, acknowledged, flags, window, body[20:size], body[size:])

    def encoded(self) -> bytes:
        """With a checksum of 0."""
        offset = (20 + len(self.options)) // 4 << 4
        numbers = (self.source, self.target, self.sequence, self.acknowledged, offset, self.flags, self.window, 0, 0)
        return struct.pack(">HHIIBBHHH", *numbers) + self.options + self.data

    @property
    def syn(self) -> bool:
        return bool(self.flags & _SYN)

    @property
    def ack(self) -> bool:
        return bool(self.flags & _ACK)

    @property
    def rst(self) -> bool:
        return bool(self.flags & _RST)

    def refusal(self) -> "Segment":
        """There is nobody (RFC 9293, 3.5.2)."""
        if self.ack:
            return Segment(self.target, self.source, self.acknowledged, 0, _RST)
        end = (self.sequence + len(self.data) + self.syn) % _MODULUS
        return Segment(self.target, self.source, 0, end, _RST | _ACK)


class Tcp:
    """`send(segment)` goes to the chip; `ended()` is called once, when nothing more will."""

    def __init__(self, syn: Segment, send: Callable[[Segment], None], ended: Callable[[], None]) -> None:
        self._send = send
        self._ended = ended
        self._syn = syn
        self._expected = (syn.sequence + 1) % _MODULUS
        self._first = 0  # number of the first byte that is not acknowledged
        self._out = bytearray()  # from there on
        self._flown = 0  # of these, how many are under way
        self._window = syn.window
        self._mss = _mss(syn.options)
        self._opened = self._established = self._closing = self._fin_sent = self._fin_taken = False
        self._writer: asyncio.StreamWriter | None = None
        self._wake = asyncio.Event()

    async def run(self, port: int | None) -> None:
        """Connect to a port of this machine, and carry bytes until one side ends. None: there is nobody."""
        try:
            if port is None:
                raise ConnectionRefusedError
            reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            self._send(self._syn.refusal())
            self._ended()
            return
        self._opened = True
        self._answer_syn()
        repeat = asyncio.ensure_future(self._repeat())
        try:
            while data := await reader.read(4096):
                self._out += data
                self._push()
            self._closing = True
            self._push()
            await repeat
        except OSError:
            self._send(self._segment(_RST | _ACK))
        finally:
            repeat.cancel()
            self.abort()
            self._ended()

    def abort(self) -> None:
        """Let go of the local socket."""
        if self._writer is not None:
            self._writer.transport.abort()

    def take(self, segment: Segment) -> None:
        """A segment from the chip."""
        if segment.rst:
            self._fin_taken = self._closing = self._fin_sent = True
            self._out.clear()
            self._wake.set()
            return self.abort()
        if segment.syn:
            return self._answer_syn() if self._opened else None
        if segment.ack:
            self._acknowledge(segment)
        if segment.sequence == self._expected:
            self._take_data(segment)
        if segment.data or segment.flags & _FIN:
            self._send(self._segment(_ACK))
        return self._push()

    def _take_data(self, segment: Segment) -> None:
        assert self._writer is not None
        if segment.data and not self._writer.is_closing():
            self._writer.write(segment.data)
        self._expected = (self._expected + len(segment.data)) % _MODULUS
        if segment.flags & _FIN and not self._fin_taken:
            self._fin_taken = True
            self._expected = (self._expected + 1) % _MODULUS
            with suppress(OSError, RuntimeError):
                self._writer.write_eof()

    def _acknowledge(self, segment: Segment) -> None:
        self._window = segment.window
        count = (segment.acknowledged - self._first) % _MODULUS
        if not self._established:
            self._established = count == 1
            if self._established:
                self._first = segment.acknowledged
            return
        if count <= self._flown + 1:
            taken = min(count, len(self._out))
            del self._out[:taken]
            self._flown -= min(taken, self._flown)
            self._first = (self._first + taken) % _MODULUS
            self._wake.set()

    def _answer_syn(self) -> None:
        options = struct.pack(">BBH", 2, 4, _MSS_BYTES)
        answer = self._segment(_SYN | _ACK)
        answer.options = options
        self._send(answer)

    def _push(self) -> None:
        """Send what the window has room for, and the end behind the last byte."""
        while self._established and self._flown < min(len(self._out), self._window):
            size = min(self._mss, min(len(self._out), self._window) - self._flown)
            segment = self._segment(_ACK | _PUSH, self._flown)
            segment.data = bytes(self._out[self._flown : self._flown + size])
            self._flown += size
            self._send(segment)
        if self._closing and self._established and self._flown == len(self._out) and not self._fin_sent:
            self._fin_sent = True
            self._send(self._segment(_FIN | _ACK, self._flown))

    async def _repeat(self) -> None:
        """Send again from the first byte that is not acknowledged, until all is, and the end is."""
        tries = 0
        while tries < _AGAIN_MAX and not (self._fin_sent and not self._out and self._fin_taken):
            self._wake.clear()
            try:
                async with asyncio.timeout(_AGAIN_S):
                    await self._wake.wait()
                tries = 0
            except TimeoutError:
                if self._flown or not self._established or self._fin_sent:
                    tries += 1
                    self._flown = 0
                    self._fin_sent = False
                    self._push() if self._established else self._answer_syn()

    def _segment(self, flags: int, ahead: int = 0) -> Segment:
        number = (self._first + ahead) % _MODULUS
        return Segment(self._syn.target, self._syn.source, number, self._expected, flags)


def _mss(options: bytes) -> int:
    """What the chip takes at most; 536 if it does not say (RFC 9293, 3.7.1)."""
    while options:
        if options[0] == 2:
            return min(int.from_bytes(options[2:4], "big"), _MSS_BYTES * 2)
        options = options[1:] if options[0] < 2 else options[options[1] :]
    return _MSS_BYTES
