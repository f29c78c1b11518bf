"""A small utility in a real database: a tariff, a customer, and enrolled gateways with meters; made by the services."""

import secrets
import uuid

from sqlalchemy import select

from cloud.accounts import service as accounts
from cloud.accounts.models import Customer
from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.db import Database
from cloud.meters import enrolment, service
from cloud.meters.bundle import Broker
from cloud.meters.models import Meter
from cloud.tariffs import service as tariffs
from cloud.tariffs.models import Tariff
from cloud.vending import key_service
from cloud.vending import service as vending
from cloud.vending.envelope import Kek, Keyring
from cloud.vending.keystore import SealedKeyStore
from cloud.vending.models import VendingKey
from shared.sts.identity import luhn_digit
from tests.fakes.device import Device

NOW = 1_750_000_000
ADMIN = Actor(label="test", utility_id=None, scopes=SCOPES)
SGC = "600675"


class Town:
    """One utility, in the database that it is given. `now` is the time at which things are done."""

    def __init__(self, database: Database, now: int = NOW) -> None:
        self.database = database
        self.key_store = SealedKeyStore(Keyring(Kek(secrets.token_bytes(32))))
        self.now = now
        self._drns = 0

    async def found(self) -> "Town":
        """Make the utility, its keys, a tariff and a customer."""
        async with self.database.begin() as session:
            utility = await service.add_utility(
                session,
                self.key_store,
                ADMIN,
                name=f"Town {uuid.uuid4()}",
                currency="KES",
                floor_public=None,
                now=self.now,
            )
            self.utility = utility.id
            await key_service.add(session, self.key_store, ADMIN, _vending_key(utility.id, self.now))
            tariff = Tariff(
                utility_id=utility.id,
                name="flat",
                commodity="water",
                currency="KES",
                price_minor_per_m3=10_000,
                created_at=self.now,
            )
            self.tariff = (await tariffs.add(session, ADMIN, tariff)).id
            customer = Customer(
                utility_id=utility.id, name="A", phone="+254700000001", email=None, language="en", created_at=self.now
            )
            self.customer = (await accounts.add(session, ADMIN, customer)).id
        return self

    async def gateway(self, meters: int = 1, mode: int = 0) -> int:
        """Make a gateway with meters on channels 0.., of kinds.MODE_*."""
        async with self.database.begin() as session:
            row = await service.add_gateway(session, ADMIN, self.utility, "g", self.now)
            for channel in range(meters):
                await service.add_meter(
                    session, self.key_store, ADMIN, self._meter_order(row.id, channel, mode), self.now
                )
            return row.id

    async def enrol(self, gateway: int, device: Device) -> Device:
        """Enrol a device as this gateway."""
        claim = enrolment.Claim(device.device_public, device.seal_public, device.hardware_id, device.board)
        async with self.database.begin() as session:
            made = await enrolment.start(session, ADMIN, gateway, claim, self.now)
            proof = device.answer(made.utility_id, made.gateway_id, made.challenge)
            broker = Broker("localhost", 8883, b"no authority")
            opened = await enrolment.prove(session, self.key_store, ADMIN, gateway, proof, broker, self.now)
        device.install(opened.sealed)
        return device

    async def device(self, meters: int = 1) -> Device:
        """Make a gateway and enrol a new device as it."""
        return await self.enrol(await self.gateway(meters), Device())

    async def sell(self, device: Device, channel: int = 0, volume_ml: int = 5_000_000, delivery: str = "keypad"):  # type: ignore[no-untyped-def]
        """Vend a token for a meter; return the Sale."""
        async with self.database.begin() as session:
            drn = await _drn_at(session, device.gateway, channel)
            order = vending.Order(
                purchase_id=str(uuid.uuid4()),
                drn=drn,
                volume_ml=volume_ml,
                tender_kind="cash",
                tender_minor=1_000_000,
                currency="KES",
                delivery=delivery,
            )
            return await vending.vend(session, self.key_store, ADMIN, order, self.now)

    def _meter_order(self, gateway: int, channel: int, mode: int) -> service.NewMeterOrder:
        self._drns += 1
        return service.NewMeterOrder(
            gateway_id=gateway,
            channel=channel,
            drn=_drn(self.utility * 100_000 + self._drns),
            commodity="water",
            pulse_volume_ml=1000,
            customer_id=self.customer,
            tariff_id=self.tariff,
            sgc=SGC,
            krn=1,
            kt=2,
            ti=1,
            opening_register_ml=0,
            mode=mode,
        )


def _vending_key(utility: int, now: int) -> VendingKey:
    return VendingKey(utility_id=utility, sgc=SGC, krn=1, kt=2, base_year=2014, ken=255, dkga=4, ea=11, created_at=now)


def _drn(number: int) -> str:
    digits = f"{number:010d}"
    return digits + luhn_digit(digits)


async def _drn_at(session, gateway: int, channel: int) -> str:  # type: ignore[no-untyped-def]
    found = select(Meter.drn).where(Meter.gateway_id == gateway, Meter.channel == channel)
    return (await session.scalars(found)).one()
