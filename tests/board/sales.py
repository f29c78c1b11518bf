"""Sales of the cloud to the meter of an emulated board."""

import uuid

from tests.board.conftest import Enrolled

VOLUME_ML = 5_000_000
_PRICE_MINOR_PER_M3 = 250


async def sold(enrolled: Enrolled, volume_ml: int = VOLUME_ML) -> str:
    """The 20 digits of a token for the meter of the board, of 5 m3 unless something else is said."""
    order = {
        "purchase_id": str(uuid.uuid4()),
        "drn": enrolled.meter["drn"],
        "volume_ml": volume_ml,
        "tender": {"kind": "cash", "amount_minor": volume_ml * _PRICE_MINOR_PER_M3 // 1_000_000, "currency": "GHS"},
        "delivery": "keypad",
    }
    receipt = await enrolled.api.post("/vends", order)
    return str(receipt["tokens"][0]["digits"])
