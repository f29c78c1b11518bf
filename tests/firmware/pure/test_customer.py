"""A customer before a real gateway: what he types is in the ledger, and what he is shown is true."""

from shared import aliases, kinds, return_code
from shared.return_code import pin
from tests.fakes.house import House, bundle, enrolled_flash, signed_policy
from tests.fakes.keypad import press


def house_with(meters=1, **policy):
    """A house whose policy says so, with 2.5 m3 on the first meter and a clock that is trusted."""
    house = House(meters, enrolled_flash(bundle(meters, policy=signed_policy(**policy))))
    house.trust_time()
    house.type(house.token(25))
    house.step(60)
    return house


def ask(house, keys):
    """The first page that some keys bring, a minute later."""
    house.step(60)
    for key in keys:
        press(house.gateway, key, house.now_ms)
    return house.gateway.lines(house.now_ms)


def controls(house):
    return [entry.detail for entry in house.entries() if entry.kind == kinds.CONTROL]


def test_the_return_code_on_the_display_is_the_one_that_the_utility_expects():
    house = house_with()
    shown = ask(house, "#40#")[1].replace(" ", "")
    meter = house.meter()
    candidate = (1, meter.last_tid, 1, return_code.band(2500000))

    assert return_code.check(bytes(32), shown, 1, [(0, 0, 0, 0), candidate]) == candidate


def test_the_last_tokens_are_told_from_the_ledger_and_survive_a_restart():
    house = house_with()
    house.type(house.token(10))
    house.reboot()

    pages = []
    ask(house, "#30#")
    for at_ms in (0, 5000, 10000):
        pages.append(house.gateway.lines(house.now_ms + at_ms))
    assert pages[1:] == [("Added", "1.000 m3"), ("Result", "ACCEPTED")]
    assert ask(house, "#31#")[0] == "Token of" and ask(house, "#32#")[0] == "No token"


def test_the_customers_lock_closes_and_opens_the_valve():
    house = house_with()
    word = ask(house, "#51#")
    house.step(60)
    closed = house.valves[0].is_closed()
    special = house.gateway.lines(house.now_ms - house.now_ms % 30000 + 20000 + 30000)
    free = ask(house, "#51#")
    house.step(60)

    assert (word[0], closed, special[1]) == ("VALVE LOCKED", True, "LOCKED BY YOU")
    assert (free[0], house.valves[0].is_open()) == ("VALVE FREE", True)
    assert controls(house) == [kinds.CONTROL_LOCK, kinds.CONTROL_UNLOCK]


def test_a_neighbours_lock_needs_his_pin():
    house = house_with(2)
    wrong = "{:04d}".format((int(pin(bytes(32))) + 1) % 10000)
    refused = ask(house, "01#51#" + wrong)
    kept = controls(house)
    taken = ask(house, "01#51#" + pin(bytes(32)))

    assert (refused[0], kept) == ("M1 WRONG PIN", [])
    assert (taken[0], controls(house)) == ("M1 VALVE LOCKED", [kinds.CONTROL_LOCK])


def test_emergency_credit_is_taken_by_its_key():
    house = house_with(emergency_limit=500000, emergency_activation=2, emergency_threshold=100000)
    early = ask(house, "#60#")
    house.flow(2450)
    taken = ask(house, "#60#")

    assert (early[0], taken[0]) == ("NOT NOW", "EMERGENCY ON")
    assert house.meter().emergency_invoked == 1


def test_reconnection_waits_for_two_hashes_where_the_policy_says_so():
    house = house_with(reconnect_armed=1)
    ready = house.gateway.lines(house.now_ms - house.now_ms % 30000 + 50000)
    word = ask(house, "##")
    house.step(60)

    assert ready[1] == "READY: PRESS ##"
    assert (word[0], house.valves[0].is_open()) == ("CONNECTED", True)


def test_a_towns_habit_comes_with_the_policy():
    house = house_with(aliases=aliases.encode([(1, "007")]))

    assert ask(house, "007#") == ("Credit", "2.500 m3")


def test_a_warning_in_the_ledger_is_heard():
    house = house_with(night_from_min=0, night_to_min=0)
    before = house.gateway.sound(house.now_ms)
    house.flow(2100)
    house.step(5)
    sounds = []
    for _ in range(30):
        sounds.append(house.gateway.sound(house.now_ms))
        house.now_ms += 1000

    assert before is None and sounds.count("chirp") == 1


def test_a_stuck_key_is_shown():
    house = house_with()
    house.gateway.stuck_key("7")

    assert house.gateway.lines(house.now_ms - house.now_ms % 30000 + 50000)[1] == "KEY 7 STUCK"
