"""What is asked for in a purchase, and under which key its tokens are made."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.together import change as change_row
from cloud.vending.key_change import ISSUED, PLANNED
from cloud.vending.models import KeyChange, VendingKey
from cloud.vending.purchase import Wanted

RETURN, ACCOUNT = "return", "account"
FREE = "free"
"""The kind of tender of tokens that nobody pays for; no request of a sale can name it."""


@dataclass(frozen=True)
class Order:
    """What a customer asks for and pays; `volume_ml` None for as much as the money buys, the account's too.

    `delivery` is keypad or remote; `change` returns to the hand or account. Tokens that nobody pays for have a
    `reason`, and for a meter that holds money `given_minor` instead of a volume. With `hold_s` above 0 the purchase is
    held so many seconds at most, until it is confirmed.
    """

    purchase_id: str
    drn: str
    volume_ml: int | None
    tender_kind: str
    tender_minor: int
    currency: str
    delivery: str
    change: str = RETURN
    reason: str = ""
    given_minor: int = 0
    hold_s: int = 0

    def said(self) -> dict[str, str | int | None]:
        """What was asked for by its names; what few orders have is left out where it is empty.

        How long a purchase is held is a setting and not asked for, that it is held is.
        """
        seldom = {"reason": self.reason, "given_minor": self.given_minor, "release": "on_confirm" * bool(self.hold_s)}
        always = {name: value for name, value in vars(self).items() if name not in (*seldom, "hold_s")}
        return always | {name: value for name, value in seldom.items() if value}


@dataclass(frozen=True)
class Keyed:
    """The key that a sale's tokens are made under, and the open key change that leads there, if there is one."""

    key: VendingKey
    ti: int
    key_check: int
    last_tid: int
    change: KeyChange | None


def wanted(order: Order, meter: Meter) -> Wanted:
    """Return what is asked for; Refused if something is to be kept for nobody."""
    if order.change == ACCOUNT and meter.customer_id is None:
        raise Refused("no_account", f"Meter {meter.drn} has no customer, so nothing can be kept; return the change.")
    return Wanted(order.volume_ml, order.tender_minor, order.change == ACCOUNT)


async def advance(session: AsyncSession, meter: Meter, keyed: Keyed, tid: int, now: int) -> None:
    """Note the last identifier that was issued, and that the key change behind the tokens is out."""
    change = keyed.change
    if change is not None and change.state == PLANNED:
        change.state, change.issued_at = ISSUED, now
    if change is not None and change.roll_over:
        change.last_tid = tid
    else:
        set_committed_value(meter, "last_tid", tid)
        await change_row(session, Meter.__table__, meter.id, {"last_tid": tid})
