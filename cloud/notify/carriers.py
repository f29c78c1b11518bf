"""The providers of messages in the order to try them, from one file that holds their keys; a wrong one stops the start.

One that does not answer rests for a minute, so that a dead provider does not slow every message down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from cloud.config import Config, ConfigError
from cloud.notify.contacts import EMAIL, SMS, Channel
from cloud.notify.provider import (
    DeliveryFailed,
    HttpProvider,
    NobodyToDeliver,
    Outgoing,
    Provider,
    ProviderAway,
    provider,
)

_REST_S = 60
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Url = Annotated[str, StringConstraints(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")]


class CarrierSettings(BaseModel):
    """One provider; `receipt_key` if it tells later whether a message arrived."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: Url
    key: SecretStr | None = None
    channels: list[Channel] = Field([SMS, EMAIL], min_length=1)
    receipt_key: Annotated[SecretStr, Field(min_length=16)] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    providers: list[CarrierSettings] = Field(min_length=1)


@dataclass
class Carrier:
    """A provider with its name and the channels that it carries; `receipt_key` None: it tells nothing later."""

    name: str
    provider: Provider
    channels: frozenset[str] = frozenset({SMS, EMAIL})
    receipt_key: bytes | None = None
    rests_until: int = field(default=0, compare=False)


class Carriers:
    """All providers."""

    def __init__(self, carriers: Sequence[Carrier]) -> None:
        self._carriers = list(carriers)

    def carry(self, channel: str) -> bool:
        """Tell whether anybody carries messages of a channel."""
        return self.count(channel) > 0

    def count(self, channel: str) -> int:
        """Return how many carry messages of a channel."""
        return sum(channel in one.channels for one in self._carriers)

    def named(self, name: str) -> Carrier | None:
        """Return the provider of this name."""
        return next((one for one in self._carriers if one.name == name), None)

    async def hand_over(self, message: Outgoing, channel: str, after: str | None, now: int) -> Carrier:
        """Hand a message to the first who takes it, beginning after that one; DeliveryFailed with the last reason."""
        mine = [one for one in self._carriers if channel in one.channels]
        if not mine:
            raise NobodyToDeliver(f"message {message.id}: no provider carries {channel}; name one")
        first = next((place + 1 for place, one in enumerate(mine) if one.name == after), 0) % len(mine)
        turn = mine[first:] + mine[:first]
        failed: DeliveryFailed | None = None
        for one in sorted(turn, key=lambda one: one.rests_until > now):
            try:
                await one.provider.send(message)
            except DeliveryFailed as error:
                failed = error
                one.rests_until = now + _REST_S * isinstance(error, ProviderAway)
            else:
                one.rests_until = 0
                return one
        assert failed is not None, "somebody was asked"
        raise failed

    async def close(self) -> None:
        """Give back what the providers hold open."""
        for one in self._carriers:
            await one.provider.close()


def carriers(config: Config) -> Carriers:
    """Return the configured providers; ConfigError names what is wrong."""
    if config.messages_file is None:
        return single(provider(config))
    found = _read(config.messages_file).providers
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ConfigError("PENSTOCK_MESSAGES_FILE: two providers have one name")
    return Carriers([_carrier(one) for one in found])


def single(only: Provider) -> Carriers:
    """Return one provider that carries everything and gives no receipts."""
    return Carriers([Carrier("messages", only)])


def _carrier(settings: CarrierSettings) -> Carrier:
    key = None if settings.key is None else settings.key.get_secret_value()
    receipt_key = None if settings.receipt_key is None else settings.receipt_key.get_secret_value().encode()
    return Carrier(settings.name, HttpProvider(settings.url, key), frozenset(settings.channels), receipt_key)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"PENSTOCK_MESSAGES_FILE: cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(f"PENSTOCK_MESSAGES_FILE: {where}: {problem['msg']}") from None
