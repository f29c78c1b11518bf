"""Writes into the ledger that the board has started, and why; few times in a row, lest a crash loop fills it."""

from firmware.ledger.recovery import DamageError
from firmware.ledger.store import FlashFull
from shared import kinds
from shared.compat import const

_IN_A_ROW = const(3)  # starts of which nothing else came
_SAFE_IN_A_ROW = const(6)  # safe mode is told even behind them
_LOOKED_AT = const(12)


def note_start(core, cause: int, why: "tuple[int, int] | None") -> None:
    """BOOT with the cause as detail and, where the firmware itself ended the last run, EVENT with the codes of it."""
    if not core.has_room():
        return
    most = _SAFE_IN_A_ROW if cause & kinds.BOOT_SAFE_MODE else _IN_A_ROW
    boots = core.state.boots + 1
    group = [core.entry(kinds.BOOT, detail=cause, reference_a=boots, reference_b=core.firmware)]
    if why is not None:
        group.append(core.entry(kinds.EVENT, detail=kinds.EVENT_OWN_RESET, reference_a=why[0], reference_b=why[1]))
    try:
        if _starts_in_a_row(core.store.last_kinds(_LOOKED_AT)) < most:
            core.append(*group)
    except (FlashFull, DamageError):
        pass  # a start without an entry still meters


def _starts_in_a_row(last):
    """How many starts the last entries (a byte each) end with."""
    starts = 0
    for at in range(len(last) - 1, -1, -1):
        if last[at] == kinds.BOOT:
            starts += 1
        elif last[at] != kinds.EVENT:
            break
    return starts
