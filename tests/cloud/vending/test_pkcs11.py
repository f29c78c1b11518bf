"""Vending keys in a PKCS#11 token: they derive as DKGA04 does, never come out, and every fault is one plain line."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest
from aiohttp.test_utils import TestClient, TestServer
from pkcs11 import Attribute, ObjectClass
from sqlalchemy import select, update

from cloud.app import build_app
from cloud.config import Config, ConfigError, load
from cloud.db import Database
from cloud.errors import Unavailable
from cloud.meters import service as meters
from cloud.vending import key_service
from cloud.vending.envelope import Kek, Keyring
from cloud.vending.keystore import SealedKeyStore
from cloud.vending.models import SealedSecret, VendingKey
from cloud.vending.pkcs11_token import Pkcs11Token, TokenUnusable, pkcs11_token
from cloud.vending.store import CreditToken, MeterIdentity, Use
from shared.sts.cipher import make_cipher
from shared.sts.identity import meter_pan
from shared.sts.keys import dkga04_data_block
from shared.sts.token import decode
from tests.cloud.conftest import ALL, admin_api
from tests.cloud.served import START, HandClock
from tests.fakes.softhsm import MODULE, SoftToken, soft_token

METER = MeterIdentity("12345678903", 1)
TOKEN = CreditToken("water", 5_000_000, 3, 50)
USE = Use(ALL, "vend:1", START)
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sts.json").read_text())["vectors"]
DKGA04_VECTORS = [vector for vector in VECTORS if vector["kind"] == "dkga04"]


@pytest.fixture
def soft(tmp_path: Path) -> Iterator[SoftToken]:
    """An empty token."""
    folder = tmp_path / "softhsm"
    folder.mkdir()
    with soft_token(folder) as token:
        yield token


@pytest.fixture
def token(soft: SoftToken) -> Iterator[Pkcs11Token]:
    """The same as the cloud uses it."""
    opened = Pkcs11Token(MODULE, soft.label, soft.pin)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def ring() -> Keyring:
    return Keyring(Kek(secrets.token_bytes(32)))


async def new_key(database: Database, store: SealedKeyStore, dkga: int = 4, ea: int = 11) -> int:
    """Make a utility with one vending key; return the key's id."""
    async with database.begin() as session:
        name = secrets.token_hex(4)
        utility = await meters.add_utility(session, store, ALL, name=name, currency="KES", floor_public=None, now=START)
        attributes = {"sgc": "600675", "krn": 1, "kt": 2, "base_year": 2014, "ken": 255, "dkga": dkga, "ea": ea}
        key = VendingKey(utility_id=utility.id, **attributes, created_at=START)
        return (await key_service.add(session, store, ALL, key)).id


async def derive(database: Database, store: SealedKeyStore, key_id: int) -> bytes:
    async with database.begin() as session:
        return await store.derive(session, await session.get_one(VendingKey, key_id), METER, USE)


async def purposes(database: Database) -> set[str]:
    async with database.read() as session:
        return set(await session.scalars(select(SealedSecret.purpose)))


async def test_a_published_vending_key_in_the_token_gives_the_published_macs(
    soft: SoftToken, token: Pkcs11Token
) -> None:
    for vector in DKGA04_VECTORS:
        given, expected = vector["input"], vector["expected"]
        values = (given["base_year"], given["ea"], int(given["ti"]), given["sgc"], given["kt"], given["krn"])
        soft.put(vector["id"], bytes.fromhex(given["vk"]))

        mac = await token.hmac_sha256(vector["id"], dkga04_data_block(*values, given["meter_pan"]))

        assert mac.hex().upper() == expected["hmac_sha256"]
        assert mac.hex().upper().startswith(expected["decoder_key"])


@pytest.mark.parametrize(("ea", "length"), [(7, 8), (11, 16)])
async def test_a_decoder_key_is_what_the_mac_in_the_token_begins_with(
    database: Database, soft: SoftToken, token: Pkcs11Token, ring: Keyring, ea: int, length: int
) -> None:
    store = SealedKeyStore(ring, token=token)
    key_id = await new_key(database, store, ea=ea)

    derived = await derive(database, store, key_id)

    async with database.read() as session:
        key = await session.get_one(VendingKey, key_id)
    label = f"penstock vending {key.utility_id}/600675/1/2/2014/255/4/{ea} {key.check_value}"
    block = dkga04_data_block(2014, ea, METER.ti, "600675", 2, 1, meter_pan(METER.drn))
    assert derived == (await token.hmac_sha256(label, block))[:length]
    assert (await token.hmac_sha256(label, b"penstock vending key check"))[:4].hex() == key.check_value


async def test_a_token_sold_under_a_key_in_the_token_decodes(
    database: Database, token: Pkcs11Token, ring: Keyring
) -> None:
    store = SealedKeyStore(ring, token=token)
    key_id = await new_key(database, store)
    decoder_key = await derive(database, store, key_id)

    async with database.begin() as session:
        encoded = await store.encode(session, await session.get_one(VendingKey, key_id), METER, TOKEN, USE)

    value = decode(encoded.digits, make_cipher(11, decoder_key))
    assert (value.tid, value.amount) == (TOKEN.tid, TOKEN.units)


async def test_a_vending_key_is_made_in_the_token_and_cannot_be_taken_out(
    database: Database, soft: SoftToken, token: Pkcs11Token, ring: Keyring
) -> None:
    await new_key(database, SealedKeyStore(ring, token=token))

    with soft.session() as session:
        (key,) = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
        assert key[Attribute.LOCAL] and key[Attribute.SENSITIVE] and key[Attribute.NEVER_EXTRACTABLE]
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = key[Attribute.VALUE]
    assert "vending" not in await purposes(database)


async def test_a_vending_key_of_dkga02_stays_in_software(
    database: Database, soft: SoftToken, token: Pkcs11Token, ring: Keyring
) -> None:
    store = SealedKeyStore(ring, token=token)

    key_id = await new_key(database, store, dkga=2, ea=7)

    assert len(await derive(database, store, key_id)) == 8
    assert "vending" in await purposes(database)
    with soft.session() as session:
        assert not list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))


async def test_keys_from_before_the_token_still_derive_the_same(
    database: Database, token: Pkcs11Token, ring: Keyring
) -> None:
    key_id = await new_key(database, SealedKeyStore(ring))
    before = await derive(database, SealedKeyStore(ring), key_id)

    assert await derive(database, SealedKeyStore(ring, token=token), key_id) == before


@pytest.mark.parametrize("change", [{"krn": 2}, {"kt": 1}, {"ken": 254}, {"check_value": "00000000"}])
async def test_a_key_whose_attributes_were_edited_cannot_be_used(
    database: Database, token: Pkcs11Token, ring: Keyring, change: dict[str, object]
) -> None:
    store = SealedKeyStore(ring, token=token)
    key_id = await new_key(database, store)
    async with database.begin() as session:
        await session.execute(update(VendingKey).values(**change))

    with pytest.raises(Unavailable, match="Neither the database nor the token"):
        await derive(database, store, key_id)


async def test_derivations_at_once_do_not_disturb_one_another(
    database: Database, token: Pkcs11Token, ring: Keyring
) -> None:
    store = SealedKeyStore(ring, token=token)
    await new_key(database, store)
    async with database.read() as session:
        key = (await session.scalars(select(VendingKey))).one()
    label = f"penstock vending {key.utility_id}/600675/1/2/2014/255/4/11 {key.check_value}"
    one_by_one = [await token.hmac_sha256(label, bytes([i])) for i in range(50)]

    at_once = await asyncio.gather(*(token.hmac_sha256(label, bytes([i])) for i in range(50)))

    assert at_once == one_by_one and len(set(at_once)) == 50


async def test_after_the_module_lost_its_sessions_the_next_use_logs_in_again(
    database: Database, token: Pkcs11Token, ring: Keyring
) -> None:
    store = SealedKeyStore(ring, token=token)
    key_id = await new_key(database, store)
    before = await derive(database, store, key_id)
    pkcs11.lib(str(MODULE)).reinitialize()

    assert await derive(database, store, key_id) == before


async def test_a_pin_that_was_refused_is_not_sent_again(soft: SoftToken) -> None:
    token = Pkcs11Token(MODULE, soft.label, "0000")
    with pytest.raises(TokenUnusable) as first:
        token.open()

    with pytest.raises(TokenUnusable) as second:
        await token.hmac_sha256("any", b"")

    token.close()
    assert second.value is first.value


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pkcs11_module": Path("/nowhere/token.so")}, "PENSTOCK_PKCS11_MODULE: .*/nowhere/token.so"),
        ({"pkcs11_token": "other"}, "PENSTOCK_PKCS11_TOKEN: .* has no token called other"),
        ({"pkcs11_pin_file": Path("/nowhere/pin")}, "PENSTOCK_PKCS11_PIN_FILE: cannot read /nowhere/pin"),
        ({}, r"PENSTOCK_PKCS11_PIN_FILE: token penstock refuses the PIN \(PinIncorrect\); correct it"),
    ],
    ids=["module", "token", "no pin file", "wrong pin"],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    soft: SoftToken, tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    pin = tmp_path / "pin"
    pin.write_text("0000\n")
    settings = {"pkcs11_module": MODULE, "pkcs11_token": soft.label, "pkcs11_pin_file": pin}

    with pytest.raises(ConfigError, match=said) as caught:
        pkcs11_token(Config(**(settings | wrong)))  # type: ignore[arg-type]

    assert "\n" not in str(caught.value)


async def test_a_cloud_with_a_token_enrols_and_sells_under_a_key_inside_it(
    soft: SoftToken, config: Config, tmp_path: Path, clock: HandClock
) -> None:
    pin = tmp_path / "pin"
    pin.write_text(soft.pin + "\n")
    settings = {"pkcs11_module": MODULE, "pkcs11_token": soft.label, "pkcs11_pin_file": pin}
    async with TestClient(TestServer(build_app(config.model_copy(update=settings), clock, services=()))) as client:
        api = await admin_api(client, clock)
        town = await api.town()

        receipt = await api.made("/vends", town.vend())

    value = decode(receipt["token"], make_cipher(11, town.device.decoder_keys[0]))
    assert value.tid == receipt["tid"]
    with soft.session() as session:
        labels = [key[Attribute.LABEL] for key in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})]
    assert len(labels) == 1 and labels[0].startswith(f"penstock vending {town.utility}/")


def test_the_three_settings_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_PKCS11_TOKEN", "penstock")

    with pytest.raises(ConfigError, match=r"PENSTOCK_PKCS11_MODULE.*PENSTOCK_PKCS11_PIN_FILE together"):
        load()
