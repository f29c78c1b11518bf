"""A TLS connection that never waits: it is dialled in steps, and reads nothing before a whole packet is there.

Only a peer that takes nothing is waited for, in poll() and by a deadline. So it needs no socket timeouts, which differ
between ports and which umqtt switches off.
"""

import os
import select
import socket
import time

import tls

from firmware.net.errors import LinkDown, down
from firmware.net.names import Lookup, is_address
from firmware.net.records import Records
from shared.compat import const

_CERTIFICATE_REFUSED = const(-9984)  # mbed TLS, X509_CERT_VERIFY_FAILED
_ASK_AGAIN_MS = const(1500)
_HEADER_BYTES = const(2)  # of the smallest MQTT packet
_LENGTH_BYTES_MAX = const(4)  # of its length
_CHUNK_BYTES = const(512)


class NotYet(Exception):
    """What was to be read is not here: the answer to a question that has only been gathered, or a broken packet."""


def trust(ca: bytes):
    """A TLS context that accepts servers of one authority only, by its certificate in DER or PEM. Raises ValueError."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
    context.load_verify_locations(ca)
    return context


def dial_steps(context, host: str, port: int, server_hostname: str, name_server, patience_ms: int, limit_bytes: int):
    """Open a connection: a generator that yields while there is nothing to do, and returns a Stream. Raises LinkDown.

    name_server() is where to ask for the host's address; "" leaves it to the host's own look-up, which may wait. The
    handshake happens with the first write.
    """
    deadline_ms = time.ticks_add(time.ticks_ms(), patience_ms)
    address = host
    server = "" if is_address(host) else name_server()
    if server:
        address = yield from _look_up(host, server, deadline_ms)
    raw = yield from _connect(address, port, deadline_ms)
    return Stream(context, raw, server_hostname, patience_ms, limit_bytes)


class Stream:
    """What umqtt takes for a socket. Writes are gathered; reads are of a packet that is here whole."""

    def __init__(self, context, raw, server_hostname: str, patience_ms: int, limit_bytes: int) -> None:
        self._records = Records(raw)
        try:
            self._secure = context.wrap_socket(
                self._records, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except (OSError, ValueError, MemoryError) as error:
            raw.close()
            raise down(error, "no TLS with the broker: " + _reason(error))
        self._patience_ms = patience_ms
        self._limit_bytes = limit_bytes
        self._in = bytearray()
        self._taken = 0
        self._whole = False  # whether all of a packet is in, of which so many bytes are taken
        self._out = bytearray()
        self._heard_ms = time.ticks_ms()
        self._poller = select.poll()
        self._poller.register(raw, select.POLLOUT)

    def has_packet(self) -> bool:
        """Whether a whole packet is here; never waits. Raises LinkDown, also when the rest of one fails to come."""
        if self._whole and self._taken == len(self._in):
            self._in = bytearray()
            self._taken = 0
            self._whole = False
        while not self._whole:
            missing = self._missing()
            part = self._some(min(missing, _CHUNK_BYTES)) if missing else None
            if part is None:
                self._whole = not missing
                break
            self._in.extend(part)
            self._heard_ms = time.ticks_ms()
        if self._whole:
            return True
        if self._in and time.ticks_diff(time.ticks_ms(), self._heard_ms) > self._patience_ms:
            raise LinkDown("the broker did not answer in time")
        return False

    def packet_steps(self):
        """A generator that sends what was gathered, and yields until a whole packet is here. Raises LinkDown."""
        self._heard_ms = time.ticks_ms()
        while self._out:
            self._push()
            if self._out:
                yield from self._hold()
        self._records.one_by_one = False
        while not self.has_packet():
            yield from self._hold()

    def read(self, length: int) -> bytes:
        """Return exactly length bytes of the packet that is here. Raises NotYet if it has not so many left."""
        end = self._taken + length
        if not self._whole or not 0 <= length <= len(self._in) - self._taken:
            raise NotYet
        part = bytes(memoryview(self._in)[self._taken : end])
        self._taken = end
        return part

    def write(self, data, length: int = -1) -> int:
        """Gather the first length bytes of data, or all of it."""
        self._out.extend(data if length < 0 else data[:length])
        return len(data) if length < 0 else length

    def flush(self, timeout_ms: int) -> None:
        """Send what was gathered, all of it; it waits for room if it must. Raises LinkDown."""
        deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        while self._out:
            self._push()
            left_ms = time.ticks_diff(deadline_ms, time.ticks_ms())
            if self._out and not (left_ms > 0 and self._poller.poll(left_ms)):
                raise LinkDown("the broker did not answer in time")

    def connect(self, address) -> None:
        """Nothing: umqtt connects its socket, and this one is connected."""

    def setblocking(self, flag: bool) -> None:
        """Nothing: umqtt switches its socket to waiting for ever, and this one never waits."""

    def close(self) -> None:
        """Let go of the connection; never fails."""
        try:
            self._secure.close()
        except OSError:
            pass

    def _hold(self):
        if time.ticks_diff(time.ticks_ms(), self._heard_ms) > self._patience_ms:
            raise LinkDown("the broker did not answer in time")
        yield

    def _missing(self):
        """How many bytes the packet lacks, as far as is known (MQTT 3.1.1, 2.2.3)."""
        have = len(self._in)
        if have < _HEADER_BYTES:
            return _HEADER_BYTES - have
        length = 0
        for place in range(_LENGTH_BYTES_MAX):
            if place + 1 >= have:
                return 1
            byte = self._in[place + 1]
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if length > self._limit_bytes:
                    raise LinkDown("the broker sent a message of {} bytes, which is over the limit".format(length))
                return place + 2 + length - have
        raise LinkDown("the broker sent a packet without end")

    def _push(self):
        """Send as much as there is room for; a handshake that is not over goes on by a record."""
        sent = 0
        view = memoryview(self._out)
        while sent < len(self._out):
            try:
                count = self._secure.write(view[sent:])
            except (OSError, ValueError) as error:
                raise down(error, _reason(error))
            if not count:
                break
            sent += count
        if sent:
            self._out = self._out[sent:]

    def _some(self, length: int) -> "bytes | None":
        """Up to length bytes, or None if there are none yet. Raises LinkDown."""
        try:
            part = self._secure.read(length)
        except (OSError, ValueError) as error:
            raise down(error, _reason(error))
        if part == b"":
            raise LinkDown("the broker closed the connection")
        return part


def _look_up(host, server, deadline_ms):
    """The address of a host; the question is asked again now and then, for a datagram may be lost."""
    lookup = Lookup(host, server, os.urandom)
    try:
        asked_ms = time.ticks_add(time.ticks_ms(), -_ASK_AGAIN_MS)
        while True:
            now_ms = time.ticks_ms()
            if time.ticks_diff(now_ms, asked_ms) >= _ASK_AGAIN_MS:
                lookup.ask()
                asked_ms = now_ms
            address = lookup.poll()
            if address:
                return address
            if time.ticks_diff(deadline_ms, now_ms) <= 0:
                raise LinkDown("the name server does not answer")
            yield
    finally:
        lookup.close()


def _connect(host, port, deadline_ms):
    """A connected socket that never blocks, to the first address that answers."""
    try:
        addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError:
        raise LinkDown("the name of the broker cannot be resolved")
    for address in addresses:
        raw = yield from _connected(address, deadline_ms)
        if raw is not None:
            return raw
    raise LinkDown("the broker cannot be reached")


def _connected(address, deadline_ms):
    """A connected socket, or None."""
    raw = socket.socket(address[0], address[1])
    try:
        raw.setblocking(False)
        try:
            raw.connect(address[-1])
        except OSError:
            pass  # in progress; if it is not, poll() or the first write will tell
        poller = select.poll()
        poller.register(raw, select.POLLOUT)
        while time.ticks_diff(deadline_ms, time.ticks_ms()) > 0:
            ready = poller.poll(0)
            if ready:
                if ready[0][1] & (select.POLLERR | select.POLLHUP):
                    break
                return raw
            yield
    except OSError:
        pass
    raw.close()
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):  # the port has words for what is wrong with a certificate
        return "the broker's certificate is refused: " + str(error).strip()
    if error.args and error.args[0] == _CERTIFICATE_REFUSED:
        return "the broker's certificate is refused: not one of our authority for this name"
    return "the connection failed: " + str(error)
