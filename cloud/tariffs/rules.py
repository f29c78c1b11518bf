"""What a volume costs: integers only, and what is rounded off is named."""

_ML_PER_M3 = 1_000_000


def price_minor(volume_ml: int, price_minor_per_m3: int) -> int:
    """Return the price of a volume in whole minor units; a broken unit is not charged."""
    assert volume_ml >= 0 and price_minor_per_m3 >= 0, "volumes and prices are not negative"
    return volume_ml * price_minor_per_m3 // _ML_PER_M3
