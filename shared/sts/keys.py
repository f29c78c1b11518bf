"""Decoder keys from vending keys: DKGA02 (DES) and DKGA04 (HMAC-SHA-256). The vending side alone runs this.

A meter holds only its decoder key. Key type 3 (common) is derived for completeness; issuers should refuse it.
"""

from shared.compat import const
from shared.hmac import hmac_sha256
from shared.sts.des import des_encrypt
from shared.sts.errors import KeyDataError
from shared.sts.identity import check_key_data, control_block, pan_block, split_pan

EA07 = 7  # STA, 64-bit decoder key
EA11 = 11  # MISTY1, 128-bit decoder key
_KEY_BITS = {EA07: 64, EA11: 128}
_BASE_CODES = {1993: b"93", 2014: b"14", 2035: b"35"}
_DKGA02_LENGTH = const(8)
_DKGA04_LENGTH = const(20)


def dkga04(vending_key: bytes, base_year: int, ea: int, ti: int, sgc: str, kt: int, krn: int, meter_pan: str) -> bytes:
    """Return the decoder key, 8 bytes for EA07 and 16 for EA11, under a 20-byte vending key.

    KeyDataError for the vending key, base year or algorithm; IdentityError for the meter PAN and the rest.
    """
    if len(vending_key) != _DKGA04_LENGTH:
        raise KeyDataError("a vending key for DKGA04 has 20 bytes")
    block = dkga04_data_block(base_year, ea, ti, sgc, kt, krn, meter_pan)
    return hmac_sha256(vending_key, block)[: _KEY_BITS[ea] // 8]


def dkga04_data_block(base_year: int, ea: int, ti: int, sgc: str, kt: int, krn: int, meter_pan: str) -> bytes:
    """Return the 49 bytes that DKGA04 feeds to HMAC: label, separator, context and key length in bits."""
    if base_year not in _BASE_CODES:
        raise KeyDataError("the base year must be 1993, 2014 or 2035")
    if ea not in _KEY_BITS:
        raise KeyDataError("the encryption algorithm must be 7 or 11")
    check_key_data(kt, sgc, ti, krn)
    split_pan(meter_pan)
    label = (b"04", _BASE_CODES[base_year], _ascii("{:02d}", ea), _ascii("{:02d}", ti))
    context = (_ascii("{}", sgc), _ascii("{}", kt), _ascii("{}", krn), _ascii("{}", meter_pan))
    return b"".join((_elements(label), b"\x00", _elements(context), _KEY_BITS[ea].to_bytes(4, "big")))


def dkga02(vending_key: bytes, ti: int, sgc: str, kt: int, krn: int, meter_pan: str) -> bytes:
    """Return the 8-byte decoder key (EA07) under an 8-byte vending key of odd parity.

    KeyDataError for the vending key; IdentityError for the meter PAN and the rest.
    """
    iin, drn = split_pan(meter_pan)
    return dkga02_of_blocks(vending_key, pan_block(iin, drn, kt), control_block(kt, sgc, ti, krn))


def dkga02_of_blocks(vending_key: bytes, pan: bytes, control: bytes) -> bytes:
    """Return the decoder key of a PANBlock and a CONTROLBlock: DES(VK, X) ^ X ^ VK with X = PAN ^ CONTROL."""
    if len(vending_key) != _DKGA02_LENGTH:
        raise KeyDataError("a vending key for DKGA02 has 8 bytes")
    if not has_odd_parity(vending_key):
        raise KeyDataError("a vending key for DKGA02 has odd parity in every byte; check that it was entered right")
    x = _xor(pan, control)
    return _xor(_xor(des_encrypt(vending_key, x), x), vending_key)


def has_odd_parity(key: bytes) -> bool:
    """Tell whether every byte has an odd number of ones, as DES keys should."""
    for byte in key:
        byte ^= byte >> 4
        byte ^= byte >> 2
        if not (byte ^ byte >> 1) & 1:
            return False
    return True


def _elements(values: tuple[bytes, ...]) -> bytes:
    return bytes([len(values)]) + b"".join([bytes([len(value)]) + value for value in values])


def _ascii(form: str, value: int | str) -> bytes:
    return form.format(value).encode()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes([a[i] ^ b[i] for i in range(len(a))])
