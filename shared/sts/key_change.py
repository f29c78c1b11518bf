"""The key-change tokens: a new decoder key and what belongs to it, cut into two, three or four sections.

A 64-bit key takes sections 1 and 2, and section 3 if the supply group goes along; a 128-bit key takes all four.
Sections come in any order and carry no token identifier, so entering one again changes nothing.
"""

from shared.sts.digits import is_decimal
from shared.sts.errors import IdentityError, KeyTypeError, RangeError
from shared.sts.value import DCTK, DDTK, DITK, DUTK, TokenValue, checked

KEN_NEVER = 255
_REACHABLE = {DITK: (DITK, DDTK, DUTK), DDTK: (DDTK, DUTK), DUTK: (DDTK, DUTK)}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class KeySection(TokenValue):
    """One section. `section` is its number 1..4; the part of the key that it carries stays out of its repr."""

    token_class = 2
    section = 0
    secret_names = ("key_part",)

    def __init__(self, key_part: bytes) -> None:
        assert len(key_part) == 4, "a section carries four bytes of the key"
        self.key_part = key_part


class Set1stSection(KeySection):
    """Key bits 63..32 or 127..96, upper half of KEN, KRN, roll-over, key type, and whether a section 3 follows."""

    subclass = 3
    section = 1
    names = ("ken_high", "krn", "roll_over", "third_follows", "kt")

    def __init__(self, ken_high: int, krn: int, roll_over: int, third_follows: int, kt: int, key_part: bytes) -> None:
        super().__init__(key_part)
        self.ken_high = checked("ken_high", ken_high, 15)
        self.krn = checked("krn", krn, 9, 1)
        self.roll_over = checked("roll_over", roll_over, 1)
        self.third_follows = checked("third_follows", third_follows, 1)
        self.kt = checked("kt", kt, DCTK)

    def body(self) -> bytes:
        flags = self.krn << 4 | self.roll_over << 3 | self.third_follows << 2 | self.kt
        return bytes([self.subclass << 4 | self.ken_high, flags]) + self.key_part


class Set2ndSection(KeySection):
    """Key bits 31..0, the lower half of KEN, and the tariff index."""

    subclass = 4
    section = 2
    names = ("ken_low", "ti")

    def __init__(self, ken_low: int, ti: int, key_part: bytes) -> None:
        super().__init__(key_part)
        self.ken_low = checked("ken_low", ken_low, 15)
        self.ti = checked("ti", ti, 99)

    def body(self) -> bytes:
        return bytes([self.subclass << 4 | self.ken_low, self.ti]) + self.key_part


class Set3rdSectionLong(KeySection):
    """For a 128-bit key: bits 95..64 and the lower 12 bits of the supply group code."""

    subclass = 8
    section = 3
    names = ("sgc_part",)

    def __init__(self, sgc_part: int, key_part: bytes) -> None:
        super().__init__(key_part)
        self.sgc_part = checked("sgc_part", sgc_part, 0xFFF)

    def body(self) -> bytes:
        return bytes([self.subclass << 4 | self.sgc_part >> 8, self.sgc_part & 0xFF]) + self.key_part


class Set4thSection(Set3rdSectionLong):
    """For a 128-bit key: bits 63..32 and the upper 12 bits of the supply group code."""

    subclass = 9
    section = 4


class Set3rdSectionShort(TokenValue):
    """For a 64-bit key: the whole supply group code, six digits."""

    token_class = 2
    subclass = 8
    section = 3
    names = ("sgc",)

    def __init__(self, sgc: str) -> None:
        self.sgc = sgc
        _sgc_number(sgc)

    def body(self) -> bytes:
        return (self.subclass << 44 | _sgc_number(self.sgc) << 20).to_bytes(6, "big")


class NewKey:
    """A decoder key (8 or 16 bytes) with KEN 0..255, KRN 1..9, KT 0..3, TI 0..99, SGC (six digits or None), RO."""

    def __init__(
        self, decoder_key: bytes, ken: int, krn: int, kt: int, ti: int, sgc: str | None, roll_over: bool
    ) -> None:
        assert len(decoder_key) in (8, 16), "a decoder key has 8 or 16 bytes"
        self.decoder_key = decoder_key
        self.ken = checked("ken", ken, KEN_NEVER)
        self.krn = krn
        self.kt = kt
        self.ti = ti
        self.sgc = sgc
        self.roll_over = roll_over


def sections_of(new: NewKey) -> list[TokenValue]:
    """Return the sections that carry a new key, in order. A 128-bit key needs its supply group code."""
    key = new.decoder_key
    third_follows = len(key) == 8 and new.sgc is not None
    sections: list[TokenValue] = [
        Set1stSection(new.ken >> 4, new.krn, int(new.roll_over), int(third_follows), new.kt, key[:4]),
        Set2ndSection(new.ken & 15, new.ti, key[-4:]),
    ]
    if third_follows:
        assert new.sgc is not None
        sections.append(Set3rdSectionShort(new.sgc))
    elif len(key) == 16:
        if new.sgc is None:
            raise IdentityError("a 128-bit key change carries the supply group code")
        sgc = _sgc_number(new.sgc)
        sections.append(Set3rdSectionLong(sgc & 0xFFF, key[4:8]))
        sections.append(Set4thSection(sgc >> 12, key[8:12]))
    return sections


class KeyChange:
    """Holds the sections that a meter has accepted until the set is complete."""

    def __init__(self, long_key: bool) -> None:
        self._long_key = long_key
        self._sections: dict[int, TokenValue] = {}

    def add(self, section: TokenValue) -> None:
        """Hold a section; one entered again takes the place of the earlier."""
        assert isinstance(section, (KeySection, Set3rdSectionShort)), "only sections belong to a key change"
        self._sections[section.section] = section

    def missing(self) -> list[int]:
        """Return the numbers of the sections still to come, as far as they are known."""
        needed = [1, 2, 3, 4] if self._long_key else [1, 2]
        first = self._sections.get(1)
        if not self._long_key and isinstance(first, Set1stSection) and first.third_follows:
            needed.append(3)
        return [number for number in needed if number not in self._sections]

    def new_key(self) -> NewKey:
        """Return the new key of a complete set. RangeError if its supply group code is not one."""
        assert not self.missing(), "sections are missing"
        first, second = self._sections[1], self._sections[2]
        assert isinstance(first, Set1stSection) and isinstance(second, Set2ndSection)
        key, sgc = first.key_part + second.key_part, None
        third, fourth = self._sections.get(3), self._sections.get(4)
        if isinstance(third, Set3rdSectionLong) and isinstance(fourth, Set4thSection):
            key = first.key_part + third.key_part + fourth.key_part + second.key_part
            sgc = _sgc_digits(fourth.sgc_part << 12 | third.sgc_part)
        elif isinstance(third, Set3rdSectionShort) and first.third_follows:
            sgc = third.sgc
        ken = first.ken_high << 4 | second.ken_low
        return NewKey(key, ken, first.krn, first.kt, second.ti, sgc, bool(first.roll_over))


def check_key_type(old_kt: int, new_kt: int) -> None:
    """KeyTypeError unless a key of type new_kt may follow one of old_kt.

    Unique and default keys may follow each other; back to initialisation, or to and from common keys, nothing leads.
    """
    if new_kt not in _REACHABLE.get(old_kt, ()):
        raise KeyTypeError("key type {} cannot follow key type {}".format(new_kt, old_kt))


def reader_of(subclass: int, long_key: bool) -> "Callable[[bytes], TokenValue] | None":
    """Return the reader of a class 2 body of a subclass that carries a section, or None."""
    if subclass == 8:
        return read_section_3_long if long_key else read_section_3_short
    if subclass == 9 and long_key:
        return read_section_4
    return {3: read_section_1, 4: read_section_2}.get(subclass)


def read_section_1(body: bytes) -> TokenValue:
    """Return section 1 of a class 2 body of subclass 3. RangeError if KRN is 0 or above 9."""
    flags = body[1]
    return Set1stSection(body[0] & 15, flags >> 4, flags >> 3 & 1, flags >> 2 & 1, flags & 3, body[2:])


def read_section_2(body: bytes) -> TokenValue:
    """Return section 2 of a class 2 body of subclass 4. RangeError if TI is above 99."""
    return Set2ndSection(body[0] & 15, body[1], body[2:])


def read_section_3_long(body: bytes) -> TokenValue:
    """Return section 3 of a 128-bit set."""
    return Set3rdSectionLong((body[0] & 15) << 8 | body[1], body[2:])


def read_section_3_short(body: bytes) -> TokenValue:
    """Return section 3 of a 64-bit set. RangeError if it holds no supply group code or ends in other than zeros."""
    number = int.from_bytes(body, "big")
    if number & 0xFFFFF:
        raise RangeError("a third section for a 64-bit key ends in zeros")
    return Set3rdSectionShort(_sgc_digits(number >> 20 & 0xFFFFFF))


def read_section_4(body: bytes) -> TokenValue:
    """Return section 4 of a 128-bit set."""
    return Set4thSection((body[0] & 15) << 8 | body[1], body[2:])


def _sgc_number(sgc: str) -> int:
    if len(sgc) != 6 or not is_decimal(sgc):
        raise IdentityError("a supply group code is six digits")
    return int(sgc)


def _sgc_digits(number: int) -> str:
    return "{:06d}".format(checked("the supply group code", number, 999999))
