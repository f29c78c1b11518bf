"""The command line, as its own process: from an empty folder to a served API over TLS."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.audit import heads
from tools.authority import Paths
from tools.stack.service import free_port

_START_TIMEOUT_S = 30


class Cloud:
    """Runs `python -m cloud` in a folder, with that folder's settings."""

    def __init__(self, folder: Path, certificates: Paths) -> None:
        self.port = free_port()
        self.certificates = certificates
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")},
            "PENSTOCK_DATABASE_URL": f"sqlite:///{folder}/cloud.db",
            "PENSTOCK_KEK_FILE": str(folder / "kek"),
            "PENSTOCK_HTTP_PORT": str(self.port),
            "PENSTOCK_TLS_CERT": str(certificates.cloud),
            "PENSTOCK_TLS_KEY": str(certificates.cloud_key),
        }

    def run(self, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cloud", *arguments],
            env={**self.environment, **settings},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, "-m", "cloud", "serve", *arguments],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wait(started)
        return started

    def call(self, path: str, key: str | None = None, body: Any = None) -> Any:
        request = urllib.request.Request(f"https://localhost:{self.port}/api/v1{path}")
        if key is not None:
            request.add_header("Authorization", f"Bearer {key}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        with urllib.request.urlopen(request, context=context, timeout=10) as response:
            return json.loads(response.read())

    def _wait(self, started: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and started.poll() is None:
            try:
                self.call("/health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        started.kill()
        raise AssertionError(f"the cloud did not start: {started.communicate()[1]}")


@pytest.fixture
def cloud(tmp_path: Path, certificates: Paths) -> Cloud:
    return Cloud(tmp_path, certificates)


@pytest.fixture
def served(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud with a database and a key-encryption key, serving the API and the outbox."""
    assert cloud.run("keystore", "new-kek", cloud.environment["PENSTOCK_KEK_FILE"]).returncode == 0
    assert cloud.run("migrate").returncode == 0
    process = cloud.start("--services", "outbox")
    yield cloud
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.stderr is not None
    process.stderr.close()


def test_a_key_made_on_the_command_line_opens_the_api_over_tls(served: Cloud) -> None:
    key = served.run("api-key", "add", "first", "--scopes", "administrator").stdout.strip()

    utility = served.call("/utilities", key, {"name": "U", "currency": "KES"})

    assert utility["id"] == 1
    assert served.call("/audit", key)["items"][0]["actor"] == "system:command line"


def test_an_operator_made_on_the_command_line_can_sign_in(served: Cloud) -> None:
    made = served.run("operator", "add", "a@b.example", "--role", "administrator", stdin="correct horse battery\n")

    answer = served.call("/login", body={"email": "a@b.example", "password": "correct horse battery"})

    assert made.returncode == 0, made.stderr
    assert len(answer["csrf_token"]) == 64


def test_the_audit_of_a_database_is_verified_on_the_command_line(served: Cloud) -> None:
    served.run("api-key", "add", "first", "--scopes", "administrator")

    assert served.run("audit", "verify").stdout == "every audit chain holds\n"


def test_a_database_that_was_written_anew_is_found_by_its_published_heads(served: Cloud, tmp_path: Path) -> None:
    served.run("api-key", "add", "first", "--scopes", "administrator")
    file = tmp_path / "heads"
    heads.publish(file, [(0, 1, bytes(32))], 86400)  # what was published is another head than the one that is there

    told = served.run("audit", "verify", PENSTOCK_AUDIT_HEADS_FILE=str(file))

    assert told.returncode == 1
    assert told.stderr.startswith("chain 0: the chain was written anew from an entry among 1 to 1 on: ")


def test_a_key_of_an_operator_ends_with_them(served: Cloud) -> None:
    served.run("operator", "add", "a@b.example", "--role", "cashier", stdin="correct horse battery\n")
    key = served.run("api-key", "add", "till", "--scopes", "cashier", "--owner", "a@b.example", "--days", "30").stdout
    assert served.call("/me", key.strip())["scopes"]

    ended = served.run("operator", "deactivate", "a@b.example")

    assert ended.returncode == 0, ended.stderr
    with pytest.raises(urllib.error.HTTPError, match="401"):
        served.call("/me", key.strip())


def test_a_key_encryption_key_is_changed_without_losing_a_key(served: Cloud, tmp_path: Path) -> None:
    key = served.run("api-key", "add", "first", "--scopes", "administrator").stdout.strip()
    served.call("/utilities", key, {"name": "U", "currency": "KES"})
    new = str(tmp_path / "new")
    served.run("keystore", "new-kek", new)
    change = {"PENSTOCK_KEK_FILE": new, "PENSTOCK_KEK_PREVIOUS_FILE": served.environment["PENSTOCK_KEK_FILE"]}

    first = served.run("keystore", "rewrap", **change)
    second = served.run("keystore", "rewrap", **change)

    assert first.stdout.startswith("2 keys"), first.stderr
    assert second.stdout.startswith("0 keys")


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("serve",), {}, "python -m cloud migrate"),
        (("serve",), {"PENSTOCK_HTTP_PORT": "x"}, "PENSTOCK_HTTP_PORT"),
        (("migrate",), {"PENSTOCK_DATABASE_URL": "mysql://localhost/x"}, "PENSTOCK_DATABASE_URL"),
        (("migrate",), {"PENSTOCK_DATABASE_URL": "nonsense"}, "PENSTOCK_DATABASE_URL"),
        (("serve",), {"PENSTOCK_DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "the database does not answer"),
        (("api-key", "add", "k", "--scopes", "vend"), {}, "python -m cloud migrate"),
        (("operator", "add", "a@b.example", "--role", "king"), {}, "there is no role king"),
        (("operator", "add", "a@b.example", "--role", "administrator"), {}, "at least 12 characters"),
        (("keystore", "new-kek", "/nowhere/kek"), {}, "cannot write /nowhere/kek"),
    ],
)
def test_what_is_the_callers_to_mend_is_said_in_one_line(
    cloud: Cloud, arguments: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    ended = cloud.run(*arguments, stdin="short\n", **settings)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_the_log_of_a_request_holds_no_secret(cloud: Cloud) -> None:
    cloud.run("keystore", "new-kek", cloud.environment["PENSTOCK_KEK_FILE"])
    cloud.run("migrate")
    key = cloud.run("api-key", "add", "first", "--scopes", "administrator").stdout.strip()
    process = cloud.start("--services", "none")

    cloud.call("/me", key)
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=60)[1]

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"route": "/api/v1/me", "status": 200, "actor": "api-key:1"}.items() <= lines[-1].items()
    assert key not in log


def test_a_port_in_use_is_named_in_one_line(cloud: Cloud) -> None:
    cloud.run("keystore", "new-kek", cloud.environment["PENSTOCK_KEK_FILE"])
    cloud.run("migrate")
    with socket.create_server(("127.0.0.1", cloud.port)):
        ended = cloud.run("serve", "--services", "none")

    assert ended.returncode == 2
    said = f"cloud: PENSTOCK_HTTP_PORT: cannot listen on 127.0.0.1:{cloud.port}"
    assert ended.stderr.splitlines()[-1].startswith(said)
    assert "Traceback" not in ended.stderr


def test_a_service_without_its_credentials_is_named_in_one_line(cloud: Cloud) -> None:
    cloud.run("keystore", "new-kek", cloud.environment["PENSTOCK_KEK_FILE"])
    cloud.run("migrate")

    ended = cloud.run("serve", "--services", "ingest")

    assert ended.returncode != 0
    assert "set PENSTOCK_NATS_CREDENTIALS" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr.splitlines()[-1]
