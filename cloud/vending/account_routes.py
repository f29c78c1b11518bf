"""The API of customers' accounts: what is left over from purchases, and how it moved."""

from typing import Literal

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound
from cloud.rows import page
from cloud.vending import accounts


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
    shown = [AccountView.model_validate(row) for row in rows]
    return Accounts(customer_id=call.path["customer"], accounts=shown)


async def postings(call: Call[None, PageQuery]) -> Page[PostingView]:
    """List the movements of a customer's accounts."""
    async with call.read() as session:
        rows = await accounts.postings(session, call.actor, call.path["customer"], call.query)
    return page(rows, PostingView, call.query)


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
