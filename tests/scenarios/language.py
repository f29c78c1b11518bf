"""Reads scenario files and finds the sentence that each line is. Patterns are words with {kinds} of values in them.

No regular expressions: the files run under MicroPython, too.
"""

from tests.scenarios.quantities import READERS

WORDS = ("Given", "When", "Then")


class ScenarioError(Exception):
    """A file that cannot be carried out: where, what is wrong, and what to do."""


class Line:
    """One sentence: `number` in its file, `word` Given, When or Then, `text` behind it, `channel` of the meter."""

    __slots__ = ("channel", "number", "text", "word")

    def __init__(self, number, word, text, channel):
        self.number = number
        self.word = word
        self.text = text
        self.channel = channel

    def spoken(self):
        """The sentence as it stands in the file, but for And."""
        meter = "meter {}: ".format(self.channel + 1) if self.channel else ""
        return "{} {}{}".format(self.word, meter, self.text)


def read(path, text):
    """(rule, list of scenarios, each a (name, list of Line)) of a file's text."""
    rule = ""
    scenarios = []
    word = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("Rule:"):
            rule = line[5:].strip()
        elif line.startswith("Scenario:"):
            scenarios.append((line[9:].strip(), []))
            word = ""
        else:
            if not scenarios:
                scenarios.append((rule, []))
            word = _word(path, number, line, word)
            scenarios[-1][1].append(_line(number, word, line))
    if not rule or not scenarios:
        raise ScenarioError("{}: a file says first its Rule: and then what follows from it".format(path))
    return rule, scenarios


def find(sentences, text):
    """(function, values) of the first pattern that fits; ValueError says what was nearest."""
    nearest = ""
    for pattern, function in sentences:
        try:
            values = match(pattern, text)
        except ValueError as error:
            nearest = nearest or "{}, in: {}".format(error, pattern)
            continue
        if values is not None:
            return function, values
    raise ValueError(nearest or _alike(sentences, text))


def match(pattern, text):
    """The values of `text` where it has the words of `pattern`, else None; ValueError: a value is none of its kind."""
    raws = _split(pattern, text)
    if raws is None:
        return None
    return [READERS[kind](raw) for kind, raw in raws]


def _split(pattern, text):
    """[(kind, raw value)], or None."""
    found = []
    while True:
        literal, brace, behind = pattern.partition("{")
        if not text.startswith(literal):
            return None
        text = text[len(literal) :]
        if not brace:
            return None if text else found
        kind, _brace, pattern = behind.partition("}")
        length = _length(text, pattern.partition("{")[0])
        if length <= 0:
            return None
        found.append((kind, text[:length]))
        text = text[length:]


def _length(text, following):
    """How much of `text` a value takes: what is quoted whole, else up to the words that follow."""
    if text.startswith('"'):
        return text.find('"', 1) + 1
    return text.find(following) if following else len(text)


def _word(path, number, line, before):
    first = line.partition(" ")[0]
    if first in WORDS:
        return first
    if first == "And" and before:
        return before
    raise ScenarioError("{}:{}: a line begins with {} or And: {}".format(path, number, ", ".join(WORDS), line))


def _line(number, word, line):
    text = line.partition(" ")[2].strip()
    channel = 0
    if text.startswith("meter ") and text[7:9] == ": " and "1" <= text[6] <= "8":
        channel = int(text[6]) - 1
        text = text[9:]
    return Line(number, word, text, channel)


def _alike(sentences, text):
    """The patterns that begin like the text."""
    for count in (3, 2, 1):
        head = " ".join(text.split(" ")[:count])
        alike = [pattern for pattern, _function in sentences if pattern.startswith(head)]
        if alike:
            return "no such sentence; there are: " + " | ".join(alike)
    return "no such sentence; docs/scenarios.md has the list"
