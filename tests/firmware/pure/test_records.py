"""Of what a TLS server answers with at once, one record at a time is handed over while the handshake lasts."""

from firmware.net.records import Records

FIRST = b"\x16\x03\x03\x00\x03abc"
SECOND = b"\x16\x03\x03\x00\x00"
THIRD = b"\x16\x03\x03\x01\x00" + bytes(256)


class Socket:
    """Gives what it was given, at most `most` bytes at a time; `error` is raised instead."""

    def __init__(self, data, most=1 << 16) -> None:
        self.data = data
        self.most = most
        self.error = None
        self.closed = False

    def readinto(self, buffer):
        if self.error is not None:
            raise OSError(self.error)
        count = min(len(buffer), len(self.data), self.most)
        buffer[:count] = self.data[:count]
        self.data = self.data[count:]
        return count or None

    def write(self, data):
        if self.error is not None:
            raise OSError(self.error)
        return len(data)

    def close(self):
        self.closed = True


def read(records, count):
    """As TLS does: until count bytes are there, or None comes."""
    got = b""
    while len(got) < count:
        buffer = bytearray(count - len(got))
        size = records.readinto(buffer)
        if size is None or size < 0:
            return got or size
        got += bytes(buffer[:size])
    return got


def test_behind_each_record_comes_a_pause():
    records = Records(Socket(FIRST + SECOND + THIRD))

    got = [read(records, 5), read(records, 3), read(records, 5), read(records, 5), read(records, 5), read(records, 5)]

    assert got == [FIRST[:5], b"abc", None, SECOND, None, THIRD[:5]]


def test_bytes_that_trickle_in_make_the_same_records():
    records = Records(Socket(FIRST + SECOND, most=1))

    assert [read(records, 5), read(records, 3), read(records, 5), read(records, 5)] == [FIRST[:5], b"abc", None, SECOND]


def test_once_the_handshake_is_over_there_is_no_pause():
    records = Records(Socket(FIRST + SECOND))
    records.one_by_one = False

    assert [read(records, 5), read(records, 3), read(records, 5)] == [FIRST[:5], b"abc", SECOND]


def test_an_error_of_the_socket_is_told_by_its_number():
    socket = Socket(b"")
    records = Records(socket)
    socket.error = 104

    assert records.readinto(bytearray(5)) == -104
    assert records.write(b"x") == -104


def test_close_reaches_the_socket():
    socket = Socket(b"")

    Records(socket).ioctl(4, 0)

    assert socket.closed
