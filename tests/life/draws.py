"""Random documents and orders, each one that a utility could sign."""

from hypothesis import strategies as st

from shared import documents, kinds
from tests.fakes.house import START_S
from tests.life.calendars import Hours

DAY = START_S // 86400
VOLUMES = st.sampled_from((0, 1, 999, 5000, 20_000, 50_000, 300_000))
PERCENT = st.sampled_from((0, 1, 33, 50, 100))
MINUTES = st.integers(0, 1439)
SWITCH = st.integers(0, 1)

POLICIES = st.fixed_dictionaries(
    {"untrusted_clock_cap": VOLUMES, "lifeline_quota_ml": VOLUMES},
    optional={
        "low_credit_threshold": VOLUMES,
        "very_low_credit_threshold": VOLUMES,
        "disablement_threshold": VOLUMES,
        "reconnect_threshold": VOLUMES,
        "max_meter_balance": st.sampled_from((100_000, 1 << 40, 1 << 40)),
        "days_left_warning": st.integers(0, 9),
        "tid_ahead_max_min": st.sampled_from((1, 10080, 1 << 31)),
        "emergency_limit": VOLUMES,
        "emergency_threshold": VOLUMES,
        "emergency_activation": st.integers(0, 2),
        "emergency_auto_from_min": MINUTES,
        "emergency_auto_to_min": MINUTES,
        "reserved_activation": st.integers(0, 2),
        "debt_percent": PERCENT,
        "emergency_percent": PERCENT,
        "min_service_percent": PERCENT,
        "collection": st.integers(0, 0xFFFFFFFF),
        "allowance_day": VOLUMES,
        "allowance_max": VOLUMES,
        "lifeline_start_min": MINUTES,
        "lifeline_releases": st.integers(1, 4),
        "lifeline_carry_periods": st.integers(0, 3),
        "lifeline_month_reset": SWITCH,
        "lifeline_charged": SWITCH,
        "lifeline_untrusted_ml": st.sampled_from((1000, 25_000)),
        "drip_allowed": SWITCH,
        "least_supply": st.sampled_from((0, 0, 0, 1, 2, 3)),
        "cycles_a_day": st.integers(1, 6),
        "closed_flow_cap_ml": VOLUMES,
        "leak_h": st.integers(0, 24),
        "burst_l_h": st.sampled_from((0, 100, 3000)),
        "burst_s": st.sampled_from((0, 60, 600)),
        "burst_safety_s": st.sampled_from((0, 60, 3600)),
        "drip_l_h": st.sampled_from((0, 10)),
        "stuck_days": st.integers(0, 3),
        "exercise_days": st.integers(0, 3),
        "emergency_open_s": st.sampled_from((0, 600, 86400)),
        "emergency_open_days": st.integers(0, 30),
        "calendar_expires_s": st.sampled_from((START_S - 86400, START_S + 86400 * 20, START_S + 86400 * 400)),
        "reconnect_armed": SWITCH,
    },
)
WINDOWS = st.lists(st.tuples(st.integers(1, 255), MINUTES, MINUTES), max_size=3)
HOURS = st.builds(
    Hours,
    st.sampled_from((0, 60, 330, -480)),
    WINDOWS,
    st.sets(st.integers(DAY, DAY + 400), max_size=4).map(sorted),
)
BLOCKS = st.builds(
    lambda limits, prices: list(zip([*sorted(limits), 0], prices, strict=False)),
    st.sets(st.integers(1, 20_000_000), max_size=3),
    st.lists(st.sampled_from((0, 1, 7, 90_000, 250_001, 3_000_000)), min_size=4, max_size=4),
)
MODES = st.sets(
    st.sampled_from(
        (
            kinds.MODE_CREDIT,
            kinds.MODE_BULK,
            kinds.MODE_CRITICAL,
            kinds.MODE_BYPASS,
            kinds.MODE_TRICKLE,
            kinds.MODE_ARREARS,
        )
    ),
    max_size=3,
).map(sum)
CONTROLS = st.integers(1, kinds.CONTROLS)
CODES = st.sampled_from((51, 60, 61, 62, 91))


def control(channel: int, action: int, until_s: int) -> bytes:
    """The payload of an order to the valve."""
    return documents.CONTROL_PAYLOAD.encode(channel=channel, action=action, until_s=until_s)


def mode(channel: int, bits: int, group: int) -> bytes:
    """The payload of a change of mode."""
    return documents.MODE_PAYLOAD.encode(channel=channel, mode=bits, group=group)


def adjustment(channel: int, pot: int, delta: int) -> bytes:
    """The payload that sets a balance right."""
    return documents.ADJUST_PAYLOAD.encode(channel=channel, pot=pot, delta=delta)
