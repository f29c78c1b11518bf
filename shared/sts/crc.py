"""The token checksum: CRC-16/MODBUS over class and data, its two bytes swapped in the token (IEC 62055-41)."""

from shared.compat import const

_POLYNOMIAL = const(0xA001)  # 0x8005 reflected
_INITIAL = const(0xFFFF)
_CLASS_BYTES = (b"\x00", b"\x01", b"\x02", b"\x03")
_CURRENCY_SUFFIX = b"\x01"


def _nibble_table() -> tuple[int, ...]:
    table = []
    for value in range(16):
        for _ in range(4):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return tuple(table)


_TABLE = _nibble_table()


def crc16_modbus(data: bytes) -> int:
    """Return the plain CRC-16/MODBUS of data; of b"123456789" it is 0x4B37."""
    return _continued(_INITIAL, data)


def _continued(crc: int, data: bytes) -> int:
    table = _TABLE
    for byte in data:
        crc = crc >> 4 ^ table[(crc ^ byte) & 15]
        crc = crc >> 4 ^ table[(crc ^ byte >> 4) & 15]
    return crc


def token_crc(token_class: int, body: bytes, currency: bool = False) -> int:
    """Return the 16-bit CRC field of a token.

    body is the six bytes before the field, in clear; the checksum covers the two class bits as a leading byte.
    Currency credit uses CRC_C, which covers one more byte, so that a meter that does not know it refuses the token.
    """
    assert len(body) == 6 and 0 <= token_class <= 3, "a token body has six bytes and a class 0..3"
    crc = _continued(_continued(_INITIAL, _CLASS_BYTES[token_class]), body)
    if currency:
        crc = _continued(crc, _CURRENCY_SUFFIX)
    return (crc & 0xFF) << 8 | crc >> 8
