"""The simulated board's end of the wire to the world: small frames over TCP, read whenever the firmware touches a pin.

Frames are bytes: operation, a, b, value (tools/sim/frames.md). TCP keeps them in order and loses none, so every pulse
arrives, however long the firmware was busy. When the world goes away the board has no power, and stops.
"""

import select
import socket

HEADER_BYTES = 4
_READ_BYTES = 4096


class PowerGone(Exception):
    """The world closed the wire."""


class Uplink:
    """A connection to the world at a loopback port; on_frame(operation, a, b, value) gets what it says."""

    def __init__(self, port: int, on_frame) -> None:
        self._on_frame = on_frame
        self._rest = b""
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def send(self, operation: bytes, a: int = 0, b: int = 0, value: int = 0, data: bytes = b"") -> None:
        """Send one frame; the kernel's buffer and the world's eagerness bound the wait."""
        frame = operation + bytes((a, b, value)) + bytes(data)
        sent = 0
        while sent < len(frame):
            try:
                sent += self._socket.send(frame[sent:])
            except OSError:
                raise PowerGone

    def pump(self, wait_ms: int = 0) -> None:
        """Handle every frame that has arrived; wait for the first one if told so."""
        while self._poller.poll(wait_ms):
            wait_ms = 0
            try:
                data = self._socket.recv(_READ_BYTES)
            except OSError:
                data = b""
            if not data:
                raise PowerGone
            self._take(self._rest + data)

    def _take(self, data: bytes) -> None:
        whole = len(data) - len(data) % HEADER_BYTES
        self._rest = data[whole:]
        for at in range(0, whole, HEADER_BYTES):
            self._on_frame(data[at : at + 1], data[at + 1], data[at + 2], data[at + 3])
