"""A slow model of every meter's account: pots by what entries add, money by fractions, days by the calendar."""

from fractions import Fraction

from shared import kinds
from shared.entries import Entry
from shared.in_force import Laws
from shared.policy import AUTOMATIC, Policy
from shared.state import MeterState
from tests.life.prices import cost, date_of, fixed

_MICRO = 1_000_000


class Account:
    """One meter: what it has in its pots, where its register stands, and what its month has cost so far."""

    def __init__(self, register: int) -> None:
        self.pots = [0] * kinds.POTS
        self.register = register
        self.counter = 0  # ml of this month that count for the blocks of the tariff
        self.part = Fraction(1)  # of the month that the limits of the blocks are scaled to
        self.rest = Fraction(0)  # money that was not yet taken
        self.granted = 0  # emergency credit at disposal
        self.dearest = 0  # the price of the dearest ml so far, rounded up: the last ml of a credit may lack so much


class Accounts:
    """All meters by channel."""

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}

    def opened(self, entry: Entry) -> None:
        """A meter begins."""
        account = self._accounts[entry.meter] = Account(entry.register)
        account.pots[kinds.TOKEN_CREDIT] = entry.balance

    def available(self, meter: MeterState, policy: Policy) -> int:
        """What the customer may still draw, by the model's own pots."""
        account = self._accounts[meter.channel]
        released = policy.reserved_activation == AUTOMATIC or meter.reserved_invoked
        reserved = account.pots[kinds.RESERVED_CREDIT] if released else 0
        return account.pots[kinds.TOKEN_CREDIT] + reserved + account.granted

    def judge(self, meter: MeterState, entry: Entry, laws: Laws) -> None:
        """Move the model by an entry, which is not folded into `meter` yet."""
        account = self._accounts[entry.meter]
        consumed = entry.register - account.register
        assert consumed >= 0 and (consumed == 0 or entry.kind == kinds.CHARGE), "the register moves by charges alone"
        account.register = entry.register
        if entry.kind == kinds.MODE and (entry.detail ^ meter.mode) & kinds.MODE_CURRENCY:
            account.granted = 0  # a limit in litres means nothing in money
        if entry.kind == kinds.CHARGE:
            self._charge(account, meter, entry, laws, consumed)
        elif entry.kind == kinds.FIXED:
            self._fixed(entry, laws)
        elif entry.kind == kinds.REPAY:
            _repay(account, entry)
        elif entry.kind == kinds.GRANT and entry.detail == kinds.GRANT_EMERGENCY:
            assert laws.policy is not None
            account.granted = laws.policy.emergency_limit + account.pots[kinds.EMERGENCY_CREDIT]
        self._month(account, meter, entry)
        if entry.pot != kinds.NO_POT:
            account.pots[entry.pot] += entry.delta
            assert account.pots[entry.pot] == entry.balance, "credit was lost or made"
            account.granted += entry.delta if entry.pot == kinds.EMERGENCY_CREDIT and meter.emergency_invoked else 0
        if entry.kind in (kinds.TOKEN, kinds.REPAY) and account.pots[kinds.EMERGENCY_CREDIT] >= 0:
            account.granted = 0

    def compare(self, meter: MeterState) -> None:
        """The fold says what the model says."""
        account = self._accounts[meter.channel]
        assert meter.pots == account.pots, (meter.channel, meter.pots, account.pots)
        assert meter.register == account.register
        assert account.pots[kinds.EMERGENCY_CREDIT] <= 0 <= account.pots[kinds.ACCUMULATED_DEBT]
        least = -account.dearest if meter.has(kinds.MODE_CURRENCY) else 0
        assert account.pots[kinds.RESERVED_CREDIT] >= least and account.pots[kinds.TOKEN_CREDIT] >= least

    def _charge(self, account: Account, meter: MeterState, entry: Entry, laws: Laws, consumed: int) -> None:
        paid = entry.delta if entry.pot == kinds.ACCUMULATED_DEBT else -entry.delta
        if not meter.has(kinds.MODE_CURRENCY):
            assert paid == (consumed if entry.pot != kinds.NO_POT else 0), "a volume is its own price"
        else:
            assert laws.tariff is not None
            account.dearest = max(account.dearest, max(laws.tariff.prices) // _MICRO + 1)
            account.rest += cost(laws.tariff, account.counter, consumed, account.part)
            if entry.pot == kinds.NO_POT:
                paid = int(account.rest)  # what nobody pays is given up, but for what is below one unit
            account.rest -= paid
            assert 0 <= account.rest < 1, "a charge is not what the tariff says"
            assert entry.reference_b & 0xFFFFF == account.rest * _MICRO, "the remainder is another one"
        account.counter += consumed

    def _fixed(self, entry: Entry, laws: Laws) -> None:
        assert laws.tariff is not None
        due = fixed(laws.tariff, entry.reference_b - entry.detail + 1, entry.detail)
        assert entry.pot == kinds.NO_POT or abs(entry.delta) == due, "a fixed charge is not what the calendar says"

    def _month(self, account: Account, meter: MeterState, entry: Entry) -> None:
        if entry.kind == kinds.DAY and date_of(entry.detail + 1).month != date_of(meter.day + 1).month:
            account.counter, account.part = 0, Fraction(1)
        elif entry.kind == kinds.TARIFF and entry.detail & 3 != kinds.COUNTER_CONTINUE:
            account.counter, account.part = 0, Fraction(1)
            if entry.detail & 3 == kinds.COUNTER_PRORATE:
                account.part = Fraction(entry.detail >> 6 & 31, entry.detail >> 11)


def _repay(account: Account, entry: Entry) -> None:
    assert entry.delta < 0
    sign = 1 if entry.detail == kinds.ACCUMULATED_DEBT else -1
    account.pots[entry.detail] += sign * entry.delta
