"""Joins everything: the areas' routes, what they need, and the background services. The one place that wires."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from importlib.metadata import PackageNotFoundError, version

from aiohttp import web

from cloud.accounts import routes as accounts
from cloud.agents import routes as agents
from cloud.api import health
from cloud.api.dispatch import add_routes
from cloud.api.middleware import request_middleware
from cloud.api.openapi import document
from cloud.api.route import Route
from cloud.audit import routes as audit
from cloud.auth import routes as auth
from cloud.auth.failures import Failures
from cloud.auth.limiter import Limiter
from cloud.auth.passwords import Passwords
from cloud.billing import routes as billing
from cloud.books import routes as books
from cloud.clock import Clock
from cloud.commands import routes as commands
from cloud.config import Config
from cloud.db import Database
from cloud.keys import (
    CALLER_LIMITER,
    CARRIERS,
    CHANNELS,
    CLOCK,
    COMMANDS_WAITING,
    CONFIG,
    DATABASE,
    DEAD_SERVICES,
    KEY_STORE,
    KEYRING,
    LOGIN_FAILURES,
    LOGIN_LIMITER,
    OPENAPI,
    PASSWORDS,
    RELEASE_PUBLIC,
    REMOTE_LIMITER,
)
from cloud.ledger import routes as ledger
from cloud.meters import routes as meters
from cloud.notify import routes as notify
from cloud.notify.carriers import Carriers, carriers
from cloud.notify.receipts import add_receipts
from cloud.payments import routes as payments
from cloud.payments.channels import channels
from cloud.payments.webhooks import add_webhooks
from cloud.readings import routes as readings
from cloud.reports import routes as reports
from cloud.services import SERVICES
from cloud.tariffs import routes as tariffs
from cloud.updates import routes as updates
from cloud.updates.release_key import release_public
from cloud.vending import routes as vending
from cloud.vending.envelope import keyring
from cloud.vending.keystore import SealedKeyStore
from cloud.vending.pkcs11_token import pkcs11_token
from cloud.vending.sta_tables import sta_tables
from cloud.vending.store import KeyStore
from cloud.watchdog import routes as watchdog

AREAS = (
    health,
    auth,
    meters,
    readings,
    accounts,
    tariffs,
    vending,
    ledger,
    commands,
    notify,
    audit,
    books,
    billing,
    payments,
    agents,
    watchdog,
    reports,
    updates,
)
ROUTES: list[Route] = [route for area in AREAS for route in area.ROUTES]

ALL_SERVICES = frozenset(service.name for service in SERVICES)
_BODY_MAX = max(route.body_limit for route in ROUTES)
_LOGINS_PER_SOURCE = 20
_MINUTE_S = 60


def build_app(
    config: Config,
    clock: Clock,
    *,
    database: Database | None = None,
    key_store: KeyStore | None = None,
    messages: Carriers | None = None,
    services: Iterable[str] = ALL_SERVICES,
) -> web.Application:
    """Return the application; what is not given is made from the configuration. ConfigError names a bad setting."""
    app = web.Application(middlewares=[request_middleware], client_max_size=_BODY_MAX + 1)
    app[CONFIG] = config
    app[CLOCK] = clock
    app[DATABASE] = database or Database(config.database_url)
    app[KEYRING] = keyring(config)
    app[KEY_STORE] = key_store or SealedKeyStore(app[KEYRING], sta_tables(config), pkcs11_token(config))
    app[PASSWORDS] = Passwords()
    app[LOGIN_FAILURES] = Failures(app[DATABASE])
    app[LOGIN_LIMITER] = Limiter(_LOGINS_PER_SOURCE, _MINUTE_S)
    app[CALLER_LIMITER] = Limiter(config.caller_requests_per_minute, _MINUTE_S)
    app[REMOTE_LIMITER] = Limiter(config.remote_requests_per_minute, _MINUTE_S)
    app[CHANNELS] = channels(config, clock.now)
    app[CARRIERS] = messages or carriers(config)
    app[COMMANDS_WAITING] = asyncio.Event()
    app[RELEASE_PUBLIC] = release_public(config)
    app[DEAD_SERVICES] = []
    app[OPENAPI] = document(ROUTES, _version())
    add_routes(app, ROUTES)
    add_webhooks(app)
    add_receipts(app)
    app.cleanup_ctx.append(_resources)
    wanted = frozenset(services)
    app.cleanup_ctx.extend(service.context for service in SERVICES if service.name in wanted)
    return app


async def _resources(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[CARRIERS].close()
    for channel in app[CHANNELS].values():
        if channel.provider is not None:
            await channel.provider.close()
    await app[DATABASE].close()


def _version() -> str:
    try:
        return version("penstock")
    except PackageNotFoundError:  # run from a checkout
        return "0.0.0"
