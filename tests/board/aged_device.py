"""Runs on a board whose gateway was stopped: its ledger grows, all of it acknowledged, until it is about to be pruned.

Behind the last checkpoint stand almost as many entries as ever, so the next start reads as much as any. Prints how many
entries and segments there are.
"""

import gc

import board

from firmware import epoch
from firmware.drivers.flash import Flash
from firmware.drivers.system import Watchdog
from firmware.ledger.outbox import Outbox
from firmware.ledger.segments import ENTRIES_MAX
from firmware.ledger.store import CHECKPOINT_EVERY, KEPT_SEGMENTS, RESERVE_BYTES
from shared import kinds
from shared.entries import RECORD_SIZE, Entry

_TO_COME = 9  # entries before the next checkpoint: of two starts and a token, so that it falls behind them
_LAST = CHECKPOINT_EVERY - _TO_COME
_LAST_BYTES = (_LAST + 14) * RECORD_SIZE  # heads of segments included, and those few entries before it is pruned, too


def _room():
    """How many entries there is room for before the last ones."""
    segments_left = KEPT_SEGMENTS - 3 - _store.state.sequence // ENTRIES_MAX
    return min((_store.free() - RESERVE_BYTES - _LAST_BYTES) // RECORD_SIZE, segments_left * ENTRIES_MAX)


def _checkpoint(every):
    """Tells how many entries it wrote."""
    sequence = _store.state.sequence
    for _step in _store.checkpoint_steps(_store.state.time_s, kinds.TIME_UNKNOWN, every):
        pass
    return _store.state.sequence - sequence


def _grow(count):
    """By a group of entries that say the lid is closed; not by starts: behind those alone a start writes no entry."""
    _store.append([Entry(0, _store.state.time_s, kinds.TAMPER) for _ in range(count)])
    gc.collect()
    _watchdog.feed()


gc.collect()
_watchdog = Watchdog(board.WATCHDOG_MS)
_flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
_settings, _own = epoch.in_force(_flash)
_store = epoch.open_store(_flash, _settings, _own)
while _room() > 1:
    _grow(min(ENTRIES_MAX, _room()) - _checkpoint(CHECKPOINT_EVERY))  # whose entry is in the same segment
_checkpoint(1)
_grow(ENTRIES_MAX - 1)
_left = _LAST - ENTRIES_MAX
while _left > 0:
    _grow(min(_left, ENTRIES_MAX))
    _left -= ENTRIES_MAX
_store.mark()
_outbox = Outbox(_flash, _store, _settings.epoch)
_outbox.acknowledge(_store.state.sequence, _store.head)
_outbox.save()
print(_store.state.sequence, sum(name.startswith("seg-") for name in _flash.names()))
