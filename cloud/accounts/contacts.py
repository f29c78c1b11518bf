"""How to reach customers: ways in the order in which they are tried, each with whether the customer consents to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Refused
from cloud.rows import owned

SMS, EMAIL = "sms", "email"


@dataclass(frozen=True)
class Way:
    """An address of a kind, sms or email, and whether messages may go there."""

    kind: str
    address: str
    consent: bool = True


@dataclass(frozen=True)
class Reach:
    """What of a customer's row says how, and in which language, to reach them; each as there."""

    language: str
    phone: str | None
    email: str | None
    contacts: list[dict[str, Any]] | None


def of(customer: Customer | Reach) -> list[Way]:
    """Return the ways to a customer in the order to try them, also those that nothing may be sent to."""
    if customer.contacts is not None:
        return [Way(row["kind"], row["address"], row["consent_at"] is not None) for row in customer.contacts]
    known = ((SMS, customer.phone), (EMAIL, customer.email))
    return [Way(kind, address) for kind, address in known if address is not None]


def write(customer: Customer, ways: Sequence[Way], now: int) -> None:
    """Make these the customer's contacts, in this order, instead of those there were; consent keeps its time."""
    if len({(way.kind, way.address) for way in ways}) < len(ways):
        raise Refused("contact_twice", "An address stands twice among the contacts; name it once.")
    since = {(row["kind"], row["address"]): row["consent_at"] for row in customer.contacts or ()}
    customer.contacts = [
        {
            "kind": way.kind,
            "address": way.address,
            "consent_at": (since.get((way.kind, way.address)) or now) if way.consent else None,
        }
        for way in ways
    ]
    customer.phone = _first(ways, SMS)
    customer.email = _first(ways, EMAIL)


def _first(ways: Sequence[Way], kind: str) -> str | None:
    return next((way.address for way in ways if way.kind == kind and way.consent), None)


async def change(
    session: AsyncSession, actor: Actor, customer_id: int, ways: Sequence[Way], language: str | None, now: int
) -> Customer:
    """Change how a customer is reached, and in which language. The audit says that, and no address."""
    customer = await owned(session, actor, Customer, customer_id, "customer")
    await session.refresh(customer, with_for_update=True)
    write(customer, ways, now)
    customer.language = language or customer.language
    await session.flush()
    kinds = [f"{way.kind}{'' if way.consent else ' without consent'}" for way in ways]
    detail = {"contacts": kinds, "language": customer.language}
    subject = f"customer:{customer.id}"
    await audit.record(session, actor, "customer.contacts", subject, detail, utility_id=customer.utility_id, now=now)
    return customer
