"""Between TLS and its socket: hands over one record of the handshake at a time, so that other tasks run in between.

A record costs a chip up to 0.54 s of arithmetic; all that a server answers with, at once, would cost 1.3 s.
"""

import io

from shared.compat import const

_HEADER_BYTES = const(5)  # RFC 5246, 6.2.1: kind, version, length
_CLOSE = const(4)  # requests of MicroPython's stream protocol
_EIO = const(5)


class Records(io.IOBase):
    """A stream as tls.wrap_socket takes it, over a socket that never blocks; `one_by_one` ends with the handshake."""

    def __init__(self, raw) -> None:
        self.one_by_one = True
        self._raw = raw
        self._header = bytearray(_HEADER_BYTES)
        self._have = 0  # bytes of the header
        self._left = 0  # bytes of the record behind it
        self._over = False  # a record has just ended

    def readinto(self, buffer):
        """Bytes read, None if there are none yet. Told as an error number and not raised: mbed TLS is in between."""
        if self._over and self.one_by_one:
            self._over = False
            return None
        try:
            count = self._raw.readinto(buffer)
        except OSError as error:
            return _code(error)
        if count:
            self._count(buffer, count)
        return count

    def write(self, data):
        """Bytes written, None if there is no room yet."""
        try:
            return self._raw.write(data)
        except OSError as error:
            return _code(error)

    def ioctl(self, request: int, _argument: int) -> int:
        """Close when asked to; nobody polls this."""
        if request == _CLOSE:
            self._raw.close()
        return 0

    def _count(self, buffer, count):
        """TLS reads a header and then a body, never across."""
        if self._left:
            self._left -= count
        else:
            self._header[self._have : self._have + count] = buffer[:count]
            self._have += count
            if self._have < _HEADER_BYTES:
                return
            self._have = 0
            self._left = self._header[3] << 8 | self._header[4]
        self._over = self._left == 0


def _code(error):
    return -(error.args[0] if error.args and isinstance(error.args[0], int) and error.args[0] > 0 else _EIO)
