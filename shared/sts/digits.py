"""Twenty digits to 66 bits and back, and the two class bits in and out of the block (IEC 62055-41)."""

from shared.compat import const
from shared.sts.errors import FormatError

TOKEN_DIGITS = 20
_NUMBER_LENGTH = const(9)  # bytes, the lowest two bits of the first in use
# The class bits take the place of bits 28 and 27, which move to 65 and 64. They lie in the fifth byte of the block.
_CLASS_BYTE = const(4)
_CLASS_SHIFT = const(3)
_OTHER_BITS = const(0xE7)


def join(token_class: int, block: bytes) -> str:
    """Return the 20 digits of a class 0..3 and an 8-byte block, encrypted where the class asks for it."""
    assert len(block) == 8 and 0 <= token_class <= 3, "a block has eight bytes and a class 0..3"
    number = bytearray(_NUMBER_LENGTH)
    number[1:] = block
    number[0] = block[_CLASS_BYTE] >> _CLASS_SHIFT & 3
    number[1 + _CLASS_BYTE] = block[_CLASS_BYTE] & _OTHER_BITS | token_class << _CLASS_SHIFT
    return "{:020d}".format(int.from_bytes(number, "big"))


def split(digits: str) -> tuple[int, bytes]:
    """Return (class, 8-byte block) of 20 digits. FormatError unless they are a token's."""
    number = _number(digits)
    block = bytearray(number[1:])
    block[_CLASS_BYTE] = block[_CLASS_BYTE] & _OTHER_BITS | number[0] << _CLASS_SHIFT
    return number[1 + _CLASS_BYTE] >> _CLASS_SHIFT & 3, bytes(block)


def grouped(digits: str) -> str:
    """Return the digits in fours, as they are printed and read aloud: "1234 5678 ..."."""
    return " ".join([digits[i : i + 4] for i in range(0, len(digits), 4)])


def ungrouped(text: str) -> str:
    """Return the digits of a token as people write it, with its spaces and hyphens taken out."""
    return text.replace(" ", "").replace("-", "")


def is_decimal(text: str) -> bool:
    """Tell whether text is one or more of the ASCII digits; int() and isdigit() accept more than that."""
    return text.isdigit() and len(text.encode()) == len(text)  # digits beyond ASCII take more than one byte


def _number(digits: str) -> bytes:
    if len(digits) != TOKEN_DIGITS or not is_decimal(digits):
        raise FormatError("a token is 20 decimal digits")
    number = int(digits).to_bytes(_NUMBER_LENGTH, "big")
    if number[0] > 3:
        raise FormatError("the number is too large for a token")
    return number
