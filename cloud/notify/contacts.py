"""Where a customer can be reached, best first: the one place that knows how contact addresses are kept."""

from dataclasses import dataclass
from typing import Literal

from cloud.accounts import contacts
from cloud.accounts.contacts import Reach
from cloud.accounts.models import Customer

SMS: Literal["sms"] = "sms"
EMAIL: Literal["email"] = "email"
Channel = Literal["sms", "email"]


@dataclass(frozen=True)
class Contact:
    """One way to a customer: a phone number for sms, an address for e-mail."""

    channel: Channel
    address: str


def addresses(customer: Customer | Reach) -> list[Contact]:
    """Return the ways to a customer in the order to try them; none for one who gave no address or no consent."""
    return [Contact(SMS if way.kind == SMS else EMAIL, way.address) for way in contacts.of(customer) if way.consent]
