"""Twenty digits to 66 bits and back, and the two class bits in and out of the block (IEC 62055-41)."""

from shared.compat import const
from shared.sts.errors import FormatError

TOKEN_DIGITS = 20
_TOKEN_LIMIT = 1 << 66
_BLOCK_MASK = (1 << 64) - 1
_CLASS_SHIFT = const(27)  # the class bits take the place of bits 28 and 27, which move to 65 and 64
_CLASS_BITS = const(0x18000000)


def join(token_class: int, block: bytes) -> str:
    """Return the 20 digits of a class 0..3 and an 8-byte block, encrypted where the class asks for it."""
    assert len(block) == 8 and 0 <= token_class <= 3, "a block has eight bytes and a class 0..3"
    bits = int.from_bytes(block, "big")
    displaced = bits >> _CLASS_SHIFT & 3
    number = displaced << 64 | bits & ~_CLASS_BITS | token_class << _CLASS_SHIFT
    return "{:020d}".format(number)


def split(digits: str) -> tuple[int, bytes]:
    """Return (class, 8-byte block) of 20 digits. FormatError unless they are a token's."""
    number = _number(digits)
    token_class = number >> _CLASS_SHIFT & 3
    bits = number & _BLOCK_MASK & ~_CLASS_BITS | number >> 64 << _CLASS_SHIFT
    return token_class, bits.to_bytes(8, "big")


def grouped(digits: str) -> str:
    """Return the digits in fours, as they are printed and read aloud: "1234 5678 ..."."""
    return " ".join([digits[i : i + 4] for i in range(0, len(digits), 4)])


def ungrouped(text: str) -> str:
    """Return the digits of a token as people write it, with its spaces and hyphens taken out."""
    return text.replace(" ", "").replace("-", "")


def is_decimal(text: str) -> bool:
    """Tell whether text is one or more of the ASCII digits; int() and isdigit() accept more than that."""
    if not text:
        return False
    for character in text:
        if not "0" <= character <= "9":
            return False
    return True


def _number(digits: str) -> int:
    if len(digits) != TOKEN_DIGITS or not is_decimal(digits):
        raise FormatError("a token is 20 decimal digits")
    number = int(digits)
    if number >= _TOKEN_LIMIT:
        raise FormatError("the number is too large for a token")
    return number
