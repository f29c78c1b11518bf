"""Enrolment on the device: own keys once, a proof, a bundle that is for it and genuine, and one group to begin with."""

from firmware import enrol, epoch, settings
from shared import documents, ed25519, kinds, x25519
from shared.errors import SharedError
from shared.seal import SealError
from tests.fakes.auditor import audit
from tests.fakes.flash import Flash
from tests.fakes.house import (
    GATEWAY,
    START_S,
    UTILITY,
    House,
    bundle,
    enrolled_flash,
    identity,
    pseudo_random,
    sealed,
    signed_floor,
    signed_policy,
    signed_tariff,
)
from tests.helpers import raises


def flash_with_keys():
    flash = Flash()
    settings.offer_identity(flash, identity())
    return flash


def test_keys_are_made_once():
    flash = Flash()
    first = enrol.identity(flash, pseudo_random, b"installer", b"chip")

    again = enrol.identity(flash, pseudo_random, b"other", b"chip")

    assert again.device_seed == first.device_seed and again.seal_secret == first.seal_secret
    assert first.device_public == ed25519.public_key(first.device_seed)
    assert first.seal_public == x25519.public_key(first.seal_secret)
    assert first.device_seed != first.seal_secret


def test_each_source_of_randomness_changes_the_keys():
    base = enrol.identity(Flash(), pseudo_random, b"installer", b"chip").device_seed

    assert enrol.identity(Flash(), pseudo_random, b"other", b"chip").device_seed != base
    assert enrol.identity(Flash(), pseudo_random, b"installer", b"pihc").device_seed != base
    assert enrol.identity(Flash(), bytes, b"installer", b"chip").device_seed != base


def test_the_proof_is_signed_by_the_device():
    challenge = bytes(range(32))

    signature = enrol.answer(flash_with_keys(), challenge, UTILITY, GATEWAY)

    proof = documents.ENROL.encode(
        utility=UTILITY,
        gateway=GATEWAY,
        device_public=identity().device_public,
        seal_public=identity().seal_public,
        challenge=challenge,
    )
    assert ed25519.verify(identity().device_public, proof, signature)


def test_a_bundle_begins_the_epoch_with_one_group():
    flash = flash_with_keys()
    opened = bundle(2, opening_balance=5000, opening_register=777, floor=signed_floor(4, kinds.CLOSED))

    enrol.install(flash, sealed(opened, identity().seal_public))

    house = House(2, flash)
    assert house.kinds() == ["open", "policy", "floor", "meter", "meter", "boot"]
    assert house.entries()[0].group_left == 4 and house.entries()[3].detail == 0x101
    assert house.balance(1) == 5000 and house.gateway.core.registers[1].volume_ml == 777


def test_the_same_bundle_again_changes_nothing():
    flash = flash_with_keys()
    box = sealed(bundle(), identity().seal_public)
    enrol.install(flash, box)
    house = House(1, flash)
    house.type(house.token(25))

    enrol.install(house.flash, box)
    house.reboot()

    assert house.balance() == 2500000


def test_another_bundle_for_the_same_epoch_is_refused():
    flash = enrolled_flash(bundle())

    error = raises(enrol.EnrolError, enrol.store_bundle, flash, bundle(opening_balance=1))

    assert "newer" in str(error)


def test_a_bundle_sealed_for_another_gateway_or_changed_is_refused():
    flash = flash_with_keys()
    other = sealed(bundle(), x25519.public_key(bytes(range(32))))
    good = sealed(bundle(), identity().seal_public)
    changed = good[:100] + bytes([good[100] ^ 1]) + good[101:]
    readdressed = good[:12] + bytes([good[12] ^ 1]) + good[13:]

    for box in (other, changed, readdressed):
        raises(SealError, enrol.install, flash, box)

    assert settings.load(flash) is None


def test_a_bundle_whose_policy_or_floor_is_not_genuine_is_refused():
    flash = flash_with_keys()
    for opened in (
        bundle(policy=signed_policy(1, seed=bytes(32))),
        bundle(floor=signed_floor(1, kinds.FULL, seed=bytes(32))),
        bundle(policy=b""),
        bundle(pulse_volume_ml=0),
        bundle(9),
    ):
        raises(SharedError, enrol.install, flash, sealed(opened, identity().seal_public))

    assert settings.load(flash) is None


def test_a_bundle_before_the_keys_is_refused():
    raises(enrol.EnrolError, enrol.install, Flash(), sealed(bundle(), identity().seal_public))


def test_a_new_epoch_opens_anew_and_cites_the_old_head():
    house = House()
    house.type(house.token(25))
    house.gateway.close()
    head = house.gateway.core.store.head

    enrol.store_bundle(house.flash, bundle(epoch=2, opening_balance=house.balance()))
    house.reboot()

    audit(house)
    first = house.entries()[0]
    assert (first.detail, first.digest, house.state.epoch) == (1, head[:26], 2)
    assert house.balance() == 2500000


def test_a_bundle_for_more_meters_than_the_board_has_is_refused_before_anything_is_written():
    flash = flash_with_keys()
    names = flash.names()
    box = sealed(bundle(3), identity().seal_public)

    error = raises(enrol.EnrolError, enrol.install, flash, box, 2)

    assert "channel 2" in str(error) and "for 2" in str(error)
    assert flash.names() == names
    assert enrol.install(flash, box, 3).meters


def test_a_new_epoch_ends_recovery():
    house = House()
    house.gateway.core.enter_recovery("for the test")
    house.reboot()
    before = house.type(house.token(5))

    enrol.store_bundle(house.flash, bundle(epoch=2))
    house.reboot()

    assert (before, house.type(house.token(5))) == (16, 1)


def test_an_epoch_never_begins_twice_whatever_is_lost():
    house = House()
    house.type(house.token(25))
    for lost in (("mark-a", "mark-b"), ("begun",), ("seg-000000/seg-00000001",)):
        flash = house.flash.after_reboot()
        for name in lost:
            flash.remove(name)

        again = House(1, flash)

        assert again.balance() == 2500000 or again.gateway.recovery != ""


def test_eight_meters_share_a_gateway():
    house = House(8)
    for channel in range(8):
        assert house.type(house.token(channel + 1, channel), channel) == 1
    house.step(60)

    assert [house.balance(channel) for channel in range(8)] == [100000 * (n + 1) for n in range(8)]
    assert all(valve.is_open() for valve in house.valves)


def test_new_keys_wait_beside_those_in_force_until_their_bundle_is_installed():
    house = House()
    old = settings.load_identity(house.flash).device_public
    new = enrol.identity(house.flash, bytes, renew=True)
    again = enrol.identity(house.flash, pseudo_random, renew=True)
    house.reboot()
    before = house.gateway.core.identity.device_public

    enrol.install(house.flash, sealed(bundle(epoch=2), new.seal_public, epoch=2))
    house.reboot()

    assert again.device_public == new.device_public != old == before
    assert house.gateway.core.identity.device_public == new.device_public
    assert "identity-next" not in house.flash.names()
    audit(house)


def test_a_gateway_whose_keys_or_settings_rotted_can_be_enrolled_again():
    for name in ("identity", "settings"):
        house = House()
        house.type(house.token(3))
        house.gateway.close()
        head = house.gateway.core.store.head
        house.flash.flip(name, 20)
        raises(SharedError, epoch.start, house.flash)

        made = enrol.identity(house.flash, bytes, renew=True)
        installed = enrol.store_bundle(house.flash, bundle(epoch=2))

        house.reboot()
        opening = house.entries()[0]
        assert installed.epoch == 2 and made.device_public != identity().device_public, name
        assert (house.gateway.recovery, opening.detail, opening.digest) == ("", 1, head[:26]), name


def test_rotted_settings_do_not_let_an_old_epoch_in():
    house = House(flash=enrolled_flash(bundle(epoch=2)))
    house.flash.flip("settings", 20)

    for number in (1, 2):
        raises(SharedError, enrol.store_bundle, house.flash, bundle(epoch=number))


def test_modes_groups_and_tariffs_are_opened_with_their_meters():
    flash = flash_with_keys()
    more = (signed_policy(5, meter_group=3), signed_tariff(7, meter_group=3), signed_tariff(8, meter_group=3))
    opened = bundle(3, more=more, mode=(0, kinds.MODE_CURRENCY, kinds.MODE_BULK), group=(0, 3, 0))

    enrol.install(flash, sealed(opened, identity().seal_public))

    house = House(3, flash)
    assert house.kinds() == ["open", "policy", "policy", "meter", "meter", "mode", "tariff", "meter", "mode", "boot"]
    assert [house.meter(channel).mode for channel in range(3)] == [0, kinds.MODE_CURRENCY, kinds.MODE_BULK]
    assert (house.meter(1).group, house.meter(1).tariff_version, house.meter(0).tariff_version) == (3, 8, 0)
    assert house.gateway.core.policy_of(1).version == 5 and house.gateway.core.policy_of(0).version == 1
    audit(house)


def test_a_tariff_that_is_to_come_waits_from_the_enrolment_on():
    more = (signed_tariff(1), signed_tariff(2, effective_from_s=START_S + 3600))
    house = House(flash=enrolled_flash(bundle(more=more, mode=kinds.MODE_CURRENCY)))
    house.trust_time()
    at_first = house.meter().tariff_version

    house.step(3700, 60000)

    assert (at_first, house.meter().tariff_version) == (1, 2)


def test_a_bundle_that_leaves_a_meter_without_its_documents_is_refused_precisely():
    currency = {"mode": kinds.MODE_CURRENCY}
    for opened, why in (
        (bundle(**currency), "no tariff of meter group 0 in effect"),
        (bundle(more=(signed_tariff(effective_from_s=START_S + 1),), **currency), "no tariff of meter group 0"),
        (bundle(more=(signed_tariff(meter_group=2),), **currency), "no tariff of meter group 0"),
        (bundle(policy=signed_policy(meter_group=3)), "no policy for meter group 0"),
        (bundle(policy=b""), "no policy for meter group 0"),
        (bundle(more=(signed_policy(2),)), "two policies of one meter group"),
        (bundle(more=(signed_policy(1, seed=bytes(32), meter_group=2),)), "policy is not signed"),
        (bundle(more=(signed_tariff(1, seed=bytes(32)),)), "tariff is not signed"),
        (bundle(more=(signed_floor(1, 0),)), "does not know"),
        (bundle(6, group=(1, 2, 3, 4, 5, 0)), "5 meter groups beside group 0"),
        (bundle(mode=0x80), "mode 128"),
    ):
        flash = flash_with_keys()

        error = raises(SharedError, enrol.install, flash, sealed(opened, identity().seal_public))

        assert why in str(error), (why, str(error))
        assert settings.load(flash) is None
