"""Follows a gateway's ledger entry by entry, and judges each by documents and by models of its own."""

from collections.abc import Iterator

from shared import checks, kinds
from shared.entries import BODY_SIZE, Entry, decode
from shared.in_force import InForce
from shared.state import GatewayState, MeterState
from tests.life.accounts import Accounts
from tests.life.calendars import Hours
from tests.life.supplies import Supplies

_PIECE = 32


class Watch:
    """`known` has every document that was ever signed, `hours` the friendly hours of each policy by check value."""

    def __init__(self, known: InForce, hours: dict[int, Hours]) -> None:
        self.known = known
        self.state: GatewayState | None = None
        self.tids: dict[int, set[int]] = {}
        self.commands: list[int] = []
        self.last = b""
        self.accounts = Accounts()
        self.supplies = Supplies(hours)

    def follow(self, store) -> None:
        """Judge what is new. The ledger must go on from where it was seen last."""
        assert store.damage == "", store.damage
        if self.state is None:
            self.state = GatewayState(store.state.utility, store.state.gateway, store.state.epoch)
        seen = self.state.sequence
        assert store.state.sequence >= seen, "entries that were durable are gone"
        if seen:
            assert store.run(seen, 1, False)[1] == self.last, "an entry that was durable is another one"
        for body in _bodies(store, seen + 1):
            self._judge(decode(body))
            self.last = body
        assert self.state.to_bytes() == store.state.to_bytes(), "the fold of the ledger is not the state"
        assert self.state.group_left == 0, "the ledger ends inside a group"

    def _judge(self, entry: Entry) -> None:
        state = self.state
        assert state is not None
        wrong = checks.contradiction(state, entry, self.known)
        assert not wrong, (entry.sequence, wrong)
        if entry.kind == kinds.COMMAND:
            self.commands.append(entry.reference_a)
        meter = state.meters.get(entry.meter)
        if meter is not None or entry.kind == kinds.METER:
            self._judge_meter(state, meter, entry)
        self.supplies.at_gateway(entry)
        state.apply(entry)
        if entry.meter in state.meters:
            self.accounts.compare(state.meters[entry.meter])

    def _judge_meter(self, state: GatewayState, meter: MeterState | None, entry: Entry) -> None:
        if entry.kind == kinds.TOKEN:
            used = self.tids.setdefault(entry.meter, set())
            assert entry.reference_a not in used, "an identifier was accepted twice"
            used.add(entry.reference_a)
        if meter is None:
            self.accounts.opened(entry)
            return
        laws = self.known.laws(state, meter)
        assert laws.policy is not None and laws.floor is not None
        self.supplies.judge(meter, entry, laws.policy, laws.floor, self.accounts.available(meter, laws.policy))
        self.accounts.judge(meter, entry, laws)


def _bodies(store, first: int) -> Iterator[bytes]:
    while first <= store.state.sequence:
        bodies = store.run(first, _PIECE, False)[1]
        for offset in range(0, len(bodies), BODY_SIZE):
            yield bodies[offset : offset + BODY_SIZE]
            first += 1
