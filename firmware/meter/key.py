"""The decoder key that a meter has in force, and the set of key-change sections that may replace it."""

from shared.compat import const
from shared.key_data import base_year
from shared.sts.errors import KeyExpiredError, RangeError
from shared.sts.time_id import following_base

KEY_SET_LIMIT_MS = const(600000)  # a set is forgotten 10 min after its last section, and by a power cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.key_change import NewKey


class MeterKey:
    """`check`, and what belongs to the key: `krn`, `ti`, `kt`, `ken`, `base_year`; `ea` is the cipher's number."""

    def __init__(self, decoder_key: bytes, settings, meter) -> None:
        """From the enrolment's `settings` until a key change stands in the folded `meter`."""
        self._decoder_key = decoder_key
        self._settings = settings
        changed = meter.base_code != 0
        self.check = meter.key_check
        source = meter if changed else settings
        self.krn = source.krn
        self.ti = source.ti
        self.kt = source.kt
        self.ken = source.ken
        self.base_year = base_year(meter.base_code) if changed else settings.base_year

    @property
    def ea(self) -> int:
        return self._settings.ea

    def cipher(self):
        """The cipher of this key, made for each token: the schedules of eight meters would take 2 KB."""
        return self._settings.make_cipher(self._decoder_key)


class KeySet:
    """The sections of one meter that were accepted under one key, in RAM."""

    def __init__(self) -> None:
        self._under = None
        self._change = None
        self._last_ms = 0

    def add(self, section, key: MeterKey, now_ms: int) -> "NewKey | None":
        """Hold a section; the new key when the set is complete. RangeError: it holds no valid supply group code."""
        if self._under is not key or self._change is None or now_ms - self._last_ms >= KEY_SET_LIMIT_MS:
            from shared.sts.key_change import (
                KeyChange,
            )  # late: it takes 2 KB of a board, and keys change every few years

            self._change = KeyChange(key.ea == 11)
        self._under = key
        self._last_ms = now_ms
        self._change.add(section)
        return None if self._change.missing() else self._change.new_key()

    def missing(self) -> "list[int]":
        """The sections still to come."""
        return self._change.missing() if self._change is not None else []

    def forget(self) -> None:
        self._change = None


def following_base_year(new: "NewKey", check: int, key: MeterKey, meter) -> int:
    """The base year that a new key of this `check` brings.

    KeyTypeError: its type cannot follow. KeyExpiredError: a roll-over has retired it. RangeError: a roll-over that
    keeps the key, or that leads past the last base date.
    """
    from shared.sts.key_change import check_key_type  # late, as above

    check_key_type(key.kt, new.kt)
    if meter.is_retired(check):
        raise KeyExpiredError("a roll-over has retired this key")
    if not new.roll_over:
        return key.base_year
    if check == key.check:
        raise RangeError("a roll-over needs another key, or used tokens would count again")
    return following_base(key.base_year)
