"""What a new installation begins with: a utility, its key and tariff, customers, two gateways, three meters.

Run again it makes nothing twice: what is there is found by its name.
"""

from dataclasses import dataclass
from typing import Any

from shared.sts.identity import luhn_digit
from tools.api import Api

UTILITY = "Riverside Water"
SGC = "201457"
KRN = 1
TI = 1
PRICE_MINOR_PER_M3 = 250
PULSE_VOLUME_ML = 1000


@dataclass(frozen=True)
class MeterSeed:
    """A meter to be: its place, its serial number and who lives behind it."""

    gateway: str
    channel: int
    serial: str
    customer: str
    phone: str
    language: str

    @property
    def drn(self) -> str:
        """The meter number: manufacturer 00, eight digits, Luhn digit (IEC 62055-41)."""
        digits = "00" + self.serial
        return digits + luhn_digit(digits)


METERS = (
    MeterSeed("Hill Street 1", 0, "10000001", "Ama Mensah", "+233200000001", "en"),
    MeterSeed("Hill Street 1", 1, "10000002", "Yao Agbeko", "+233200000002", "fr"),
    MeterSeed("Market Square 4", 0, "10000003", "Esi Owusu", "+233200000003", "en"),
)


async def seed(api: Api, meters: tuple[MeterSeed, ...] = METERS) -> list[dict[str, Any]]:
    """Make what is missing of these meters, and of what they need.

    Returns all meters as the cloud lists them, each with its `gateway_id`, `channel` and `drn`.
    """
    utility = await _ensure(api, "/utilities", {"name": UTILITY, "currency": "GHS"}, "name")
    owner = {"utility_id": utility["id"]}
    await _ensure(
        api,
        "/vending-keys",
        {**owner, "sgc": SGC, "krn": KRN, "base_year": 2014, "ea": 11, "dkga": 4, "ken": 255},
        "sgc",
    )
    tariff = {**owner, "name": "Domestic", "commodity": "water", "currency": "GHS"}
    domestic = await _ensure(api, "/tariffs", {**tariff, "price_minor_per_m3": PRICE_MINOR_PER_M3}, "name")
    for meter in meters:
        person = {"name": meter.customer, "phone": meter.phone, "email": None, "language": meter.language}
        customer = await _ensure(api, "/customers", {**owner, **person}, "name")
        gateway = await _ensure(api, "/gateways", {**owner, "name": meter.gateway}, "name")
        await _ensure(api, "/meters", _meter(meter, gateway["id"], customer["id"], domestic["id"]), "drn")
    return await api.items("/meters")


def _meter(meter: MeterSeed, gateway_id: int, customer_id: int, tariff_id: int) -> dict[str, Any]:
    return {
        "gateway_id": gateway_id,
        "channel": meter.channel,
        "drn": meter.drn,
        "commodity": "water",
        "pulse_volume_ml": PULSE_VOLUME_ML,
        "customer_id": customer_id,
        "tariff_id": tariff_id,
        "sgc": SGC,
        "krn": KRN,
        "ti": TI,
    }


async def _ensure(api: Api, path: str, body: dict[str, Any], name: str) -> dict[str, Any]:
    for item in await api.items(path):
        if item[name] == body[name]:
            return dict(item)
    return dict(await api.post(path, body))
