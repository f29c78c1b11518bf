"""python -m cloud broker: writes the files that the NATS server starts from."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cloud.broker.server import Listeners, write
from cloud.config import Config, ConfigError, load

app = typer.Typer(no_args_is_help=True, help="The NATS server between gateways and cloud.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def configure(
    directory: Annotated[Path, typer.Argument(help="Folder for nats.conf, cloud.json and the streams.")],
    host: Annotated[str, typer.Option(help="Address that the server listens on.")] = "127.0.0.1",
    monitor_port: Annotated[int, typer.Option(help="Port of its monitoring on loopback; 0 for none.")] = 0,
) -> None:
    """Write the server's configuration and the cloud's credentials; credentials that are there are kept."""
    print(write(directory, listeners(load(), directory, host, monitor_port)))  # noqa: T201


def listeners(config: Config, directory: Path, host: str, monitor_port: int = 0) -> Listeners:
    """What the settings say about the server; ConfigError names what is missing."""
    if config.broker_cert is None or config.broker_key is None:
        raise ConfigError("set PENSTOCK_BROKER_CERT and PENSTOCK_BROKER_KEY to the broker's PEM certificate and key")
    for name, path in (("CERT", config.broker_cert), ("KEY", config.broker_key)):
        if not path.is_file():
            raise ConfigError(f"PENSTOCK_BROKER_{name}: there is no file {path}")
    url = urlsplit(config.nats_url)
    if url.scheme != "tls" or url.port is None:
        raise ConfigError("PENSTOCK_NATS_URL: the broker is reached by TLS; write it as tls://HOST:PORT")
    return Listeners(
        host=host,
        client_port=url.port,
        mqtt_port=config.mqtt_port,
        certificate=config.broker_cert,
        key=config.broker_key,
        store=directory / "streams",
        monitor_port=monitor_port,
    )
