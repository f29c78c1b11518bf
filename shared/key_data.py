"""What a KEY_CHANGE entry says of the new key, field by field; never a key, only its check.

The table stands in shared/FORMAT.md.
"""

from shared.compat import const
from shared.entries import Entry

BASE_CODES = ((1993, 93), (2014, 14), (2035, 35))
_ROLL_OVER = const(0x80)


class KeyData:
    """`check` of the new key, `krn`, `ti`, `kt`, `ken`, `base_code`, `roll_over`, and the delivery `method`."""

    def __init__(self, entry: Entry):
        self.check = entry.reference_b
        self.krn = entry.detail >> 8
        self.ti = entry.detail & 0xFF
        self.ken = entry.reference_a & 0xFF
        self.kt = entry.reference_a >> 8 & 0xFF
        self.method = entry.reference_a >> 16 & 0x7F
        self.roll_over = bool(entry.reference_a >> 16 & _ROLL_OVER)
        self.base_code = entry.reference_a >> 24


def pack(base_year: int, roll_over: bool, method: int, kt: int, ken: int) -> int:
    """The reference_a of a KEY_CHANGE entry; `base_year` is that of the new key."""
    flags = method | (_ROLL_OVER if roll_over else 0)
    return base_code(base_year) << 24 | flags << 16 | kt << 8 | ken


def base_code(base_year: int) -> int:
    """93, 14 or 35, as the standard names its base dates; 0 for a year that is none."""
    for year, code in BASE_CODES:
        if year == base_year:
            return code
    return 0


def base_year(code: int) -> int:
    """The year of a code; 0 for a code that is none."""
    for year, known in BASE_CODES:
        if known == code:
            return year
    return 0
