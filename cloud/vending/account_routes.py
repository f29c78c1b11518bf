"""The API of customers' accounts: what is left over from purchases, and how it moved."""

from typing import Literal

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound
from cloud.vending import accounts
from cloud.vending.models import AccountPosting


class AccountView(View):
    """What a customer has left over in one currency, in minor units; the next purchase uses it first."""

    currency: str
    balance_minor: int
    postings: int


class Accounts(View):
    """The accounts of a customer; there is none before money is left over for the first time."""

    customer_id: int
    accounts: list[AccountView]


class PostingView(View):
    """A movement: `used` by a purchase (below zero), `kept` from it, or given back for a `void` token of it."""

    id: int
    currency: str
    sequence: int
    purchase_id: str
    kind: Literal["used", "kept", "void"]
    amount_minor: int
    balance_minor: int
    at: int


async def of_customer(call: Call[None, None]) -> Accounts:
    """Show what a customer has left over."""
    async with call.read() as session:
        rows = await accounts.listed(session, call.actor, call.path["customer"])
    shown = [AccountView.model_validate(row) for row in rows if row.postings]
    return Accounts(customer_id=call.path["customer"], accounts=shown)


async def postings(call: Call[None, PageQuery]) -> Page[PostingView]:
    """List the movements of a customer's accounts."""
    async with call.read() as session:
        rows = await accounts.postings(session, call.actor, call.path["customer"], call.query)
    shown = [
        PostingView.model_validate({**_columns(row), "currency": currency})
        for row, currency in rows[: call.query.limit]
    ]
    return Page[PostingView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


def _columns(row: AccountPosting) -> dict[str, object]:
    return {name: getattr(row, name) for name in PostingView.model_fields if name != "currency"}


ROUTES = [
    Route(
        "GET",
        "/customers/{customer}/accounts",
        of_customer,
        "customers:read",
        Accounts,
        errors=(NotFound,),
        tag="customers",
    ),
    Route(
        "GET",
        "/customers/{customer}/postings",
        postings,
        "customers:read",
        Page[PostingView],
        query=PageQuery,
        errors=(NotFound,),
        tag="customers",
    ),
]
