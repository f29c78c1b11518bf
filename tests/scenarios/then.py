"""What a scenario expects: balances, supply, the valve, the display, the ledger. A check says what it found instead."""

from firmware.charges import charges
from shared import kinds
from shared.entries import BODY_SIZE, decode
from tests.scenarios.policy_words import supply_number

_LOOK_S = 120  # a display turns its pages: so long one looks
_SUPPLIES = ("CLOSED", "DRIP", "LIFELINE", "FULL")
_WORDS = {
    "ACCEPTED": 1,
    "FULL": 4,
    "RANGE": 7,
    "OLD": 9,
    "USED": 10,
    "EXPIRED": 11,
    "REJECTED": 13,
    "LOCKED": 15,
}


def _same(found, wanted, what):
    if found != wanted:
        raise AssertionError("{} is {}".format(what, found))


def _amount(pot, sign=1):
    return lambda world, channel, wanted: _same(sign * world.figures(channel).pots[pot], wanted, "it")


def _balance(world, channel, wanted):
    _same(world.house.gateway.balance(channel), wanted, "the balance")


def _nothing_owed(world, channel):
    _same(world.figures(channel).pots[kinds.ACCUMULATED_DEBT], 0, "what is owed")


def _register(world, channel, wanted):
    _same(world.core.registers[channel].volume_ml, wanted, "the register")


def _register_at_least(world, channel, least):
    found = world.core.registers[channel].volume_ml
    if found < least:
        raise AssertionError("the register is {}".format(found))


def _register_at_most(world, channel, most):
    found = world.core.registers[channel].volume_ml
    if found > most:
        raise AssertionError("the register is {}".format(found))


def _valve(opened):
    def check(world, channel):
        world.settle()
        valve = world.house.valves[channel]
        if not (valve.is_open() if opened else valve.is_closed()):
            raise AssertionError("the valve stands {}; {}".format(_position(valve), _why(world, channel)))

    return check


def _bypass(on):
    return lambda world, channel: _same(world.house.valves[channel].bypassed, on, "whether the bypass is open")


def _position(valve):
    return {True: "open", False: "closed", None: "between"}[valve.position]


def _supply(world, channel, name):
    wanted = supply_number(name)
    world.settle()
    found = world.meter(channel).intent
    if found != wanted:
        raise AssertionError("the supply is {}; {}".format(_SUPPLIES[found], _why(world, channel)))


def _why(world, channel):
    for entry in reversed(_entries(world, 1)):
        if entry.kind == kinds.VALVE_INTENT and entry.meter == channel:
            return "by: " + kinds.RULE_TEXTS[entry.rule]
    return "nothing was decided"


def _answer(world, _channel, name):
    wanted = _WORDS.get(name)
    if wanted is None:
        raise ValueError("{} is none of {}".format(name, ", ".join(sorted(_WORDS))))
    _same(world.result, wanted, "the result code")


def _answer_code(world, _channel, code):
    _same(world.result, code, "the result code")


def _done(world, _channel):
    if not world.reply.endswith(": result 1"):
        raise AssertionError("the gateway said: " + world.reply)


def _refused(world, _channel):
    if world.reply.endswith(": result 1"):
        raise AssertionError("the gateway said: " + world.reply)


def _now_shown(world, _channel, text):
    lines = world.house.gateway.lines(world.house.now_ms)
    if not any(text in line for line in lines):
        raise AssertionError("it shows: " + " / ".join(lines))


def _shown(world, _channel, text):
    """On the page that is up, or on one that comes in the next two minutes."""
    seen = _look(world, text)
    if seen is not None:
        raise AssertionError("it shows: " + " | ".join(seen))


def _not_shown(world, _channel, text):
    if _look(world, text) is None:
        raise AssertionError("it shows that")


def _look(world, text):
    seen = []
    for _second in range(_LOOK_S):
        lines = world.house.gateway.lines(world.house.now_ms)
        if any(text in line for line in lines):
            return None
        page = " / ".join(lines)
        if page not in seen:
            seen.append(page)
        world.advance(1000)
    return seen


def _entries(world, first):
    """Every entry from a sequence on."""
    store = world.core.store
    found = []
    at = first
    while at <= store.state.sequence:
        bodies = store.run(at, 32, False)[1]
        found += [decode(bodies[offset : offset + BODY_SIZE]) for offset in range(0, len(bodies), BODY_SIZE)]
        at += len(bodies) // BODY_SIZE
    return found


def _reasons(world, channel, kind=None):
    """The sentences of the entries since the last When began, those of the gateway among them."""
    return [
        kinds.RULE_TEXTS[entry.rule]
        for entry in _entries(world, world.since + 1)
        if entry.meter in (channel, kinds.GATEWAY) and entry.rule and kind in (None, entry.kind)
    ]


def _known(text):
    if text not in kinds.RULE_TEXTS:
        raise ValueError('the ledger never says "{}"; shared/kinds.py has the list'.format(text))


def _said(kind, wanted):
    def check(world, channel, text):
        _known(text)
        reasons = _reasons(world, channel, kind)
        if (text in reasons) != wanted:
            raise AssertionError("it says: " + " | ".join(reasons))

    return check


def _not_warned(world, channel):
    _same(_reasons(world, channel, kinds.WARNING), [], "the list of warnings")


def _fault(begun):
    def check(world, channel, name):
        if name not in kinds.FAULT_NAMES:
            raise ValueError("no such fault; there are " + ", ".join(kinds.FAULT_NAMES))
        if (world.meter(channel).faults >> kinds.FAULT_NAMES.index(name) & 1) != begun:
            raise AssertionError("it is" + (" not" if begun else ""))

    return check


def _free(world, channel, wanted):
    """What flowed since the last When began and was charged to nobody."""
    total = 0
    register = None
    for entry in _entries(world, 1) + charges(world.core, channel):
        if entry.meter == channel:
            is_new = entry.sequence > world.since or not entry.sequence
            mine = entry.kind == kinds.CHARGE and entry.pot == kinds.NO_POT and is_new
            if mine and register is not None:
                total += entry.register - register
            register = entry.register
    _same(total, wanted, "what nobody was charged for")


def _moved(world, channel, wanted):
    world.settle()
    _same(world.house.valves[channel].motions - world.moved[channel], wanted, "the number of motions")


def _moved_at_most(world, channel, most):
    found = world.house.valves[channel].motions - world.moved[channel]
    if found > most:
        raise AssertionError("it moved {} times".format(found))


def _lifeline(world, channel, wanted):
    _same(world.figures(channel).lifeline_left, wanted, "what is left of it")


def _tampered(wanted):
    return lambda world, channel: _same(world.meter(channel).tampered, wanted, "the tamper mark")


def _time(world, _channel, moment):
    _same(world.policy(0).calendar.local(world.core.clock.now()), moment, "the gateway's clock")


def _tariff(world, channel, version):
    _same(world.meter(channel).tariff_version, version, "the tariff in force")


SENTENCES = (
    ("the balance is {amount}", _balance),
    ("the token credit is {amount}", _amount(kinds.TOKEN_CREDIT)),
    ("the emergency credit used is {amount}", _amount(kinds.EMERGENCY_CREDIT, -1)),
    ("the reserved credit is {amount}", _amount(kinds.RESERVED_CREDIT)),
    ("{amount} is owed", _amount(kinds.ACCUMULATED_DEBT)),
    ("nothing is owed", _nothing_owed),
    ("{volume} flowed that nobody is charged for", _free),
    ("the register is at least {volume}", _register_at_least),
    ("the register is at most {volume}", _register_at_most),
    ("the register is {volume}", _register),
    ("the valve is open", _valve(True)),
    ("the valve is closed", _valve(False)),
    ("the bypass is open", _bypass(True)),
    ("the bypass is closed", _bypass(False)),
    ("the valve moved {number} times", _moved),
    ("the valve moved at most {number} times", _moved_at_most),
    ("the supply is {word}", _supply),
    ("the lifeline has {volume} left", _lifeline),
    ("the answer is Err {number}", _answer_code),
    ("the answer is {word}", _answer),
    ("the command is done", _done),
    ("the command is refused", _refused),
    ("the display now says {text}", _now_shown),
    ("the display says {text}", _shown),
    ("the display does not say {text}", _not_shown),
    ("the ledger says {text}", _said(None, True)),
    ("the ledger does not say {text}", _said(None, False)),
    ("the customer is warned {text}", _said(kinds.WARNING, True)),
    ("the customer is not warned {text}", _said(kinds.WARNING, False)),
    ("the customer is not warned", _not_warned),
    ("there is the fault {text}", _fault(1)),
    ("there is no fault {text}", _fault(0)),
    ("the meter is marked as tampered", _tampered(1)),
    ("the meter is not marked as tampered", _tampered(0)),
    ("the gateway's clock says {moment}", _time),
    ("the tariff in force is {number}", _tariff),
)
