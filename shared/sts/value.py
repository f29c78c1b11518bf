"""What every token value has in common: its class, its fields, and the six bytes before the checksum."""

from shared.sts.errors import RangeError

DITK, DDTK, DUTK, DCTK = range(4)
"""Key types: initialisation, default, unique to the meter, common to a group."""
RESULT_CODES = (0, 2, 3, 17, 18)
"""By section of a key change: the result code of an accepted one. The standard names 2 and 3; 17 and 18 are ours."""


def checked(name: str, value: int, largest: int, smallest: int = 0) -> int:
    """Return value if it lies in smallest..largest; RangeError otherwise. struct and to_bytes would not object."""
    if not smallest <= value <= largest:
        raise RangeError("{} must be {}..{}".format(name, smallest, largest))
    return value


class TokenValue:
    """The content of a token. Equal if of the same kind with the same fields; its repr shows no key material."""

    token_class = 0
    subclass = 0
    section = 0  # of a key change, 1..4
    rnd: int | None = None  # the 4 random bits, where the kind has them
    tid: int | None = None  # minutes since the base date, where the kind has them
    amount: int | None = None  # base units, watts or 1/100000 of a currency, where the kind has one
    names: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()

    def body(self) -> bytes:
        """Return the six bytes before the checksum: the subclass in the top nibble."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        for name in self.names + self.secret_names:
            if getattr(self, name) != getattr(other, name):
                return False
        return True

    def __repr__(self) -> str:
        shown = ", ".join(["{}={!r}".format(name, getattr(self, name)) for name in self.names])
        return "{}({})".format(type(self).__name__, shown)


class TimedValue(TokenValue):
    """A value laid out as SubClass(4) RND(4) TID(24) Field(16)."""

    names: tuple[str, ...] = ("rnd", "tid")
    rnd: int
    tid: int

    def __init__(self, rnd: int, tid: int) -> None:
        self.rnd = checked("rnd", rnd, 15)
        self.tid = checked("tid", tid, 0xFFFFFF)

    def field(self) -> int:
        """Return the 16-bit field."""
        raise NotImplementedError

    def body(self) -> bytes:
        return bytes([self.subclass << 4 | self.rnd]) + self.tid.to_bytes(3, "big") + self.field().to_bytes(2, "big")
