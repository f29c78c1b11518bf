"""What a payment provider must do: check a message before it is read, and say from its own records what was paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cloud.errors import CloudError
from cloud.payments.rules import Notice


class ProviderDown(Exception):
    """The provider did not answer, or not as it should; the question may be asked again."""


class WebhookRefused(CloudError):
    """401: a message did not prove that it comes from its provider."""

    status = 401


@dataclass(frozen=True)
class Delivery:
    """A message as it came: nothing of it is believed yet. `tail` is the rest of its address after the channel."""

    headers: Mapping[str, str]
    body: bytes
    remote: str
    tail: str
    now: int


@dataclass(frozen=True)
class Answered:
    """A provider's later answer to our question about a payment; `notice` None: it knows of no such payment.

    `gone_minor` is what of a payment that it once had is not there any more.
    """

    reference: str
    notice: Notice | None
    gone_minor: int = 0


@dataclass(frozen=True)
class Asked:
    """A provider took our question; the answer comes as a message of its own."""


@dataclass(frozen=True)
class Ended:
    """A request to pay ended: with the payment's reference, or with None when it was not paid."""

    push_id: int
    reference: str | None


Message = Notice | Answered | Ended


@runtime_checkable
class Silent(Protocol):
    """A provider that does not tell by itself of money that it took back, so it is asked about recent payments."""

    async def taken_back(self, reference: str, currency: str) -> int | Asked:
        """Return what it took back of a payment, in minor units. Raises ProviderDown."""


class Provider(Protocol):
    """A channel of a provider, with its secrets. Messages are checked on the raw bytes, before anything is parsed."""

    name: str
    tender_kind: str
    asks: bool
    """Whether each payment is confirmed from the provider's own records before it is believed."""

    def read(self, delivery: Delivery) -> list[Message]:
        """Check a message and return what it says; WebhookRefused or BadRequest, and then nothing of it counts."""

    async def confirm(self, reference: str) -> Notice | Asked | None:
        """Return the payment as the provider's records have it; None: it was not paid. Raises ProviderDown."""

    async def close(self) -> None:
        """Give back what is held open."""
