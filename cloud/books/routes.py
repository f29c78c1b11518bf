"""The API of the books: what every account comes to, and the entries behind it. Nothing is posted through it."""

from typing import Literal

from cloud.api.fields import Page, PageQuery, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.books import reports
from cloud.books.reports import Balance, Shown
from cloud.books.sheets import Frame, sheets
from cloud.errors import NotFound, Refused
from cloud.meters.models import Utility
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.reports.zone import zone_data_of


class BalanceView(View):
    """An account with its sums, in its unit: minor units of a currency, ml or mwh.

    `balance` is debits less credits. `holds` says whether what is kept beside the postings agrees with them.
    """

    code: str
    unit: str
    kind: Literal["asset", "liability", "income", "expense"]
    debit: int
    credit: int
    balance: int
    holds: bool

    @classmethod
    def of(cls, one: Balance) -> "BalanceView":
        """Make the view of an account."""
        account = one.account
        sums = {"debit": one.debit, "credit": one.credit, "balance": one.balance, "holds": one.holds}
        return cls.model_validate({"code": account.code, "unit": account.unit, "kind": account.kind, **sums})


class UnitView(View):
    """A unit of the books, and what is left over in it: zero, or the books do not hold."""

    unit: str
    left_over: int


class TrialBalance(View):
    """The accounts of a utility. `holds` is true when every unit sums to zero and every account agrees."""

    utility_id: int
    holds: bool
    units: list[UnitView]
    accounts: list[BalanceView]


class PostingView(View):
    """A line of an entry: a debit above zero, a credit below; `what` says why the account moves."""

    line: int
    account: str
    unit: str
    amount: int
    what: str


class EntryView(View):
    """One event of the business. Its postings sum to zero in each unit; `key` is used once in a utility."""

    id: int
    utility_id: int
    key: str
    kind: str
    subject: str
    actor: str
    reason: str
    at: int
    postings: list[PostingView]

    @classmethod
    def of(cls, shown: Shown) -> "EntryView":
        """Make the view of an entry."""
        names = [name for name in cls.model_fields if name != "postings"]
        lines = [
            PostingView(line=row.line, account=account.code, unit=account.unit, amount=row.amount, what=row.what)
            for row, account in shown.postings
        ]
        return cls(**{name: getattr(shown.entry, name) for name in names}, postings=lines)


async def trial_balance(call: Call[None, FormatQuery]) -> TrialBalance | FileAnswer:
    """Show the trial balance of a utility."""
    async with call.read() as session:
        balances = await reports.trial_balance(session, call.actor, call.path["utility"])
        utility = await session.get_one(Utility, call.path["utility"])
        frame = Frame(utility.name, await zone_data_of(session, utility.id), call.now)
    if call.query.format != "json":
        return await sheet_file(sheets(balances, frame), call.query.format, f"trial-balance-{utility.id}")
    units = [UnitView(unit=unit, left_over=left) for unit, left in reports.left_over(balances).items()]
    holds = all(unit.left_over == 0 for unit in units) and all(one.holds for one in balances)
    accounts = [BalanceView.of(one) for one in balances]
    return TrialBalance(utility_id=call.path["utility"], holds=holds, units=units, accounts=accounts)


async def entries(call: Call[None, PageQuery]) -> Page[EntryView]:
    """List entries of the books with their postings."""
    async with call.read() as session:
        found = await reports.entries(session, call.actor, call.query)
    shown = [EntryView.of(one) for one in found[: call.query.limit]]
    return Page[EntryView](items=shown, next=shown[-1].id if len(found) > len(shown) else None)


ROUTES = [
    Route("GET", "/books/entries", entries, "books:read", Page[EntryView], query=PageQuery, tag="books"),
    Route(
        "GET", "/books/{utility}", trial_balance, "books:read", TrialBalance,
        query=FormatQuery, files=SHEET_FILES, errors=(NotFound, Refused), tag="books",
    ),
]  # fmt: skip
