"""The clauses of a policy, a floor and a tariff in words, as the fields that are signed. Clauses stand between `;`."""

from shared import aliases, kinds
from shared.civil import Zone, zone_data
from shared.payer import CONSUMPTION, FIXED_CHARGE, OTHERWISE, WHEN_DISCONNECTED, WHEN_FRIENDLY, WHEN_LIMITED
from shared.policy import AUTOMATIC, ON_KEY
from shared.windows import HOLIDAYS
from tests.scenarios import language
from tests.scenarios.quantities import amount, date, minute

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STATES = {"CLOSED": kinds.CLOSED, "DRIP": kinds.DRIP, "LIFELINE": kinds.LIFELINE, "FULL": kinds.FULL}
_SITUATIONS = {
    "disconnected": WHEN_DISCONNECTED,
    "limited": WHEN_LIMITED,
    "friendly": WHEN_FRIENDLY,
    "otherwise": OTHERWISE,
}
_CHARGES = {"consumption": CONSUMPTION, "fixed charge": FIXED_CHARGE}
POTS = {"reserved credit": kinds.RESERVED_CREDIT, "token credit": kinds.TOKEN_CREDIT}
POTS["emergency credit"] = kinds.EMERGENCY_CREDIT
POTS["debt"] = kinds.ACCUMULATED_DEBT
# Central Europe: from the last Sunday of March, 02:00, to that of October, 03:00.
_EUROPE = ((3, 5, 6, 120), (10, 5, 6, 180))


def policy_fields(text):
    """The fields of a policy in words; ValueError names the clause that is none."""
    fields = {}
    for clause in text.split(";"):
        make, values = language.find(POLICY, clause.strip())
        fields.update(make(fields, *values))
    return fields


def floor_fields(text):
    """The fields of a floor in words."""
    fields = {}
    for clause in text.split(";"):
        make, values = language.find(FLOOR, clause.strip())
        fields.update(make(fields, *values))
    return fields


def tariff_fields(text):
    """What encode_tariff wants of a tariff in words, but for version and time."""
    fields = {"blocks": [], "fixed_month": 0, "fixed_days_max": 31, "counters": kinds.COUNTER_CONTINUE}
    for clause in text.split(";"):
        make, values = language.find(TARIFF, clause.strip())
        fields.update(make(fields, *values))
    return fields


def pot_number(name):
    """The pot of a name as sentences use it."""
    if name not in POTS:
        raise ValueError('"{}" is no pot; there are {}'.format(name, ", ".join(sorted(POTS))))
    return POTS[name]


def supply_number(name):
    """CLOSED, DRIP, LIFELINE or FULL as a number."""
    if name not in _STATES:
        raise ValueError('"{}" is none of CLOSED, DRIP, LIFELINE, FULL'.format(name))
    return _STATES[name]


def _field(name):
    return lambda _fields, value: {name: value}


def _fixed(**values):
    return lambda _fields: values


def _hours(name, factor):
    return lambda _fields, seconds: {name: seconds // factor}


def _windows(name):
    return lambda _fields, text: {name: b"".join([_window(row.strip()) for row in text.split(",")])}


def _window(text):
    """`Mon-Fri 18:00-08:00`, `Sun and holidays 00:00-24:00` -> a row of 5 bytes."""
    days, _space, times = text.rpartition(" ")
    begin, _dash, end = times.partition("-")
    bits = 0
    for name in days.split(" and "):
        bits |= _day_bits(name)
    return bytes((bits,)) + minute(begin).to_bytes(2, "big") + minute(end).to_bytes(2, "big")


def _day_bits(name):
    if name == "holidays":
        return HOLIDAYS
    first, dash, last = name.partition("-")
    if first not in _DAYS or (dash and last not in _DAYS):
        raise ValueError('"{}" are no days: write Mon-Fri, Sun and holidays'.format(name))
    bits = 0
    day = _DAYS.index(first)
    while True:
        bits |= 1 << day
        if not dash or _DAYS[day] == last:
            return bits
        day = (day + 1) % 7


def _zone(_fields, _name, offset):
    sign = -1 if offset[0] == "-" else 1
    return {"zone": zone_data(sign * minute(offset[1:]))}


def _zone_europe(_fields, _name, offset):
    return {"zone": zone_data(minute(offset[1:]), 60, *_EUROPE)}


def _holidays(_fields, text):
    days = sorted([date(day.strip()) for day in text.split(",")])
    return {"holidays": b"".join([day.to_bytes(2, "big") for day in days])}


def _expires(fields, moment):
    """In the local time of the zone, if that was said before."""
    return {"calendar_expires_s": Zone(fields.get("zone", b"")).instant(moment[0], moment[1])}


def _night_too(_fields, limit, begin, end):
    return {
        "emergency_limit": limit,
        "emergency_activation": ON_KEY,
        "emergency_auto_from_min": begin,
        "emergency_auto_to_min": end,
    }


def _emergency(activation):
    return lambda _fields, limit: {"emergency_limit": limit, "emergency_activation": activation}


def _lifeline(_fields, quota, begin):
    return {"lifeline_quota_ml": quota, "lifeline_start_min": begin}


def _not_collected(fields, charge, pot, situation):
    """One bit of the matrix off: this credit does not pay this charge in this situation."""
    if charge not in _CHARGES or situation not in _SITUATIONS:
        raise ValueError("charges are {}; situations {}".format(", ".join(_CHARGES), ", ".join(_SITUATIONS)))
    bits = fields.get("collection", 0xFFFFFFFF)
    return {"collection": bits & ~(_SITUATIONS[situation] << 4 * (2 * (pot_number(pot) - 1) + _CHARGES[charge]))}


def _exercise(_fields, seconds, begin, end):
    return {"exercise_days": seconds // 86400, "exercise_from_min": begin, "exercise_to_min": end}


def _drip_fault(_fields, rate, seconds):
    return {"drip_l_h": rate // 1000, "drip_h": seconds // 3600}


def _burst(_fields, rate, seconds):
    return {"burst_l_h": rate // 1000, "burst_s": seconds}


def _open_by_key(_fields, seconds, every):
    return {"emergency_open_s": seconds, "emergency_open_days": every // 86400}


def _allowance(_fields, a_day, most):
    return {"allowance_day": a_day, "allowance_max": most}


def _aliases(fields, typed, code):
    return {"aliases": fields.get("aliases", b"") + aliases.encode([(code, typed)])}


POLICY = (
    ("zone {word} ({word})", _zone),
    ("zone {word} ({word} and summer time)", _zone_europe),
    ("friendly windows {words}", _windows("friendly_windows")),
    ("disconnection by hand only {words}", _windows("closing_windows")),
    ("holidays {words}", _holidays),
    ("the calendar expires {moment}", _expires),
    ("announced {duration} before friendly hours end", _hours("window_warning_min", 60)),
    ("emergency credit {amount} on key press and automatically {time} to {time}", _night_too),
    ("emergency credit {amount} on key press", _emergency(ON_KEY)),
    ("emergency credit {amount} automatically", _emergency(AUTOMATIC)),
    ("emergency credit offered from {amount}", _field("emergency_threshold")),
    ("reserved credit on key press", _fixed(reserved_activation=ON_KEY)),
    ("debt takes {percent}", _field("debt_percent")),
    ("emergency takes {percent}", _field("emergency_percent")),
    ("service keeps {percent}", _field("min_service_percent")),
    ("low credit {amount}", _field("low_credit_threshold")),
    ("very low credit {amount}", _field("very_low_credit_threshold")),
    ("warning {number} days before the end", _field("days_left_warning")),
    ("at most {amount} of credit", _field("max_meter_balance")),
    ("reconnection above {amount}", _field("reconnect_threshold")),
    ("reconnection by the customer's key", _fixed(reconnect_armed=1)),
    ("disconnection at {amount}", _field("disablement_threshold")),
    ("without a clock {volume} more", _field("untrusted_clock_cap")),
    ("without a clock a lifeline of {volume} a day", _field("lifeline_untrusted_ml")),
    ("free allowance {amount} a day up to {amount}", _allowance),
    ("lifeline {volume} a day from {time}", _lifeline),
    ("lifeline in {number} releases", _field("lifeline_releases")),
    ("lifeline carries over {number} periods", _field("lifeline_carry_periods")),
    ("lifeline goes on over the month", _fixed(lifeline_month_reset=0)),
    ("lifeline is charged", _fixed(lifeline_charged=1)),
    ("drip allowed", _fixed(drip_allowed=1)),
    ("never below {word}", lambda _fields, name: {"least_supply": supply_number(name)}),
    ("at most {number} valve cycles a day", _field("cycles_a_day")),
    ("flow while closed is charged up to {volume}", _field("closed_flow_cap_ml")),
    ("no {words} from {words} while {word}", _not_collected),
    ("the valve is exercised every {duration} from {time} to {time}", _exercise),
    ("leak after {duration} of flow", _hours("leak_h", 3600)),
    ("burst above {rate} for {duration}", _burst),
    ("a burst closes for {duration}", _field("burst_safety_s")),
    ("drip below {rate} for {duration}", _drip_fault),
    ("reverse flow above {volume} is tamper", _field("reverse_tamper_ml")),
    ("no pulses for {duration} is a fault", _hours("stuck_days", 86400)),
    ("emergency opening {duration} every {duration}", _open_by_key),
    ("the keys {word} ask {number}", _aliases),
    ("quiet {time} to {time}", lambda _fields, begin, end: {"night_from_min": begin, "night_to_min": end}),
)
FLOOR = (
    ("never below {word}", lambda _fields, name: {"minimum_supply": supply_number(name)}),
    ("critical need never below {word}", lambda _fields, name: {"critical_supply": supply_number(name)}),
    ("lifeline {volume} a day", _field("lifeline_quota_ml")),
)


def _price(fields, price):
    return {"blocks": fields["blocks"] + [(0, amount(price))]}


def _block(fields, price, limit):
    return {"blocks": fields["blocks"] + [(limit, amount(price))]}


TARIFF = (
    ("{word} per m3 up to {volume}", _block),
    ("{word} per m3", _price),
    ("{word} per kWh up to {volume}", _block),
    ("{word} per kWh", _price),
    ("fixed charge {amount} a month", _field("fixed_month")),
    ("at most {number} days of it at once", _field("fixed_days_max")),
    ("block counters go on", _fixed(counters=kinds.COUNTER_CONTINUE)),
    ("block counters begin anew", _fixed(counters=kinds.COUNTER_RESET)),
    ("blocks are cut to the rest of the month", _fixed(counters=kinds.COUNTER_PRORATE)),
)
