"""The NATS server's configuration and the credentials that go with it, written as two files that only the owner reads.

Gateways come in by MQTT over TLS and are let in one by one by the auth callout. The cloud comes in by NATS over TLS
with two users of its own: one in an account that sees authorization requests alone, one that sees gateways' subjects.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cloud.broker.names import ACCOUNT, DOWNLINK
from cloud.broker.nkeys import AccountKey

CONFIG_NAME = "nats.conf"
CREDENTIALS_NAME = "cloud.json"
AUTH_USER = "cloud-auth"
CLOUD_USER = "cloud"

_PASSWORD_BYTES = 32
_MAX_PAYLOAD = 64 * 1024
_MAX_FILE_STORE = 16 * 1024**3
_AUTH_TIMEOUT_S = 5
_TLS_TIMEOUT_S = 30  # a gateway computes for 2 s, and each round trip by a slow modem takes one


class BrokerFileError(Exception):
    """A file of the broker is missing or damaged; the message says which, and what to do."""


@dataclass(frozen=True)
class Credentials:
    """What the cloud needs to be the broker's cloud: two passwords, and the seed that signs who is let in."""

    auth_password: str
    cloud_password: str
    issuer_seed: str

    @classmethod
    def generate(cls) -> "Credentials":
        """Make new ones."""
        return cls(
            auth_password=secrets.token_urlsafe(_PASSWORD_BYTES),
            cloud_password=secrets.token_urlsafe(_PASSWORD_BYTES),
            issuer_seed=AccountKey.generate().seed,
        )

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Read them; BrokerFileError when the file is not what `write` made."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            remedy = "make it with python -m cloud broker configure DIR"
            raise BrokerFileError(f"{path} holds no broker credentials; {remedy}") from None


@dataclass(frozen=True)
class Listeners:
    """Where the server listens, the PEM pair that it shows, the folder for its streams; port 0 closes monitoring."""

    host: str
    client_port: int
    mqtt_port: int
    certificate: Path
    key: Path
    store: Path
    monitor_port: int = 0


def write(directory: Path, listeners: Listeners) -> Path:
    """Write configuration and credentials, keeping credentials that are there; return the configuration's path."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = directory / CREDENTIALS_NAME
    credentials = Credentials.load(kept) if kept.exists() else Credentials.generate()
    _write_private(kept, json.dumps(asdict(credentials), indent=2) + "\n")
    _write_private(directory / CONFIG_NAME, configuration(listeners, credentials))
    return directory / CONFIG_NAME


def configuration(listeners: Listeners, credentials: Credentials) -> str:
    """The text of nats.conf."""
    parts = (_listening(listeners), _accounts(credentials), _authorization(credentials))
    return "# Written by python -m cloud broker configure; made anew at every call.\n" + "\n".join(parts)


def _listening(listeners: Listeners) -> str:
    files = f"cert_file: {_quoted(listeners.certificate)}, key_file: {_quoted(listeners.key)}"
    tls = f'{{ {files}, min_version: "1.2", timeout: {_TLS_TIMEOUT_S} }}'
    monitoring = f'http: "127.0.0.1:{listeners.monitor_port}"\n' if listeners.monitor_port else ""
    return f"""server_name: penstock
listen: "{listeners.host}:{listeners.client_port}"
{monitoring}max_payload: {_MAX_PAYLOAD}
max_control_line: 4096
write_deadline: "10s"
logtime: true

tls {tls}

mqtt {{
  listen: "{listeners.host}:{listeners.mqtt_port}"
  tls {tls}
  reject_qos2_publish: true
}}

jetstream {{
  store_dir: {_quoted(listeners.store)}
  max_file_store: {_MAX_FILE_STORE}
}}
"""


def _accounts(credentials: Credentials) -> str:
    return f"""accounts {{
  {ACCOUNT}: {{
    jetstream: enabled
    users: [ {{
      user: {CLOUD_USER}
      password: "{credentials.cloud_password}"
      allowed_connection_types: ["STANDARD"]
      permissions: {{
        publish: {{ allow: ["{DOWNLINK}", "$JS.API.>", "$JS.ACK.>"] }}
        subscribe: {{ allow: ["_INBOX.>"] }}
      }}
    }} ]
  }}
  AUTH: {{
    users: [ {{
      user: {AUTH_USER}
      password: "{credentials.auth_password}"
      allowed_connection_types: ["STANDARD"]
      permissions: {{
        publish: {{ deny: [">"] }}
        subscribe: {{ allow: ["$SYS.REQ.USER.AUTH"] }}
        allow_responses: true
      }}
    }} ]
  }}
  SYS: {{ users: [] }}
}}
system_account: SYS
"""


def _authorization(credentials: Credentials) -> str:
    return f"""authorization {{
  timeout: {_AUTH_TIMEOUT_S}
  auth_callout {{
    issuer: {AccountKey(credentials.issuer_seed).public}
    account: AUTH
    auth_users: [ {AUTH_USER}, {CLOUD_USER} ]
  }}
}}
"""


def _quoted(path: Path) -> str:
    return json.dumps(str(path.resolve()))


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
