"""Keys at rest: they open only as they were sealed, only under their key-encryption key, and never for another row."""

import hashlib
import secrets
from pathlib import Path

import pytest
from sqlalchemy import select, update

from cloud.config import Config, ConfigError
from cloud.db import Database
from cloud.errors import Refused, Unavailable
from cloud.meters import service as meters
from cloud.vending import key_service
from cloud.vending.envelope import Kek, Keyring, SecretDamaged, keyring, write_new_kek
from cloud.vending.keystore import SealedKeyStore
from cloud.vending.models import SealedSecret, VendingKey
from cloud.vending.store import COMMAND, CreditToken, MeterIdentity, Use
from shared.ed25519 import verify
from shared.sts.identity import meter_pan
from shared.sts.keys import dkga04
from tests.cloud.conftest import ALL
from tests.cloud.served import START

METER = MeterIdentity("12345678903", 1)
TOKEN = CreditToken("water", 5_000_000, 3, 50)
USE = Use(ALL, "vend:1", START)


def new_store() -> SealedKeyStore:
    return SealedKeyStore(Keyring(Kek(secrets.token_bytes(32))))


async def new_key(database: Database, store: SealedKeyStore, kt: int = 2, sgc: str = "600675") -> int:
    """Make a utility with one vending key; return the key's id."""
    async with database.begin() as session:
        utility = await meters.add_utility(
            session, store, ALL, name=secrets.token_hex(4), currency="KES", floor_public=None, now=START
        )
        key = VendingKey(
            utility_id=utility.id, sgc=sgc, krn=1, kt=kt, base_year=2014, ken=255, dkga=4, ea=11, created_at=START
        )
        return (await key_service.add(session, store, ALL, key)).id


async def derive(database: Database, store: SealedKeyStore, key_id: int) -> bytes:
    async with database.begin() as session:
        return await store.derive(session, await session.get_one(VendingKey, key_id), METER, USE)


async def test_a_decoder_key_is_that_of_dkga04_under_the_stored_key(database: Database) -> None:
    ring = Keyring(Kek(secrets.token_bytes(32)))
    store = SealedKeyStore(ring)
    key_id = await new_key(database, store)

    derived = await derive(database, store, key_id)

    async with database.read() as session:
        row = (await session.scalars(select(SealedSecret).where(SealedSecret.purpose == "vending"))).one()
        utility = row.utility_id
        bound = f"penstock secret vending of utility {utility} for {utility}/600675/1/2/2014/255/4/11"
        vending_key = ring.open(row, bound)  # type: ignore[arg-type]  # a row has the fields of Sealed
    assert derived == dkga04(vending_key, 2014, 11, 1, "600675", 2, 1, meter_pan(METER.drn))


@pytest.mark.parametrize(
    "change",
    [
        {"sgc": "600676"},
        {"krn": 2},
        {"kt": 1},
        {"base_year": 1993},
        {"ken": 254},
    ],
)
async def test_a_key_whose_attributes_were_edited_cannot_be_used(database: Database, change: dict[str, object]) -> None:
    store = new_store()
    key_id = await new_key(database, store)
    async with database.begin() as session:
        await session.execute(update(VendingKey).values(**change))

    with pytest.raises(Unavailable, match="no vending key"):
        await derive(database, store, key_id)


async def test_a_changed_ciphertext_is_detected(database: Database) -> None:
    store = new_store()
    key_id = await new_key(database, store)
    async with database.begin() as session:
        row = (await session.scalars(select(SealedSecret).where(SealedSecret.purpose == "vending"))).one()
        row.ciphertext = bytes([row.ciphertext[0] ^ 1]) + row.ciphertext[1:]

    with pytest.raises(Unavailable, match="was changed"):
        await derive(database, store, key_id)


async def test_two_ciphertexts_that_changed_places_are_detected(database: Database) -> None:
    store = new_store()
    first, second = await new_key(database, store), await new_key(database, store)
    async with database.begin() as session:
        one, other = (await session.scalars(select(SealedSecret).where(SealedSecret.purpose == "vending"))).all()
        one.nonce, other.nonce = other.nonce, one.nonce
        one.ciphertext, other.ciphertext = other.ciphertext, one.ciphertext

    for key_id in (first, second):
        with pytest.raises(Unavailable, match="was changed"):
            await derive(database, store, key_id)


async def test_credit_under_a_default_key_is_refused_by_the_key_store_itself(database: Database) -> None:
    store = new_store()
    key_id = await new_key(database, store, kt=1)

    async with database.begin() as session:
        key = await session.get_one(VendingKey, key_id)
        with pytest.raises(Refused, match="takes no credit"):
            await store.encode(session, key, METER, TOKEN, USE)


async def test_after_a_rewrap_the_new_key_alone_opens_everything(database: Database) -> None:
    old, new = Kek(secrets.token_bytes(32)), Kek(secrets.token_bytes(32))
    key_id = await new_key(database, SealedKeyStore(Keyring(old)))
    before = await derive(database, SealedKeyStore(Keyring(old)), key_id)

    async with database.begin() as session:
        count = await SealedKeyStore(Keyring(new, old)).rewrap(session)

    assert count == 3  # the vending key, the command key and the floor key
    assert await derive(database, SealedKeyStore(Keyring(new)), key_id) == before
    with pytest.raises(Unavailable, match="not loaded"):
        await derive(database, SealedKeyStore(Keyring(old)), key_id)


async def test_without_a_key_encryption_key_the_store_says_which_setting_is_missing(database: Database) -> None:
    store = new_store()
    key_id = await new_key(database, store)

    with pytest.raises(Unavailable, match="PENSTOCK_KEK_FILE"):
        await derive(database, SealedKeyStore(None), key_id)


async def test_a_signature_is_ed25519_by_the_utilitys_command_key(database: Database) -> None:
    store = new_store()
    async with database.begin() as session:
        utility = await meters.add_utility(session, store, ALL, name="U", currency="KES", floor_public=None, now=START)
        signature = await store.sign(session, utility.id, COMMAND, b"document")

    assert verify(utility.command_public, b"document", signature)


async def test_no_key_stands_in_the_database_in_clear(database: Database) -> None:
    ring = Keyring(Kek(secrets.token_bytes(32)))
    store = SealedKeyStore(ring)
    async with database.begin() as session:
        utility = await meters.add_utility(session, store, ALL, name="U", currency="KES", floor_public=None, now=START)
        link = await store.make_link_key(session, utility.id, 1, 1, START)

    path = database.engine.url.database
    assert path is not None
    stored = b"".join(file.read_bytes() for file in Path(path).parent.glob("cloud.db*"))
    assert link not in stored and link.hex().encode() not in stored


def test_the_name_of_a_key_encryption_key_tells_nothing_of_it() -> None:
    key = secrets.token_bytes(32)

    assert Kek(key).id == hashlib.sha256(b"penstock kek id" + key).hexdigest()[:16]


def test_a_secret_opens_only_for_what_it_was_bound_to() -> None:
    kek = Kek(secrets.token_bytes(32))
    sealed = kek.seal(b"secret", "one")

    with pytest.raises(SecretDamaged):
        kek.open(sealed, "other")


def test_a_new_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "kek"

    write_new_kek(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring(Config(kek_file=path)) is not None
    with pytest.raises(FileExistsError):
        write_new_kek(path)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_a_malformed_key_file_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kek"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"PENSTOCK_KEK_FILE.*new-kek"):
        keyring(Config(kek_file=path))
