"""A time server on a real UDP port of the loopback that can be told to lie; serve() answers what has come in."""

import select
import struct

from tests.fakes import udp

HOST = udp.HOST
_WAIT_MS = 1000
_UNIX_EPOCH_S = 2208988800


class TimeServer:
    """`time_s` is what it believes, in seconds since 1970; the other attributes are fields of its answers.

    `originate` replaces the echo of the question, `extra` is sent before the answer, `silent` sends nothing.
    """

    def __init__(self, time_s=1_700_000_000):
        self.time_s = time_s
        self.fraction = 0
        self.leap = 0
        self.mode = 4
        self.stratum = 2
        self.reference = b"\x7f\x00\x00\x01"
        self.originate = None
        self.transmit = None
        self.length = 48
        self.extra = []
        self.silent = False
        self.questions = []
        self._socket, self.port = udp.bound()
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def serve(self, wait_ms=_WAIT_MS):
        """Answer the questions that have come in, with some patience for the first."""
        while self._poller.poll(wait_ms):
            question, address = self._socket.recvfrom(100)
            self.questions.append(question)
            for packet in self.extra:
                self._socket.sendto(packet, address)
            if not self.silent:
                self._socket.sendto(self.answer(question), address)
            wait_ms = 0

    def answer(self, question):
        """The packet for a question."""
        originate = question[40:48] if self.originate is None else self.originate
        now = struct.pack(">II", (self.time_s + _UNIX_EPOCH_S) & 0xFFFFFFFF, self.fraction)
        head = bytes((self.leap << 6 | 4 << 3 | self.mode, self.stratum, 6, 0xEC))
        packet = head + bytes(8) + self.reference + now + originate + now
        packet += now if self.transmit is None else self.transmit
        return packet[: self.length]

    def close(self):
        self._socket.close()
