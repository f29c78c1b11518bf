"""Prints docs/decisions.md: what a gateway decides in which situation, asked of the very code that decides.

Usage: python -m tools.decision_tables [FILE]. Without a file it prints.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from shared import credit, kinds, lifeline, supply
from shared.civil import day_of
from shared.payer import FIXED_CHARGE, payer, payer_of_fixed
from shared.policy import AUTOMATIC, ON_KEY, Floor, Policy
from shared.state import MeterState
from shared.tid_memory import FRESH, OLD, SIZE, USED, TidMemory
from shared.top_up import Shares, lines

HEAD = """# Decisions

What a gateway decides in which situation. This page is printed by the code that decides, on the gateway and in the
cloud (`make tables`); a test compares. What is not said of a row is as in the sentence before its table. Volumes stand
for money, too, where a meter is charged by currency.
"""
_DAY = day_of(2026, 6, 17)  # a Wednesday
_NOON_S = _DAY * 86400 + 12 * 3600
_EVENING_S = _DAY * 86400 + 20 * 3600
_WEEK = 0x7F
_FRIENDLY = bytes((_WEEK,)) + (18 * 60).to_bytes(2, "big") + (7 * 60).to_bytes(2, "big")
_CLOSING = bytes((0x0F,)) + (9 * 60).to_bytes(2, "big") + (11 * 60).to_bytes(2, "big")
_CAP_ML, _QUOTA_ML, _RECONNECT_ML = 1_000_000, 25_000, 50_000
SUPPLY = ("closed", "drip", "lifeline", "full")
STATUS = ("off", "enabled", "selectable", "invoked", "in use", "exhausted")
_QUALITY = {"trusted": kinds.TIME_TRUSTED, "unknown": kinds.TIME_UNKNOWN}

Table = tuple[str, str, tuple[str, ...], Iterable[tuple[str, ...]]]


def meter_of(token: int = 0, intent: int = kinds.FULL, **values: int) -> MeterState:
    """A meter with token credit, a supply in force, and whatever else stands in its state; pots by their names."""
    meter = MeterState(0)
    meter.pots[kinds.TOKEN_CREDIT] = token
    meter.intent = intent
    meter.day = _DAY
    for name, pot in (("emergency", 2), ("reserved", 3), ("debt", 4)):
        meter.pots[pot] = values.pop(name, 0)
    for name, value in values.items():
        setattr(meter, name, value)
    return meter


def policy_of(**values: Any) -> Policy:
    """Friendly hours from 18:00 to 07:00, a cap on trust, and a reconnect threshold."""
    return Policy(
        **{
            "friendly_windows": _FRIENDLY,
            "untrusted_clock_cap": _CAP_ML,
            "reconnect_threshold": _RECONNECT_ML,
            **values,
        }
    )


def supplied(
    text: str,
    meter: MeterState,
    clock: str = "trusted",
    time_s: int = _NOON_S,
    floor: "Floor | None" = None,
    **policy: Any,
) -> tuple[str, ...]:
    """A row: the situation, the supply and the sentence of its rule."""
    detail, rule = supply.decide(meter, time_s, _QUALITY[clock], policy_of(**policy), floor or Floor())
    word = SUPPLY[detail & 0xFF] + (", shut until the next quota" if detail & supply.SHUT else "")
    return text, word, kinds.RULE_TEXTS[rule]


def out_of_credit() -> Iterator[tuple[str, ...]]:
    """An open meter, by its credit, the hour and the clock."""
    quota: dict[str, Any] = {"lifeline_quota_ml": _QUOTA_ML}
    given = {"lifeline_left": _QUOTA_ML}
    yield supplied("credit is left", meter_of(100_000))
    yield supplied("no credit, at noon", meter_of())
    yield supplied("no credit, in friendly hours", meter_of(), time_s=_EVENING_S)
    yield supplied("no credit, but emergency credit is invoked", meter_of(emergency_invoked=1, emergency_limit=9000))
    yield supplied("no credit, at noon, with a lifeline", meter_of(**given), **quota)
    yield supplied("the same, and its quota is drawn", meter_of(), **quota)
    yield supplied("no credit, at noon, drip allowed, with a bypass", meter_of(mode=kinds.MODE_BYPASS), drip_allowed=1)
    yield supplied("the same without a bypass", meter_of(**given), drip_allowed=1)
    yield supplied("no credit, the clock is not trusted", meter_of(), "unknown")
    yield supplied("the same, and the volume on trust is drawn", meter_of(cap_drawn=_CAP_ML, **given), "unknown")
    yield supplied("the same, and the lifeline as well", meter_of(cap_drawn=_CAP_ML), "unknown")
    yield supplied("no credit, the calendar has expired", meter_of(), calendar_expires_s=_NOON_S - 1)
    yield supplied("credit is left, the clock is not trusted", meter_of(100_000), "unknown")


def reconnected() -> Iterator[tuple[str, ...]]:
    """A closed meter that gets credit."""
    closed = kinds.CLOSED
    yield supplied("still no credit", meter_of(0, closed))
    yield supplied("still no credit, in friendly hours", meter_of(0, closed), time_s=_EVENING_S)
    yield supplied("still no credit, the clock is not trusted", meter_of(0, closed), "unknown")
    yield supplied("credit, but not above the threshold", meter_of(_RECONNECT_ML, closed))
    yield supplied("credit above the threshold", meter_of(_RECONNECT_ML + 1, closed))
    yield supplied("the same, the customer has to confirm", meter_of(100_000, closed), reconnect_armed=1)
    yield supplied("the same, and has confirmed", meter_of(100_000, closed, confirmed=1), reconnect_armed=1)
    yield supplied("the operator armed it, not confirmed yet", meter_of(100_000, closed, armed=1))


def beside_credit() -> Iterator[tuple[str, ...]]:
    """What else opens, closes and limits, with and without credit."""
    later = _NOON_S + 600
    drawn = {"lifeline_left": _QUOTA_ML}
    yield supplied("a bulk meter", meter_of(mode=kinds.MODE_BULK))
    yield supplied("billed afterwards", meter_of(mode=kinds.MODE_CREDIT))
    yield supplied("billed, a bill is overdue: limit", meter_of(mode=kinds.MODE_CREDIT | kinds.MODE_TRICKLE, **drawn))
    yield supplied("billed, a bill is overdue: close", meter_of(mode=kinds.MODE_CREDIT | kinds.MODE_ARREARS))
    yield supplied("credit is left, the operator closes", meter_of(100_000, hold=1))
    yield supplied("the same, in friendly hours", meter_of(100_000, hold=1), time_s=_EVENING_S)
    yield supplied("the same, closing begins from 9 to 11 only", meter_of(100_000, hold=1), closing_windows=_CLOSING)
    yield supplied("no credit, the operator opened all", meter_of(0, kinds.CLOSED, open_all_until_s=later))
    yield supplied("no credit, opened at the keypad", meter_of(0, kinds.CLOSED, open_until_s=later))
    yield supplied("no credit, the valve failed three times in a row", meter_of(failed_motions=supply.FAILED_MAX))
    yield supplied("credit is left, more flows than the limit", meter_of(100_000, paused=1))
    yield supplied("credit is left, closed for safety", meter_of(100_000, safety_until_s=later))
    yield supplied("credit is left, the customer's lock", meter_of(100_000, locked=1))


def floors() -> Iterator[tuple[str, ...]]:
    """A meter without credit at noon under floors; and what goes below them."""
    drawn = {"lifeline_left": _QUOTA_ML}
    full, dose = Floor(minimum_supply=kinds.FULL), Floor(minimum_supply=kinds.LIFELINE)
    critical = kinds.MODE_CRITICAL
    yield supplied("the floor is full", meter_of(), floor=full)
    yield supplied("the floor is lifeline", meter_of(**drawn), floor=dose)
    yield supplied("the same, and the operator closes", meter_of(hold=1, **drawn), floor=dose)
    yield supplied("the policy's least supply is lifeline", meter_of(**drawn), least_supply=kinds.LIFELINE)
    yield supplied("critical need, no floor", meter_of(mode=critical, **drawn))
    yield supplied("critical need, the operator closes", meter_of(mode=critical, hold=1, **drawn))
    yield supplied("the floor is full, the customer's lock", meter_of(locked=1), floor=full)
    yield supplied("the floor is full, closed for safety", meter_of(safety_until_s=_NOON_S + 600), floor=full)


def paid(text: str, meter: MeterState, clock: str = "trusted", time_s: int = _NOON_S, **policy: Any) -> tuple[str, ...]:
    """A row: the situation, the pot that pays consumption and the sentence of its rule."""
    pot, rule, most = payer(meter, time_s, _QUALITY[clock], policy_of(**policy))
    limit = "no limit" if most >= 1 << 40 else f"{most:,}"
    return text, kinds.POT_NAMES[pot] if pot else "nobody", limit, kinds.RULE_TEXTS[rule]


def payers() -> Iterator[tuple[str, ...]]:
    """Who pays for what flows."""
    invoked = {"emergency_invoked": 1, "emergency_limit": 9000}
    yield paid("reserved and token credit", meter_of(100_000, reserved=6000))
    yield paid(
        "reserved credit that is released by a key", meter_of(100_000, reserved=6000), reserved_activation=ON_KEY
    )
    yield paid("token credit", meter_of(100_000))
    yield paid("emergency credit invoked, 2,000 of it used", meter_of(emergency=-2000, **invoked))
    yield paid("no credit, open in friendly hours", meter_of(), time_s=_EVENING_S)
    yield paid("no credit, open on trust", meter_of(), "unknown")
    yield paid("no credit, open until the valve closes", meter_of())
    yield paid("no credit, lifeline", meter_of(0, kinds.LIFELINE, lifeline_left=_QUOTA_ML))
    yield paid("the same, where the policy charges it", meter_of(0, kinds.LIFELINE), lifeline_charged=1)
    yield paid("closed, it flows all the same", meter_of(0, kinds.CLOSED))
    yield paid("the same, beyond what is charged then", meter_of(0, kinds.CLOSED, closed_flow=10_000))
    yield paid("the policy collects nothing", meter_of(100_000), collection=0)
    yield paid("billed afterwards", meter_of(mode=kinds.MODE_CREDIT))
    yield paid("a bulk meter", meter_of(mode=kinds.MODE_BULK))


def fixed_payers() -> Iterator[tuple[str, ...]]:
    """Who pays a fixed charge of 1,000."""
    closed = 0xFFFFFFFF & ~sum(1 << 4 * (2 * (pot - 1) + FIXED_CHARGE) for pot in range(1, kinds.POTS))
    for text, meter, collection in (
        ("token credit of 5,000", meter_of(5000), 0xFFFFFFFF),
        ("token credit of 500", meter_of(500), 0xFFFFFFFF),
        ("closed", meter_of(0, kinds.CLOSED), 0xFFFFFFFF),
        ("closed, and not collected while disconnected", meter_of(0, kinds.CLOSED), closed),
    ):
        policy = policy_of(collection=collection)
        pot, rule = payer_of_fixed(meter, _NOON_S, kinds.TIME_TRUSTED, policy, 1000)
        yield text, kinds.POT_NAMES[pot] if pot else "nobody", kinds.RULE_TEXTS[rule]


def statuses() -> Iterator[tuple[str, ...]]:
    """The state of each credit as DLMS names it; emergency credit of 9,000 is offered from 2,000 down."""
    invoked = {"emergency_invoked": 1, "emergency_limit": 9000}
    for text, meter in (
        ("token credit of 100,000", meter_of(100_000)),
        ("token credit of 1,500", meter_of(1500)),
        ("the same, emergency credit invoked", meter_of(1500, **invoked)),
        ("no credit, 2,000 of it used", meter_of(emergency=-2000, **invoked)),
        ("no credit, all of it used", meter_of(emergency=-9000, **invoked)),
        ("paid for again, half of it repaid", meter_of(50_000, emergency=-4500, **invoked)),
        ("token credit of 100,000 and reserved credit of 6,000", meter_of(100_000, reserved=6000)),
    ):
        policy = policy_of(emergency_limit=9000, emergency_threshold=2000, emergency_activation=AUTOMATIC)
        tokens, emergency = credit.token_status(meter, policy), credit.emergency_status(meter, policy)
        reserved = credit.reserved_status(meter, policy)
        yield text, STATUS[tokens], STATUS[emergency], STATUS[reserved], f"{credit.available(meter, policy):,}"


def top_ups() -> Iterator[tuple[str, ...]]:
    """What becomes of a token of 10,000."""
    for owed, used, debt, emergency, service in (
        (0, 0, 100, 100, 0),
        (3000, 0, 100, 100, 0),
        (3000, 2000, 100, 100, 0),
        (30_000, 2000, 100, 100, 0),
        (30_000, 2000, 30, 100, 0),
        (30_000, 2000, 100, 100, 25),
        (30_000, 9000, 50, 50, 25),
    ):
        split = lines(10_000, 0, owed, used, Shares(0, 0, debt, emergency, service))
        shares = f"{debt} %", f"{emergency} %", f"{service} %"
        yield f"{owed:,}", f"{used:,}", *shares, *[f"{amount:,}" for amount in split[1:]]


def doses() -> Iterator[tuple[str, ...]]:
    """What a slot of the lifeline brings: 25 litres a day from 04:00."""
    for text, values, least, days_ago, left in (
        ("the first slot", {}, 0, -1, 0),
        ("the next day, 10,000 ml were left", {}, 0, 1, 10_000),
        ("the same, unused quota is kept for two slots", {"lifeline_carry_periods": 2}, 0, 1, 10_000),
        ("the same, after five days", {"lifeline_carry_periods": 2}, 0, 5, 10_000),
        ("two releases a day", {"lifeline_releases": 2}, 0, 1, 0),
        ("the floor guarantees 50,000 ml a day", {}, 50_000, 1, 0),
        ("this slot's quota was given", {}, 0, 0, 10_000),
    ):
        policy = policy_of(**{"lifeline_quota_ml": _QUOTA_ML, **values})
        before = 0 if days_ago < 0 else lifeline.slot_at(_NOON_S - days_ago * 86400, policy)
        meter = meter_of(0, kinds.LIFELINE, lifeline_slot=before, lifeline_left=left)
        given = lifeline.due(meter, _NOON_S, policy, Floor(lifeline_quota_ml=least))
        yield text, "nothing new" if given is None else f"{given[1]:,} ml"


def identifiers() -> Iterator[tuple[str, ...]]:
    """Whether a token identifier can still be taken."""
    words = {FRESH: "taken, once", OLD: "refused: old", USED: "refused: used"}
    few, full = TidMemory(1000), TidMemory(1000)
    for memory, tids in ((few, (2000, 3000)), (full, range(2000, 2000 + SIZE))):
        for tid in tids:
            memory.accept(tid)
    for text, memory, tid in (
        ("newer than all that were used", few, 4000),
        ("older than one that was used, but not used itself", few, 2500),
        ("used before", few, 2000),
        ("not newer than the meter's enrolment", few, 1000),
        (f"older than the last {SIZE} that were used", full, 1500),
    ):
        yield text, words[memory.judge(tid)]


def tables() -> list[Table]:
    """(title, what holds for every row, heads of columns, rows)."""
    who = ("Situation", "Supply", "Why")
    pays = ("Situation", "Paid by", "At most", "Why")
    split = (
        "Owed",
        "Emergency used",
        "Share of debt",
        "Of emergency",
        "For service",
        "To debt",
        "To emergency",
        "Credit",
    )
    status = ("Situation", "Token credit", "Emergency credit", "Reserved credit", "Available")
    return [
        ("Supply of an open meter", "Full supply, prepaid, trusted clock, at noon; no lifeline.", who, out_of_credit()),
        ("Supply of a closed meter", "Closed, prepaid, at noon; it opens above 50,000.", who, reconnected()),
        ("What decides beside credit", "Full supply, trusted clock, at noon.", who, beside_credit()),
        ("The floor", "Full supply, no credit, trusted clock, at noon.", who, floors()),
        ("Who pays for what flows", "Full supply, trusted clock, at noon.", pays, payers()),
        (
            "Who pays a fixed charge",
            "A charge of 1,000; one pot pays all of it.",
            ("Situation", *pays[1::2]),
            fixed_payers(),
        ),
        ("The state of each credit", "Emergency credit of 9,000, offered from 2,000 down.", status, statuses()),
        ("A top-up of 10,000", "Debt first; what is kept for service always buys service.", split, top_ups()),
        ("The lifeline's quota", "25,000 ml a day from 04:00, asked at noon.", ("Situation", "To draw"), doses()),
        (
            "Token identifiers",
            "A token is taken once, and none behind the memory.",
            ("Identifier", "Token"),
            identifiers(),
        ),
    ]


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *[_section(*table) for table in tables()]])


def _section(title: str, holds: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    parts = [f"## {title}", "", holds, "", _line(heads), _line(["---"] * len(heads))]
    return "\n".join([*parts, *[_line(row) for row in rows], ""])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str]) -> int:
    """Write the page into the file that is named, or print it."""
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
