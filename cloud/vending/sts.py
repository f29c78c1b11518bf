"""The STS codec as the key store uses it: decoder keys by DKGA04 and credit tokens under them."""

from cloud.vending.models import VendingKey
from cloud.vending.store import CreditToken, MeterIdentity
from shared.documents import COMMODITIES
from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.identity import meter_pan
from shared.sts.keys import dkga04
from shared.sts.token import encode

VENDING_KEY_BYTES = 20  # DKGA04, sts 6.3


def decoder_key(vending_key: bytes, key: VendingKey, meter: MeterIdentity) -> bytes:
    """Return the decoder key of one meter under a vending key."""
    return dkga04(vending_key, key.base_year, key.ea, meter.ti, key.sgc, key.kt, key.krn, meter_pan(meter.drn))


def credit_token(decoder_key: bytes, ea: int, token: CreditToken) -> str:
    """Return the 20 digits of a class 0 token under a decoder key."""
    value = TransferCredit(COMMODITIES.index(token.commodity), token.rnd, token.tid, token.units)
    return encode(value, make_cipher(ea, decoder_key))
