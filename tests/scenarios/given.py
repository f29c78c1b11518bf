"""What a scenario begins with. A Given comes before the gateway has power, but for what is said of its clock."""

from tests.scenarios.plan import COMMODITIES, MODES

_LANGUAGES = {"English": "en", "French": "fr"}


def _before(change):
    """A sentence that shapes the gateway, and so comes before it runs."""

    def run(world, channel, *values):
        if world.house is not None:
            raise ValueError("this belongs before the clock and before the first When")
        change(world.plan, channel, *values)

    return run


def _a_meter(plan, _channel, commodity, balance=0):
    if commodity not in COMMODITIES:
        raise ValueError('"{}" is none of {}'.format(commodity, ", ".join(COMMODITIES)))
    plan.add_meter(commodity, balance)


def _meters(plan, _channel, count, commodity, balance):
    for _meter in range(count):
        _a_meter(plan, 0, commodity, balance)


def _mode(plan, channel, name):
    if name not in MODES:
        raise ValueError('"{}" is none of {}'.format(name, ", ".join(sorted(MODES))))
    plan.set_mode(channel, MODES[name])
    if name == "with a bypass":
        plan.bypass[channel] = True


def _pulse(plan, channel, volume_ml):
    plan.meters[channel]["pulse_volume_ml"] = volume_ml


def _register(plan, channel, volume_ml):
    plan.meters[channel]["opening_register"] = volume_ml


def _begins(plan, _channel, moment):
    plan.begins = moment


def _panel(plan, _channel, columns, rows):
    plan.panel = (columns, rows, plan.panel[2])


def _language(plan, _channel, name):
    plan.panel = (plan.panel[0], plan.panel[1], _LANGUAGES[name])


def _tariff(plan, _channel, version, words):
    plan.add_tariff(version, words)


def _tariff_from(plan, _channel, version, moment, words):
    plan.add_tariff(version, words, moment)


def trust(world, _channel):
    """Signed time comes in."""
    world.start()
    world.set_clock(world.now_s)
    if not world.house.gateway.clock_is_trusted():
        raise AssertionError("the gateway did not take the time: " + world.reply)


def _nothing(world, _channel):
    world.start()


SENTENCES = (
    ("a {word} meter with {amount}", _before(_a_meter)),
    ("an {word} meter with {amount}", _before(_a_meter)),
    ("a {word} meter", _before(_a_meter)),
    ("an {word} meter", _before(_a_meter)),
    ("{number} {word} meters with {amount} each", _before(_meters)),
    ("it is {words}", _before(_mode)),
    ("a pulse of {volume}", _before(_pulse)),
    ("a register of {volume}", _before(_register)),
    ("the policy: {words}", _before(lambda plan, _channel, words: plan.set_policy(words))),
    ("the floor: {words}", _before(lambda plan, _channel, words: plan.set_floor(words))),
    ("the tariff {number} from {moment}: {words}", _before(_tariff_from)),
    ("the tariff {number}: {words}", _before(_tariff)),
    ("the time is {moment}", _before(_begins)),
    ("a display of {number} by {number}", _before(_panel)),
    ("a display in {word}", _before(_language)),
    ("the clock is trusted", trust),
    ("the clock is not trusted", _nothing),
)
