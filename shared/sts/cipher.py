"""The block cipher of a meter by its EA code: 7 is STA with the operator's tables, 11 is MISTY1.

A cipher object keeps its key schedule; it is made once per key, not once per token.
"""

from shared.compat import VIPER
from shared.sts.errors import KeyDataError, TablesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from shared.sts.tables import Tables

    class Cipher(Protocol):
        """One decoder key at work on blocks of 8 bytes."""

        ea: int

        def encrypt(self, block: bytes) -> bytes: ...

        def decrypt(self, block: bytes) -> bytes: ...


if VIPER and not TYPE_CHECKING:
    from shared.sts.misty1_viper import Misty1
    from shared.sts.sta_viper import Sta
else:
    from shared.sts.misty1_plain import Misty1
    from shared.sts.sta_plain import Sta

EA07 = 7
EA11 = 11


def make_cipher(ea: int, decoder_key: bytes, tables: "Tables | None" = None) -> "Cipher":
    """Return the cipher of an 8-byte (EA07) or 16-byte (EA11) decoder key; EA07 needs tables.

    KeyDataError for the algorithm or the key's length, TablesError if EA07 is asked for without tables.
    """
    if ea == EA11:
        _check_length(decoder_key, 16)
        return Misty1(decoder_key)
    if ea == EA07:
        _check_length(decoder_key, 8)
        if tables is None:
            raise TablesError("EA07 needs its tables; load them from the operator's file")
        return Sta(decoder_key, tables)
    raise KeyDataError("the encryption algorithm must be 7 or 11")


def _check_length(decoder_key: bytes, length: int) -> None:
    if len(decoder_key) != length:
        raise KeyDataError("a decoder key for this algorithm has {} bytes".format(length))
