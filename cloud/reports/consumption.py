"""What entries of a ledger moved on each meter and local day: the fold of the meters, told apart by cause. Pure.

Net is what a meter holds: token, emergency and reserved credit less what is owed, in the unit of its account. The fold
is that of the device and of the verifier, so the sum of the moves is what the meter's state says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared import kinds
from shared.civil import DAY_S, Zone
from shared.entries import Entry
from shared.state import MeterState, apply_meter

TOKEN, CONSUMED, FIXED, GRANTED = "token", "consumed", "fixed", "granted"
CLEARED, CARRIED, UNEXPLAINED = "cleared", "carried", "unexplained"
MOVES = (CARRIED, TOKEN, GRANTED, UNEXPLAINED, CONSUMED, FIXED, CLEARED)
MONEY = "cur"
"""The unit of an account of money: 1/100000 of the base currency."""
_TAKES = (CONSUMED, FIXED, CLEARED)
_ALLOWED = {kinds.TOKEN: TOKEN, kinds.GRANT: GRANTED, kinds.CLEAR: CLEARED}


@dataclass
class Moved:
    """What moved on one meter, day and unit; `moves` as effects on the net, `vends` that came in with tokens."""

    moves: dict[str, int] = field(default_factory=dict)
    vends: list[int] = field(default_factory=list)
    volume_ml: int = 0
    free_ml: int = 0
    first: int = 0
    last: int = 0

    def shown(self, move: str) -> int:
        """A move as it is reported: what takes from the meter counts from above zero."""
        amount = self.moves.get(move, 0)
        return -amount if move in _TAKES else amount


@dataclass(frozen=True)
class Judged:
    """What the verifier found about an entry."""

    explained: bool
    vend_id: int | None


Key = tuple[int, int, str]
"""Channel, local day, unit."""


def net(meter: MeterState) -> int:
    """What a meter holds in all."""
    return sum(meter.pots) - 2 * meter.pots[kinds.ACCUMULATED_DEBT]


def local_day(entry: Entry, arrived_at: int, zone: Zone) -> int:
    """The day of an entry: by the device's clock if it can be believed, else that of its arrival."""
    believed = entry.quality != kinds.TIME_UNKNOWN and entry.time_s <= arrived_at + DAY_S
    return int(zone.local(entry.time_s if believed else arrived_at)[0])


class Fold:
    """Folds entries of one epoch into its meters. `carried` has the net of meters as an earlier epoch left them."""

    def __init__(
        self, meters: dict[int, MeterState], carried: Mapping[int, int], commodity_units: Mapping[int, str]
    ) -> None:
        self.meters = meters
        self.moved: dict[Key, Moved] = {}
        self._carried = dict(carried)
        self._units = commodity_units

    def take(self, entry: Entry, day: int, judged: Judged | None) -> None:
        """Fold the next entry in; one of the gateway, or of a meter that was never opened, moves nothing."""
        if entry.kind == kinds.METER:
            self.meters[entry.meter] = MeterState(entry.meter)
            self.meters[entry.meter].register = entry.register
        meter = self.meters.get(entry.meter)
        if meter is None or entry.meter not in self._units:
            return
        before, register, unit = net(meter), meter.register, self._unit(meter)
        apply_meter(meter, entry)
        moved = self._moved(meter, entry, day)
        moved.volume_ml += meter.register - register
        if entry.kind == kinds.CHARGE and entry.pot == kinds.NO_POT:
            moved.free_ml += meter.register - register
        if self._unit(meter) != unit:
            self._switched(meter, entry, day, unit, before)
            before = 0
        self._add(moved, _cause(entry, judged), net(meter) - before - self._brought(entry))
        if judged is not None and judged.vend_id is not None and entry.kind == kinds.TOKEN:
            moved.vends.append(judged.vend_id)

    def _moved(self, meter: MeterState, entry: Entry, day: int, unit: str = "") -> Moved:
        moved = self.moved.setdefault((meter.channel, day, unit or self._unit(meter)), Moved(first=entry.sequence))
        moved.last = entry.sequence
        return moved

    def _switched(self, meter: MeterState, entry: Entry, day: int, unit: str, before: int) -> None:
        """The account holds another unit now: what it held of the one before is carried away, its figures stay."""
        self._add(self._moved(meter, entry, day, unit), CARRIED, -before)

    def _brought(self, entry: Entry) -> int:
        """What the meter held in an earlier epoch: only the difference is new."""
        return self._carried.pop(entry.meter, 0) if entry.kind == kinds.METER else 0

    def _add(self, moved: Moved, cause: str, amount: int) -> None:
        if amount:
            moved.moves[cause] = moved.moves.get(cause, 0) + amount

    def unit_of(self, channel: int) -> str:
        """The unit of the commodity on a channel."""
        return self._units[channel]

    def _unit(self, meter: MeterState) -> str:
        return MONEY if meter.has(kinds.MODE_CURRENCY) else self._units[meter.channel]


def _cause(entry: Entry, judged: Judged | None) -> str:
    if entry.kind == kinds.CHARGE:
        return CONSUMED
    if entry.kind == kinds.FIXED:
        return FIXED
    if entry.kind in (kinds.METER, kinds.MODE):
        return CARRIED
    allowed = _ALLOWED.get(entry.kind)
    if allowed is None or judged is None or not judged.explained:
        return UNEXPLAINED
    return UNEXPLAINED if allowed == TOKEN and judged.vend_id is None else allowed
