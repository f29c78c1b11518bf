"""A TLS connection whose every read and write ends by a deadline, whatever the peer or the code above it does.

The socket never blocks: each operation tries, and waits in poll() for what is left of its time. So it needs no socket
timeouts, which differ between ports and which umqtt switches off, and a handshake with a silent peer ends too.
"""

import select
import socket
import time

import tls

from firmware.net.errors import LinkDown
from shared.compat import const

_CERTIFICATE_REFUSED = const(-9984)  # mbed TLS, X509_CERT_VERIFY_FAILED


def trust(ca: bytes):
    """A TLS context that accepts servers of one authority only, by its certificate in DER or PEM. Raises ValueError."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
    context.load_verify_locations(ca)
    return context


def dial(context, host: str, port: int, server_hostname: str, timeout_ms: int, read_limit_bytes: int) -> "Stream":
    """Open a connection to the first address of the host that answers. Raises LinkDown.

    The look-up of the name is the network stack's and has its own time-out.
    """
    deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
    try:
        addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError:
        raise LinkDown("the name of the broker cannot be resolved")
    for address in addresses:
        raw = _connected(address, deadline_ms)
        if raw is not None:
            return Stream(_wrapped(context, raw, server_hostname), deadline_ms, read_limit_bytes)
    raise LinkDown("the broker cannot be reached")


class Stream:
    """What umqtt takes for a socket. Small writes are gathered, and sent by flush() or before the next read."""

    def __init__(self, secure, deadline_ms, read_limit_bytes: int) -> None:
        self._secure = secure
        self._deadline_ms = deadline_ms
        self._read_limit_bytes = read_limit_bytes
        self._first = b""
        self._out = bytearray()
        self._poller = select.poll()
        self._poller.register(secure, select.POLLIN)

    def allow(self, timeout_ms: int) -> None:
        """Give the operations that follow this much time together."""
        self._deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)

    def has_data(self) -> bool:
        """Whether a byte of a message is here; never waits."""
        if not self._first and self._poller.poll(0):
            self._first = self._some(1) or b""
        return len(self._first) > 0

    def read(self, length: int) -> bytes:
        """Return exactly length bytes. Raises LinkDown."""
        if not 0 <= length <= self._read_limit_bytes:
            raise LinkDown("the broker sent a message of " + str(length) + " bytes, which is over the limit")
        self.flush()
        parts = self._first[:length]
        self._first = self._first[length:]
        while len(parts) < length:
            part = self._some(length - len(parts))
            if part is None:
                self._wait(select.POLLIN)
            else:
                parts = parts + part if parts else part
        return parts

    def write(self, data, length: int = -1) -> int:
        """Gather the first length bytes of data, or all of it."""
        self._out.extend(data if length < 0 else data[:length])
        return len(data) if length < 0 else length

    def flush(self) -> None:
        """Send what was gathered, all of it. Raises LinkDown."""
        sent = 0
        view = memoryview(self._out)
        while sent < len(self._out):
            try:
                count = self._secure.write(view[sent:])
            except (OSError, ValueError) as error:
                raise LinkDown(_reason(error))
            if count:
                sent += count
            else:
                self._wait(select.POLLOUT)
        self._out = bytearray()

    def connect(self, address) -> None:
        """Nothing: umqtt connects its socket, and this one is connected."""

    def setblocking(self, flag: bool) -> None:
        """Nothing: umqtt switches its socket to waiting for ever, and the deadline stays."""

    def close(self) -> None:
        """Let go of the connection; never fails."""
        try:
            self._secure.close()
        except OSError:
            pass

    def _some(self, length: int) -> bytes | None:
        """Up to length bytes, or None if there are none yet. Raises LinkDown."""
        try:
            part = self._secure.read(length)
        except OSError as error:
            raise LinkDown(_reason(error))
        if part == b"":
            raise LinkDown("the broker closed the connection")
        return part

    def _wait(self, event: int) -> None:
        left_ms = time.ticks_diff(self._deadline_ms, time.ticks_ms())
        self._poller.modify(self._secure, event)
        ready = left_ms > 0 and self._poller.poll(left_ms)
        self._poller.modify(self._secure, select.POLLIN)
        if not ready:
            raise LinkDown("the broker did not answer in time")


def _connected(address, deadline_ms):
    """A connected socket that never blocks, or None."""
    raw = socket.socket(address[0], address[1])
    try:
        raw.setblocking(False)
        try:
            raw.connect(address[-1])
        except OSError:
            pass  # in progress; if it is not, poll() or the first write will tell
        poller = select.poll()
        poller.register(raw, select.POLLOUT)
        ready = poller.poll(max(0, time.ticks_diff(deadline_ms, time.ticks_ms())))
        if ready and not ready[0][1] & (select.POLLERR | select.POLLHUP):
            return raw
    except OSError:
        pass
    raw.close()
    return None


def _wrapped(context, raw, server_hostname: str):
    """The handshake happens in the first write, under that write's deadline."""
    try:
        return context.wrap_socket(raw, server_hostname=server_hostname, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        raw.close()
        raise LinkDown("no TLS with the broker: " + _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):  # the port has words for what is wrong with a certificate
        return "the broker's certificate is refused: " + str(error).strip()
    if error.args and error.args[0] == _CERTIFICATE_REFUSED:
        return "the broker's certificate is refused: not one of our authority for this name"
    return "the connection failed: " + str(error)
