"""What a hostile reading of the gateway found, each once in short."""

from shared import documents, ed25519, kinds
from shared.command_results import BAD_PAYLOAD, DONE
from tests.fakes.auditor import audit
from tests.fakes.house import (
    COMMAND_SEED,
    GATEWAY,
    START_S,
    UTILITY,
    House,
    bundle,
    enrolled_flash,
    signed_policy,
    signed_tariff,
)
from tests.fakes.keypad import press

DAY_S = 86400


def house_of(meters=1, more=(), changes=None, **policy):
    """A gateway under a policy; `changes` go into every meter of the bundle."""
    opened = bundle(meters, policy=signed_policy(**policy), more=more, **(changes or {}))
    return House(meters, enrolled_flash(opened))


def test_an_emergency_opening_as_long_as_its_field_ends_with_the_last_second_that_there_is():
    house = house_of(emergency_open_s=0xFFFFFFFF)
    house.step()

    press(house.gateway, "#", house.now_ms)
    shown = house.gateway._customer._controls.run(0, 91, house.now_ms)

    assert shown[0] == "open_until" and house.meter().open_until_s == 0xFFFFFFFF
    audit(house)


def test_a_tariff_or_pulse_that_no_entry_could_hold_is_refused():
    house = house_of(2)
    top = (1 << 48) - 1

    for terms in ({"blocks": [(0, top)]}, {"fixed_month": top}):
        house.receive(house.command(documents.COMMAND_TARIFF, signed_tariff(**terms)))
        assert house.result() == BAD_PAYLOAD
    house.receive(house.factor_command(0xFFFFFFFF))

    assert house.result() == BAD_PAYLOAD


def test_what_the_meter_before_it_owed_opens_as_debt_and_leaves_service_its_share():
    house = house_of(changes={"opening_balance": -50000000}, min_service_percent=40)
    owed = house.meter().pots[kinds.ACCUMULATED_DEBT]

    code = house.type(house.token(20))

    assert (owed, code) == (50000000, 1)
    assert house.balance() == 800000 and house.meter().pots[kinds.ACCUMULATED_DEBT] == 48800000
    audit(house)


def test_a_time_that_lies_decades_ahead_is_refused_and_days_go_on():
    house = house_of()
    house.step()
    messages = house.gateway.messages
    hello = messages.hello()
    nonce = hello[-40:-32]

    def told(time_s):
        document = documents.TIME.encode(
            utility=UTILITY, gateway=GATEWAY, epoch=1, boot_nonce=messages.boot_nonce, nonce=nonce, time_s=time_s
        )
        return house.receive(document + ed25519.sign(COMMAND_SEED, document))

    assert "ten years ahead" in told(0xFFFFFFF0)
    assert "clock set" in told(START_S + 400 * DAY_S)
    house.step()

    assert house.meter().day == (START_S + 400 * DAY_S) // DAY_S - 1
    audit(house)


def test_a_fixed_charge_that_comes_with_a_tariff_is_not_for_the_days_before_it():
    tariff = signed_tariff(fixed_month=3041667, blocks=[(0, 0)])  # 1.00 a day
    house = house_of(more=(tariff,))
    house.trust_time()
    for _ in range(9):
        house.clock.time_s += DAY_S
        house.step()
    house.receive(house.mode_command(kinds.MODE_CURRENCY))
    assert house.result() == DONE

    house.clock.time_s += DAY_S
    house.step()

    assert house.meter().pots[kinds.ACCUMULATED_DEBT] in (99999, 100000, 100001)
    audit(house)


def test_a_lifeline_comes_also_out_of_the_room_that_is_kept():
    house = house_of(lifeline_quota_ml=20000, lifeline_start_min=0)
    house.trust_time()
    house.step(20)
    house.flow(20)
    house.step(20)
    assert not house.valves[0].is_open()
    house.gateway.core.has_room = lambda: False
    house.clock.time_s += DAY_S

    house.step(20)

    assert house.meter().lifeline_left == 20000 and house.valves[0].is_open()


def test_a_lifeline_that_flash_refuses_leaves_no_valve_open():
    house = house_of(lifeline_quota_ml=20000, lifeline_start_min=0)
    house.trust_time()
    house.type(house.token(1))
    house.step(20)
    assert house.valves[0].is_open()
    house.flash.leave(0)
    house.flow(100)

    house.step(20)

    assert not house.valves[0].is_open()


def test_a_customer_takes_his_lock_away_also_out_of_the_room_that_is_kept():
    house = house_of()
    house.type(house.token(10))
    house.step()
    controls = house.gateway._customer._controls
    controls.run(0, 51, house.now_ms)
    house.gateway.core.has_room = lambda: False

    assert controls.run(0, 51, house.now_ms) == ("lock_off", "")


def test_what_flows_in_friendly_hours_is_paid_as_in_friendly_hours():
    collection = 0xFFFFFFFF & ~(4 << 0) & ~(4 << 8) & ~(4 << 16) & ~(4 << 24)  # nothing is collected then
    hour = START_S // 3600 * 60 % 1440 // 60
    begin, end = (hour + 1) % 24 * 60, (hour + 3) % 24 * 60
    windows = b"\x7f" + begin.to_bytes(2, "big") + end.to_bytes(2, "big")
    house = house_of(friendly_windows=windows, collection=collection)
    house.trust_time()
    house.type(house.token(10))
    house.step()
    house.flow(50)
    house.step(3600)
    assert house.meter().pots[kinds.TOKEN_CREDIT] == 950000
    house.flow(30)
    house.step(2 * 3600)
    house.flow(20)
    house.step(3600)

    assert house.meter().pots[kinds.TOKEN_CREDIT] == 930000
    audit(house)


def test_a_factor_changes_the_pulse_that_a_flow_limit_may_be_wrong_by():
    house = house_of()
    house.receive(house.factor_command(100000))
    watch = house.gateway._flow._watches[0]
    house.flow(1)
    house.step(61)

    assert watch.flow_l_h > 0 and watch.least_l_h == 0


def test_a_load_switch_is_never_exercised():
    house = house_of(changes={"commodity": 0}, exercise_days=1, exercise_from_min=0, exercise_to_min=1440)
    house.trust_time()
    house.type(house.token(10, subclass=0))
    house.step()
    for _ in range(3):
        house.clock.time_s += DAY_S
        house.step()

    assert "event" not in house.kinds()


def test_an_expired_calendar_stays_a_fault_through_a_restart():
    house = house_of(calendar_expires_s=START_S)
    house.trust_time()
    house.step()
    assert house.meter().faults >> kinds.FAULT_CALENDAR & 1

    house.reboot()
    house.step()

    assert house.meter().faults >> kinds.FAULT_CALENDAR & 1 and house.kinds().count("fault") == 1


def test_an_account_in_volume_holds_no_room_for_tariffs():
    house = house_of(3, more=(signed_tariff(1),), changes={"mode": kinds.MODE_CURRENCY})
    house.trust_time()
    for version in range(2, 8):
        said = house.receive(house.command(documents.COMMAND_TARIFF, signed_tariff(version)))
        assert said == "command of kind 4: result 1", (version, said)
        house.step()
        if version < 5:
            house.receive(house.mode_command(0, channel=version - 2))
            assert house.result() == DONE and house.meter(version - 2).tariff_version == version


def test_critical_need_is_open_in_recovery_too():
    house = house_of(changes={"mode": kinds.MODE_CRITICAL}, lifeline_quota_ml=1000)
    house.trust_time()
    house.step(20)
    house.flow(1)
    house.step(20)
    assert not house.valves[0].is_open()

    house.gateway.core.enter_recovery("test")
    house.step(20)

    assert house.valves[0].is_open()
