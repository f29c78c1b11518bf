"""The STS codec as the key store uses it: vending keys, decoder keys under them, and tokens under those."""

import secrets

from cloud.errors import Refused
from cloud.vending.models import VendingKey
from cloud.vending.store import CreditToken, MeterIdentity
from shared.documents import COMMODITIES
from shared.sts.cipher import EA07, EA11, make_cipher
from shared.sts.errors import RangeError
from shared.sts.fields import CURRENCY, CurrencyCredit, TransferCredit
from shared.sts.identity import meter_pan
from shared.sts.key_change import NewKey, sections_of
from shared.sts.keys import dkga02, dkga04, dkga04_data_block, has_odd_parity
from shared.sts.tables import Tables
from shared.sts.token import encode
from shared.sts.void import Void

DKGA02, DKGA04 = 2, 4
ALGORITHMS = {(EA07, DKGA02), (EA07, DKGA04), (EA11, DKGA04)}
"""The pairs of encryption algorithm and decoder key generation algorithm that vending keys may have."""
_VENDING_KEY_BYTES = {DKGA02: 8, DKGA04: 20}


def new_vending_key(dkga: int) -> bytes:
    """Return a random vending key: 20 bytes for DKGA04, 8 bytes of odd parity for DKGA02."""
    key = secrets.token_bytes(_VENDING_KEY_BYTES[dkga])
    if dkga == DKGA04:
        return key
    return bytes(byte if has_odd_parity(bytes([byte])) else byte ^ 1 for byte in key)


def decoder_key(vending_key: bytes, key: VendingKey, meter: MeterIdentity) -> bytes:
    """Return the decoder key of one meter under a vending key."""
    pan = meter_pan(meter.drn)
    if key.dkga == DKGA02:
        return dkga02(vending_key, meter.ti, key.sgc, key.kt, key.krn, pan)
    return dkga04(vending_key, key.base_year, key.ea, meter.ti, key.sgc, key.kt, key.krn, pan)


def dkga04_input(key: VendingKey, meter: MeterIdentity) -> bytes:
    """Return the 49 bytes whose HMAC-SHA-256 under the vending key begins with the decoder key."""
    return dkga04_data_block(key.base_year, key.ea, meter.ti, key.sgc, key.kt, key.krn, meter_pan(meter.drn))


def leftmost(mac: bytes, key: VendingKey) -> bytes:
    """Return the decoder key that an HMAC begins with: 16 bytes for EA11, 8 for EA07."""
    return mac[: 16 if key.ea == EA11 else 8]


def credit_token(decoder_key: bytes, ea: int, tables: Tables | None, token: CreditToken) -> str:
    """Return the 20 digits of a class 0 token under a decoder key."""
    subclass = COMMODITIES.index(token.commodity)
    cipher = make_cipher(ea, decoder_key, tables)
    if token.money is not None:
        return encode(CurrencyCredit(CURRENCY + subclass, token.tid, token.money), cipher)
    return encode(TransferCredit(subclass, token.rnd, token.tid, token.units), cipher)


def key_change_tokens(
    old_key: bytes, old: VendingKey, new_key: bytes, new: VendingKey, ti: int, tables: Tables | None
) -> list[str]:
    """Return the digits of the sections that lead from one decoder key to the next, all under the old one.

    The roll-over flag is set exactly when the base date changes. A 64-bit key takes a third section only for another
    supply group.
    """
    sgc = new.sgc if new.ea == EA11 or new.sgc != old.sgc else None
    carried = NewKey(new_key, new.ken, new.krn, new.kt, ti, sgc, new.base_year != old.base_year)
    cipher = make_cipher(old.ea, old_key, tables)
    return [encode(section, cipher) for section in sections_of(carried)]


def void_token(decoder_key: bytes, ea: int, tables: Tables | None, tid: int, target_tid: int) -> str:
    """Return the 20 digits that burn target_tid; Refused if it lies more than 728 days before tid."""
    try:
        value = Void(tid, target_tid)
    except RangeError as error:
        raise Refused("void_too_late", f"The token is too old to be voided: {error}.") from None
    return encode(value, make_cipher(ea, decoder_key, tables))
