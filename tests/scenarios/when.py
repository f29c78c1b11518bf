"""What happens in a scenario: water, time, customer, utility, and what breaks."""

from shared import documents, kinds
from shared.policy import FLOOR_FIELDS, POLICY_FIELDS, encode_fields
from shared.sts.fields import ClearTamperCondition, MeterTest, SetMaximumPowerLimit
from shared.sts.token import encode
from tests.fakes.house import signed_policy
from tests.scenarios.given import trust
from tests.scenarios.plan import COMMODITIES, MODES, signed_floor, signed_tariff
from tests.scenarios.policy_words import floor_fields, policy_fields, pot_number, tariff_fields

_ALL = 255
_DISPLAY_TEST = 4  # the bit of the test of the display


def _flow(world, channel, volume_ml):
    world.draw(channel, volume_ml)


def _flow_in(world, channel, volume_ml, seconds):
    world.run_for(channel, volume_ml * 86400 // seconds, seconds, only_open=False)
    world.settle()


def _taps(world, channel, rate_ml, seconds):
    world.run_for(channel, 24 * rate_ml, seconds)


def _use(world, channel, a_day_ml, seconds):
    world.run_for(channel, a_day_ml, seconds)


def _leaks(world, channel, rate_ml):
    world.running[channel] = (24 * rate_ml, False)


def _leaks_no_more(world, channel):
    world.running.pop(channel, None)


def _reverse(world, channel, volume_ml):
    gateway = world.house.gateway
    gateway.reverse_pulses(channel, 0, world.house.now_ms)
    gateway.reverse_pulses(channel, volume_ml // world.pulse_volume_ml(channel), world.house.now_ms)
    world.settle()


def _pass(world, _channel, seconds):
    world.wait(seconds)


def _token(world, channel, amount):
    world.type(channel, world.token(channel, amount))


def _old_token(world, channel, amount, seconds):
    world.type(channel, world.token(channel, amount, world.now_s - seconds))


def _future_token(world, channel, amount, seconds):
    world.type(channel, world.token(channel, amount, world.now_s + seconds))


def _same_token(world, channel):
    world.type(channel, world.tokens[-1])


def _token_of(world, channel, number):
    world.type(channel, world.tokens[number - 1])


def _wrong(world, channel):
    """Twenty digits that no key of this utility makes: one digit of a real token is another."""
    digits = world.token(channel, 100000)
    world.type(channel, digits[:-1] + str((int(digits[-1]) + 1) % 10))


def _test_token(world, channel):
    """Class 1, in clear: the test of the display."""
    world.type(channel, encode(MeterTest(0, _DISPLAY_TEST), None))


def _clear_tamper(world, channel):
    world.type(channel, world.management(channel, ClearTamperCondition))


def _water_token(world, channel, amount):
    meter = world.plan.meters[channel]
    kept = meter["commodity"]
    meter["commodity"] = COMMODITIES["water"]
    digits = world.token(channel, amount)
    meter["commodity"] = kept
    world.type(channel, digits)


def _power_limit(world, channel, rate):
    world.type(channel, world.management(channel, SetMaximumPowerLimit, rate // 1000))


def _keys(world, channel, keys):
    world.type(channel, keys)


def _pressed(world, _channel, keys):
    world.result = world.press(keys)


def _sent(world, channel, amount):
    world.send_token(channel, world.token(channel, amount))


def _sent_again(world, channel):
    world.send_token(channel, world.tokens[-1])


def _vended(world, channel, amount):
    world.token(channel, amount)


def _control(action):
    def run(world, channel, seconds=None):
        until_s = world.core.clock.now() + seconds if seconds else 0
        target = _ALL if action == kinds.CONTROL_OPEN_ALL else channel
        payload = documents.CONTROL_PAYLOAD.encode(channel=target, action=action, until_s=until_s)
        world.command(documents.COMMAND_CONTROL, payload)

    return run


def _mode(world, channel, words):
    """All that the meter is from now on: `in credit mode and limited for arrears`, `prepaid`."""
    bits = 0
    for name in words.split(" and "):
        if name != "prepaid":
            if name not in MODES:
                raise ValueError('"{}" is none of prepaid, {}'.format(name, ", ".join(sorted(MODES))))
            bits |= MODES[name]
    kept = world.meter(channel).mode & (kinds.MODE_CURRENCY | kinds.MODE_BYPASS | kinds.MODE_CRITICAL)
    group = world.meter(channel).group
    payload = documents.MODE_PAYLOAD.encode(channel=channel, mode=bits | kept, group=group)
    world.command(documents.COMMAND_MODE, payload)


def _adjust(sign):
    def run(world, channel, amount, pot):
        payload = documents.ADJUST_PAYLOAD.encode(channel=channel, pot=pot_number(pot), delta=sign * amount)
        world.command(documents.COMMAND_ADJUST, payload)

    return run


def _factor(world, channel, volume_ml):
    payload = documents.FACTOR_PAYLOAD.encode(channel=channel, pulse_volume_ml=volume_ml)
    world.command(documents.COMMAND_FACTOR, payload)


def _policy(world, _channel, words):
    """The clauses replace those that were said before; the others stay."""
    fields = dict(world.plan.opened_policy)
    fields.update(policy_fields(words))
    world.plan.opened_policy = fields
    encode_fields(POLICY_FIELDS, fields)
    version = world.house.state.policy_of(0)[0] + 1
    world.command(documents.COMMAND_POLICY, signed_policy(version, **fields))


def _floor(world, _channel, words):
    fields = floor_fields(words)
    encode_fields(FLOOR_FIELDS, fields)
    world.command(documents.COMMAND_FLOOR, signed_floor(world.house.state.floor_version + 1, fields))


def _tariff(world, _channel, version, moment, words):
    from_s = world.policy(0).calendar.zone.instant(moment[0], moment[1])
    world.command(documents.COMMAND_TARIFF, signed_tariff(version, from_s, tariff_fields(words)))


def _cut(world, _channel, seconds):
    world.cut_power(seconds)


def _cuts(world, _channel, times, on_s, off_s):
    for _time in range(times):
        world.wait(on_s)
        world.cut_power(off_s)


def _jam(jammed):
    def run(world, channel):
        world.house.valves[channel].jammed = jammed

    return run


def _lid(opened):
    def run(world, _channel):
        world.wait(11)  # changes of the lid are written 10 s apart
        world.house.gateway.lid(opened, world.house.now_ms)
        world.settle()

    return run


def _magnet(on):
    def run(world, _channel):
        world.house.gateway.magnet(on, world.house.now_ms)
        world.settle()

    return run


def _clock_off(sign):
    def run(world, _channel, seconds):
        world.set_clock(world.now_s + sign * seconds)

    return run


def _until(world, _channel, minute):
    world.wait_until(None, minute)


def _until_day(world, _channel, moment):
    world.wait_until(moment[0], moment[1])


SENTENCES = (
    ("{volume} flow", _flow),
    ("{volume} flow in {duration}", _flow_in),
    ("{volume} flow backwards", _reverse),
    ("the taps run at {rate} for {duration}", _taps),
    ("{volume} a day are used for {duration}", _use),
    ("the valve leaks {rate}", _leaks),
    ("the valve leaks no more", _leaks_no_more),
    ("the valve jams", _jam(True)),
    ("the valve is free again", _jam(False)),
    ("{duration} pass", _pass),
    ("{duration} passes", _pass),
    ("it is {moment}", _until_day),
    ("it is {time}", _until),
    ("the customer types a token of {amount}", _token),
    ("the customer types a token of {amount} made {duration} ago", _old_token),
    ("the customer types a token of {amount} made {duration} ahead", _future_token),
    ("the customer types the same token", _same_token),
    ("the customer types token number {number}", _token_of),
    ("the customer types a wrong token", _wrong),
    ("the customer types a water token of {amount}", _water_token),
    ("the customer types a token that clears the mark", _clear_tamper),
    ("the customer types a test token", _test_token),
    ("the customer types a token that limits it to {rate}", _power_limit),
    ("the customer types {word}", _keys),
    ("the customer presses {word}", _pressed),
    ("the utility makes a token of {amount}", _vended),
    ("the utility sends a token of {amount}", _sent),
    ("the utility sends the same token", _sent_again),
    ("the utility sends the time", trust),
    ("the utility sends a time {duration} ahead", _clock_off(1)),
    ("the utility sends a time {duration} back", _clock_off(-1)),
    ("the operator disconnects it", _control(kinds.CONTROL_DISCONNECT)),
    ("the operator connects it", _control(kinds.CONTROL_CONNECT)),
    ("the operator arms it", _control(kinds.CONTROL_ARM)),
    ("the operator closes it for safety for {duration}", _control(kinds.CONTROL_SAFETY)),
    ("the operator ends the closure for safety", _control(kinds.CONTROL_SAFETY_OVER)),
    ("the operator opens all for {duration}", _control(kinds.CONTROL_OPEN_ALL)),
    ("the operator makes it {words}", _mode),
    ("the operator adds {amount} to the {words}", _adjust(1)),
    ("the operator takes {amount} from the {words}", _adjust(-1)),
    ("the operator sets a pulse of {volume}", _factor),
    ("the policy becomes: {words}", _policy),
    ("the floor becomes: {words}", _floor),
    ("the tariff {number} is sent, from {moment}: {words}", _tariff),
    ("the power is away for {duration}", _cut),
    ("the power fails {number} times, after {duration} for {duration}", _cuts),
    ("the lid is opened", _lid(True)),
    ("the lid is closed", _lid(False)),
    ("a magnet is held to it", _magnet(True)),
    ("the magnet is taken away", _magnet(False)),
)
