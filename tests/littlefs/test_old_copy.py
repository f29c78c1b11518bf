"""An older copy of the chip is put back, or parts are lost: the gateway notices what it can, and takes no credit."""

from shared import documents
from tests.fakes.chip import ChipFlash, unplug
from tests.fakes.house import GATEWAY, LINK_KEY, UTILITY
from tests.littlefs.living import Households

NOT_READY = 16
WHO = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}


def lived():
    households = Households(1, 69, 229376)
    households.hour(7, True)
    return households


def rolled_back():
    """A house on a copy of its chip from before its last token, and the end of the ledger that the cloud holds."""
    households = lived()
    house = households.house
    old = households.chip.copy()
    assert house.type(house.token(5)) == 1
    newest = (house.state.sequence, house.gateway.core.store.head)
    house.flash = ChipFlash(old, "/chip", 229376)
    house.start()
    return house, newest


def test_a_chip_that_was_rolled_back_is_found_out_by_the_first_word_of_the_cloud():
    house, (sequence, head) = rolled_back()
    before = house.gateway.recovery
    hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, house.gateway.messages.hello()))

    ack = documents.ACK.encode(sequence=sequence, head=head, nonce=hello["nonce"], **WHO)
    house.receive(documents.with_mac(LINK_KEY, ack))

    assert before == "" and "lost here" in house.gateway.recovery
    assert house.type(house.token(5)) == NOT_READY
    house.reboot()
    assert "lost here" in house.gateway.recovery
    unplug("/chip")


def test_a_ledger_that_is_older_than_its_mark_is_recovery():
    households = lived()
    flash = households.house.flash
    old = {name: flash.read(name) for name in flash.names() if name.startswith("seg-")}
    for _ in range(12):
        assert households.house.type(households.house.token(1)) == 1
    households.house.step()
    for name in flash.names():
        if name.startswith("seg-"):
            flash.remove(name)
    for name, data in old.items():
        flash.append(name, data)

    households.house.reboot()

    assert "below its mark" in households.house.gateway.recovery
    assert households.house.type(households.house.token(1)) == NOT_READY
    unplug("/chip")


def test_a_ledger_that_is_gone_is_recovery_and_meters_on():
    households = lived()
    flash = households.house.flash
    for name in flash.names():
        if name.startswith(("seg-", "mark-", "check-")):
            flash.remove(name)
    register_ml = households.house.gateway.core.registers[0].volume_ml

    households.house.reboot()
    house = households.house
    house.flow(5)

    assert house.gateway.recovery != "" and house.type(house.token(1)) == NOT_READY
    assert house.gateway.core.registers[0].volume_ml > register_ml - 10000
    unplug("/chip")
