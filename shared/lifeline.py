"""The lifeline's quota: so much each slot, what is unused carried over, begun anew on the 1st of a month.

A slot is a part of the day that begins at `lifeline_start_min`. Slots follow the gateway's clock, which runs on by
uptime while it is not trusted and never back: a restart renews nothing.
"""

from shared.civil import date_of, month_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.policy import Floor, Policy
    from shared.state import MeterState

_DAY_MIN = 1440
SLOTS_A_DAY = 4  # numbers, however many releases a policy has: with another policy they must not begin anew
_LEFT_MAX = 0xFFFFFFFF


def quota_ml(policy: "Policy", floor: "Floor") -> int:
    """ml of one slot: by policy or floor, the greater; what an untrusted clock gives where neither says anything."""
    a_day = max(policy.lifeline_quota_ml, floor.lifeline_quota_ml) or policy.lifeline_untrusted_ml
    return int(min(a_day // policy.lifeline_releases, _LEFT_MAX))


def slot_at(time_s: int, policy: "Policy") -> int:
    """The number of the slot that a time lies in; it rises with time."""
    day, minute = policy.calendar.local(time_s)
    minute -= policy.lifeline_start_min
    if minute < 0:
        day, minute = day - 1, minute + _DAY_MIN
    return int(day * SLOTS_A_DAY + minute * policy.lifeline_releases // _DAY_MIN)


def due(meter: "MeterState", time_s: int, policy: "Policy", floor: "Floor") -> "tuple[int, int] | None":
    """(slot, ml to draw in it) when a slot has begun that the meter has not been given, else None."""
    slot = slot_at(time_s, policy)
    if slot <= meter.lifeline_slot:
        return None
    quota = quota_ml(policy, floor)
    return slot, min(quota + _carried(meter, slot, quota, policy), _LEFT_MAX)


def _carried(meter: "MeterState", slot: int, quota: int, policy: "Policy") -> int:
    """Unused quota of slots before; of this month's only, where the 1st begins anew."""
    if not meter.lifeline_slot:
        return 0
    releases = policy.lifeline_releases
    day, index = slot // SLOTS_A_DAY, slot % SLOTS_A_DAY
    last_day, last_index = meter.lifeline_slot // SLOTS_A_DAY, min(meter.lifeline_slot % SLOTS_A_DAY, releases - 1)
    left = meter.lifeline_left + max((day - last_day) * releases + index - last_index - 1, 0) * quota
    if policy.lifeline_month_reset and month_of(day) != month_of(last_day):
        left = ((date_of(day)[2] - 1) * releases + index) * quota
    return int(min(left, policy.lifeline_carry_periods * quota))
