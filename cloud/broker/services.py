"""What of the cloud is connected to the broker: the auth callout, the ingest worker, and the command dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from nats.aio.client import Client

from cloud.broker import names
from cloud.broker.callout import Callout
from cloud.broker.connection import connect_auth, connect_cloud, uplinks
from cloud.broker.nkeys import AccountKey
from cloud.broker.server import BrokerFileError, Credentials
from cloud.commands.dispatcher import Dispatcher
from cloud.config import Config, ConfigError
from cloud.keys import CLOCK, COMMANDS_WAITING, CONFIG, DATABASE, KEY_STORE
from cloud.ledger.pace import Allowance, Pace
from cloud.ledger.service import Ingest
from cloud.ledger.worker import Worker


async def run_callout(app: web.Application) -> None:
    """Let gateways in until cancelled."""
    credentials = _credentials(app[CONFIG])
    issuer = AccountKey(credentials.issuer_seed)
    async with _closing(await connect_auth(_url(app), credentials, app[CONFIG].nats_ca)) as client:
        await Callout(app[DATABASE], app[CLOCK], issuer).start(client)
        await asyncio.Event().wait()


async def run_ingest(app: web.Application) -> None:
    """Take uplinks in until cancelled."""
    async with _closing(await connect_cloud(_url(app), _credentials(app[CONFIG]), app[CONFIG].nats_ca)) as client:
        subscription = await uplinks(client.jetstream())
        allowance = Allowance(app[CONFIG].gateway_burst_entries, app[CONFIG].gateway_entries_per_hour)
        ingest = Ingest(app[DATABASE], app[KEY_STORE], Pace(allowance))
        await Worker(ingest, subscription, app[CLOCK], downlink(client), app[COMMANDS_WAITING].set).run()


async def run_commands(app: web.Application) -> None:
    """Send commands until cancelled."""
    async with _closing(await connect_cloud(_url(app), _credentials(app[CONFIG]), app[CONFIG].nats_ca)) as client:
        looks = app[COMMANDS_WAITING]
        await Dispatcher(app[DATABASE], app[KEY_STORE], app[CLOCK], downlink(client), looks).run()


def downlink(client: Client) -> Callable[[int, bytes], Awaitable[None]]:
    """What sends a document to a gateway over this connection."""

    async def publish(gateway: int, data: bytes) -> None:
        await client.publish(names.down(gateway), data)

    return publish


def _url(app: web.Application) -> str:
    return app[CONFIG].nats_url


def _credentials(config: Config) -> Credentials:
    if config.nats_credentials is None:
        raise ConfigError("set PENSTOCK_NATS_CREDENTIALS to the cloud.json that python -m cloud broker configure wrote")
    try:
        return Credentials.load(config.nats_credentials)
    except BrokerFileError as error:
        raise ConfigError(f"PENSTOCK_NATS_CREDENTIALS: {error}") from None


@asynccontextmanager
async def _closing(client: Client) -> AsyncIterator[Client]:
    try:
        yield client
    finally:
        await client.close()
