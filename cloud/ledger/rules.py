"""How a signed batch continues a ledger, and what its entries claim: pure, and one pass over the entries."""

from dataclasses import dataclass, field

from cloud.ledger.messages import CONFLICT, WRONG_HEAD, Refusal
from shared import checks, kinds
from shared.chain import link
from shared.entries import BODY_SIZE, Entry
from shared.policy import Floor, Policy
from shared.state import GatewayState

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
        kinds.VOID,
    }
)
_TOLD = frozenset({kinds.WARNING, kinds.VALVE_INTENT})
FLOW_WHILE_CLOSED_ML = 10_000
"""What a closed valve may let through between two charges before it is a case."""

# gateway, epoch, sequence, utility, kind, channel, time_s, delta, balance, register, arrived_at, body, hash
Row = tuple[int, int, int, int, int, int, int, int, int, int, int, bytes, bytes]


@dataclass
class Documents:
    """The approved policies and floors of a utility, by (version, check value)."""

    policies: dict[tuple[int, int], Policy] = field(default_factory=dict)
    floors: dict[tuple[int, int], Floor] = field(default_factory=dict)

    def policy(self, state: GatewayState) -> Policy | None:
        """The policy in force; None when it is not an approved one."""
        return self.policies.get((state.policy_version, state.policy_check))

    def floor(self, state: GatewayState) -> Floor | None:
        """The floor in force, by default the lowest; None when it is not an approved one."""
        if state.floor_version == 0:
            return Floor()
        return self.floors.get((state.floor_version, state.floor_check))


@dataclass(frozen=True)
class Claim:
    """An entry that needs a verdict or a message. `wrong` is what contradicts it; `supply` the supply state before."""

    entry: Entry
    wrong: str
    supply: int
    policy: int | None


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
    position: Position, entries: list[Entry], bodies: bytes, links: list[bytes], known: Documents, arrived_at: int
) -> list[Claim]:
    """Fold entries that follow the position into it; return those that need a verdict or a message, in order."""
    state = position.state
    policy, floor = known.policy(state), known.floor(state)
    claims = []
    for index, entry in enumerate(entries):
        wrong = checks.contradiction(state, entry, policy, floor)
        told = _is_told(state, entry) or _lifts_limit(state, entry) or _flows_while_closed(state, entry)
        if wrong or entry.kind in WIDENING or told:
            claims.append(Claim(entry, wrong, _supply(state, entry), policy.version if policy else None))
        state.apply(entry)
        if entry.kind in (kinds.POLICY, kinds.FLOOR):
            policy, floor = known.policy(state), known.floor(state)
        body = bodies[index * BODY_SIZE : (index + 1) * BODY_SIZE]
        position.rows.append(_row(position, entry, arrived_at, body, links[index]))
    position.fresh.extend(links)
    return claims


def _is_told(state: GatewayState, entry: Entry) -> bool:
    if entry.kind == kinds.WARNING and entry.meter in state.meters:
        return not state.meters[entry.meter].warned  # once per top-up, however often it is written
    return entry.kind in _TOLD


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


def _supply(state: GatewayState, entry: Entry) -> int:
    meter = state.meters.get(entry.meter)
    return meter.intent if meter is not None else kinds.CLOSED


def _lifts_limit(state: GatewayState, entry: Entry) -> bool:
    """Whether a LIMIT lets more flow than the one before it; 0 is no limit."""
    meter = state.meters.get(entry.meter)
    if entry.kind != kinds.LIMIT or meter is None or meter.flow_limit == 0:
        return False
    return entry.reference_b == 0 or entry.reference_b > meter.flow_limit


def _flows_while_closed(state: GatewayState, entry: Entry) -> bool:
    if entry.kind != kinds.CHARGE or entry.delta > -FLOW_WHILE_CLOSED_ML:
        return False
    meter = state.meters.get(entry.meter)
    return meter is not None and meter.intent == kinds.CLOSED and meter.outcome != kinds.VALVE_OPENED
