"""The API of changes of an account: meter swaps, and closings with what is proven at the end."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import closing, swap
from cloud.accounts.change_models import AccountClosing, MeterSwap
from cloud.accounts.closing import NewClosing
from cloud.accounts.fields import FinalView, Reason
from cloud.accounts.swap import NewSwap
from cloud.api.fields import Body, Drn, Page, PageQuery, RowId, View
from cloud.api.route import Call, Route
from cloud.commands.orders import Limits
from cloud.errors import Conflict, Forbidden, NotFound, Refused, TooManyRequests, Unavailable
from cloud.keys import COMMANDS_WAITING, CONFIG
from cloud.meters import return_codes
from cloud.meters.service import drns

_BALANCE_MAX = (1 << 47) - 1


class SwapBody(Body):
    """The meter that replaces one, and what proves where that one ended: its ledger, or the last that it said."""

    new_drn: Drn
    proof: Literal["ledger", "last_verified"] = "ledger"
    reason: Reason


class SwapView(FinalView):
    """A meter swap. `balance`, credit less debts of the old meter, is what the new one has.

    It opens with that, or `command_id` brings it there. `month_volume_ml` is what the old one, if it holds money, had
    counted in its month for the blocks of its tariff; the new one begins at nothing.
    """

    id: int
    utility_id: int
    service_point_id: int
    account_id: int | None
    old_drn: str
    new_drn: str
    command_id: int | None
    month_volume_ml: int | None


class ClosingBody(Body):
    """The end of an account. Credit left on the meter stays with the place or is refunded; null: as the utility does.

    `bar_meter`: the supply ends too, and the meter is sold nothing any more. `return_code` with the credit that the
    display shows, `told_balance`, proves the end of a meter without network.
    """

    credit: Literal["place", "refund"] | None = None
    bar_meter: bool = False
    proof: Literal["ledger", "last_verified", "return_code"] = "ledger"
    return_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None
    told_balance: int | None = Field(None, ge=0, le=_BALANCE_MAX)
    reason: Reason

    @model_validator(mode="after")
    def _code_and_balance(self) -> "ClosingBody":
        wanted = self.proof == "return_code"
        if (self.return_code is not None, self.told_balance is not None) != (wanted, wanted):
            raise ValueError("give return_code and told_balance with the proof return_code, and only then")
        return self


class ClosingView(FinalView):
    """The end of an account: what the credit was worth, what debts and bills took, and the order for what is over."""

    id: int
    utility_id: int
    account_id: int
    credit: Literal["place", "refund"]
    bars_meter: bool
    currency: str
    value_minor: int
    debts_minor: int
    refund_order_id: int | None


_SHOWN_AS = {"head"}


def _columns(row: Any, view: type[View], *left_out: str) -> dict[str, Any]:
    names = set(view.model_fields) - _SHOWN_AS - set(left_out)
    return {name: getattr(row, name) for name in names} | {"head": row.head.hex() if row.head else None}


async def _swap_view(session: AsyncSession, row: MeterSwap) -> SwapView:
    names = await drns(session, {row.old_meter_id, row.new_meter_id})
    columns = _columns(row, SwapView, "old_drn", "new_drn")
    return SwapView(**columns, old_drn=names[row.old_meter_id], new_drn=names[row.new_meter_id])


def _limits(call: Call[Any, Any]) -> Limits:
    config = call.app[CONFIG]
    return Limits(config.adjustment_limit_ml, config.adjustment_limit_money)


async def ask_swap(call: Call[SwapBody, None]) -> SwapView:
    """Swap a meter: its balance goes to the new one, unused tokens are re-issued; some of it two people must want."""
    wanted = NewSwap(call.path["drn"], call.body.new_drn, call.body.proof, call.body.reason)
    async with call.begin() as session:
        row = await swap.ask(session, call.key_store, call.actor, wanted, _limits(call), call.now)
        view = await _swap_view(session, row)
    call.app[COMMANDS_WAITING].set()
    return view


async def approve_swap(call: Call[None, None]) -> SwapView:
    """Carry out a meter swap that another person asked for."""
    async with call.begin() as session:
        row = await swap.approve(session, call.key_store, call.actor, call.path["meter_swap"], call.now)
        view = await _swap_view(session, row)
    call.app[COMMANDS_WAITING].set()
    return view


async def decline_swap(call: Call[None, None]) -> SwapView:
    """End a meter swap that was asked for."""
    async with call.begin() as session:
        row = await swap.decline(session, call.actor, call.path["meter_swap"], call.now)
        return await _swap_view(session, row)


async def carry_swap(call: Call[None, None]) -> SwapView:
    """Do what of a swap could not be done yet: the balance again if it was not taken in, and tokens."""
    async with call.begin() as session:
        row = await swap.carry(session, call.key_store, call.actor, call.path["meter_swap"], call.now)
        view = await _swap_view(session, row)
    call.app[COMMANDS_WAITING].set()
    return view


async def swaps(call: Call[None, PageQuery]) -> Page[SwapView]:
    """List meter swaps."""
    async with call.read() as session:
        rows = await swap.listed(session, call.actor, call.query)
        shown = rows[: call.query.limit]
        items = [await _swap_view(session, row) for row in shown]
        return Page[SwapView](items=items, next=shown[-1].id if len(rows) > len(shown) else None)


async def one_swap(call: Call[None, None]) -> SwapView:
    """Show a meter swap."""
    async with call.read() as session:
        row = await swap.of_id(session, call.actor, call.path["meter_swap"])
        return await _swap_view(session, row)


def _closing_view(row: AccountClosing) -> ClosingView:
    return ClosingView(**_columns(row, ClosingView))


async def ask_closing(call: Call[ClosingBody, None]) -> ClosingView:
    """End an account: the customer moves out, or the supply ends; some of it two people must want."""
    body, account_id = call.body, call.path["account"]
    proven = None
    if body.return_code is not None:
        proven = await _proven_by_code(call, account_id, body.return_code, body.told_balance or 0)
    how = (body.credit, body.bar_meter, body.proof, body.told_balance, body.reason)
    wanted = NewClosing(account_id, *how, proven_tid=proven)
    async with call.begin() as session:
        limit = call.app[CONFIG].refund_limit_minor
        view = _closing_view(await closing.ask(session, call.actor, wanted, limit, call.now))
    call.app[COMMANDS_WAITING].set()
    return view


async def _proven_by_code(call: Call[ClosingBody, None], account_id: int, code: str, told: int) -> int | None:
    """Return the last token that the meter took in by its code; Refused if the code does not bear the balance out."""
    async with call.begin() as session:  # of its own: the guess stays counted, whatever comes of it
        drn = await closing.drn_of(session, call.actor, account_id)
        await return_codes.count_guess(session, call.actor, drn, call.now)
    async with call.begin() as session:
        return await closing.proven(session, call.key_store, call.actor, drn, code, told, call.now)


async def approve_closing(call: Call[None, None]) -> ClosingView:
    """End an account that another person asked to end."""
    async with call.begin() as session:
        row = await closing.approve(session, call.actor, call.path["account_closing"], call.now)
        view = _closing_view(row)
    call.app[COMMANDS_WAITING].set()
    return view


async def decline_closing(call: Call[None, None]) -> ClosingView:
    """Let an account go on that somebody asked to end."""
    async with call.begin() as session:
        return _closing_view(await closing.decline(session, call.actor, call.path["account_closing"], call.now))


async def closings(call: Call[None, PageQuery]) -> Page[ClosingView]:
    """List account closings."""
    async with call.read() as session:
        rows = await closing.listed(session, call.actor, call.query)
        shown = rows[: call.query.limit]
        following: RowId | None = shown[-1].id if len(rows) > len(shown) else None
        return Page[ClosingView](items=[_closing_view(row) for row in shown], next=following)


async def one_closing(call: Call[None, None]) -> ClosingView:
    """Show an account closing."""
    async with call.read() as session:
        return _closing_view(await closing.of_id(session, call.actor, call.path["account_closing"]))


_SWAP, _CLOSING = "/meter-swaps/{meter_swap}", "/account-closings/{account_closing}"
_CHANGES = (Conflict, Forbidden, NotFound, Refused, Unavailable)
ROUTES = [
    Route("POST", "/meters/{drn}/swap", ask_swap, "meters:swap", SwapView, request=SwapBody, errors=_CHANGES,
          status=201, tag="accounts"),
    Route("GET", "/meter-swaps", swaps, "accounts:read", Page[SwapView], query=PageQuery, tag="accounts"),
    Route("GET", _SWAP, one_swap, "accounts:read", SwapView, errors=(NotFound,), tag="accounts"),
    Route("POST", _SWAP + "/approve", approve_swap, "accounts:approve", SwapView, errors=_CHANGES, tag="accounts"),
    Route("POST", _SWAP + "/decline", decline_swap, "meters:swap", SwapView, errors=(Conflict, NotFound),
          tag="accounts"),
    Route("POST", _SWAP + "/carry", carry_swap, "meters:swap", SwapView, errors=_CHANGES, tag="accounts"),
    Route("POST", "/accounts/{account}/close", ask_closing, "accounts:write", ClosingView, request=ClosingBody,
          errors=(*_CHANGES, TooManyRequests), status=201, tag="accounts"),
    Route("GET", "/account-closings", closings, "accounts:read", Page[ClosingView], query=PageQuery, tag="accounts"),
    Route("GET", _CLOSING, one_closing, "accounts:read", ClosingView, errors=(NotFound,), tag="accounts"),
    Route("POST", _CLOSING + "/approve", approve_closing, "accounts:approve", ClosingView, errors=_CHANGES,
          tag="accounts"),
    Route("POST", _CLOSING + "/decline", decline_closing, "accounts:write", ClosingView, errors=(Conflict, NotFound),
          tag="accounts"),
]  # fmt: skip
