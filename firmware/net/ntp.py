"""Asks a time server (SNTP: RFC 4330, packet of RFC 5905). It never waits for the answer: whoever asked comes to look.

The answer is not authenticated, so this says what it was told and nothing more; firmware/clock.py bounds what it is
worth. The transmit timestamp of the question is random: who cannot see it cannot answer it (RFC 4330, 3).
"""

import select
import socket
import struct

from firmware.net.errors import LinkDown
from shared.compat import const

NTP_PORT = const(123)
_FOREIGN_MAX = const(8)  # packets in a row that do not answer; then other tasks have their turn
_PACKET_BYTES = const(48)
_VERSION_AND_CLIENT = const(0x23)  # version 4, mode 3
_MODE_SERVER = const(4)
_LEAP_UNSYNCHRONISED = const(3)
_STRATUM_MAX = const(15)
_ORIGINATE = const(24)  # offsets of the timestamps
_TRANSMIT = const(40)
_NONCE_BYTES = const(8)
_UNIX_EPOCH_S = const(2208988800)  # 1970 in seconds since 1900
_ERA_S = const(4294967296)


class Question:
    """One question to one server, from a socket of its own. `random(n)` gives random bytes."""

    def __init__(self, host: str, random, port: int = NTP_PORT) -> None:
        """Ask. LinkDown: there is no network, or no server of that name. The look-up has its own time-out."""
        self._nonce = random(_NONCE_BYTES)
        try:
            address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(address[0], socket.SOCK_DGRAM)
        except (OSError, IndexError):
            raise LinkDown("the name of the time server cannot be resolved")
        try:
            self._socket.setblocking(False)
            self._socket.connect(address[-1])  # so that nobody else's packets come in
            self._socket.send(_question(self._nonce))
        except OSError as error:
            self.close()
            raise LinkDown("the time server cannot be reached: {}".format(error))
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def poll(self) -> "int | None":
        """Seconds since 1970 once they are here, else None; never waits. LinkDown: the server says that it has no time.

        What does not answer this very question is dropped.
        """
        for _ in range(_FOREIGN_MAX):
            if not self._poller.poll(0):
                break
            try:
                packet = self._socket.recv(_PACKET_BYTES)
            except OSError as error:
                raise LinkDown("the time server cannot be reached: {}".format(error))
            if is_answer(packet, self._nonce):
                return seconds_of(packet)
        return None

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def is_answer(packet: bytes, nonce: bytes) -> bool:
    """Whether a packet is a server's answer to the question that carried the nonce."""
    if len(packet) < _PACKET_BYTES or packet[0] & 7 != _MODE_SERVER:
        return False
    return packet[_ORIGINATE : _ORIGINATE + _NONCE_BYTES] == nonce


def seconds_of(packet: bytes) -> int:
    """An answer's transmit time in seconds since 1970, to the nearest. LinkDown: it is no time to go by."""
    leap, stratum = packet[0] >> 6, packet[1]
    if leap == _LEAP_UNSYNCHRONISED:
        raise LinkDown("the time server has no time itself")
    if stratum == 0:  # "kiss of death", RFC 4330, 8
        raise LinkDown("the time server refuses: " + _kiss_code(packet))
    if stratum > _STRATUM_MAX:
        raise LinkDown("the time server is of stratum {}, over 15".format(stratum))
    seconds, fraction = struct.unpack(">II", packet[_TRANSMIT : _TRANSMIT + 8])
    if seconds == 0 and fraction == 0:
        raise LinkDown("the time server sent no time")
    if seconds < _ERA_S // 2:  # from 2036 on: RFC 4330, 3
        seconds += _ERA_S
    return seconds - _UNIX_EPOCH_S + (fraction >> 31)


def _question(nonce):
    """All zeros but for the first byte and the transmit time, which is the nonce."""
    return bytes((_VERSION_AND_CLIENT,)) + bytes(_TRANSMIT - 1) + nonce


def _kiss_code(packet):
    """Four letters, as far as they are letters."""
    return "".join([chr(byte) for byte in packet[12:16] if 0x41 <= byte <= 0x5A]) or "no reason given"
