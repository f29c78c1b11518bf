"""Sales as their callers live them: an order is repeated until it has an answer, whatever crashes in between."""

import uuid
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import select

from cloud.auth.actor import system
from cloud.books import reports
from cloud.books import service as books
from cloud.books.models import BookEntry
from cloud.meters.models import Meter
from cloud.tariffs import versions
from cloud.tariffs.terms import Block, Tax, Terms
from cloud.vending import booking, debts, voiding
from cloud.vending import service as vending
from cloud.vending.debts import NewDebt
from cloud.vending.models import Purchase, Vend
from cloud.vending.sale_models import PaymentDebt, SaleRecord
from cloud.vending.service import Order
from cloud.vending.tokens import Sale
from cloud.vending.voiding import VoidOrder
from tests.cloud.books.crashes import Crash, crashing
from tests.fakes.utility import ADMIN, Town


@dataclass
class Shop:
    """A town with one meter, every order that was sent, and what was answered; `older` ones lost their statements."""

    town: Town
    drn: str
    orders: dict[str, Order] = field(default_factory=dict)
    digits: dict[str, list[str]] = field(default_factory=dict)
    older: set[str] = field(default_factory=set)

    def order(self, volume_ml: int, tender_minor: int, change: str) -> Order:
        """Make an order under a new id."""
        purchase_id = str(uuid.uuid4())
        made = Order(purchase_id, self.drn, volume_ml, "cash", tender_minor, "KES", "keypad", change)
        self.orders[purchase_id] = made
        return made

    async def send(self, order: Order, crash_at: int | None = None) -> Sale | None:
        """Send an order; None if the cloud crashed. The same tokens as ever, if there was an answer before."""
        try:
            with crashing(self.town.database.engine.sync_engine, crash_at):
                async with self.town.database.begin() as session:
                    sale = await vending.vend(session, self.town.key_store, ADMIN, order, self.town.now)
        except Crash:
            return None
        digits = [token.digits for token in sale.tokens]
        assert self.digits.setdefault(order.purchase_id, digits) == digits
        return sale

    async def take_back(self, vend: Vend, crash_at: int | None = None) -> bool:
        """Order the void token of a vend; False if the cloud crashed."""
        try:
            with crashing(self.town.database.engine.sync_engine, crash_at):
                async with self.town.database.begin() as session:
                    wanted = VoidOrder(vend.purchase_id, vend.part, "keypad")
                    await voiding.order(session, self.town.key_store, ADMIN, wanted, self.town.now)
        except Crash:
            return False
        return True

    async def burn(self, vend: Vend, crash_at: int | None = None) -> bool:
        """The ledger shows the void of a vend; False if the cloud crashed."""
        try:
            with crashing(self.town.database.engine.sync_engine, crash_at):
                async with self.town.database.begin() as session:
                    assert vend.void_tid is not None
                    found = await voiding.explains(session, vend.meter_id, vend.void_tid, vend.tid)
                    if found is not None:
                        await voiding.finish(session, found, self.town.now)
        except Crash:
            return False
        return True

    async def vends(self) -> list[Vend]:
        """Every token that this utility ever sold."""
        async with self.town.database.read() as session:
            mine = select(Vend).where(Vend.utility_id == self.town.utility).order_by(Vend.id)
            return list(await session.scalars(mine))

    async def accept(self, vend: Vend, crash_at: int | None = None) -> bool:
        """The ledger shows that the meter took a token in; False if the cloud crashed."""
        try:
            with crashing(self.town.database.engine.sync_engine, crash_at):
                async with self.town.database.begin() as session:
                    row = await session.get_one(Vend, vend.id, with_for_update=True)
                    if row.consumed_by is None and row.voided_at is None:
                        row.consumed_by = row.id
                        row.consumed_at = self.town.now
                        meter = await session.get_one(Meter, row.meter_id)
                        entry = booking.credit(row, meter.commodity)
                        await books.post(session, entry, system("ledger"), self.town.now)
        except Crash:
            return False
        return True


async def opened(town: Town) -> Shop:
    """Enrol a device and return the shop that sells for its meter."""
    device = await town.device()
    async with town.database.read() as session:
        drn = (await session.scalars(select(Meter.drn).where(Meter.gateway_id == device.gateway))).one()
    return Shop(town, drn)


async def charged(shop: Shop) -> Shop:
    """Raise taxes and a fixed charge from now on, and let the customer owe a debt."""
    town = shop.town
    taxes = (Tax("vat", 160, ("volume", "fixed")), Tax("levy", 5, ("volume",)))
    terms = Terms("purchase", (Block(3_000_000, 8_123_456), Block(None, 14_000_001)), 1_750, taxes, 100_000)
    debt = NewDebt(town.customer, "KES", 9_999, 30, 4_000, "an old bill")
    async with town.database.begin() as session:
        draft = versions.Draft(town.tariff, town.now + 1, terms, "dearer")
        row = await versions.draft(session, ADMIN, draft, town.now)
        row.state, row.decided_at = versions.APPROVED, town.now
        await debts.add(session, ADMIN, debt, town.now)
    town.now += 60
    return shop


async def check(shop: Shop) -> None:
    """The books balance, every sale and every void is in them once, and each account is what the sales say."""
    town = shop.town
    async with town.database.read() as session:
        balances = await reports.trial_balance(session, ADMIN, town.utility)
        keys = list(await session.scalars(select(BookEntry.key).where(BookEntry.utility_id == town.utility)))
        claimed = set(await session.scalars(select(Purchase.purchase_id).where(Purchase.purchase_id.in_(shop.orders))))
        sales = list(await session.scalars(select(SaleRecord).where(SaleRecord.utility_id == town.utility)))
        owed = list(await session.scalars(select(PaymentDebt).where(PaymentDebt.utility_id == town.utility)))
    vends = await shop.vends()
    sold = {vend.purchase_id for vend in vends}

    assert not any(reports.left_over(balances).values())
    assert all(one.holds for one in balances)
    assert set(shop.digits) <= sold == claimed
    assert {sale.purchase_id for sale in sales} == sold - shop.older
    expected = Counter(f"sale:{purchase_id}" for purchase_id in sold)
    expected += Counter(f"void:{vend.id}" for vend in vends if vend.voided_at is not None)
    expected += Counter(f"credit:{vend.id}" for vend in vends if vend.consumed_by is not None)
    expected += Counter(f"debt:{debt.id}:opened" for debt in owed)
    assert Counter(keys) == expected
    found: Counter[tuple[str, str]] = Counter()
    for one in balances:
        found[one.account.code.partition(":")[0], one.account.unit] += one.balance
    expected_balances = _money(vends, sales, owed) | _volumes(vends)
    assert {name: amount for name, amount in found.items() if amount} == {
        name: amount for name, amount in expected_balances.items() if amount
    }


def _money(vends: list[Vend], sales: list[SaleRecord], owed: list[PaymentDebt]) -> dict[tuple[str, str], int]:
    """What the accounts of money come to by the rows and the statements of the sales."""
    refunds = sum(vend.amount_minor for vend in vends if vend.voided_at is not None)
    cash = sum(vend.tender_minor - vend.change_minor for vend in vends)
    price = sum(vend.amount_minor for vend in vends)
    taxes = [tax for sale in sales for tax in sale.statement["taxes"]]
    on_volume = sum(tax["amount_minor"] for tax in taxes if tax["on"] == "volume")
    given_back = sum(_taxes_of(vend, vends, sales) for vend in vends if vend.voided_at is not None)
    paid = sum(sale.debt_minor for sale in sales)
    principal = sum(debt.principal_minor for debt in owed)
    assert paid == sum(debt.paid_minor for debt in owed)
    return {
        ("cash", "KES"): cash,
        ("revenue", "KES"): on_volume - price,
        ("fees", "KES"): -sum(sale.fixed_minor for sale in sales),
        ("tax", "KES"): given_back - sum(tax["amount_minor"] for tax in taxes),
        ("debt", "KES"): principal - paid,
        ("debts_opened", "KES"): -principal,
        ("refunds", "KES"): refunds - given_back,
        ("customer", "KES"): price + sum(sale.fixed_taxed_minor for sale in sales) + paid - refunds - cash,
    }


def _taxes_of(vend: Vend, vends: list[Vend], sales: list[SaleRecord]) -> int:
    """What of a token's price was taxes: their share up to it less their share before it, each rounded down.

    A sale of the older form had none.
    """
    parts = [row.amount_minor for row in vends if row.purchase_id == vend.purchase_id]
    before, after = sum(parts[: vend.part - 1]), sum(parts[: vend.part])
    said = [sale.statement for sale in sales if sale.purchase_id == vend.purchase_id]
    amounts = [tax["amount_minor"] for one in said for tax in one["taxes"] if tax["on"] == "volume"]
    return sum(amount * after // sum(parts) - amount * before // sum(parts) for amount in amounts)


def _volumes(vends: list[Vend]) -> dict[tuple[str, str], int]:
    void = [vend for vend in vends if vend.voided_at is not None]
    accepted = [vend for vend in vends if vend.consumed_by is not None]
    issued, burnt = sum(vend.volume_ml for vend in vends), sum(vend.volume_ml for vend in void)
    taken = sum(vend.volume_ml for vend in accepted)
    return {
        ("issued", "ml"): issued,
        ("void", "ml"): -burnt,
        ("meter_credit", "ml"): -taken,
        ("in_flight", "ml"): burnt + taken - issued,
    }
