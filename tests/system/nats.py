"""A real nats-server in a folder, started from the configuration that the cloud writes, and stopped or killed."""

import sys
from pathlib import Path

from cloud.broker.server import CREDENTIALS_NAME, Credentials, Listeners, write
from tools.authority import Paths
from tools.stack.service import Service, free_port

SERVER = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """`url` and `mqtt_port` say where it listens, `credentials` how the cloud signs in, `authority` whom to trust."""

    def __init__(self, folder: Path, certificates: Paths) -> None:
        self.client_port, self.mqtt_port = free_port(), free_port()
        self.url = f"tls://localhost:{self.client_port}"
        self.authority = certificates.ca
        listeners = Listeners(
            host="127.0.0.1",
            client_port=self.client_port,
            mqtt_port=self.mqtt_port,
            certificate=certificates.broker,
            key=certificates.broker_key,
            store=folder / "streams",
        )
        configuration = write(folder, listeners)
        self.credentials_file = folder / CREDENTIALS_NAME
        self.credentials = Credentials.load(self.credentials_file)
        self.log = folder / "nats.log"
        self._service = Service("nats-server", [str(SERVER), "-c", str(configuration)], self.mqtt_port, self.log)

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        await self._service.start()

    async def stop(self) -> None:
        """Stop it."""
        await self._service.stop()

    async def kill(self) -> None:
        """End it without a goodbye."""
        await self._service.kill()
