"""Signed tariffs and policies by meter group: kept beside what is in force, taken over on their day, never lost."""

from firmware import enrol
from shared import command_results as results
from shared import documents, kinds
from shared.slices import finish
from tests.fakes.auditor import audit
from tests.fakes.flash import PowerCut
from tests.fakes.house import FLOOR_SEED, START_S, House, bundle, signed_policy, signed_tariff
from tests.helpers import raises

SOON_S = START_S + 3600


def money_house(meters=1, **changes):
    """Meters in currency under tariff 1 of group 0, with a clock that is right."""
    house = House(meters, more=(signed_tariff(),), mode=kinds.MODE_CURRENCY, opening_balance=10000000, **changes)
    house.trust_time()
    house.step()
    return house


def tariff_command(house, tariff, **changes):
    return house.command(documents.COMMAND_TARIFF, tariff, **changes)


def version(house, channel=0):
    return house.gateway.core.tariff_of(channel).version


def test_a_tariff_waits_for_its_day_and_comes_into_force_for_each_meter_of_its_group():
    house = money_house(2)

    house.receive(tariff_command(house, signed_tariff(2, effective_from_s=SOON_S)))
    told = house.entries()[-1]
    house.step()
    before = version(house)
    house.step(3600, 60000)

    assert (told.kind, told.detail) == (kinds.COMMAND, documents.COMMAND_TARIFF << 8 | results.DONE)
    assert (before, version(house), version(house, 1)) == (1, 2, 2)
    audit(house)


def test_a_waiting_tariff_survives_restarts_and_so_does_one_in_force():
    house = money_house()
    house.receive(tariff_command(house, signed_tariff(2, effective_from_s=SOON_S)))
    house.reboot()
    house.trust_time()
    house.step(10)
    waiting = version(house)
    house.clock.set_signed(SOON_S)
    house.step(10)

    house.reboot()

    assert (waiting, version(house), house.gateway.recovery) == (1, 2, "")


def test_without_a_trusted_clock_the_current_tariff_stays():
    house = House(more=(signed_tariff(),), mode=kinds.MODE_CURRENCY)

    house.receive(tariff_command(house, signed_tariff(2, effective_from_s=START_S - 1)))
    house.step(10)

    assert house.result() == results.DONE and version(house) == 1


def test_a_later_version_takes_the_place_of_one_that_waits():
    house = money_house()
    for number in range(2, 9):
        house.receive(tariff_command(house, signed_tariff(number, effective_from_s=SOON_S)))
        assert house.result() == results.DONE

    house.step(3600, 60000)
    house.reboot()

    assert version(house) == 8 and house.gateway.recovery == ""
    assert len([name for name in house.flash.names() if name.startswith("tariff-0-")]) <= 3


def test_a_tariff_is_refused_with_a_reason():
    house = money_house()
    for tariff, expected in (
        (signed_tariff(1), results.OLD_VERSION),
        (signed_tariff(2, seed=FLOOR_SEED), results.BAD_SIGNATURE),
        (signed_policy(2), results.BAD_PAYLOAD),
        (b"nothing", results.BAD_PAYLOAD),
    ):
        house.receive(tariff_command(house, tariff))

        assert house.result() == expected


def test_a_tariff_s_command_is_judged_as_every_other():
    house = money_house()
    tariff = signed_tariff(2)
    message = tariff_command(house, tariff, boot_nonce=documents.NO_NONCE)
    for changes, why in (
        ({"expires_s": START_S}, "expired"),
        ({"seed": FLOOR_SEED}, "signature"),
        ({"counter": 3, "previous": 2}, "does not follow"),
    ):
        assert why in house.receive(tariff_command(house, tariff, **changes))
    house.reboot()
    untrusted = house.receive(message)
    house.trust_time()

    house.receive(message)

    assert "not for this start" in untrusted and house.result() == results.DONE
    assert "does not follow" in house.receive(message)


def test_a_tariff_whose_entry_was_cut_off_never_comes_into_force():
    house = money_house()
    house.receive(tariff_command(house, signed_tariff(2, effective_from_s=SOON_S)))
    message = tariff_command(house, signed_tariff(3, effective_from_s=START_S))
    house.flash.cut_after = house.flash.written + 1 + len(house.flash.read("tariff-0-a"))
    raises(PowerCut, house.receive, message)
    house.reboot()
    house.trust_time()
    house.receive(house.control_command(kinds.CONTROL_CONNECT, counter=3, previous=1))
    house.step(10)
    waiting = version(house)

    house.reboot()
    house.clock.set_signed(SOON_S)
    house.step(10)

    assert (waiting, version(house)) == (1, 2)


def test_a_tariff_whose_command_was_broken_off_never_comes_into_force():
    house = money_house()
    house.counts[0] += 1
    house.gateway.pulses(0, house.counts[0])
    steps = house.gateway.messages.receive_steps(tariff_command(house, signed_tariff(2)), house.now_ms)
    kept = house.flash.names("tariff-")
    while house.flash.names("tariff-") == kept:
        next(steps)
    steps.close()

    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2)))
    house.reboot()
    house.trust_time()
    house.step()

    assert house.gateway.core.policy_of(0).version == 2 and version(house) == 1
    assert house.flash.names("tariff-") == kept


def test_a_document_whose_command_was_overtaken_while_it_was_written_is_not_in_force():
    for rival in (signed_policy(2, low_credit_threshold=7), signed_policy(2, meter_group=3)):
        house = money_house()
        mine = house.command(documents.COMMAND_POLICY, signed_policy(2, low_credit_threshold=5))
        rivals = house.command(documents.COMMAND_POLICY, rival)
        house.counts[0] += 1
        house.gateway.pulses(0, house.counts[0])
        steps = house.gateway.messages.receive_steps(mine, house.now_ms)
        while not house.flash.names("policy"):
            next(steps)
        house.receive(rivals)
        said = finish(steps)
        house.reboot()

        assert "does not follow" in said and house.gateway.recovery == ""
        assert house.gateway.core.policy_of(0).low_credit_threshold != 5


def test_a_tariff_that_flash_refuses_leaves_no_trace():
    house = money_house()
    house.flash.refuse_after = 0

    said = house.receive(tariff_command(house, signed_tariff(2)))
    house.flash.refuse_after = None
    house.step(10)

    assert "no room" in said and version(house) == 1 and house.state.command_counter == 0


def test_a_tariff_whose_entry_finds_no_room_is_forgotten():
    house = money_house()
    store = house.gateway.core.store
    kept = store.append

    def full(group):
        house.flash.refuse_after = 0
        kept(group)

    store.append = full
    house.receive(tariff_command(house, signed_tariff(2)))
    store.append = kept
    house.flash.refuse_after = None

    assert "tariff-0-a" not in house.flash.names() and house.state.command_counter == 0


def test_a_tariff_in_force_that_is_lost_is_noticed():
    house = money_house()
    house.receive(tariff_command(house, signed_tariff(2)))
    house.step(10)
    house.flash.flip("tariff-0-a", 40)

    house.reboot()
    house.flow(5)
    house.step(10)

    assert "document in force is lost" in house.gateway.recovery and house.gateway.core.tariff_of(0) is None
    assert house.type(house.token(5)) != results.DONE and house.gateway.core.registers[0].volume_ml == 5000


def test_policies_of_two_groups_are_kept_side_by_side():
    house = House(2, group=(0, 3), more=(signed_policy(5, meter_group=3, max_meter_balance=5),))

    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2, max_meter_balance=2)))
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(6, meter_group=3, max_meter_balance=6)))
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(4, meter_group=3, max_meter_balance=4)))
    now = [house.gateway.core.policy_of(channel).max_meter_balance for channel in (0, 1)]
    house.reboot()

    again = [house.gateway.core.policy_of(channel).max_meter_balance for channel in (0, 1)]
    assert now == again == [2, 6] and house.result() == results.OLD_VERSION
    assert "policy-b" in house.flash.names() and "policy-3-b" in house.flash.names()


def test_a_group_s_first_own_policy_takes_the_place_of_group_0_s():
    house = House(2, group=(0, 3))
    before = house.gateway.core.policy_of(1).max_meter_balance

    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(1, meter_group=3, max_meter_balance=5)))

    core = house.gateway.core
    assert (before, core.policy_of(1).max_meter_balance) == (core.policy_of(0).max_meter_balance, 5)


def test_a_new_epoch_leaves_no_tariff_of_the_old():
    house = money_house()
    house.receive(tariff_command(house, signed_tariff(2, effective_from_s=SOON_S)))

    enrol.store_bundle(house.flash, bundle(epoch=2))
    house.reboot()

    assert [name for name in house.flash.names() if name.startswith("tariff-")] == []


def test_a_meter_in_currency_moves_to_a_group_whose_documents_came_before_it():
    house = money_house()
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(1, meter_group=3, max_meter_balance=9)))
    house.receive(tariff_command(house, signed_tariff(1, meter_group=3, blocks=[(0, 5)])))
    house.reboot()
    house.trust_time()

    house.receive(house.mode_command(kinds.MODE_CURRENCY, group=3))
    house.flow(5)
    house.step(10)
    house.reboot()

    core = house.gateway.core
    assert house.result() == results.DONE and house.gateway.recovery == ""
    assert (core.policy_of(0).max_meter_balance, core.tariff_of(0).prices) == (9, (5,))
    audit(house)


def test_documents_are_kept_of_16_groups():
    house = House()
    for group in range(1, 17):
        house.receive(house.command(documents.COMMAND_POLICY, signed_policy(1, meter_group=group)))

        assert house.result() == (results.DONE if group < 16 else results.TOO_MANY_GROUPS)
    assert len(house.gateway.core.documents.known.policies) == 1


def test_a_meter_joins_a_group_whose_policy_the_enrolment_brought():
    house = House(1, more=(signed_policy(1, meter_group=3, max_meter_balance=7),))
    house.trust_time()

    house.receive(house.mode_command(0, group=3))

    core = house.gateway.core
    assert core.settings.documents == [], "what is signed is read from flash anew"
    assert core.policy_of(0).max_meter_balance == 7 and not house.gateway.recovery
