"""The power goes at every step of an update: one of the two images always runs, and it goes on where it stopped."""

from firmware.update.download import Download
from shared import kinds
from shared.update import CHUNK_SIZE
from tests.fakes.auditor import audit
from tests.fakes.flash import PowerCut
from tests.fakes.slots import BLOCK_SIZE, Chip, image_of
from tests.fakes.station import NEW, OLD, Reset, Station, SuppliedFlash, Supply, signed_manifest

IMAGE = image_of(NEW)
OLD_IMAGE = image_of(OLD)
ENDS = (kinds.UPDATE_KEPT, kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_FAILED)
_PREPARED = []


def station_on(supply, dead=(), broken=(), capacity_bytes=16384):
    """A station before its update, on a copy of one flash under this supply."""
    if not _PREPARED:
        _PREPARED.append((Station().flash.files, signed_manifest(IMAGE, minimum=OLD)))
    flash = SuppliedFlash(supply, _PREPARED[0][0])
    station = Station(Chip(flash, OLD_IMAGE, capacity_bytes), flash)
    station.dead, station.broken = dead, broken
    return station


def one_second(station):
    """Order the update until its command is in the ledger, then live on."""
    station.trust_time()
    if station.state.command_counter == 0:
        station.receive(station.update_command(_PREPARED[0][1]))
    station.exchange(IMAGE)
    station.step(1, 500)


def restart(station):
    """The power comes back. What runs is whole, and so is the ledger."""
    while True:
        try:
            station.reboot()
            break
        except PowerCut:
            pass
    assert bytes(station.chip.slots[station.slots.running])[: len(IMAGE)] in (IMAGE, OLD_IMAGE)
    audit(station)


def stages(station):
    return [entry.detail & 255 for entry in station.entries() if entry.kind == kinds.UPDATE]


def live(station, seconds=4000):
    """Live through the update to its end, with a restart for each reset and each cut."""
    for _ in range(seconds):
        try:
            one_second(station)
        except (Reset, PowerCut):
            restart(station)
        said = stages(station)
        if said and said[-1] in ENDS and not station.slots.on_trial():
            return said
    raise AssertionError("it never ends")


def cut_everywhere(check, **how):
    """One life for each write, cut before it and in its midst; returns how many there were."""
    supply = Supply()
    live(station_on(supply, **how))
    lives = 0
    for cut_at in range(1, supply.writes + 1):
        for torn in (False, True):
            station = station_on(Supply(), **how)
            station.flash._supply.cut_at, station.flash._supply.torn = cut_at, torn
            said = live(station)
            assert station.flash._supply.writes >= cut_at
            check(station, said)
            lives += 1
    return lives


def test_a_good_release_is_kept_wherever_the_power_goes():
    def check(station, said):
        assert station.version == NEW and said == [kinds.UPDATE_TRIAL, kinds.UPDATE_KEPT]
        assert station.state.firmware_minimum == OLD and station.state.firmware_trial == 0
        station.run(IMAGE, 3)
        assert "update" not in station.flash.files and stages(station) == said

    lives = cut_everywhere(check)

    print("{} cuts".format(lives))
    assert lives > 20


def test_a_release_that_does_not_start_ends_in_the_old_one_wherever_the_power_goes():
    def check(station, said):
        assert station.version == OLD and said == [kinds.UPDATE_TRIAL, kinds.UPDATE_ROLLED_BACK]
        assert station.state.firmware_minimum == 0 and station.state.firmware_trial == 0

    assert cut_everywhere(check, dead=(NEW,)) > 20


def test_a_release_that_is_unfit_ends_in_the_old_one_wherever_its_end_is_cut():
    station = station_on(Supply(), broken=(NEW,))
    while station.version == OLD:
        try:
            one_second(station)
        except Reset:
            station.reboot()
    station.step(1700, 100000)
    supply = station.flash._supply
    begun = supply.writes
    files, slots, chip = dict(station.flash.files), [bytearray(slot) for slot in station.chip.slots], station.chip

    def again(cut_at):
        copy = SuppliedFlash(Supply(), files)
        twin = Chip(copy, OLD_IMAGE, 16384)
        twin.slots, twin.good, twin.starts_left = [bytearray(slot) for slot in slots], chip.good, chip.starts_left + 1
        found = Station(twin, copy)
        found.broken = (NEW,)
        found.step(1700, 100000)
        copy._supply.cut_at = copy._supply.writes + cut_at
        return found

    assert live(station)[-1] == kinds.UPDATE_ROLLED_BACK
    for cut_at in range(1, supply.writes - begun + 3):
        found = again(cut_at)
        assert live(found)[-1] == kinds.UPDATE_ROLLED_BACK and found.version == OLD


def test_a_download_goes_on_behind_what_was_noted_last():
    noted_each, Download.PROGRESS_EVERY = Download.PROGRESS_EVERY, 8192
    try:
        station = station_on(Supply(), capacity_bytes=32768)
        large = image_of(NEW, 15 * CHUNK_SIZE)
        station.trust_time()
        station.receive(station.update_command(signed_manifest(large)))
        while not station.asked or station.asked[-1][0] < 8 * CHUNK_SIZE:
            station.exchange(large)
            station.step(1, 500)
        station.asked = []

        station.reboot()
        station.run(large, 60)

        assert station.asked[0][0] == 12 * CHUNK_SIZE and station.version == NEW
    finally:
        Download.PROGRESS_EVERY = noted_each


def test_a_torn_block_is_written_again_as_a_whole():
    station = station_on(Supply(), ())
    station.trust_time()
    station.receive(station.update_command(_PREPARED[0][1]))
    station.acknowledge_all()
    station.step(2)
    supply = station.flash._supply
    supply.cut_at, supply.torn = supply.writes + 1, True
    try:
        station.exchange(IMAGE)
        raise AssertionError("the power was cut")
    except PowerCut:
        pass
    assert station.chip.slots[1][BLOCK_SIZE // 2 : BLOCK_SIZE] == b"\xff" * (BLOCK_SIZE // 2)

    station.reboot()
    station.run(IMAGE)

    assert station.version == NEW
