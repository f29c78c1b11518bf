"""The API of customers."""

from typing import Literal

from cloud.accounts import service
from cloud.accounts.models import Customer
from cloud.api.fields import Body, Email, Name, Page, PageQuery, Phone, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound
from cloud.rows import page


class NewCustomer(Body):
    """A customer to be made; messages go to the phone, or to the e-mail address if there is no phone."""

    utility_id: UtilityId
    name: Name
    phone: Phone | None = None
    email: Email | None = None
    language: Literal["en", "fr"] = "en"


class CustomerView(View):
    """A customer."""

    id: int
    utility_id: int
    name: str
    phone: str | None
    email: str | None
    language: str
    created_at: int


async def add(call: Call[NewCustomer, None]) -> CustomerView:
    """Make a customer."""
    async with call.begin() as session:
        customer = await service.add(session, call.actor, Customer(**call.body.model_dump(), created_at=call.now))
        return CustomerView.model_validate(customer)


async def listed(call: Call[None, PageQuery]) -> Page[CustomerView]:
    """List customers."""
    async with call.read() as session:
        return page(await service.listed(session, call.actor, call.query), CustomerView, call.query)


ROUTES = [
    Route(
        "POST", "/customers", add, "customers:write", CustomerView,
        request=NewCustomer, errors=(NotFound,), status=201, tag="customers",
    ),
    Route("GET", "/customers", listed, "customers:read", Page[CustomerView], query=PageQuery, tag="customers"),
]  # fmt: skip
