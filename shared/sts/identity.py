"""Meter numbers, meter PANs and the blocks made of them, with their Luhn check digits (IEC 62055-41 section 6).

DRN: 2-digit maker + 8 digits + check digit, or 4-digit maker + 8 digits + check digit.
MeterPAN: 18 digits, issuer 600727 + 11-digit DRN or issuer 0000 + 13-digit DRN, and a check digit over those 17.
"""

from shared.compat import const
from shared.sts.digits import is_decimal
from shared.sts.errors import IdentityError

IIN_11_DIGIT_DRN = "600727"
IIN_13_DIGIT_DRN = "0000"
_PAN_LENGTH = const(18)
_KT_COMMON = const(3)


def luhn_digit(digits: str) -> str:
    """Return the Luhn check digit that belongs after digits (ISO/IEC 7812-1)."""
    if not is_decimal(digits):
        raise IdentityError("a check digit is made of decimal digits only")
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)


def check_drn(drn: str) -> None:
    """IdentityError unless drn is a meter number of 11 or 13 digits with a right check digit."""
    if len(drn) not in (11, 13) or not is_decimal(drn):
        raise IdentityError("a meter number has 11 or 13 digits")
    if luhn_digit(drn[:-1]) != drn[-1]:
        raise IdentityError("the meter number's last digit does not match; check the number")


def meter_pan(drn: str, iin: str | None = None) -> str:
    """Return the 18-digit MeterPAN of a meter number; the issuer number follows from its length if not given."""
    check_drn(drn)
    if iin is None:
        iin = IIN_11_DIGIT_DRN if len(drn) == 11 else IIN_13_DIGIT_DRN
    if len(iin + drn) != _PAN_LENGTH - 1:
        raise IdentityError("an 11-digit meter number needs a 6-digit issuer number, a 13-digit one a 4-digit one")
    return iin + drn + luhn_digit(iin + drn)


def split_pan(pan: str) -> tuple[str, str]:
    """Return (issuer number, meter number) of a MeterPAN. IdentityError if a check digit is wrong."""
    if len(pan) != _PAN_LENGTH or not is_decimal(pan):
        raise IdentityError("a meter PAN has 18 digits")
    if luhn_digit(pan[:-1]) != pan[-1]:
        raise IdentityError("the meter PAN's last digit does not match; check the number")
    iin_length = 4 if pan[:4] == IIN_13_DIGIT_DRN else 6
    drn = pan[iin_length:-1]
    check_drn(drn)
    return pan[:iin_length], drn


def pan_block(iin: str, drn: str, kt: int) -> bytes:
    """Return the 8-byte PANBlock: 16 digits as nibbles, the end of the issuer number and the meter number.

    For a common key (KT 3) the meter number's digits are zero.
    """
    if len(iin) not in (4, 6) or len(iin + drn) != _PAN_LENGTH - 1 or not is_decimal(iin + drn):
        raise IdentityError("issuer and meter number have 6 and 11 or 4 and 13 digits")
    if kt == _KT_COMMON:
        drn = "0" * len(drn)
    return bytes.fromhex(iin[1:] + drn)


def control_block(kt: int, sgc: str, ti: int, krn: int) -> bytes:
    """Return the 8-byte CONTROLBlock: KT, SGC (six digits), TI (two), KRN, and ones."""
    check_key_data(kt, sgc, ti, krn)
    return bytes.fromhex("{}{}{:02d}{}FFFFFF".format(kt, sgc, ti, krn))


def check_key_data(kt: int, sgc: str, ti: int, krn: int) -> None:
    """IdentityError unless the key type, supply group code, tariff index and key revision are what they may be."""
    if len(sgc) != 6 or not is_decimal(sgc):
        raise IdentityError("a supply group code is six digits")
    if not (0 <= kt <= 3 and 0 <= ti <= 99 and 1 <= krn <= 9):
        raise IdentityError("the key type is 0..3, the tariff index 0..99, the key revision 1..9")
