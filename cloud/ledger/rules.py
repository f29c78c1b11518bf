"""How a signed batch continues a ledger, and what its entries claim: pure, and one pass over the entries."""

from dataclasses import dataclass, field

from cloud.ledger.messages import CONFLICT, WRONG_HEAD, Refusal
from shared import checks, kinds
from shared.chain import link
from shared.entries import BODY_SIZE, Entry
from shared.in_force import InForce
from shared.state import GatewayState, MeterState
from shared.supply import SHUT

EXPLAINED = "explained"
PENDING = "pending"
UNEXPLAINED = "unexplained"
CONTRADICTED = "contradicted"

# Every entry of these kinds needs a cause: they raise credit, lower future charges or widen supply.
WIDENING = frozenset(
    {
        kinds.OPEN,
        kinds.METER,
        kinds.TOKEN,
        kinds.COMMAND,
        kinds.POLICY,
        kinds.FLOOR,
        kinds.KEY_CHANGE,
        kinds.CLEAR,
        kinds.MODE,
        kinds.TARIFF,
        kinds.FACTOR,
        kinds.GRANT,
        kinds.CONTROL,
        kinds.VOID,
        kinds.UPDATE,
    }
)
_TOLD = frozenset({kinds.WARNING, kinds.VALVE_INTENT})
_SUPPLY = 0xFF
FLOW_WHILE_CLOSED_ML = 10_000
"""What a closed valve may let through between two charges before it is a case."""

# gateway, epoch, sequence, utility, kind, channel, time_s, delta, balance, register, arrived_at, body, hash
Row = tuple[int, int, int, int, int, int, int, int, int, int, int, bytes, bytes]


@dataclass(frozen=True)
class Claim:
    """An entry that needs a verdict or a message, and what the state before it says.

    `wrong` is what contradicts the entry, `supply` the supply state before it, with what is shut counted as CLOSED,
    `outcome` the last that the valve did, `volume_ml` what flowed; `group` the meter's, `policy` the version in force.
    """

    entry: Entry
    wrong: str
    supply: int
    outcome: int
    volume_ml: int
    group: int
    policy: int | None
    in_group: bool
    """Whether it goes on with a counted group that was begun before it."""
    money: bool = False
    """Whether the meter's account holds money."""


@dataclass
class Position:
    """Where a ledger stands while messages are worked on: `fresh` are the hashes after `base`, not yet stored."""

    utility: int
    gateway: int
    epoch: int
    base: int
    base_head: bytes
    state: GatewayState
    frozen: bool = False
    fresh: list[bytes] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def sequence(self) -> int:
        """The highest sequence held."""
        return self.base + len(self.fresh)

    @property
    def head(self) -> bytes:
        """The head (32 bytes) after that entry."""
        return self.fresh[-1] if self.fresh else self.base_head


def hashes(previous_head: bytes, bodies: bytes, head: bytes) -> list[bytes]:
    """The head after each entry; Refusal when the last is not the head that was signed."""
    found = []
    for at in range(0, len(bodies), BODY_SIZE):
        previous_head = link(previous_head, bodies[at : at + BODY_SIZE])
        found.append(previous_head)
    if previous_head != head:
        raise Refusal(WRONG_HEAD, "the signed head is not that of the entries sent with it", is_case=True)
    return found


def conflict(sequence: int) -> Refusal:
    """The refusal of a second history: the device's key signed two entries with one sequence."""
    return Refusal(CONFLICT, f"another entry {sequence} is held: the device was cloned or set back", is_case=True)


def extend(
    position: Position, entries: list[Entry], bodies: bytes, links: list[bytes], known: InForce, arrived_at: int
) -> list[Claim]:
    """Fold entries that follow the position into it; return those that need a verdict or a message, in order."""
    state = position.state
    claims = []
    for index, entry in enumerate(entries):
        wrong = checks.contradiction(state, entry, known)
        if wrong or entry.kind in WIDENING or _is_told(state, entry):
            claims.append(_claim(state, entry, wrong, known))
        state.apply(entry)
        body = bodies[index * BODY_SIZE : (index + 1) * BODY_SIZE]
        position.rows.append(_row(position, entry, arrived_at, body, links[index]))
    position.fresh.extend(links)
    return claims


def _claim(state: GatewayState, entry: Entry, wrong: str, known: InForce) -> Claim:
    meter = state.meters.get(entry.meter)
    in_group = state.group_left > 0
    if meter is None:
        return Claim(entry, wrong, kinds.CLOSED, kinds.VALVE_CLOSED, 0, 0, None, in_group)
    policy = known.laws(state, meter).policy
    flowed = entry.register - meter.register
    version = policy.version if policy else None
    money = meter.has(kinds.MODE_CURRENCY)
    return Claim(entry, wrong, _supply(meter), meter.outcome, flowed, meter.group, version, in_group, money)


def _is_told(state: GatewayState, entry: Entry) -> bool:
    meter = state.meters.get(entry.meter)
    if meter is None:
        return entry.kind in _TOLD or (entry.kind == kinds.BOOT and entry.detail & kinds.BOOT_SAFE_MODE > 0)
    if entry.kind == kinds.CHARGE:
        return entry.register - meter.register >= FLOW_WHILE_CLOSED_ML and _supply(meter) == kinds.CLOSED
    if entry.kind == kinds.WARNING:
        return not meter.warned >> (entry.detail - 1 & 7) & 1  # once per top-up, however often it is written
    if entry.kind == kinds.LIMIT:
        return _lifts_limit(meter, entry)
    return entry.kind in _TOLD or (entry.kind == kinds.FAULT and entry.detail & 1 == 1)


def _row(position: Position, entry: Entry, arrived_at: int, body: bytes, link_hash: bytes) -> Row:
    return (
        position.gateway,
        position.epoch,
        entry.sequence,
        position.utility,
        entry.kind,
        entry.meter,
        entry.time_s,
        entry.delta,
        entry.balance,
        entry.register,
        arrived_at,
        body,
        link_hash,
    )


def supply_of(detail: int) -> int:
    """The supply state that a VALVE_INTENT asks for: LIFELINE that waits for its next quota gives nothing."""
    return kinds.CLOSED if detail & SHUT else detail & _SUPPLY


def _supply(meter: MeterState) -> int:
    return kinds.CLOSED if meter.shut else int(meter.intent)


def _lifts_limit(meter: MeterState, entry: Entry) -> bool:
    """Whether a LIMIT lets more flow than the one before it; 0 is no limit."""
    if meter.flow_limit == 0:
        return False
    return entry.reference_b == 0 or entry.reference_b > meter.flow_limit
