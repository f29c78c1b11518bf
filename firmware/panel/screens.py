"""What is shown, as lines of text, from values. For displays of 2 or 4 rows and 16 columns or more."""

from firmware.panel import digits
from firmware.panel.texts import Texts
from shared.compat import const

_WORDS = {1: "accepted", 4: "full", 9: "old", 10: "used", 11: "expired", 13: "rejected"}
_SECTIONS = {2: 1, 3: 2, 17: 3, 18: 4}  # result code of an accepted section of a key change -> its number
_LOCKOUT = const(15)
TALL_ROWS = const(4)


class View:
    """What the idle pages tell of a meter. One is enough for all meters: it is filled anew for each page.

    `number` 0: there is only one, and it needs no name. `state` and `left_name` are names of texts, `left` an amount;
    `days` is -1 when nothing is known. `specials` are (text's name, value or "", whether the value stands beside the
    text and not in it), the most urgent first.
    """

    __slots__ = ("days", "left", "left_name", "number", "specials", "state")

    def __init__(self) -> None:
        self.number = 0
        self.state = "off"
        self.left_name = "left"
        self.left = ""
        self.days = -1
        self.specials: list[tuple[str, str, bool]] = []


class Screens:
    """Makes the lines for one size of display and one language."""

    def __init__(self, columns: int, rows: int, language: str) -> None:
        self.columns = columns
        self.rows = rows
        self.texts = Texts(language)

    def idle(self, view: View, page: int, turn: int) -> "tuple[str, ...]":
        """Page 0 state, 1 remaining, 2 special; a tall display shows all at once. `turn` chooses among the specials."""
        state = self._named(view.number, self.texts(view.state))
        left = self._pair(self.texts(view.left_name), view.left)
        special = self._special(view.specials, turn)
        if self.rows >= TALL_ROWS:
            return self._cut((state, left, special, self._foot(view, turn)))
        if page == 2 and special:
            return self._cut((state, special))
        if page == 1 and view.days >= 0:
            return self._cut((self._named(view.number, self.texts("days", view.days)), left))
        return self._cut((state, left))

    def entry(self, keys: digits.Digits, channels: "list[int]") -> "tuple[str, ...]":
        """What is being typed: digits in fours and how many; of a PIN only how many."""
        if keys.state == digits.CHOOSE:
            return self._cut((self.texts("which", _listed(channels)), self.texts("cancel")))
        name = self.texts("token") if len(channels) == 1 else self.texts("meter", keys.channel + 1)
        if keys.state == digits.QUERY:
            return self._cut((name, self.texts("query", keys.typed)))
        if keys.state == digits.PIN:
            return self._cut((name, self.texts("pin", "*" * len(keys.typed))))
        count = "{}/{}".format(len(keys.typed), digits.TOKEN_DIGITS)
        return self._cut((self._pair(name, count),) + self._groups(keys.typed))

    def result(self, number: int, code: int, wait_s: int) -> "tuple[str, ...]":
        """The word for a result code of STS."""
        return self._cut((self.word(code, wait_s), self.texts("meter", number) if number else ""))

    def word(self, code: int, wait_s: int) -> str:
        """ACCEPTED, REJECTED, ... or `Err nn`."""
        if code == _LOCKOUT:
            return self.texts("locked", wait_s)
        if code in _SECTIONS:
            return self.texts("section", _SECTIONS[code])
        return self.texts(_WORDS[code]) if code in _WORDS else self.texts("error", code)

    def value(self, number: int, name: str, value: str) -> "tuple[str, ...]":
        """A named value: an amount after a token, or the answer to a query."""
        return self._cut((self._named(number, self.texts(name)), value))

    def _special(self, specials, turn):
        if not specials:
            return ""
        name, value, beside = specials[turn % len(specials)]
        if beside:
            return self._pair(self.texts(name), value)
        return self.texts(name, value) if value else self.texts(name)

    def _foot(self, view, turn):
        """The days left and what to do, in turn."""
        if view.days >= 0 and turn % 2 == 0:
            return self.texts("days", view.days)
        return self.texts("any_key" if view.number else "type_token")

    def _groups(self, typed):
        groups = [typed[at : at + 4] for at in range(0, len(typed), 4)]
        per_line = (self.columns + 1) // 5
        if self.rows >= TALL_ROWS:
            return (" ".join(groups[:per_line]), " ".join(groups[per_line:]))
        return (" ".join(groups[-per_line:]),)

    def _named(self, number, text):
        """With the meter's name before it, the short one where the line is too narrow."""
        if not number:
            return text
        named = "{} {}".format(self.texts("meter", number), text)
        return named if len(named) <= self.columns else "{} {}".format(self.texts("short_meter", number), text)

    def _pair(self, left, right):
        """A word and its value at both ends of a line; where it is too short the word gives way."""
        left = left[: max(self.columns - len(right) - 1, 0)]
        return left + " " * (self.columns - len(left) - len(right)) + right

    def _cut(self, lines):
        return tuple([line[: self.columns] for line in lines])


def _listed(channels):
    numbers = [channel + 1 for channel in channels]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return "{}-{}".format(numbers[0], numbers[-1])
    return ",".join([str(number) for number in numbers])
