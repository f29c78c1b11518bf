"""Code slots in a ROMFS partition: one half of it always runs, wherever power is lost while the other is replaced."""

import sys

import vfs

from firmware.drivers.rom_slots import RomSlots
from firmware.image import rom_start
from tests.fakes.block_flash import SECTOR_BYTES, BlockFlash
from tests.helpers import raises, scratch

_SECTORS = 8
_RECORD = scratch("rom_slot_record")


class PowerLost(Exception):
    pass


class Board:
    """A partition of eight sectors, with the images of its halves, and a record on the file system."""

    def __init__(self, versions):
        self.flash = BlockFlash(_SECTORS)
        self.armed = 0
        for half, version in enumerate(versions):
            if version:
                put(self.flash, half * _SECTORS // 2, rom(version))

    def start(self):
        """One start; returns its slots and the version that runs, or None."""
        before = list(sys.path)
        if not rom_start.start(memoryview(contents(self.flash)), _RECORD, self._arm):
            return None, None
        with open(sys.path[0] + "/version") as file:
            version = file.read()
        vfs.umount(sys.path[0])
        sys.path[:] = before
        return RomSlots(self.flash, _SECTORS * SECTOR_BYTES, rom_start, _RECORD), version

    def _arm(self):
        self.armed += 1


def rom(version):
    """A ROMFS image with one file, `version` (format: docs.micropython.org, ROMFS)."""
    name, data = b"version", version.encode()
    file = bytes([len(name)]) + name + bytes([2, len(data)]) + data
    record = bytes([5, len(file)]) + file
    return b"\xd2\xcd\x31" + bytes([len(record)]) + record


def put(flash, sector, image):
    flash.writeblocks(sector, image + bytes(-len(image) % 256))


def contents(flash):
    data = bytearray(_SECTORS * SECTOR_BYTES)
    for sector in range(_SECTORS):
        flash.readblocks(sector, memoryview(data)[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES])
    return bytes(data)


def fresh():
    """With the record of a board that was never updated."""
    rom_start.write(_RECORD, 0, -1)


def test_a_new_board_starts_its_first_half():
    assert rom_start.read("build/there_is_no_such_file") == rom_start.read("build") == (0, -1)
    fresh()
    slots, version = Board(("one", "")).start()

    assert (version, slots.running, slots.on_trial()) == ("one", 0, False)
    assert slots.capacity_bytes == 4 * SECTOR_BYTES


def test_a_half_without_an_image_is_never_started():
    fresh()
    slots, version = Board(("", "two")).start()

    assert (version, slots.running) == ("two", 1)
    assert Board(("", "")).start() == (None, None)


def test_what_is_written_is_read_back_and_runs_when_it_is_tried():
    fresh()
    board = Board(("one", ""))
    slots, _ = board.start()
    slots.write(0, rom("two"))
    slots.write(SECTOR_BYTES, b"more")
    read = slots.read(0, 12), slots.read(SECTOR_BYTES, 4)
    slots.start_trial()
    tried, version = board.start()

    assert read == (rom("two")[:12], b"more")
    assert (version, tried.running, tried.on_trial(), board.armed) == ("two", 1, True, 1)


def test_a_trial_that_is_kept_stays():
    fresh()
    board = Board(("one", "two"))
    board.start()[0].start_trial()
    board.start()[0].keep()

    assert [board.start()[1] for _ in range(5)] == ["two"] * 5
    assert not board.start()[0].on_trial()


def test_a_trial_that_is_not_kept_ends_after_three_starts():
    fresh()
    board = Board(("one", "two"))
    board.start()[0].start_trial()

    assert [board.start()[1] for _ in range(5)] == ["two", "two", "two", "one", "one"]


def test_a_trial_that_is_given_up_ends_at_once():
    fresh()
    board = Board(("one", "two"))
    board.start()[0].start_trial()
    board.start()[0].give_up()

    assert board.start()[1] == "one"


def test_the_way_back_is_not_written_during_a_trial():
    fresh()
    board = Board(("one", "two"))
    board.start()[0].start_trial()
    slots, _ = board.start()

    raises(OSError, slots.write, 0, b"x")
    raises(OSError, slots.start_trial)
    assert slots.read(0, 12) == rom("one")[:12]


def test_one_half_always_runs_wherever_power_is_lost():
    cuts = 0
    for cut in range(1, 100):
        fresh()
        board = Board(("one", "old"))
        left = [cut]

        def spend(sector, offset, data, left=left):
            left[0] -= 1
            if not left[0]:
                raise PowerLost

        board.flash.before = spend
        try:
            updated(board)
        except PowerLost:
            cuts += 1
        board.flash.before = None
        version = board.start()[1]

        assert version in ("one", "two"), "cut {}: {}".format(cut, version)
        if left[0] > 0:
            assert version == "two"
            break
    assert cuts > 4


def updated(board):
    slots, _ = board.start()
    image = rom("two")
    for at in range(0, 4 * SECTOR_BYTES, SECTOR_BYTES):
        slots.write(at, image if at == 0 else b"\0" * 512)
    slots.start_trial()
    board.start()[0].keep()


def test_a_start_that_cannot_be_counted_is_none_on_trial():
    fresh()
    board = Board(("one", "two"))
    board.start()[0].start_trial()
    write = rom_start.write

    def refused(path, good, starts):
        raise OSError(28)

    rom_start.write = refused
    try:
        versions = [board.start()[1] for _ in range(5)]
    finally:
        rom_start.write = write

    assert versions == ["one"] * 5 and board.armed == 0
    assert board.start()[1] == "two", "what was refused is tried again"
