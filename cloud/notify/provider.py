"""Who carries messages to people: one method, and the two that exist: an HTTP provider and a file for development."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from cloud.config import Config, ConfigError

_TIMEOUT_S = 15
_TOO_MANY = 429


class DeliveryFailed(Exception):
    """The provider did not take the message; the reason holds no text of it."""


class ProviderAway(DeliveryFailed):
    """The provider did not answer, or not as one that works: no fault of the message, and others fare alike."""


class NobodyToDeliver(DeliveryFailed):
    """There is no provider yet: no fault of the message, which is never given up for it."""


@dataclass(frozen=True)
class Outgoing:
    """A message as it goes out; `id` is the same in every attempt, so that a provider can drop a double."""

    id: int
    kind: str
    address: str
    text: str


class Provider(Protocol):
    """Carries messages."""

    async def send(self, message: Outgoing) -> None:
        """Hand one message over; DeliveryFailed if it was not taken."""

    async def close(self) -> None:
        """Give back what is held open."""


class FileProvider:
    """Appends each message to a file as one line of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, message: Outgoing) -> None:
        """Append the message; DeliveryFailed if the file cannot be written."""
        try:
            await asyncio.to_thread(self._append, json.dumps(asdict(message), ensure_ascii=False) + "\n")
        except OSError as error:
            raise DeliveryFailed(f"cannot write the sink file: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held open."""

    def _append(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as sink:
            sink.write(line)


class HttpProvider:
    """Posts each message to a provider's address as JSON {id, kind, address, text}; any 2xx takes it."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Outgoing) -> None:
        """Post the message; DeliveryFailed on any other answer, or none in time."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        try:
            async with self._session.post(self._url, json=asdict(message), allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProviderAway(f"the provider did not answer: {type(error).__name__}") from None
        if status // 100 != 2:
            kind = ProviderAway if status >= 500 or status == _TOO_MANY else DeliveryFailed
            raise kind(f"the provider answered {status}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


class NoProvider:
    """Stands in while no provider is configured: messages stay queued until one is."""

    async def send(self, message: Outgoing) -> None:
        """Take nothing."""
        raise NobodyToDeliver(f"message {message.id}: no provider; set PENSTOCK_SMS_URL or PENSTOCK_SMS_SINK_FILE")

    async def close(self) -> None:
        """Nothing is held open."""


def provider(config: Config) -> Provider:
    """Return the configured provider; ConfigError if its key cannot be read."""
    if config.sms_url is not None:
        return HttpProvider(config.sms_url, _key(config.sms_key_file))
    if config.sms_sink_file is not None:
        return FileProvider(config.sms_sink_file)
    return NoProvider()


def _key(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"PENSTOCK_SMS_KEY_FILE: cannot read {path}: {error.strerror}") from None
