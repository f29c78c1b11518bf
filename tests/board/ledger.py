"""What a board has on its flash of ledger and registers, read by the installer's tool."""

from shared import kinds
from shared.entries import BODY_SIZE, RECORD_SIZE, Entry, decode
from tests.board.emulated import EmulatedBoard

_HEADER_SIZE = 46
_LEDGER = """
import board
from firmware.drivers.flash import Flash
flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
for name in flash.names("seg-"):
    print(flash.read(name).hex())
"""
_REGISTERS = """
import board
from firmware.drivers.flash import Flash
from firmware.ledger.pair import Pair
from firmware.meter.register import decode_journal
flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
data = Pair(flash, "journal").load()
registers = decode_journal(1, data) if data else {}
print(*[registers.get(channel, 0) for channel in range(board.MAX_METERS)])
"""


async def starts(board: EmulatedBoard) -> list[int]:
    """The details of BOOT, in order."""
    entries: dict[int, Entry] = {}
    for line in (await board.run(_LEDGER)).split():
        data = bytes.fromhex(line)
        for at in range(_HEADER_SIZE, len(data), RECORD_SIZE):
            entry = decode(data[at : at + BODY_SIZE])
            entries[entry.sequence] = entry
    return [entries[sequence].detail for sequence in sorted(entries) if entries[sequence].kind == kinds.BOOT]


async def registers_ml(board: EmulatedBoard) -> list[int]:
    """The registers of all channels as the journal of the first epoch has them; 0 before the first is whole."""
    return [int(word) for word in (await board.run(_REGISTERS)).split()]
