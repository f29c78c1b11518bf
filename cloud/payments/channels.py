"""The channels that money comes through, from one file that holds their secrets; a wrong one stops the start."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from cloud.config import Config, ConfigError
from cloud.payments.providers.daraja import Credentials, Daraja
from cloud.payments.providers.flutterwave import Flutterwave
from cloud.payments.providers.interface import Provider
from cloud.payments.providers.mpesa import Mpesa
from cloud.payments.providers.stripe import Stripe

_FORBIDDEN_IN_ADDRESSES = ("mpesa", "m-pesa", "safaricom")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
PathSecret = Annotated[SecretStr, Field(min_length=32, max_length=128)]
Secret = Annotated[SecretStr, Field(min_length=8)]
BaseUrl = Annotated[str, StringConstraints(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    utility_id: int = Field(ge=1)


class StripeSettings(_Settings):
    """One Stripe account; two signing secrets while one is being rolled."""

    provider: Literal["stripe"]
    webhook_secrets: list[Secret] = Field(min_length=1, max_length=4)
    api_key: Secret
    live: bool
    base_url: BaseUrl = "https://api.stripe.com"


class FlutterwaveSettings(_Settings):
    """One Flutterwave account."""

    provider: Literal["flutterwave"]
    secret_hash: Secret
    secret_key: Secret
    base_url: BaseUrl = "https://api.flutterwave.com"


class MpesaSettings(_Settings):
    """One M-Pesa short code. `callback_url` is how Safaricom reaches this service, up to and with /webhooks."""

    provider: Literal["mpesa"]
    short_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,7}$")]
    consumer_key: str = Field(min_length=1)
    consumer_secret: Secret
    passkey: Secret
    initiator: str = Field(min_length=1)
    security_credential: Secret
    path_secret: PathSecret
    allowed_networks: list[str] = Field(min_length=1)
    callback_url: BaseUrl
    base_url: BaseUrl = "https://api.safaricom.co.ke"


class BankSettings(_Settings):
    """A bank account whose statements are imported; it sends nothing by itself."""

    provider: Literal["bank"]


AnySettings = Annotated[
    StripeSettings | FlutterwaveSettings | MpesaSettings | BankSettings, Field(discriminator="provider")
]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: list[AnySettings]


@dataclass(frozen=True)
class Channel:
    """A way for money to come in to one utility; `provider` None: only statements are imported."""

    name: str
    utility_id: int
    kind: str
    provider: Provider | None


Channels = dict[str, Channel]


def channels(config: Config, now: Callable[[], int]) -> Channels:
    """Return the channels of the configured file, none without one; ConfigError names what is wrong in it."""
    if config.payments_file is None:
        return {}
    found = _read(config.payments_file).channels
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"PENSTOCK_PAYMENTS_FILE: the channel {name} is there twice")
    return {one.name: Channel(one.name, one.utility_id, one.provider, _provider(one, now)) for one in found}


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"PENSTOCK_PAYMENTS_FILE: cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(f"PENSTOCK_PAYMENTS_FILE: {where}: {problem['msg']}") from None


def _provider(settings: AnySettings, now: Callable[[], int]) -> Provider | None:
    if isinstance(settings, StripeSettings):
        secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]
        key = settings.api_key.get_secret_value()
        return Stripe(secrets, key, live=settings.live, base_url=settings.base_url)
    if isinstance(settings, FlutterwaveSettings):
        hash_, key = settings.secret_hash.get_secret_value(), settings.secret_key.get_secret_value()
        return Flutterwave(hash_, key, base_url=settings.base_url)
    if isinstance(settings, MpesaSettings):
        return _mpesa(settings, now)
    return None


def _mpesa(settings: MpesaSettings, now: Callable[[], int]) -> Mpesa:
    secret = settings.path_secret.get_secret_value()
    address = f"{settings.callback_url.rstrip('/')}/{settings.name}"
    if any(word in address.lower() for word in _FORBIDDEN_IN_ADDRESSES):
        raise ConfigError("PENSTOCK_PAYMENTS_FILE: Safaricom calls no address with mpesa or safaricom in it; rename")
    try:
        networks = [ipaddress.ip_network(text) for text in settings.allowed_networks]
    except ValueError as error:
        raise ConfigError(f"PENSTOCK_PAYMENTS_FILE: {settings.name}: allowed_networks: {error}") from None
    credentials = Credentials(
        settings.consumer_key,
        settings.consumer_secret,
        settings.passkey,
        settings.initiator,
        settings.security_credential,
    )
    daraja = Daraja(settings.base_url, settings.short_code, credentials, f"{address}/{secret}", now)
    return Mpesa(daraja, secret, networks)
