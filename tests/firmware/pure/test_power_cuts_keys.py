"""The power goes after every byte of a key change and of a void token: all of it happened, or nothing."""

from shared import kinds
from shared.sts.fields import ClearCredit, SetMaximumPowerLimit
from shared.sts.void import Void
from tests.fakes.cuts import copies_of, cut_everywhere, prepared
from tests.fakes.house import House, decoder_key
from tests.fakes.keys import check_of, credit, managed, new_key, sections, tid_of


def changed_once():
    """A gateway whose key was changed before, so that both slots are in use."""
    house = prepared()
    first = new_key(0x11)
    for digits in sections(first):
        house.type(digits)
    return house, first


def test_the_old_key_or_the_new_one_is_in_force_whenever_the_power_goes():
    first = prepared()
    second, second_key = changed_once()
    for house, old in ((first, decoder_key(0)), (second, second_key.decoder_key)):
        _cut_a_key_change(house, old, roll_over=False)


def test_a_roll_over_is_whole_or_did_not_happen_whenever_the_power_goes():
    house = House(base_year=1993, tid_minimum=16000000)
    house.type(house.token(48, tid=16000001))

    _cut_a_key_change(house, decoder_key(0), roll_over=True)


def _cut_a_key_change(house, old, roll_over):
    new = new_key(roll_over=roll_over)
    digits = sections(new, old)
    figures = _credit(house.meter())
    tids = list(house.meter().tids.tids)
    old_check = house.meter().key_check

    def change(house):
        for section in digits:
            house.type(section)

    def check(house, done):
        meter = house.meter()
        assert _credit(meter) == figures
        assert meter.key_check == check_of(new) or (meter.key_check == old_check and not done)
        emptied = roll_over and meter.key_check == check_of(new)
        assert meter.tids.tids == ([] if emptied else tids)
        assert house.type(digits[0]) == (2 if meter.key_check == old_check else 13)
        if meter.key_check == old_check:
            change(house)
        house.reboot()
        assert house.meter().key_check == check_of(new)
        assert house.type(credit(1, tid_of(5000), new)) == 1

    cuts = cut_everywhere(copies_of(house), change, check)

    assert cuts > 500


def _credit(meter):
    """What was given: no charge changes it."""
    return meter.pots[kinds.TOKEN_CREDIT] + meter.register, meter.credited


def test_either_slot_may_rot_after_every_cut_of_a_second_key_change():
    house, first = changed_once()
    new = new_key()
    digits = sections(new, first.decoder_key)

    def change(house):
        for section in digits:
            house.type(section)

    def check(house, done):
        for damaged in ("key-0-a", "key-0-b"):
            house.flash.flip(damaged, 20)
            house.reboot()
            assert house.gateway.recovery == ""
        assert house.meter().key_check in (check_of(first), check_of(new))

    cut_everywhere(copies_of(house), change, check)


def test_a_void_is_whole_or_did_not_happen_whenever_the_power_goes():
    house = prepared()
    target = house.token(5, tid=tid_of(60))
    void = managed(Void(tid_of(5000), tid_of(60)))
    tids = list(house.meter().tids.tids)

    def check(house, done):
        held = list(house.meter().tids.tids)
        burned = tids + [tid_of(60), tid_of(5000)]
        assert held == burned or (held == tids and not done)
        assert house.type(void) == (10 if held == burned else 1)
        assert house.type(target) == 10

    cuts = cut_everywhere(copies_of(house), lambda house: house.type(void), check)

    assert cuts > 150


def test_clearing_and_limiting_are_whole_or_did_not_happen_whenever_the_power_goes():
    house = prepared()
    balance = house.balance()
    clear = managed(ClearCredit(1, tid_of(70), 1))
    limit = managed(SetMaximumPowerLimit(1, tid_of(71), 600))

    def work(house):
        house.type(clear)
        house.type(limit)

    def check(house, done):
        cleared = tid_of(70) in house.meter().tids.tids
        limited = tid_of(71) in house.meter().tids.tids
        assert house.balance() == (0 if cleared else balance) and (limited or not done)
        assert house.meter().flow_limit == (600 if limited else 0) and (cleared or not limited)
        work(house)
        assert house.balance() == 0 and house.meter().flow_limit == 600

    cut_everywhere(copies_of(house), work, check)
