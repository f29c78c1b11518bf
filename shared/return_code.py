"""Return code: twelve digits that prove what a meter did, read out where there is no network; and the PIN of a meter.

The first 4 digits are the meter's token counter in clear, modulo 10^4; 8 are a truncated HMAC-SHA-256 under a key that
serves for nothing else. What a guess gains is reckoned in docs/keypad.md.
"""

from shared.compat import const
from shared.errors import SharedError
from shared.hmac import hmac_sha256, same
from shared.wire import Layout

DIGITS = const(12)
CANDIDATES_MAX = const(100)  # what the chance of a guess is reckoned with
BAND_MAX = const(48)

_CODE = Layout(b"PSretcod", (("epoch", "u2"), ("counter", "u4"), ("last_tid", "u4"), ("result", "u1"), ("band", "u1")))
_PIN_TAG = b"PSmtrpin"
_BAND_UNIT = const(1000)
_COUNTER_SHOWN = const(10000)
_MAC_SHOWN = const(100000000)
_PIN_SHOWN = const(10000)


class ReturnCodeError(SharedError):
    """A return code that is none, or a question that would make guessing too easy."""


def make(key: bytes, epoch: int, counter: int, last_tid: int, result: int, band: int) -> str:
    """The 12 digits for the last token that was carried out: the meter's `counter` of them, its TID and its result.

    `band` is that of band(). WireError: a value does not fit its field.
    """
    message = _CODE.encode(epoch=epoch, counter=counter, last_tid=last_tid, result=result, band=band)
    return f"{counter % _COUNTER_SHOWN:04d}{_truncated(key, message) % _MAC_SHOWN:08d}"


def band(balance: int) -> int:
    """How large a balance is, coarsely: the bit length of its thousands; 0 for none, 48 at most."""
    rest = max(balance, 0) // _BAND_UNIT
    length = 0
    while rest and length < BAND_MAX:
        rest >>= 1
        length += 1
    return length


def check(
    key: bytes, code: str, epoch: int, candidates: "list[tuple[int, int, int, int]]"
) -> "tuple[int, int, int, int] | None":
    """The (counter, last TID, result, band) that a code stands for, or None when it is none of the candidates.

    Every candidate is reckoned, whichever fits. ReturnCodeError: not 12 digits, or more than CANDIDATES_MAX.
    """
    if len(code) != DIGITS or not all("0" <= digit <= "9" for digit in code):
        raise ReturnCodeError(f"a return code has {DIGITS} digits, 0 to 9 and nothing else")
    if len(candidates) > CANDIDATES_MAX:
        raise ReturnCodeError(
            f"{len(candidates)} candidates are too many to tell a guess from a code, narrow them down"
        )
    found = None
    for candidate in candidates:
        counter, last_tid, result, balance_band = candidate
        if same(make(key, epoch, counter, last_tid, result, balance_band).encode(), code.encode()):
            found = candidate
    return found


def pin(return_key: bytes) -> str:
    """The 4 digits that tell a meter's customer from the neighbours at a keypad they share."""
    return f"{_truncated(return_key, _PIN_TAG) % _PIN_SHOWN:04d}"


def _truncated(key: bytes, message: bytes) -> int:
    """31 bits of the HMAC, from where its last byte says (RFC 4226, 5.3, with SHA-256 as in RFC 6238)."""
    mac = hmac_sha256(key, message)
    at = mac[31] & 15
    return int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
