"""The names under which the parts of a running cloud find one another in the aiohttp application."""

import asyncio
from typing import Any

from aiohttp import web

from cloud.auth.failures import Failures
from cloud.auth.limiter import Limiter
from cloud.auth.passwords import Passwords
from cloud.clock import Clock
from cloud.config import Config
from cloud.db import Database
from cloud.notify.carriers import Carriers
from cloud.payments.channels import Channels
from cloud.vending.envelope import Keyring
from cloud.vending.store import KeyStore

CONFIG = web.AppKey("config", Config)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
DATABASE = web.AppKey("database", Database)
KEY_STORE: web.AppKey[KeyStore] = web.AppKey("key_store")
KEYRING: web.AppKey[Keyring | None] = web.AppKey("keyring")
"""The key-encryption keys, None without one."""
PASSWORDS = web.AppKey("passwords", Passwords)
LOGIN_FAILURES = web.AppKey("login_failures", Failures)
LOGIN_LIMITER = web.AppKey("login_limiter", Limiter)
CALLER_LIMITER = web.AppKey("caller_limiter", Limiter)
REMOTE_LIMITER = web.AppKey("remote_limiter", Limiter)
CARRIERS: web.AppKey[Carriers] = web.AppKey("carriers")
"""The providers of messages."""
OPENAPI: web.AppKey[dict[str, Any]] = web.AppKey("openapi")
DEAD_SERVICES: web.AppKey[list[str]] = web.AppKey("dead_services")
CHANNELS: web.AppKey[Channels] = web.AppKey("channels")
RELEASE_PUBLIC: web.AppKey[bytes | None] = web.AppKey("release_public")
"""The key that signs releases of the firmware, None without one."""
COMMANDS_WAITING = web.AppKey("commands_waiting", asyncio.Event)
"""Set when a command may be sent; the dispatcher looks then, and otherwise every second."""
