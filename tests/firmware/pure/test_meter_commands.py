"""Commands that act on meters: one entry of the command and its effect in one group, or a reason and no effect."""

from shared import command_results as results
from shared import documents, kinds
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, House, signed_policy, signed_tariff

OTHER_SEED = bytes(32)
DAY_S = 86400


def each_kind(house, **changes):
    """A command of each kind that acts on a meter, all with the same counter."""
    return (
        house.mode_command(kinds.MODE_CREDIT, **changes),
        house.control_command(kinds.CONTROL_DISCONNECT, **changes),
        house.adjust_command(kinds.TOKEN_CREDIT, 500, **changes),
        house.factor_command(10, **changes),
    )


def last_group(house):
    """The entries of the last group."""
    entries = house.entries()
    at = len(entries) - 1
    while at and entries[at - 1].group_left:
        at -= 1
    return entries[at:]


def test_each_is_carried_out_once_in_one_group():
    for number in range(4):
        house = House()
        message = each_kind(house)[number]

        house.receive(message)
        again = house.receive(message)

        command, effect = last_group(house)
        assert (command.kind, command.detail) == (kinds.COMMAND, (5 + number) << 8 | results.DONE)
        assert effect.kind == (kinds.MODE, kinds.CONTROL, kinds.GRANT, kinds.FACTOR)[number]
        assert effect.rule == kinds.RULE_COMMAND and "does not follow" in again
        audit(house)


def test_each_is_refused_without_a_trace_when_it_is_not_to_be_taken():
    house = House()
    house.trust_time()
    sequence = house.state.sequence
    wrong = (
        ({"expires_s": START_S}, "expired"),
        ({"seed": OTHER_SEED}, "signature"),
        ({"counter": 3, "previous": 2}, "does not follow"),
        ({"counter": 0}, "does not follow"),
        ({"gateway": 9}, "another gateway"),
    )

    for changes, why in wrong:
        for message in each_kind(house, **changes):
            assert why in house.receive(message)

    assert house.state.sequence == sequence


def test_without_a_trusted_clock_each_needs_the_nonce_of_this_start():
    for number in range(4):
        house = House()
        message = each_kind(house, boot_nonce=documents.NO_NONCE)[number]

        untrusted = house.receive(message)
        house.trust_time()
        house.receive(message)

        assert "not for this start" in untrusted and house.result() == results.DONE


def test_each_says_so_when_there_is_no_such_meter():
    for number in range(4):
        house = House()

        house.receive(each_kind_of_channel(house, 5)[number])

        assert house.result() == results.NO_METER and len(last_group(house)) == 1


def each_kind_of_channel(house, channel):
    return (
        house.mode_command(0, channel=channel),
        house.control_command(kinds.CONTROL_DISCONNECT, channel=channel),
        house.adjust_command(kinds.TOKEN_CREDIT, 500, channel=channel),
        house.factor_command(10, channel=channel),
    )


def test_what_has_flowed_is_charged_before_the_effect():
    for number in range(4):
        house = House(opening_balance=1000000)
        house.flow(5)

        house.receive(each_kind(house)[number])

        told = house.kinds()
        assert house.meter().register == 5000
        assert "charge" in told and "charge" not in told[told.index("command") :]


def test_a_meter_changes_to_bills_and_back():
    house = House()
    house.trust_time()
    house.step()
    closed = house.meter().intent

    house.receive(house.mode_command(kinds.MODE_CREDIT))
    house.step()

    assert (closed, house.meter().intent, house.meter().mode) == (kinds.CLOSED, kinds.FULL, kinds.MODE_CREDIT)


def test_a_mode_that_means_nothing_is_refused():
    house = House()

    house.receive(house.mode_command(0x80))

    assert house.result() == results.BAD_PAYLOAD and house.meter().mode == 0


def test_a_basis_changes_only_when_all_balances_are_0():
    house = House(more=(signed_tariff(),))
    house.type(house.token(5))
    house.receive(house.mode_command(kinds.MODE_CURRENCY))
    refused = house.result()
    house.receive(house.adjust_command(kinds.TOKEN_CREDIT, -500000))

    house.receive(house.mode_command(kinds.MODE_CURRENCY))

    assert refused == results.NOT_EMPTY and house.result() == results.DONE
    assert house.kinds()[-3:] == ["command", "mode", "tariff"]
    assert house.meter().has(kinds.MODE_CURRENCY) and house.meter().tariff_version == 1


def test_money_needs_a_tariff_in_effect():
    house = House(more=(signed_tariff(effective_from_s=START_S + DAY_S),))

    house.receive(house.mode_command(kinds.MODE_CURRENCY))
    too_early = house.result()
    house.step(DAY_S, 60000)
    house.receive(house.mode_command(kinds.MODE_CURRENCY))

    assert (too_early, house.result()) == (results.NO_TARIFF, results.DONE)


def test_a_meter_of_another_group_takes_its_policy_and_tariff():
    policies = (
        signed_policy(1, meter_group=3, max_meter_balance=77),
        signed_tariff(9),
        signed_tariff(2, meter_group=3),
    )
    house = House(2, more=policies, mode=kinds.MODE_CURRENCY)

    house.receive(house.mode_command(kinds.MODE_CURRENCY, group=3, channel=1))
    house.reboot()

    core = house.gateway.core
    assert core.policy_of(1).max_meter_balance == 77 and core.policy_of(0).max_meter_balance != 77
    assert (core.tariff_of(0).version, core.tariff_of(1).version) == (9, 2)
    audit(house)


def test_a_group_without_any_policy_is_refused():
    house = House(policy=signed_policy(meter_group=3), group=3)

    house.receive(house.mode_command(0, group=4))

    assert house.result() == results.NO_POLICY and house.meter().group == 3


def test_a_gateway_holds_four_groups_beside_group_0():
    house = House(6, group=(0, 1, 2, 3, 4, 0))

    house.receive(house.mode_command(0, group=5, channel=5))
    full = house.result()
    house.receive(house.mode_command(0, group=5, channel=4))

    assert (full, house.result()) == (results.TOO_MANY_GROUPS, results.DONE)


def test_the_operator_disconnects_and_connects():
    house = House(opening_balance=1000000)
    house.trust_time()
    house.step()
    opened = house.valves[0].is_open()

    house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
    house.step()
    closed = house.valves[0].is_open()
    house.receive(house.control_command(kinds.CONTROL_CONNECT))
    house.step(60)

    assert (opened, closed, house.valves[0].is_open()) == (True, False, True)


def test_safety_closes_all_meters_below_the_floor_until_its_end():
    house = House(3, opening_balance=1000000, policy=signed_policy(least_supply=kinds.FULL))
    house.trust_time()
    house.step()
    until_s = house.clock.time_s + 600

    house.receive(house.control_command(kinds.CONTROL_SAFETY, until_s, channel=kinds.GATEWAY))
    house.step()
    closed = [house.meter(channel).intent for channel in range(3)]
    house.step(700)

    assert [entry.meter for entry in house.entries() if entry.kind == kinds.CONTROL] == [0, 1, 2]
    assert closed == [kinds.CLOSED] * 3 and house.meter(2).intent == kinds.FULL


def test_a_control_ends_within_31_days_and_only_where_there_is_an_end():
    house = House()
    house.trust_time()
    now_s = house.clock.time_s
    for action, until_s in (
        (kinds.CONTROL_SAFETY, now_s),
        (kinds.CONTROL_SAFETY, now_s + 31 * DAY_S + 1),
        (kinds.CONTROL_OPEN_ALL, 0),
        (kinds.CONTROL_DISCONNECT, now_s + 60),
    ):
        house.receive(house.control_command(action, until_s))

        assert house.result() == results.BAD_TIME
    house.receive(house.control_command(kinds.CONTROL_OPEN_ALL, now_s + 31 * DAY_S))
    assert house.result() == results.DONE


def test_what_is_the_customer_s_or_unknown_is_no_command():
    house = House()
    for action in (kinds.CONTROL_CONFIRM, kinds.CONTROL_LOCK, kinds.CONTROL_UNLOCK, kinds.CONTROL_EMERGENCY_OPEN):
        house.receive(house.control_command(action))
        assert house.result() == results.OF_CUSTOMER
    for action in (0, kinds.CONTROLS + 1):
        house.receive(house.control_command(action))
        assert house.result() == results.BAD_PAYLOAD


def test_safety_needs_no_room_beside_what_is_kept_for_valves():
    house = House()
    house.flash.leave(20000)

    adjusted = house.receive(house.adjust_command(kinds.TOKEN_CREDIT, 5))
    house.receive(house.control_command(kinds.CONTROL_SAFETY, house.clock.time_s + 60))

    assert "no room" in adjusted and house.result() == results.DONE


def test_an_adjustment_moves_each_pot_within_its_bounds():
    most = 1000
    house = House(policy=signed_policy(max_meter_balance=most))
    for pot, delta, expected in (
        (kinds.TOKEN_CREDIT, most, results.DONE),
        (kinds.TOKEN_CREDIT, 1, results.OVER_LIMIT),
        (kinds.TOKEN_CREDIT, -most - 1, results.BELOW_ZERO),
        (kinds.RESERVED_CREDIT, most + 1, results.OVER_LIMIT),
        (kinds.RESERVED_CREDIT, -1, results.BELOW_ZERO),
        (kinds.ACCUMULATED_DEBT, 5000, results.DONE),
        (kinds.ACCUMULATED_DEBT, -5001, results.BELOW_ZERO),
        (kinds.EMERGENCY_CREDIT, 1, results.OVER_LIMIT),
        (kinds.EMERGENCY_CREDIT, -3, results.DONE),
        (kinds.EMERGENCY_CREDIT, 3, results.DONE),
        (kinds.NO_POT, 1, results.BAD_PAYLOAD),
        (kinds.POTS, 1, results.BAD_PAYLOAD),
        (kinds.TOKEN_CREDIT, 0, results.BAD_PAYLOAD),
    ):
        house.receive(house.adjust_command(pot, delta))
        assert house.result() == expected, (pot, delta)

    assert house.meter().pots == [0, most, 0, 0, 5000]
    audit(house)


def test_an_adjustment_names_its_command():
    house = House()

    house.receive(house.adjust_command(kinds.TOKEN_CREDIT, 7, counter=5, previous=0))

    grant = house.entries()[-1]
    assert (grant.detail, grant.reference_a, grant.delta) == (kinds.GRANT_ADJUSTMENT, 5, 7)


def test_pulses_so_far_keep_their_volume_and_the_next_have_the_new_one():
    house = House()
    house.flow(3)

    house.receive(house.factor_command(10))
    house.flow(3)
    before = house.gateway.core.registers[0].volume_ml
    house.reboot()
    house.flow(1)

    assert before == 3000 + 30 and house.gateway.core.registers[0].volume_ml >= 3000 + 10


def test_a_pulse_of_no_volume_is_refused():
    house = House()

    house.receive(house.factor_command(0))

    assert house.result() == results.BAD_PAYLOAD


def test_every_result_has_a_name_and_a_sentence():
    codes = [row[0] for row in results.RESULTS]

    assert len(set(codes)) == len(codes)
    assert results.name_of(results.OVER_LIMIT) == "over_limit" and "balance" in results.sentence_of(results.BELOW_ZERO)
    assert results.name_of(13) == "token_13" and "13" in results.sentence_of(13)
