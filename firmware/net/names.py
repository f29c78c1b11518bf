"""Looks a host's address up (DNS: RFC 1035, over UDP) without waiting: whoever asked comes to look for the answer.

The network stack's own look-up holds everything up for as long as it likes. An answer proves nothing: TLS does, later.
"""

import select
import socket
import struct

from firmware.net.errors import LinkDown
from shared.compat import const

DNS_PORT = const(53)
_HEADER_BYTES = const(12)
_MESSAGE_BYTES = const(512)  # RFC 1035, 2.3.4
_RECURSION_DESIRED = const(0x0100)
_ANSWER_FLAG = const(0x8000)
_REFUSED_MASK = const(0x000F)
_POINTER = const(0xC0)
_TYPE_A = const(1)
_CLASS_IN = const(1)
_ADDRESS_BYTES = const(4)
_FOREIGN_MAX = const(8)  # packets in a row that do not answer; then other tasks have their turn


class Lookup:
    """One question to one server, from a socket of its own. `random(n)` gives random bytes."""

    def __init__(self, host: str, server: str, random, port: int = DNS_PORT) -> None:
        """Prepare the question. LinkDown: there is no network to the server. ValueError: such a name cannot be."""
        self._question = random(2) + struct.pack(">HHHHH", _RECURSION_DESIRED, 1, 0, 0, 0) + question(host)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(socket.getaddrinfo(server, port)[0][-1])  # so that nobody else's packets come in
        except OSError as error:
            self.close()
            raise LinkDown("the name server cannot be reached: {}".format(error))
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def ask(self) -> None:
        """Send the question; again, when no answer has come for a while. What cannot be sent counts as lost."""
        try:
            self._socket.send(self._question)
        except OSError:
            pass

    def poll(self) -> str:
        """The address once it is here, else ""; never waits. LinkDown: there is no such name, or the server refuses."""
        for _ in range(_FOREIGN_MAX):
            if not self._poller.poll(0):
                break
            try:
                message = self._socket.recv(_MESSAGE_BYTES)
            except OSError as error:
                raise LinkDown("the name server cannot be reached: {}".format(error))
            if is_answer(message, self._question):
                return address_in(message)
        return ""

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def is_address(host: str) -> bool:
    """Whether it is four numbers already, as IPv4 is written."""
    parts = host.split(".")
    return len(parts) == _ADDRESS_BYTES and all(part.isdigit() and int(part) < 256 for part in parts)


def question(host: str) -> bytes:
    """The question for a host's IPv4 address. ValueError: a label is empty or over 63 bytes, the name over 253."""
    labels = [label.encode() for label in host.split(".")]
    if len(host) > 253 or min(len(label) for label in labels) == 0 or max(len(label) for label in labels) > 63:
        raise ValueError("the name of the host cannot be one")
    name = b"".join([bytes((len(label),)) + label for label in labels])
    return name + b"\0" + struct.pack(">HH", _TYPE_A, _CLASS_IN)


def is_answer(message: bytes, asked: bytes) -> bool:
    """Whether a message answers the one that was asked: number and question are the same, letter by letter."""
    end = len(asked)
    if len(message) < end or not message[2] & (_ANSWER_FLAG >> 8):
        return False
    return message[:2] == asked[:2] and message[_HEADER_BYTES:end] == asked[_HEADER_BYTES:]


def address_in(message: bytes) -> str:
    """The first IPv4 address of an answer. LinkDown: it holds none."""
    if message[3] & _REFUSED_MASK:
        raise LinkDown("the name server does not know the host (code {})".format(message[3] & _REFUSED_MASK))
    place = _after_name(message, _HEADER_BYTES) + 4
    for _ in range(struct.unpack(">H", message[6:8])[0]):
        place = _after_name(message, place)
        if place + 10 > len(message):
            break
        kind, network, _, size = struct.unpack(">HHIH", message[place : place + 10])
        place += 10
        if kind == _TYPE_A and network == _CLASS_IN and size == _ADDRESS_BYTES and place + size <= len(message):
            return ".".join([str(byte) for byte in message[place : place + size]])
        place += size
    raise LinkDown("the name server knows no address of the host")


def _after_name(message, place):
    """The place behind a name, which ends with an empty label or points elsewhere (RFC 1035, 4.1.4)."""
    while place < len(message):
        size = message[place]
        if size == 0:
            return place + 1
        if size & _POINTER == _POINTER:
            return place + 2
        place += 1 + size
    return place
