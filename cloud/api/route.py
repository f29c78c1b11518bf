"""A route is data: what it takes, what it answers, who may call it. Handlers get a Call and return a model."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.errors import CloudError
from cloud.keys import DATABASE, KEY_STORE
from cloud.vending.store import KeyStore

BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")

BODY_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Cookie:
    """A cookie for the answer; an empty value removes it."""

    name: str
    value: str
    max_age_s: int


@dataclass
class Call(Generic[BodyT, QueryT]):
    """One request after authentication and validation, and the ways into the application."""

    app: web.Application
    actor: Actor
    now: int
    body: BodyT
    query: QueryT
    path: dict[str, Any]
    remote: str
    session_token: str | None = None
    cookies: list[Cookie] = field(default_factory=list)

    def begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Start the transaction of a request that changes something."""
        return self.app[DATABASE].begin()

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session for a request that only reads."""
        return self.app[DATABASE].read()

    @property
    def key_store(self) -> KeyStore:
        """The key store."""
        return self.app[KEY_STORE]


Handler = Callable[[Call[Any, Any]], Awaitable[BaseModel]]


@dataclass(frozen=True)
class Route:
    """One line of the API. `path` is below /api/v1; `scope` None means that anybody may call it."""

    method: str
    path: str
    handler: Handler
    scope: str | None
    response: type[BaseModel]
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    errors: tuple[type[CloudError], ...] = ()
    status: int = 200
    tag: str = ""
    idempotency: str | None = None
    body_limit: int = BODY_LIMIT
    signed_in: bool = False
    """With scope None: a caller must be known all the same."""
    tells_outcome: bool = False
    """Problems say whether a purchase failed or is unknown."""
    keyless: str = ""
    """Why a creation takes no Idempotency-Key."""
    files: tuple[str, ...] = ()
    """The formats, of files.MEDIA, in which a FileAnswer may come instead of `response`."""

    def __post_init__(self) -> None:
        """Check what no caller can mend: a file is not kept as the answer of a creation."""
        assert not (self.files and self.takes_key), f"{self.method} {self.path}: a creation answers no file"

    @property
    def takes_key(self) -> bool:
        """Tell whether the header Idempotency-Key makes this safe to repeat: creations, without a way of their own."""
        creates = self.method == "POST" and self.status == 201
        return creates and not self.public and self.idempotency is None and not self.keyless

    @property
    def public(self) -> bool:
        """Tell whether nobody is asked who calls."""
        return self.scope is None and not self.signed_in

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().split("\n")[0]
