"""RECOVERY: a ledger that lost something takes no credit, writes nothing, and leaves supply as it is."""

from shared import documents, kinds
from shared.slices import finish
from tests.fakes.house import House, signed_floor

NOT_READY = 16


def damaged(prepare=None, **options):
    """A gateway whose last entries are gone from flash, after a restart."""
    house = House(**options)
    house.type(house.token(25))
    house.step()
    if prepare is not None:
        prepare(house)
    last = [name for name in house.flash.names() if name.startswith("seg-")][-1]
    house.flash.files[last] = house.flash.files[last][:-58]
    house.reboot()
    return house


def test_a_damaged_ledger_takes_no_tokens():
    house = damaged()

    assert house.type(house.token(5)) == NOT_READY and "mark" in house.gateway.recovery


def test_a_ledger_that_is_gone_altogether_takes_no_tokens_and_meters_on():
    house = House()
    house.type(house.token(25))
    for name in house.flash.names():
        if name.startswith(("seg-", "mark-", "check-")):
            house.flash.remove(name)

    house.reboot()
    house.flow(5)

    assert house.gateway.recovery == "the ledger is lost" and house.type(house.token(5)) == NOT_READY
    assert house.gateway.core.registers[0].volume_ml == 5000


def test_a_damaged_ledger_is_not_written():
    house = damaged()
    segments = dict(house.flash.files)

    house.flow(500)
    house.step(4000, 10000)

    for name, before in segments.items():
        if name.startswith(("seg-", "mark-", "check-")):
            assert house.flash.files[name] == before


def test_the_display_says_that_service_is_needed():
    house = damaged()

    shown = [house.gateway.lines(now_ms) for now_ms in range(0, 40000, 10000)]

    assert any("SERVICE NEEDED" in lines for lines in shown)


def test_supply_stays_as_it_is():
    house = damaged()
    assert house.valves[0].is_open()

    house.trust_time()
    house.flow(5000)
    house.step()

    assert house.valves[0].is_open()


def test_the_floor_still_opens():
    house = damaged(floor=signed_floor(1, kinds.FULL))
    house.valves[0].position = False
    house.reboot()

    house.step()

    assert house.valves[0].is_open()


def test_the_register_goes_on():
    house = damaged()
    before = house.gateway.core.registers[0].volume_ml

    house.flow(50)
    house.reboot()

    assert house.gateway.core.registers[0].volume_ml >= before + 40000


def test_commands_are_refused_and_messages_go_nowhere():
    house = damaged()

    said = house.receive(house.token_command(house.token(25)))

    assert said == "refused: no commands in RECOVERY"


def test_damage_that_is_found_while_a_batch_is_made_is_recovery():
    house = House()
    house.flash.flip("seg-000000/seg-00000001", 60)

    batch = finish(house.gateway.messages.batch_steps())

    assert batch == b"" and house.gateway.recovery != "" and house.type(house.token(5)) == NOT_READY
    house.reboot()
    assert house.gateway.recovery != ""


def test_one_lost_copy_of_anything_is_no_loss():
    house = House()
    house.type(house.token(25))
    for _ in range(6):
        house.flow(10)
    for name in list(house.flash.names()):
        if name.endswith(("-a", "-b")):
            flash = house.flash.after_reboot()
            flash.remove(name)

            again = House(1, flash)

            assert again.gateway.recovery == "" and again.meter().credited == 2500000, name
            assert again.gateway.core.registers[0].volume_ml >= 40000


def test_recovery_is_entered_also_when_it_cannot_be_noted():
    house = House()
    house.flash.refuse_after = 0

    house.gateway.core.enter_recovery("for the test")

    assert house.gateway.recovery == "for the test" and house.type(house.token(5)) == NOT_READY


def test_a_floor_that_was_raised_outlives_the_ledger_that_says_so():
    house = damaged(raise_the_floor)
    house.valves[0].position = False
    house.reboot()

    house.step()

    assert house.gateway.recovery != "" and house.valves[0].is_open()


def raise_the_floor(house):
    """By command; the COMMAND and FLOOR entries are then the last of the ledger."""
    house.receive(house.command(documents.COMMAND_FLOOR, signed_floor(1, kinds.FULL)))
    house.gateway.close()
