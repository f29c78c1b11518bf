"""The API of customers."""

from typing import Literal

from cloud.accounts import account_routes, agreement_routes, change_routes, contacts, money_routes, service
from cloud.accounts.fields import Contacts, ContactView, Language, Reason
from cloud.accounts.models import Customer
from cloud.api.fields import Body, Email, Name, Page, PageQuery, Phone, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Forbidden, NotFound, Refused
from cloud.rows import owned, page


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


class CustomerDetail(CustomerView):
    """A customer with every way to reach them, in the order in which it is tried."""

    contacts: list[ContactView]


class ContactsBody(Body):
    """How a customer is reached from now on, instead of what was there; null leaves the language as it is."""

    contacts: Contacts
    language: Language | None = None


class MoveCredit(Body):
    """What becomes of a meter's credit when its customer moves out: it stays with the `place`, or is refunded."""

    move_credit: Literal["place", "refund"]
    reason: Reason


class MoveCreditView(View):
    """What a utility does with credit when a customer moves out."""

    utility_id: int
    move_credit: Literal["place", "refund"]


async def add(call: Call[NewCustomer, None]) -> CustomerView:
    """Make a customer."""
    async with call.begin() as session:
        customer = await service.add(session, call.actor, Customer(**call.body.model_dump(), created_at=call.now))
        return CustomerView.model_validate(customer)


async def listed(call: Call[None, PageQuery]) -> Page[CustomerView]:
    """List customers."""
    async with call.read() as session:
        return page(await service.listed(session, call.actor, call.query), CustomerView, call.query)


def _detail(customer: Customer) -> CustomerDetail:
    shown = CustomerView.model_validate(customer).model_dump()
    return CustomerDetail(**shown, contacts=[ContactView.model_validate(way) for way in contacts.of(customer)])


async def one(call: Call[None, None]) -> CustomerDetail:
    """Show a customer with the ways to reach them."""
    async with call.read() as session:
        return _detail(await owned(session, call.actor, Customer, call.path["customer"], "customer"))


async def change_contacts(call: Call[ContactsBody, None]) -> CustomerDetail:
    """Change how a customer is reached, in which order and language, and what they consent to."""
    ways = [one.way() for one in call.body.contacts]
    async with call.begin() as session:
        number, language = call.path["customer"], call.body.language
        return _detail(await contacts.change(session, call.actor, number, ways, language, call.now))


async def set_move_credit(call: Call[MoveCredit, None]) -> MoveCreditView:
    """Set what becomes of a meter's credit when its customer moves out."""
    body = call.body
    async with call.begin() as session:
        number = call.path["utility"]
        await service.set_move_credit(session, call.actor, number, body.move_credit, body.reason, call.now)
        return MoveCreditView(utility_id=number, move_credit=body.move_credit)


ROUTES = [
    Route(
        "POST", "/customers", add, "customers:write", CustomerView,
        request=NewCustomer, errors=(NotFound,), status=201, tag="customers",
    ),
    Route("GET", "/customers", listed, "customers:read", Page[CustomerView], query=PageQuery, tag="customers"),
    Route("GET", "/customers/{customer}", one, "customers:read", CustomerDetail, errors=(NotFound,), tag="customers"),
    Route(
        "PUT", "/customers/{customer}/contacts", change_contacts, "customers:write", CustomerDetail,
        request=ContactsBody, errors=(NotFound, Refused), tag="customers",
    ),
    Route(
        "PUT", "/utilities/{utility}/move-credit", set_move_credit, "policies:write", MoveCreditView,
        request=MoveCredit, errors=(Forbidden, NotFound), tag="utilities",
    ),
    *account_routes.ROUTES,
    *change_routes.ROUTES,
    *money_routes.ROUTES,
    *agreement_routes.ROUTES,
]  # fmt: skip
