"""Sales of the cloud to the meter of an emulated board."""

import uuid

from tests.board.conftest import Enrolled

VOLUME_ML = 5_000_000
_PRICE_MINOR = 1250


async def sold(enrolled: Enrolled) -> str:
    """The 20 digits of a token of 5 m3 for the meter of the board."""
    order = {
        "purchase_id": str(uuid.uuid4()),
        "drn": enrolled.meter["drn"],
        "volume_ml": VOLUME_ML,
        "tender": {"kind": "cash", "amount_minor": _PRICE_MINOR, "currency": "GHS"},
        "delivery": "keypad",
    }
    receipt = await enrolled.api.post("/vends", order)
    return str(receipt["tokens"][0]["digits"])
