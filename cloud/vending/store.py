"""The one door to keys, as an interface that a hardware security module fits behind: keys go in, never out.

What leaves is a decoder key for one meter, to be sealed to its gateway at once; a gateway's link key; a token; a
signature. Every use of a vending key is audited in the caller's transaction.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.service import Named
from cloud.vending.models import VendingKey

COMMAND = "command"
FLOOR = "floor"


@dataclass(frozen=True)
class Use:
    """Who uses a key, what for (e.g. `vend:12`), and when; it goes into the audit."""

    actor: Named
    subject: str
    now: int


@dataclass(frozen=True)
class MeterIdentity:
    """What of a meter enters its decoder key: its number (DRN, 11 or 13 digits) and tariff index 0..99."""

    drn: str
    ti: int


@dataclass(frozen=True)
class CreditToken:
    """What a class 0 token carries: the commodity by name, minutes since the base date, 4 random bits, base units.

    With `money`, in 1/100000 of the currency, it carries that instead of units and no random bits.
    """

    commodity: str
    tid: int
    rnd: int
    units: int
    money: int | None = None


@dataclass(frozen=True)
class Encoded:
    """A token's 20 digits, and the 32-bit check value of the decoder key that it is for."""

    digits: str
    key_check: int


class KeyStore(Protocol):
    """Makes, keeps and uses keys. Raises Unavailable when keys cannot be opened."""

    async def make_vending_key(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the random key for a row whose attributes are final; return its check value."""

    async def derive(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, use: Use) -> bytes:
        """Return the decoder key of one meter, 8 or 16 bytes."""

    async def encode(
        self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, token: CreditToken, use: Use
    ) -> Encoded:
        """Return the token for one meter; Refused for credit under a default key (KT 1)."""

    async def key_change(
        self,
        session: AsyncSession,
        old: VendingKey,
        old_meter: MeterIdentity,
        new: VendingKey,
        new_meter: MeterIdentity,
        use: Use,
    ) -> list[Encoded]:
        """Return the tokens that lead one meter from its old decoder key to a new one, in order, under the old one."""

    async def void(
        self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, tid: int, target_tid: int, use: Use
    ) -> Encoded:
        """Return the token that burns an identifier of one meter; Refused if it lies more than 728 days back."""

    def sta_tables(self) -> bytes:
        """Return the tables of EA07 end to end (S1 16, S2 16, P 64 bytes), empty when there are none."""

    async def make_signing_key(self, session: AsyncSession, utility_id: int, purpose: str, now: int) -> bytes:
        """Make the utility's Ed25519 pair for COMMAND or FLOOR; return its 32-byte public key."""

    async def sign(self, session: AsyncSession, utility_id: int, purpose: str, document: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature (RFC 8032) of a whole document, its tag included."""

    async def make_link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int, now: int) -> bytes:
        """Make, or replace, the link key of a gateway in an epoch; return its 32 bytes for the bundle."""

    async def link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int) -> bytes:
        """Return the 32-byte link key of a gateway in an epoch, for the HMAC of acknowledgements and signed time."""

    async def check_return_code(
        self,
        session: AsyncSession,
        utility_id: int,
        drn: str,
        epoch: int,
        code: str,
        candidates: list[tuple[int, int, int, int]],
        use: Use,
    ) -> tuple[int, int, int, int] | None:
        """Return which of the candidates (`shared.return_code.check`) a code of a meter stands for; None: none."""

    async def pin(self, session: AsyncSession, utility_id: int, drn: str, epoch: int, use: Use) -> str:
        """Return the 4 digits that a meter's customer types to be told from the neighbours."""

    async def return_key(self, session: AsyncSession, utility_id: int, drn: str, epoch: int, now: int) -> bytes:
        """Return the 32-byte return-code key of a meter in an epoch; it is made at the first call."""
