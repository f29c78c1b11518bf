"""The power goes while a gateway is enrolled, while an epoch begins, and again and again in a long life."""

from firmware import enrol, settings
from shared import kinds
from shared.slices import finish
from tests.fakes.auditor import audit, never_back, progress
from tests.fakes.cuts import prepared
from tests.fakes.flash import Flash, PowerCut
from tests.fakes.house import START_S, House, bundle, enrolled_flash, identity

WRONG = "00000000000000000001"


def test_enrolment_is_whole_or_can_be_repeated_whenever_the_power_goes():
    opened = bundle(2, opening_balance=7000)
    cut = 0
    done = False
    while not done:
        flash = Flash(cut_after=cut)
        try:
            settings.offer_identity(flash, identity())
            enrol.store_bundle(flash, opened)
            done = True
        except PowerCut:
            pass
        flash = flash.after_reboot()
        if settings.offered_identity(flash) is None:
            settings.offer_identity(flash, identity())
        if not done and cut % 2:
            enrol.store_bundle(flash, opened)
        if settings.load(flash) is not None:
            house = House(2, flash)
            audit(house)
            assert house.balance(0) == house.balance(1) == 7000
            assert house.kinds() == ["open", "policy", "meter", "meter", "boot"]
        cut += 1

    assert cut > 900


def test_a_new_epoch_is_whole_or_can_be_repeated_whenever_the_power_goes():
    old = prepared()
    old_head = old.gateway.core.store.head[:26]
    keys = enrol.identity(old.flash, bytes, renew=True)
    opened = bundle(1, epoch=2, opening_balance=old.balance())
    cut = 0
    done = False
    while not done:
        flash = old.flash.after_reboot()
        flash.cut_after = cut
        try:
            enrol.store_bundle(flash, opened)
            done = True
        except PowerCut:
            pass
        house = House(1, flash.after_reboot())
        audit(house)
        if house.state.epoch == 2:
            first = house.entries()[0]
            assert (first.kind, first.detail, first.digest) == (kinds.OPEN, 1, old_head)
            assert house.gateway.core.identity.device_public == keys.device_public
            assert house.meter().pots[kinds.TOKEN_CREDIT] == old.balance()
        cut += 1

    assert house.state.epoch == 2


def test_a_long_life_with_cuts_at_random_bytes_keeps_every_invariant():
    seed = 20261121
    print("seed", seed)
    random = Lcg(seed)
    house = House(2, enrolled_flash(bundle(2)))
    shown = [0, 0]  # credit that the customers saw accepted
    for _ in range(150):
        before = progress(house)
        house.flash.cut_after = house.flash.written + random.below(3000)
        try:
            for _ in range(40):
                live(house, random, shown)
        except PowerCut:
            pass
        house.reboot()
        audit(house)
        assert never_back(before, progress(house))
        for channel in (0, 1):
            assert house.meter(channel).credited >= shown[channel], "a token that was shown is lost"
            shown[channel] = house.meter(channel).credited


def live(house, random, shown):
    """One random event."""
    channel = random.below(2)
    event = random.below(6)
    if event == 0:
        if house.type(house.token(1 + random.below(9), channel), channel) == 1:
            shown[channel] = house.meter(channel).credited
    elif event == 1:
        house.type(WRONG, channel)
    elif event == 2:
        house.now_ms += 100000
        finish(house.gateway.core.store.checkpoint_steps(START_S, 0, 20))
    elif event == 3:
        finish(house.gateway.messages.batch_steps())
    else:
        house.flow(random.below(120), channel)
        house.step(3)


class Lcg:
    """Random numbers that both interpreters agree on."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit
