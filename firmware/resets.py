"""Why the board starts, kept over the reset itself, and how often in a row it crashed, which decides on safe mode.

Flash is written only around a start that is not a plain one: `reset` says why the next start comes, `crashes` counts.
"""

from firmware.ledger.pair import with_check, without_check
from shared import kinds, starts
from shared.compat import const
from shared.errors import WireError
from shared.wire import Layout

SAFE = const(1)  # tokens, metering, supply, link; no codes, no pages, no time server
LAST_RESORT = const(2)  # pulses are counted into the journal, and nothing else

RESET = Layout(b"PSreset1", (("cause", "u1"), ("crash", "u1"), ("reason", "v2")))
CRASHES = Layout(b"PScrash1", (("firmware", "u4"), ("count", "u1")))
SAFE_AFTER = const(3)  # crashes in a row, each within LIVED_MS of its start
LAST_RESORT_AFTER = const(6)
LIVED_MS = const(600000)  # a start that lives so long was not in vain
CLEAN_MS = const(86400000)  # a clean day ends safe mode
RETRY_MS = const(3600000)  # so long the last resort counts before safe mode is tried again
_REASON_MAX = const(80)
_RESET_FILE = "reset"
_CRASHES_FILE = "crashes"
_LEVELS = ("", ", safe mode", ", last resort")
_NAMED = const(4)  # letters of a task's name that an entry has room for


class Resets:
    """Of this start: its `cause` (kinds.RESET_*), the `reason` of an own reset or "", and the `level` to run at.

    `flash` may be replaced by another object for the same files.
    """

    def __init__(self, flash, chip: "tuple[int, bool]", firmware: int) -> None:
        """`chip`: the cause that the chip knows, and whether it may have been a crash (drivers/system.py)."""
        self.flash = flash
        self._firmware = firmware
        self.cause, crashed = chip
        self.reason = ""
        left = self._taken()
        if left is not None:
            self.cause, crashed = left["cause"], left["crash"] == 1
            self.reason = left["reason"].decode()
        self._count = self._counted()
        if crashed:
            self._set_count(min(self._count + 1, 0xFF))
        self.level = LAST_RESORT if self._count >= LAST_RESORT_AFTER else SAFE if self._count >= SAFE_AFTER else 0
        # what cures a crash loop may come by an update, unless that is what crashes
        self.may_update = self._count <= SAFE_AFTER

    def detail(self) -> int:
        """The cause as BOOT has it."""
        return self.cause | (kinds.BOOT_SAFE_MODE if self.level else 0)

    def text(self) -> str:
        """The start in words, for the log."""
        reason = " ({})".format(self.reason) if self.reason else ""
        return "start: {}{}{}".format(starts.RESET_TEXTS[self.cause], reason, _LEVELS[self.level])

    def leave(self, cause: int, reason: str, crash: bool = False) -> None:
        """Keep for the next start why it comes: "task: what happened" for a reset that the firmware decides on."""
        data = RESET.encode(cause=cause, crash=1 if crash else 0, reason=reason[:_REASON_MAX].encode())
        try:
            self.flash.rewrite(_RESET_FILE, with_check(data))
        except OSError:
            pass  # then the next start knows what the chip knows

    def take_back(self) -> None:
        """The reset did not come."""
        self._remove(_RESET_FILE)

    def lived(self, uptime_ms: int) -> str:
        """Called now and then; returns why the board should start afresh now, or ""."""
        if not self._count or uptime_ms < LIVED_MS:
            return ""
        if self.level == LAST_RESORT:
            if uptime_ms < RETRY_MS:
                return ""
            self._set_count(SAFE_AFTER)
            return "safe mode is tried again"
        if self.level == SAFE:
            if self._count > SAFE_AFTER:
                self._set_count(SAFE_AFTER)
            if uptime_ms < CLEAN_MS:
                return ""
        self.forget()
        return "a clean day ends safe mode" if self.level else ""

    def forget(self) -> None:
        """No crash counts any more."""
        self._count = 0
        self._remove(_CRASHES_FILE)

    def _taken(self):
        """What the last run left, which counts once."""
        try:
            fields = RESET.decode(without_check(self.flash.read(_RESET_FILE)))
        except OSError:
            return None
        except WireError:
            fields = None
        self._remove(_RESET_FILE)
        return fields

    def _counted(self):
        """Crashes in a row of this firmware; another one begins anew."""
        try:
            fields = CRASHES.decode(without_check(self.flash.read(_CRASHES_FILE)))
        except (OSError, WireError):
            return 0
        return fields["count"] if fields["firmware"] == self._firmware else 0

    def _set_count(self, count):
        self._count = count
        try:
            self.flash.rewrite(_CRASHES_FILE, with_check(CRASHES.encode(firmware=self._firmware, count=count)))
        except OSError:
            pass  # it counts for this start

    def _remove(self, name):
        try:
            self.flash.remove(name)
        except OSError:
            pass


def codes(reason: str) -> "tuple[int, int]":
    """What an entry tells of "task: what happened": four letters of the task, kind of error * 65536 + its number."""
    task, _, what = (reason + ": ").partition(": ")
    letters = (task.encode() + bytes(_NAMED))[:_NAMED]
    name, _, rest = what.partition("(")
    name = name.rstrip(": ")
    error = starts.ERROR_NAMES.index(name) if name in starts.ERROR_NAMES else 0
    digits = ""
    for symbol in rest:
        if not "0" <= symbol <= "9":
            break
        digits += symbol
    return int.from_bytes(letters, "big"), error << 16 | min(int(digits or "0"), 0xFFFF)
