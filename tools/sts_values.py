"""The kinds of token that `tools.sts encode` makes: for each its options, and its values from them."""

import argparse
import getpass
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.sts import fields
from shared.sts.errors import KeyDataError, RangeError
from shared.sts.key_change import NewKey, sections_of
from shared.sts.time_id import tid_at
from shared.sts.value import TokenValue

_COMMODITIES = {"electricity": fields.ELECTRICITY, "water": fields.WATER, "gas": fields.GAS, "time": fields.TIME}
_TIME_FORMAT = "%Y-%m-%d %H:%M"
CLEAR_KINDS = ("test", "extended-read")
"""The kinds that are not encrypted, so that no key is asked for."""


def key_bytes(text: str) -> bytes:
    """Return a key written in hexadecimal, spaces allowed. KeyDataError, without the text, if it is not that."""
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise KeyDataError("a key is written in hexadecimal digits") from None


def utc_text(seconds: int) -> str:
    """Return seconds since 1970 as "YYYY-MM-DD HH:MM UTC"."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIME_FORMAT) + " UTC"


def _add_timed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tid", type=int, help="token identifier; else it follows from --time")
    parser.add_argument("--time", help='"YYYY-MM-DD HH:MM" in UTC; now if absent')
    parser.add_argument("--base-year", type=int, choices=(1993, 2014, 2035), default=2014)
    parser.add_argument("--rnd", type=int, help="the random nibble; drawn if absent")


def _tid(options: argparse.Namespace) -> int:
    if options.tid is not None:
        return int(options.tid)
    return tid_at(int(_moment(options.time).timestamp()), options.base_year)


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise RangeError('a time is written "YYYY-MM-DD HH:MM"') from None


def _rnd(options: argparse.Namespace) -> int:
    return secrets.randbelow(16) if options.rnd is None else int(options.rnd)


def _add_credit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("commodity", choices=_COMMODITIES)
    parser.add_argument("units", type=int, help="in 0.1 kWh, 0.1 m3 or 0.1 minute; rounded up to what a token carries")
    _add_timed(parser)


def _credit(options: argparse.Namespace) -> list[TokenValue]:
    subclass = _COMMODITIES[options.commodity]
    return [fields.TransferCredit(subclass, _rnd(options), _tid(options), options.units)]


def _add_currency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("commodity", choices=_COMMODITIES)
    parser.add_argument("amount", type=int, help="in 1/100000 of the base currency")
    _add_timed(parser)


def _currency(options: argparse.Namespace) -> list[TokenValue]:
    subclass = fields.CURRENCY + _COMMODITIES[options.commodity]
    return [fields.CurrencyCredit(subclass, _tid(options), options.amount)]


def _add_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--control", type=lambda text: int(text, 16), help="bits in hexadecimal; all if absent")
    parser.add_argument("--long-mfr-code", action="store_true", help="the form for 4-digit manufacturer codes")
    parser.add_argument("--mfr-code", type=int, default=0, help="manufacturer; 0 is every one")


def _test(options: argparse.Namespace) -> list[TokenValue]:
    every = fields.ALL_TESTS_28 if options.long_mfr_code else fields.ALL_TESTS_36
    control = every if options.control is None else options.control
    return [fields.MeterTest(int(options.long_mfr_code), control, options.mfr_code)]


def _add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=int, help="extended entry 0..63")


def _extended_read(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.ExtendedRead(options.index)]


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("watts", type=int)
    _add_timed(parser)


def _power_limit(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.SetMaximumPowerLimit(_rnd(options), _tid(options), options.watts)]


def _unbalance_limit(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.SetMaximumPhasePowerUnbalanceLimit(_rnd(options), _tid(options), options.watts)]


def _add_register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--register", type=int, default=fields.ALL_REGISTERS, help="0..7; every register if absent")
    _add_timed(parser)


def _clear_credit(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.ClearCredit(_rnd(options), _tid(options), options.register)]


def _clear_tamper(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.ClearTamperCondition(_rnd(options), _tid(options))]


def _add_extended_set(parser: argparse.ArgumentParser) -> None:
    _add_index(parser)
    parser.add_argument("value", type=int, help="0..1023")
    _add_timed(parser)


def _extended_set(options: argparse.Namespace) -> list[TokenValue]:
    return [fields.ExtendedSet(_rnd(options), _tid(options), options.index, options.value)]


def _add_key_change(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--new-key-file", type=Path, help="new decoder key in hexadecimal; asked for if absent")
    parser.add_argument("--sgc", help="supply group code; a 64-bit key needs none")
    parser.add_argument("--ken", type=int, default=255, help="key expiry number; 255 is never")
    parser.add_argument("--krn", type=int, required=True)
    parser.add_argument("--kt", type=int, choices=(0, 1, 2), default=2)
    parser.add_argument("--ti", type=int, required=True)
    parser.add_argument("--roll-over", action="store_true", help="the new key has another base date")


def _key_change(options: argparse.Namespace) -> list[TokenValue]:
    prompt = "New decoder key (hexadecimal): "
    key = key_bytes(options.new_key_file.read_text() if options.new_key_file else getpass.getpass(prompt))
    if len(key) != (8 if options.ea == 7 else 16):
        raise KeyDataError("the new key must be as long as the algorithm asks for")
    new = NewKey(key, options.ken, options.krn, options.kt, options.ti, options.sgc, options.roll_over)
    return sections_of(new)


_Kind = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], list[TokenValue]]]

KINDS: dict[str, _Kind] = {
    "credit": ("credit in units", _add_credit, _credit),
    "currency": ("credit in money", _add_currency, _currency),
    "test": ("meter test or display, not encrypted", _add_test, _test),
    "extended-read": ("show an extended entry, not encrypted", _add_index, _extended_read),
    "power-limit": ("set the maximum power limit", _add_limit, _power_limit),
    "unbalance-limit": ("set the maximum phase power unbalance limit", _add_limit, _unbalance_limit),
    "clear-credit": ("clear one or every credit register", _add_register, _clear_credit),
    "clear-tamper": ("clear the tamper condition", _add_timed, _clear_tamper),
    "extended-set": ("set an extended entry", _add_extended_set, _extended_set),
    "key-change": ("the two, three or four tokens of a new key", _add_key_change, _key_change),
}
