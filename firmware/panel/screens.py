"""What is shown, as lines of text, from values. For displays of 16x2 and 20x4; volumes in ml are shown in m3."""

from firmware.panel import digits
from firmware.panel.texts import Texts
from shared.compat import const

_WORDS = {1: "accepted", 4: "full", 9: "old", 10: "used", 11: "expired", 13: "rejected"}
_SECTIONS = {2: 1, 3: 2, 17: 3, 18: 4}  # result code of an accepted section of a key change -> its number
_LOCKOUT = const(15)
TALL_ROWS = const(4)


class MeterView:
    """What a page needs to know of a meter; `number` 0 means that there is only one and it needs no name."""

    def __init__(
        self, number: int, balance: int, open: bool, moving: bool, fault: bool, low: bool, wait_s: int
    ) -> None:
        self.number = number
        self.balance = balance
        self.open = open
        self.moving = moving
        self.fault = fault
        self.low = low
        self.wait_s = wait_s


class Screens:
    """Makes the lines for one size of display and one language."""

    def __init__(self, columns: int, rows: int, language: str) -> None:
        self.columns = columns
        self.rows = rows
        self.texts = Texts(language)

    def idle(self, view: MeterView, page: int, recovery: bool) -> "tuple[str, ...]":
        """Page 0 state, 1 remaining, 2 special; a tall display shows all three at once."""
        state = self._named(view.number, self._state(view))
        left = self._pair(self.texts("left"), cubic_metres(view.balance))
        special = self._special(view, recovery)
        if self.rows >= TALL_ROWS:
            hint = self.texts("any_key" if view.number else "type_token")
            return self._cut((state, left, special, hint))
        if page == 2 and special:
            return self._cut((state, special))
        return self._cut((state, left))

    def entry(self, keys: digits.Digits, channels: "list[int]") -> "tuple[str, ...]":
        """What is being typed: digits in fours and how many."""
        if keys.state == digits.CHOOSE:
            return self._cut((self.texts("which", _listed(channels)), self.texts("cancel")))
        name = self.texts("token") if len(channels) == 1 else self.texts("meter", keys.channel + 1)
        if keys.state == digits.QUERY:
            return self._cut((name, self.texts("query", keys.typed)))
        count = "{}/{}".format(len(keys.typed), digits.TOKEN_DIGITS)
        return self._cut((self._pair(name, count),) + self._groups(keys.typed))

    def result(self, number: int, code: int, wait_s: int) -> "tuple[str, ...]":
        """The word for a result code of STS."""
        if code == _LOCKOUT:
            word = self.texts("locked", wait_s)
        elif code in _SECTIONS:
            word = self.texts("section", _SECTIONS[code])
        elif code in _WORDS:
            word = self.texts(_WORDS[code])
        else:
            word = self.texts("error", code)
        return self._cut((word, self.texts("meter", number) if number else ""))

    def value(self, number: int, name: str, value: str) -> "tuple[str, ...]":
        """A named value: an amount after a token, or the answer to a query."""
        return self._cut((self._named(number, self.texts(name)), value))

    def _state(self, view):
        if view.fault:
            return self.texts("valve_fault")
        if view.moving:
            return self.texts("moving")
        return self.texts("on" if view.open else "off")

    def _special(self, view, recovery):
        if recovery:
            return self.texts("recovery")
        if view.wait_s:
            return self.texts("locked", view.wait_s)
        if view.balance <= 0:
            return self.texts("none")
        return self.texts("low") if view.low else ""

    def _groups(self, typed):
        groups = [typed[at : at + 4] for at in range(0, len(typed), 4)]
        per_line = (self.columns + 1) // 5
        if self.rows >= TALL_ROWS:
            return (" ".join(groups[:per_line]), " ".join(groups[per_line:]))
        return (" ".join(groups[-per_line:]),)

    def _named(self, number, text):
        return "{} {}".format(self.texts("meter", number), text) if number else text

    def _pair(self, left, right):
        space = self.columns - len(left) - len(right)
        return left + " " * max(space, 1) + right

    def _cut(self, lines):
        return tuple([line[: self.columns] for line in lines])


def cubic_metres(volume_ml: int) -> str:
    """A volume as it is read on a meter: whole litres, cut off towards zero."""
    litres = abs(volume_ml) // 1000
    sign = "-" if volume_ml < 0 and litres else ""
    return "{}{}.{:03d} m3".format(sign, litres // 1000, litres % 1000)


def _listed(channels):
    numbers = [channel + 1 for channel in channels]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return "{}-{}".format(numbers[0], numbers[-1])
    return ",".join([str(number) for number in numbers])
