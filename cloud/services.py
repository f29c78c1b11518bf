"""The background services of one process, all in one place: name, and the context that runs each of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from cloud.audit.keeper import Keeper
from cloud.billing.worker import Billing
from cloud.broker import services as broker
from cloud.config import ConfigError
from cloud.keys import CARRIERS, CHANNELS, CLOCK, COMMANDS_WAITING, CONFIG, DATABASE, DEAD_SERVICES, KEY_STORE
from cloud.notify.delivery import Outbox
from cloud.payments.worker import Payments
from cloud.reports.worker import Reports
from cloud.updates.worker import Updates
from cloud.watchdog.rules import Limits
from cloud.watchdog.worker import Watchdog

Context = Callable[[web.Application], AsyncIterator[None]]

_CANCEL_AGAIN_S = 3.0

_log = structlog.get_logger("services")


@dataclass(frozen=True)
class Service:
    """A part that works by itself; `context` is for aiohttp's cleanup_ctx: start, yield, stop."""

    name: str
    context: Context


def running(name: str, make: Callable[[web.Application], Coroutine[Any, Any, None]]) -> Context:
    """Return a context that runs one coroutine; its end by an error is logged and stops the whole process."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(make(app), name=name)
        task.add_done_callback(lambda ended: _stop_if_dead(app, ended))
        yield
        await end(task)

    return context


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended. Once may not do: asyncio.wait_for() of Python 3.11, which libraries use, may
    forget a cancellation that comes together with what it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)


def _stop_if_dead(app: web.Application, task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    app[DEAD_SERVICES].append(task.get_name())
    error = task.exception()
    if isinstance(error, ConfigError):  # the caller's to mend: one line says how
        _log.critical("service died; the process stops", service=task.get_name(), reason=str(error))
    else:
        _log.critical("service died; the process stops", service=task.get_name(), exc_info=error)
    raise web.GracefulExit from error


def _outbox(app: web.Application) -> Coroutine[Any, Any, None]:
    return Outbox(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK]).run()


def _audit(app: web.Application) -> Coroutine[Any, Any, None]:
    return Keeper(app[DATABASE], app[CLOCK], app[CONFIG].audit_heads_file).run()


def _payments(app: web.Application) -> Coroutine[Any, Any, None]:
    return Payments(app[DATABASE], app[KEY_STORE], app[CHANNELS], app[CLOCK]).run()


def _watchdog(app: web.Application) -> Coroutine[Any, Any, None]:
    limits = Limits.of(app[CONFIG])
    return Watchdog(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK], limits).run()


def _billing(app: web.Application) -> Coroutine[Any, Any, None]:
    return Billing(app[DATABASE], app[CLOCK], app[COMMANDS_WAITING]).run()


def _updates(app: web.Application) -> Coroutine[Any, Any, None]:
    return Updates(app[DATABASE], app[CLOCK], app[COMMANDS_WAITING]).run()


def _reports(app: web.Application) -> Coroutine[Any, Any, None]:
    return Reports(app[DATABASE], app[CLOCK]).run()


SERVICES: tuple[Service, ...] = (
    Service("outbox", running("outbox", _outbox)),
    Service("payments", running("payments", _payments)),
    Service("billing", running("billing", _billing)),
    Service("callout", running("callout", broker.run_callout)),
    Service("ingest", running("ingest", broker.run_ingest)),
    Service("commands", running("commands", broker.run_commands)),
    Service("updates", running("updates", _updates)),
    Service("reports", running("reports", _reports)),
    Service("audit", running("audit", _audit)),
    Service("watchdog", running("watchdog", _watchdog)),
)
