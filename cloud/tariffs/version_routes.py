"""The API of a tariff's versions: drafting, submitting, approving, withdrawing, and asking what they would charge."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from cloud.api.fields import Body, MoneyMinor, Page, PageQuery, View, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.rows import owned
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.rules import Month
from cloud.tariffs.terms import BLOCKS_MAX, TAXES_MAX, Block, Tax, Terms, from_json
from cloud.vending.purchase import Standing, Wanted, plan
from cloud.vending.quotation import Quotation, quotation
from cloud.vending.rules import TOKEN_MAX_ML

_TIME_MAX = 0xFFFFFFFF
_PRICE_MAX = 10**12
_MONTH_ML_MAX = (1 << 48) - 1


class BlockTerms(Body):
    """A step of the month up to `limit_ml`, null for the rest, at a price per m3 (kWh) in 1/1000 of a minor unit."""

    limit_ml: int | None = Field(ge=1, le=_MONTH_ML_MAX)
    price_milliminor: int = Field(ge=0, le=_PRICE_MAX)


class TaxTerms(Body):
    """A tax by its name, its rate in 1/1000, and the lines that it is raised on."""

    kind: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
    permille: int = Field(ge=0, le=1000)
    on: list[Literal["volume", "fixed"]] = Field(min_length=1, max_length=2)


class NewVersion(Body):
    """The next version of a tariff. Volumes are ml, for electricity mWh; money is in minor units.

    `free_month_ml` of each month cost nothing and count in the blocks; `minimum_minor` is the least that a purchase
    must leave for volume, with its taxes. `block_basis` purchase prices sales; consumption prices bills.
    """

    effective_from_s: int = Field(ge=1, le=_TIME_MAX)
    reason: str = Field(min_length=1, max_length=300)
    block_basis: Literal["purchase", "consumption"]
    blocks: list[BlockTerms] = Field(min_length=1, max_length=BLOCKS_MAX)
    fixed_month_minor: MoneyMinor = 0
    taxes: list[TaxTerms] = Field([], max_length=TAXES_MAX)
    free_month_ml: int = Field(0, ge=0, le=_MONTH_ML_MAX)
    minimum_minor: MoneyMinor = 0


class VersionView(View):
    """A version. An approved one is in force from `effective_from_s` until the next one is."""

    tariff_id: int
    version: int
    state: Literal["draft", "submitted", "approved", "withdrawn"]
    effective_from_s: int
    reason: str
    block_basis: str
    blocks: list[BlockTerms]
    fixed_month_minor: int
    taxes: list[TaxTerms]
    free_month_ml: int
    minimum_minor: int
    created_at: int
    submitted_by: str | None
    submitted_at: int | None
    decided_by: str | None
    decided_at: int | None

    @classmethod
    def of(cls, row: TariffVersion) -> "VersionView":
        """Make the view of a row."""
        terms = from_json(row.terms)
        blocks = [
            BlockTerms(limit_ml=block.limit_ml, price_milliminor=block.price_milliminor) for block in terms.blocks
        ]
        taxes = [
            TaxTerms.model_validate({"kind": tax.kind, "permille": tax.permille, "on": list(tax.on)})
            for tax in terms.taxes
        ]
        said = {"block_basis": terms.basis, "blocks": blocks, "taxes": taxes}
        said |= {name: getattr(terms, name) for name in ("fixed_month_minor", "free_month_ml", "minimum_minor")}
        columns = {name: getattr(row, name) for name in cls.model_fields if name not in said}
        return cls.model_validate({**columns, **said})


class Preview(Body):
    """A purchase to be priced: a volume, money, or both as a sale has them. Nothing is sold and nothing is kept.

    `version` null is the one in force at `at`, null for now; a draft has its number only. `month_before_ml` is what the
    month has had, `fixed_taken_minor` what of its fixed charge was taken.
    """

    version: int | None = Field(None, ge=1, le=0x7FFFFFFF)
    at: int | None = Field(None, ge=0, le=_TIME_MAX)
    volume_ml: VolumeMl | None = None
    money_minor: MoneyMinor | None = None
    month_before_ml: int = Field(0, ge=0, le=_MONTH_ML_MAX)
    fixed_taken_minor: MoneyMinor = 0

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.volume_ml is None and self.money_minor is None:
            raise ValueError("give volume_ml, money_minor or both")
        return self


async def draft(call: Call[NewVersion, None]) -> VersionView:
    """Draft the next version of a tariff."""
    body = call.body
    wanted = versions.Draft(call.path["tariff"], body.effective_from_s, _terms(body), body.reason)
    async with call.begin() as session:
        return VersionView.of(await versions.draft(session, call.actor, wanted, call.now))


def _terms(body: NewVersion) -> Terms:
    return Terms(
        basis=body.block_basis,
        blocks=tuple(Block(block.limit_ml, block.price_milliminor) for block in body.blocks),
        fixed_month_minor=body.fixed_month_minor,
        taxes=tuple(Tax(tax.kind, tax.permille, tuple(tax.on)) for tax in body.taxes),
        free_month_ml=body.free_month_ml,
        minimum_minor=body.minimum_minor,
    )


async def listed(call: Call[None, PageQuery]) -> Page[VersionView]:
    """List the versions of a tariff."""
    async with call.read() as session:
        rows = await versions.listed(session, call.actor, call.path["tariff"], call.query)
    shown = rows[: call.query.limit]
    following = shown[-1].id if len(rows) > len(shown) else None
    return Page[VersionView](items=[VersionView.of(row) for row in shown], next=following)


async def submit(call: Call[None, None]) -> VersionView:
    """Ask another person to approve a draft."""
    async with call.begin() as session:
        return VersionView.of(await versions.submit(session, call.actor, *_place(call), call.now))


async def approve(call: Call[None, None]) -> VersionView:
    """Approve a version that another person submitted."""
    async with call.begin() as session:
        return VersionView.of(await versions.approve(session, call.actor, *_place(call), call.now))


async def withdraw(call: Call[None, None]) -> VersionView:
    """End a version that is not in force yet."""
    async with call.begin() as session:
        return VersionView.of(await versions.withdraw(session, call.actor, *_place(call), call.now))


def _place(call: Call[None, None]) -> tuple[int, int]:
    return call.path["tariff"], call.path["version"]


async def preview(call: Call[Preview, None]) -> Quotation:
    """Say what a purchase would come to under a version of a tariff."""
    body = call.body
    at = call.now if body.at is None else body.at
    async with call.read() as session:
        row = await versions.of(session, call.actor, call.path["tariff"], body.version, at)
        tariff = await owned(session, call.actor, Tariff, row.tariff_id, "tariff")
    month = Month(body.month_before_ml, body.fixed_taken_minor)
    standing = Standing(from_json(row.terms), month, TOKEN_MAX_ML, balance_minor=0)
    planned = plan(Wanted(body.volume_ml, body.money_minor, keep_change=False), standing)
    return quotation(tariff, row, standing, planned, None)


_VERSION = "/tariffs/{tariff}/versions/{version}"
ROUTES = [
    Route(
        "POST", "/tariffs/{tariff}/versions", draft, "tariffs:write", VersionView,
        request=NewVersion, errors=(Conflict, NotFound, Refused), status=201, tag="tariffs",
    ),
    Route(
        "GET", "/tariffs/{tariff}/versions", listed, "tariffs:read", Page[VersionView],
        query=PageQuery, errors=(NotFound,), tag="tariffs",
    ),
    Route(
        "POST", _VERSION + "/submit", submit, "tariffs:write", VersionView,
        errors=(Conflict, Forbidden, NotFound, Refused), tag="tariffs",
    ),
    Route(
        "POST", _VERSION + "/approve", approve, "tariffs:approve", VersionView,
        errors=(Conflict, Forbidden, NotFound, Refused), tag="tariffs",
    ),
    Route(
        "POST", _VERSION + "/withdraw", withdraw, "tariffs:write", VersionView,
        errors=(Conflict, NotFound), tag="tariffs",
    ),
    Route(
        "POST", "/tariffs/{tariff}/preview", preview, "tariffs:read", Quotation,
        request=Preview, errors=(NotFound, Refused), tag="tariffs",
    ),
]  # fmt: skip
