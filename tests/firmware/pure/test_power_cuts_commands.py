"""The power goes after every single byte that a command or a code writes: it is carried out once, whole, or not yet."""

from shared import command_results as results
from shared import documents, kinds
from tests.fakes.cuts import copies_of, cut_everywhere
from tests.fakes.house import START_S, House, signed_policy, signed_tariff

SOON_S = START_S + 3600


def prepared(**changes):
    """A meter in the middle of its life."""
    house = House(opening_balance=2000000, **changes)
    house.trust_time()
    house.step()
    house.flow(50)
    return house


def cut_command(house, message, is_done):
    """Cut a command everywhere; is_done(house): its effect is there. It is sent again after each cut."""
    counter = house.state.command_counter

    def receive(house):
        house.trust_time()
        house.receive(message)

    def check(house, done):
        carried_out = house.state.command_counter > counter
        assert is_done(house) == carried_out and (carried_out or not done)
        receive(house)
        assert is_done(house) and house.result() == results.DONE
        commands = [entry for entry in house.entries() if entry.kind == kinds.COMMAND]
        assert len([entry for entry in commands if entry.reference_a == counter + 1]) == 1

    cut_everywhere(copies_of(house), receive, check)


NO_NONCE = {"boot_nonce": documents.NO_NONCE}


def test_a_mode_is_the_old_or_the_new_one():
    house = prepared()

    cut_command(house, house.mode_command(kinds.MODE_CREDIT, **NO_NONCE), lambda house: house.meter().mode != 0)


def test_a_change_to_money_brings_mode_and_tariff_together():
    house = prepared(more=(signed_tariff(),))
    house.receive(house.mode_command(kinds.MODE_CREDIT))
    house.receive(house.adjust_command(kinds.TOKEN_CREDIT, -house.meter().pots[kinds.TOKEN_CREDIT]))

    def is_done(house):
        meter = house.meter()
        assert (meter.tariff_version == 1) == meter.has(kinds.MODE_CURRENCY)
        return meter.tariff_version == 1

    cut_command(house, house.mode_command(kinds.MODE_CREDIT | kinds.MODE_CURRENCY, **NO_NONCE), is_done)


def test_a_control_reaches_all_meters_or_none():
    house = House(3, opening_balance=2000000)
    house.trust_time()
    house.step()
    message = house.control_command(kinds.CONTROL_DISCONNECT, channel=kinds.GATEWAY, **NO_NONCE)

    def is_done(house):
        holds = [house.meter(channel).hold for channel in range(3)]
        assert holds in ([0, 0, 0], [1, 1, 1])
        return holds[0] == 1

    cut_command(house, message, is_done)


def test_an_adjustment_is_made_once():
    house = prepared()
    message = house.adjust_command(kinds.RESERVED_CREDIT, 700, **NO_NONCE)

    cut_command(house, message, lambda house: house.meter().pots[kinds.RESERVED_CREDIT] == 700)


def test_a_factor_is_the_old_or_the_new_one():
    house = prepared()

    def is_done(house):
        before = house.gateway.core.registers[0].volume_ml
        house.flow(1)
        after = house.gateway.core.registers[0].volume_ml
        assert after - before == (10 if house.meter().pulse_volume_ml == 10 else 1000)
        return house.meter().pulse_volume_ml == 10

    cut_command(house, house.factor_command(10, **NO_NONCE), is_done)


def test_a_tariff_waits_from_its_entry_on_and_the_one_before_is_never_lost():
    house = prepared(more=(signed_tariff(),), mode=kinds.MODE_CURRENCY)
    house.receive(house.command(documents.COMMAND_TARIFF, signed_tariff(2, effective_from_s=START_S - 1)))
    house.step()
    house.receive(house.command(documents.COMMAND_TARIFF, signed_tariff(3, effective_from_s=SOON_S)))
    message = house.command(documents.COMMAND_TARIFF, signed_tariff(4, effective_from_s=SOON_S), **NO_NONCE)

    def is_done(house):
        core = house.gateway.core
        newest = core.documents.newest_tariff(0).version
        assert core.tariff_of(0).version == 2 and newest in (3, 4)
        return newest == 4

    cut_command(house, message, is_done)


def test_a_group_s_policy_is_the_old_or_the_new_one():
    house = House(2, group=(0, 3), more=(signed_policy(5, meter_group=3),))
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(6, meter_group=3)))
    payload = signed_policy(7, meter_group=3, max_meter_balance=77)
    message = house.command(documents.COMMAND_POLICY, payload, **NO_NONCE)

    def is_done(house):
        policy = house.gateway.core.policy_of(1)
        assert policy.version in (6, 7) and house.gateway.core.policy_of(0).version == 1
        return policy.version == 7

    cut_command(house, message, is_done)


def test_a_code_of_the_customer_is_done_or_not():
    house = prepared(policy=signed_policy(emergency_limit=500000, emergency_threshold=9000000, emergency_activation=2))

    def press(house):
        for code in (60, 51):
            house.gateway._customer._controls.run(0, code, house.now_ms)

    def check(house, done):
        meter = house.meter()
        assert meter.emergency_invoked >= meter.locked and (meter.locked or not done)

    cut_everywhere(copies_of(house), press, check)
