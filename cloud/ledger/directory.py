"""What the verifier reads of other areas before it judges: who the gateways are, and which documents were approved."""

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.errors import Unavailable
from cloud.ledger.messages import Author
from cloud.meters.models import FloorDocument, Gateway, GatewayEpoch, PolicyDocument
from cloud.tariffs.models import DeviceTariff
from cloud.vending.store import KeyStore
from shared.in_force import InForce
from shared.policy import Floor, Policy, decode_floor, decode_policy
from shared.tariff import Tariff, decode_tariff

_LINK_KEYS_KEPT = 50_000
_COMMIT_DISORDER = 50  # a row may become visible after one with a higher id


class Directory:
    """Finds the authors of messages. Link keys stay in memory as long as the enrolment that they came with."""

    def __init__(self, key_store: KeyStore) -> None:
        self._key_store = key_store
        self._link_keys: OrderedDict[bytes, bytes] = OrderedDict()
        self._documents: dict[int, InForce] = {}
        self._last = dict.fromkeys(_SOURCES, 0)

    async def authors(self, session: AsyncSession, gateways: Iterable[int]) -> dict[int, Author]:
        """The enrolled gateways among these; one whose link key is lost counts as not enrolled."""
        present = (
            select(GatewayEpoch)
            .join(Gateway, Gateway.id == GatewayEpoch.gateway_id)
            .where(Gateway.id.in_(sorted(set(gateways))), GatewayEpoch.epoch == Gateway.epoch)
        )
        found = {}
        for row in (await session.scalars(present)).all():
            link_key = await self._link_key(session, row)
            if link_key is not None:
                found[row.gateway_id] = Author(row.utility_id, row.gateway_id, row.epoch, row.device_public, link_key)
        return found

    async def _link_key(self, session: AsyncSession, row: GatewayEpoch) -> bytes | None:
        # A repeated enrolment makes a new link key and a new password: the hash of one tells which the other is.
        known = self._link_keys.get(row.mqtt_password_sha256)
        if known is not None:
            return known
        try:
            key = await self._key_store.link_key(session, row.utility_id, row.gateway_id, row.epoch)
        except Unavailable as error:
            if error.code == "key_missing":
                return None
            raise
        self._link_keys[row.mqtt_password_sha256] = key
        if len(self._link_keys) > _LINK_KEYS_KEPT:
            self._link_keys.popitem(last=False)
        return key

    async def documents(self, session: AsyncSession) -> dict[int, InForce]:
        """All approved documents by utility; only those that may be new since the last call are read."""
        for source, decode in _SOURCES.items():
            added = select(source).where(source.id > self._last[source] - _COMMIT_DISORDER).order_by(source.id)
            rows: Sequence[Any] = (await session.scalars(added)).all()
            for row in rows:
                known = self._documents.setdefault(row.utility_id, InForce())
                if (row.version, row.check_value) not in _kept(known, source):
                    known.add(decode(row.document))
                self._last[source] = max(self._last[source], row.id)
        return self._documents


Source = type[PolicyDocument] | type[FloorDocument] | type[DeviceTariff]
_SOURCES: dict[Source, Callable[[bytes], Policy | Floor | Tariff]] = {
    PolicyDocument: decode_policy,
    FloorDocument: decode_floor,
    DeviceTariff: decode_tariff,
}


def _kept(known: InForce, source: Source) -> Container[tuple[int, int]]:
    if source is PolicyDocument:
        return known.policies
    return known.floors if source is FloorDocument else known.tariffs
