"""What agents and tills do, as entries of the books. Every key names its event, so that a repeat posts nothing."""

from dataclasses import dataclass

from cloud.agents.models import Agent, AgentSale, BatchSale, FloatRequest, TillShift
from cloud.books import rules as books
from cloud.books.rules import Account, Draft, Line

AGENT, FLOAT, COMMISSION, TILL, BATCH = "agent", "float", "commission", "till", "voucher-batch"
HANDOVER = "handover"


@dataclass(frozen=True)
class Person:
    """A person in whose name something is posted, since the cash lies in their till."""

    id: int

    @property
    def label(self) -> str:
        """Return the name that stands in entries."""
        return f"operator:{self.id}"


def account(agent: Agent) -> Account:
    """Return the float of an agent."""
    return books.agent(agent.id, agent.currency)


def commissions(currency: str) -> Account:
    """Return what agents and shops earned by selling."""
    return Account("commissions", currency, books.EXPENSE)


def requested(request: FloatRequest, agent: Agent) -> Draft:
    """Return the entry of money that went into a float, or came out of it."""
    place = books.cash("cash", agent.currency) if request.source == "cash" else books.bank(agent.currency)
    amount = request.amount_minor if request.kind == "top_up" else -request.amount_minor
    lines = books.lines((place, amount, request.kind), (account(agent), -amount, request.kind))
    subject = f"agent:{agent.id}"
    said = f"reference {request.reference}, approved by operator:{request.decided_by}"
    return Draft(agent.utility_id, f"{FLOAT}:{request.id}", FLOAT, subject, said, lines)


def paid_in(agent: Agent, payment_id: int, amount_minor: int, reference: str) -> Draft:
    """Return the entry of a payment that stood in suspense and goes into a float."""
    suspense = books.suspense(agent.currency)
    lines = books.lines((suspense, amount_minor, "top_up"), (account(agent), -amount_minor, "top_up"))
    return Draft(agent.utility_id, f"payment:{payment_id}:float", FLOAT, f"agent:{agent.id}", reference, lines)


def sold(agent: Agent, sale: AgentSale, tender_kind: str) -> Draft:
    """Return the entry of a sale by an agent: its float pays what the customer paid to it, and it earns its share.

    The sale's own entry has the tender in the till; here it leaves that again, since the agent has it.
    """
    float_ = account(agent)
    lines = books.lines(
        (float_, sale.base_minor, "sale"),
        (books.cash(tender_kind, agent.currency), -sale.base_minor, "agent"),
        (commissions(agent.currency), sale.commission_minor, COMMISSION),
        (float_, -sale.commission_minor, COMMISSION),
    )
    said = f"commission {sale.commission_numerator}/{sale.commission_denominator} of {sale.base_minor}"
    return Draft(agent.utility_id, f"{AGENT}:{sale.purchase_id}", AGENT, sale.purchase_id, said, lines)


def cancelled(agent: Agent, sale: AgentSale, tender_kind: str, taken_minor: int) -> Draft:
    """Return the entry of a sale by an agent that was cancelled: its float has again what it paid, less commission."""
    float_ = account(agent)
    lines = books.lines(
        (float_, -sale.base_minor, "sale"),
        (books.cash(tender_kind, agent.currency), sale.base_minor, "agent"),
        (commissions(agent.currency), -taken_minor, COMMISSION),
        (float_, taken_minor, COMMISSION),
    )
    key = f"{AGENT}:cancel:{sale.purchase_id}"
    return Draft(agent.utility_id, key, AGENT, sale.purchase_id, "the sale was cancelled", lines)


def commission_back(agent: Agent, vend_id: int, purchase_id: str, taken_minor: int) -> Draft:
    """Return the entry of commission that goes back because a token was taken back."""
    lines = books.lines(
        (account(agent), taken_minor, COMMISSION), (commissions(agent.currency), -taken_minor, COMMISSION)
    )
    key = f"{AGENT}:void:{vend_id}"
    return Draft(agent.utility_id, key, AGENT, purchase_id, "a token of it is void", lines)


def difference(shift: TillShift, reason: str) -> Draft:
    """Return the entry that brings the till to what was counted."""
    assert shift.difference_minor, "a till that fits has nothing to settle"
    place = books.cash("cash", shift.currency)
    over = Account("cash_differences", shift.currency, books.EXPENSE)
    lines = books.lines((place, shift.difference_minor, "counted"), (over, -shift.difference_minor, "counted"))
    return Draft(shift.utility_id, f"shift:{shift.id}", TILL, f"shift:{shift.id}", reason, lines)


def handed_over(shift: TillShift, number: int, amount_minor: int, reference: str) -> Draft:
    """Return the entry of cash that left a till for the safe."""
    place, safe = books.cash("cash", shift.currency), Account("safe", shift.currency, books.ASSET)
    lines = books.lines((safe, amount_minor, HANDOVER), (place, -amount_minor, HANDOVER))
    subject = f"shift:{shift.id}"
    return Draft(shift.utility_id, f"{subject}:{HANDOVER}:{number}", HANDOVER, subject, f"reference {reference}", lines)


def batch_sold(sale: BatchSale) -> Draft:
    """Return the entry of vouchers that somebody took over: the utility owes their face until they are redeemed."""
    lines = books.lines(
        (_payer(sale), sale.price_minor, "vouchers"),
        (commissions(sale.currency), sale.face_minor - sale.price_minor, "discount"),
        (books.cash("voucher", sale.currency), -sale.face_minor, "vouchers"),
    )
    return _of_batch(sale, "sold", lines)


def batch_returned(sale: BatchSale, left_minor: int) -> Draft:
    """Return the entry of vouchers that were never redeemed, whose price goes back to who paid it."""
    lines = books.lines(
        (books.cash("voucher", sale.currency), left_minor, "vouchers"),
        (_payer(sale), -sale.returned_minor, "vouchers"),
        (commissions(sale.currency), sale.returned_minor - left_minor, "discount"),
    )
    return _of_batch(sale, "returned", lines)


def batch_kept(sale: BatchSale, left_minor: int) -> Draft:
    """Return the entry of vouchers that were never redeemed, and are owed no more."""
    income = Account("vouchers_expired", sale.currency, books.INCOME)
    lines = books.lines(
        (books.cash("voucher", sale.currency), left_minor, "vouchers"), (income, -left_minor, "expired")
    )
    return _of_batch(sale, "kept", lines)


def _payer(sale: BatchSale) -> Account:
    if sale.paid_by == "bank":
        return books.bank(sale.currency)
    if sale.paid_by == "cash":
        return books.cash("cash", sale.currency)
    assert sale.agent_id is not None, "a float belongs to an agent"
    return books.agent(sale.agent_id, sale.currency)


def _of_batch(sale: BatchSale, event: str, lines: tuple[Line, ...]) -> Draft:
    subject, reason = f"voucher-batch:{sale.batch_id}", f"to {sale.sold_to}"
    return Draft(sale.utility_id, f"voucher-batch:{sale.id}:{event}", BATCH, subject, reason, lines)
