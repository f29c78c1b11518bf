"""A real broker with two plain users and MQTT over TLS on loopback, that can be killed and started again."""

import shutil
import sys
from pathlib import Path

import nats

from tools.authority import Paths
from tools.stack.service import Service, free_port

NATS_SERVER = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
PASSWORD = "the-bundle-says-so"

CONFIGURATION = """
server_name: test
listen: 127.0.0.1:{client_port}
jetstream {{ store_dir: "{store}", max_mem: 64M, max_file: 64M }}
mqtt {{
  listen: 127.0.0.1:{mqtt_port}
  tls {{ cert_file: "{paths.broker}", key_file: "{paths.broker_key}" }}
}}
accounts {{
  ACCOUNT: {{ jetstream: enabled, users: [
    {{ user: "gw-7", password: "{password}" }},
    {{ user: "cloud", password: "{password}" }}
  ] }}
}}
"""


class PlainBroker:
    """Restarted on the same ports, it is the same broker to whoever lost it."""

    def __init__(self, directory: Path, paths: Paths) -> None:
        self.client_port, self.mqtt_port = free_port(), free_port()
        configuration = directory / "nats.conf"
        configuration.write_text(
            CONFIGURATION.format(
                client_port=self.client_port,
                mqtt_port=self.mqtt_port,
                store=directory / "store",
                paths=paths,
                password=PASSWORD,
            )
        )
        argv = [NATS_SERVER, "-c", str(configuration)]
        self._service = Service("nats-server", argv, self.mqtt_port, directory / "nats.log")

    async def start(self) -> None:
        await self._service.start()

    async def kill(self) -> None:
        await self._service.kill()

    async def client(self) -> nats.NATS:
        return await nats.connect(f"nats://cloud:{PASSWORD}@127.0.0.1:{self.client_port}")
