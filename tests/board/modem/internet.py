"""What is behind the modem: answers look-ups by a table of names, and passes TCP on to sockets of this machine."""

import asyncio
import socket
import struct
from collections.abc import Callable

from tests.board.modem.tcp import Segment, Tcp

_UDP, _TCP = 17, 6
_DNS_PORT = 53
_NO_SUCH_NAME = 0x8183
_ANSWER = 0x8180


def sum_of(data: bytes) -> int:
    """The checksum of RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Internet:
    """`names`: host to address; `hosts`: (address, port) to a port of this machine. `send(packet)` goes to the chip."""

    def __init__(self, names: dict[str, str], hosts: dict[tuple[str, int], int]) -> None:
        self.names = names
        self.hosts = hosts
        self.lookups: list[str] = []
        self.resolves = True  # whether look-ups are answered
        self.send: Callable[[bytes], None] = lambda _: None
        self._connections: dict[tuple[bytes, int, bytes, int], Tcp] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def opened(self) -> int:
        """Connections that are there."""
        return len(self._connections)

    def take(self, packet: bytes) -> None:
        """An IP packet from the chip; what is damaged or foreign is dropped."""
        size = (packet[0] & 0x0F) * 4
        if len(packet) < 20 or packet[0] >> 4 != 4 or sum_of(packet[:size]):
            return
        body = packet[size : int.from_bytes(packet[2:4], "big")]
        source, target = packet[12:16], packet[16:20]
        if sum_of(_pseudo(source, target, packet[9], body) + body):
            return
        if packet[9] == _UDP:
            self._take_udp(source, target, body)
        elif packet[9] == _TCP:
            self._take_tcp(source, target, Segment.parsed(body))

    def forget(self) -> None:
        """The line is gone, and all connections with it."""
        for connection in list(self._connections.values()):
            connection.abort()
        self._connections.clear()
        for task in self._tasks:
            task.cancel()

    def _take_udp(self, source: bytes, target: bytes, body: bytes) -> None:
        port, wanted = struct.unpack(">HH", body[:4])
        if wanted == _DNS_PORT and self.resolves:
            answer = self._resolved(body[8:])
            header = struct.pack(">HHHH", wanted, port, 8 + len(answer), 0)
            self._send(target, source, _UDP, header + answer, 6)

    def _resolved(self, question: bytes) -> bytes:
        labels, place = [], 12
        while question[place]:
            labels.append(question[place + 1 : place + 1 + question[place]].decode())
            place += 1 + question[place]
        name, asked = ".".join(labels), question[12 : place + 5]
        self.lookups.append(name)
        address = self.names.get(name)
        if address is None:
            return question[:2] + struct.pack(">HHHHH", _NO_SUCH_NAME, 1, 0, 0, 0) + asked
        found = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
        return question[:2] + struct.pack(">HHHHH", _ANSWER, 1, 1, 0, 0) + asked + found

    def _take_tcp(self, source: bytes, target: bytes, segment: Segment) -> None:
        key = (source, segment.source, target, segment.target)
        connection = self._connections.get(key)
        if connection is not None:
            connection.take(segment)
        elif segment.syn and not segment.ack:
            self._open(key, segment)
        elif not segment.rst:
            self._put(key, segment.refusal())

    def _open(self, key: tuple[bytes, int, bytes, int], segment: Segment) -> None:
        port = self.hosts.get((socket.inet_ntoa(key[2]), key[3]))
        connection = Tcp(
            segment, lambda reply: self._put(key, reply), lambda: self._connections.pop(key, None) and None
        )
        self._connections[key] = connection
        task = asyncio.get_running_loop().create_task(connection.run(port))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _put(self, key: tuple[bytes, int, bytes, int], segment: Segment) -> None:
        self._send(key[2], key[0], _TCP, segment.encoded(), 16)

    def _send(self, source: bytes, target: bytes, protocol: int, body: bytes, sum_at: int) -> None:
        total = sum_of(_pseudo(source, target, protocol, body) + body) or 0xFFFF
        body = body[:sum_at] + total.to_bytes(2, "big") + body[sum_at + 2 :]
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0, source, target)
        self.send(header[:10] + sum_of(header).to_bytes(2, "big") + header[12:] + body)


def _pseudo(source: bytes, target: bytes, protocol: int, body: bytes) -> bytes:
    return source + target + struct.pack(">BBH", 0, protocol, len(body))
