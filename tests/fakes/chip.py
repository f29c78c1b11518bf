"""The files of a gateway on real littlefs on a flash chip in RAM, for MicroPython alone: CPython has no `vfs`."""

import os

import vfs

from firmware.drivers.flash import Flash
from tests.fakes.block_flash import PAGE_BYTES, BlockFlash

_FOLDER = "/penstock"  # on the chip, as board maps have it


def formatted(sectors: int) -> BlockFlash:
    """A chip with an empty file system, as the installer's tool makes it."""
    chip = BlockFlash(sectors)
    vfs.VfsLfs2.mkfs(chip, progsize=PAGE_BYTES)
    return chip


class ChipFlash(Flash):
    """The files on a chip that is mounted at `place`; what was mounted there before is put away."""

    def __init__(self, chip: BlockFlash, place: str = "/chip", capacity_bytes: "int | None" = None) -> None:
        self.chip = chip
        self.place = place
        self._capacity = capacity_bytes
        unplug(place)
        vfs.mount(vfs.VfsLfs2(chip, progsize=PAGE_BYTES, readsize=PAGE_BYTES, mtime=False), place)  # as _boot.py
        super().__init__(place + _FOLDER, capacity_bytes)

    def after_reboot(self) -> "ChipFlash":
        """The same chip, mounted anew."""
        return ChipFlash(self.chip, self.place, self._capacity)


def unplug(place: str) -> None:
    """Take away what is mounted there, if anything is."""
    if place[1:] in os.listdir("/"):
        vfs.umount(place)
