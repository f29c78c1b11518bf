"""A token, end to end: encode() turns a value into twenty digits, decode() turns digits into a value or a named error.

The order of the checks is the standard's: format, class, checksum, subclass, manufacturer, field values. What needs
a memory - used and old identifiers, key expiry, key type, overflow, lock-out - is the meter's to check.
"""

from shared.sts import fields
from shared.sts.crc import token_crc
from shared.sts.digits import join, split
from shared.sts.errors import CRCError, FunctionError, MfrCodeError
from shared.sts.value import TokenValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.sts.cipher import Cipher

    Readers = dict[tuple[int, int], Callable[[bytes], TokenValue]]

CREDIT, TEST, MANAGEMENT = range(3)
_READERS = {
    (TEST, 0): fields.read_meter_test,
    (TEST, 1): fields.read_meter_test,
    (TEST, 2): fields.read_extended_read,
    (MANAGEMENT, 0): fields.read_power_limit,
    (MANAGEMENT, 1): fields.read_clear_credit,
    (MANAGEMENT, 5): fields.read_clear_tamper,
    (MANAGEMENT, 6): fields.read_power_limit,
    (MANAGEMENT, 10): fields.read_extended_set,
}
_KEY_SECTIONS = (3, 4, 8, 9)  # subclasses


def encode(token_value: TokenValue, cipher: "Cipher | None") -> str:
    """Return the 20 digits of a value under the meter's cipher; class 1 is not encrypted and needs none."""
    block = clear_block(token_value)
    if token_value.token_class != TEST:
        assert cipher is not None, "credit and management tokens are encrypted"
        block = cipher.encrypt(block)
    return join(token_value.token_class, block)


def decode(
    digits: str, cipher: "Cipher | None", mfr_code: int | None = 0, own_readers: "Readers | None" = None
) -> TokenValue:
    """Return the value of 20 digits, with token_class, subclass, tid, amount and the fields of its kind.

    mfr_code is this meter's own: test tokens of other makers are refused; None reads those of every maker.
    own_readers, by (class, subclass), read the maker's proprietary tokens; without them those are refused.
    Raises FormatError, CRCError (also for another meter's token), FunctionError, MfrCodeError or RangeError.
    """
    token_class, block = split(digits)
    if token_class > MANAGEMENT:
        raise FunctionError("token class 3 is reserved")
    if token_class != TEST:
        assert cipher is not None, "credit and management tokens are encrypted"
        block = cipher.decrypt(block)
    value = read_block(token_class, block, cipher is not None and cipher.ea == 11, own_readers)
    if token_class == TEST and mfr_code is not None:
        _check_maker(value, mfr_code)
    return value


def _check_maker(value: TokenValue, mfr_code: int) -> None:
    if isinstance(value, fields.MeterTest) and value.mfr_code not in (0, mfr_code):
        raise MfrCodeError("this test token belongs to another manufacturer")


def clear_block(token_value: TokenValue) -> bytes:
    """Return the 8 bytes of a value before encryption: its body and the checksum."""
    body = token_value.body()
    crc = token_crc(token_value.token_class, body, _is_currency(token_value.token_class, token_value.subclass))
    return body + crc.to_bytes(2, "big")


def read_block(token_class: int, block: bytes, long_key: bool, own_readers: "Readers | None" = None) -> TokenValue:
    """Return the value of 8 clear bytes; long_key tells whether the meter's decoder key has 128 bits."""
    body = block[:6]
    subclass = body[0] >> 4
    if token_crc(token_class, body, _is_currency(token_class, subclass)) != block[6] << 8 | block[7]:
        raise CRCError("the checksum does not match; check the digits and the meter")
    own_reader = own_readers.get((token_class, subclass)) if own_readers else None
    return (own_reader or _reader(token_class, subclass, long_key))(body)


def _is_currency(token_class: int, subclass: int) -> bool:
    return token_class == CREDIT and 4 <= subclass <= 7


def _reader(token_class: int, subclass: int, long_key: bool) -> "Callable[[bytes], TokenValue]":
    if token_class == CREDIT and subclass <= 7:
        return fields.read_credit
    reader: Callable[[bytes], TokenValue] | None = _READERS.get((token_class, subclass))
    if token_class == MANAGEMENT and subclass in _KEY_SECTIONS:
        from shared.sts import key_change  # late: it takes 2 KB of a board, and keys change every few years

        reader = key_change.reader_of(subclass, long_key)
    if reader is None:
        raise FunctionError("token class {} subclass {} is not supported".format(token_class, subclass))
    return reader
