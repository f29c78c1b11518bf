"""The development authority: whole or made anew, private, and accepted by both interpreters' TLS."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from tools import authority

ROOT = Path(__file__).resolve().parents[2]
MICROPYTHON = ROOT / "build/micropython/micropython"

DEVICE = """
import socket, sys, tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.verify_mode = tls.CERT_REQUIRED
context.load_verify_locations(open(sys.argv[1], "rb").read())
link = socket.socket()
link.connect(socket.getaddrinfo("127.0.0.1", int(sys.argv[2]))[0][-1])
print(context.wrap_socket(link, server_hostname=sys.argv[3]).read(5))
"""


def test_what_is_there_stays(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in vars(authority.ensure(tmp_path)).values()}

    second = {path: path.read_bytes() for path in vars(authority.ensure(tmp_path)).values()}

    assert second == first


def test_what_is_not_whole_is_made_anew(tmp_path: Path) -> None:
    paths = authority.ensure(tmp_path)
    before = paths.ca.read_bytes()
    paths.broker.unlink()

    authority.ensure(tmp_path)

    assert paths.broker.exists() and paths.ca.read_bytes() != before


def test_only_the_owner_can_read_private_keys(tmp_path: Path) -> None:
    paths = authority.ensure(tmp_path)

    modes = {key: key.stat().st_mode & 0o777 for key in (paths.ca_key, paths.cloud_key, paths.broker_key)}

    assert set(modes.values()) == {0o600}


def test_cpython_accepts_the_certificate_for_its_host_only(certificates: authority.Paths) -> None:
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT

    for host in ("localhost", "127.0.0.1"):
        assert _greeting_to(context, certificates, host) == b"hello"
    with pytest.raises(ssl.SSLCertVerificationError):
        _greeting_to(context, certificates, "example.org")


def test_a_device_accepts_the_certificate_for_its_host_only(certificates: authority.Paths) -> None:
    for host in ("localhost", "127.0.0.1"):
        with _Server(certificates) as server:
            accepted = _device(certificates, server.port, host)
        assert accepted.stdout.strip() == "b'hello'", accepted.stderr

    with _Server(certificates) as server:
        refused = _device(certificates, server.port, "example.org")

    assert refused.returncode != 0 and "does not match" in refused.stderr


def _device(certificates: authority.Paths, port: int, host: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MICROPYTHON, "-c", DEVICE, certificates.ca_der, str(port), host],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def _greeting_to(context: ssl.SSLContext, certificates: authority.Paths, host: str) -> bytes:
    with (
        _Server(certificates) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as link,
        context.wrap_socket(link, server_hostname=host) as secure,
    ):
        return secure.recv(5)


class _Server:
    """Greets one client with the broker's certificate; a client that goes away is none of its business."""

    def __init__(self, certificates: authority.Paths) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.broker, certificates.broker_key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._greet)

    def __enter__(self) -> "_Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _greet(self) -> None:
        link, _ = self._listener.accept()
        with link:
            link.settimeout(10)
            try:
                with self._context.wrap_socket(link, server_side=True) as secure:
                    secure.sendall(b"hello")
            except OSError:
                return
