"""What stands in a sentence for a value: amounts, rates, times of the day, dates, quoted texts. Integers come out.

A volume is in ml (energy: mWh), money in 1/100000 of the base currency, time in seconds or minutes, as in the firmware.
"""

from shared.civil import day_of

_UNITS = (("m3", 6), ("kWh", 6), ("L/h", 3), ("L", 3), ("kW", 6), ("Wh", 3), ("W", 3), ("ml", 0))
_MONEY_PLACES = 5
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def decimal(text, places):
    """A decimal number as an integer of so many places; ValueError for more places or what is no number."""
    whole, _point, part = text.partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = whole.lstrip("+-")
    if not digits.isdigit() or (part and not part.isdigit()) or len(part) > places:
        raise ValueError('"{}" is no number with up to {} decimals'.format(text, places))
    return sign * int(digits + part + "0" * (places - len(part)))


def volume(text):
    """2.000 m3, 500 L, 3.5 kWh -> ml or mWh."""
    number, _space, unit = text.partition(" ")
    for name, places in _UNITS:
        if unit == name:
            return decimal(number, places)
    raise ValueError('"{}" is no volume: write 2.000 m3, 500 L or 3.5 kWh'.format(text))


def amount(text):
    """A volume, or without a unit money."""
    return volume(text) if " " in text else decimal(text, _MONEY_PLACES)


def seconds(text):
    """15 minutes, 1 day -> seconds."""
    number, _space, unit = text.partition(" ")
    name = unit[:-1] if unit.endswith("s") else unit
    if not number.isdigit() or name not in _SECONDS:
        raise ValueError('"{}" is no duration: write 90 seconds, 15 minutes, 2 hours, 1 day'.format(text))
    return int(number) * _SECONDS[name]


def minute(text):
    """08:05 -> minute of the day; 24:00 is its end."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and len(minutes) == 2) or int(hours) > 24:
        raise ValueError('"{}" is no time of day: write 08:05'.format(text))
    return int(hours) * 60 + int(minutes)


def date(text):
    """2026-12-25 -> days since 1970-01-01."""
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ValueError('"{}" is no date: write 2026-12-25'.format(text))
    return day_of(int(parts[0]), int(parts[1]), int(parts[2]))


def moment(text):
    """2026-12-25 08:05 -> (day, minute of the day)."""
    day, _space, time = text.partition(" ")
    return date(day), minute(time)


def quoted(text):
    """A text between quotes."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise ValueError("{} is not quoted".format(text))
    return text[1:-1]


def percent(text):
    """50% -> 50."""
    if not text.endswith("%"):
        raise ValueError('"{}" is no share: write 50%'.format(text))
    return decimal(text[:-1], 0)


def number(text):
    """A whole number."""
    return decimal(text, 0)


def word(text):
    """One word."""
    if " " in text:
        raise ValueError('"{}" is not one word'.format(text))
    return text


READERS = {
    "amount": amount,
    "volume": volume,
    "rate": volume,
    "duration": seconds,
    "time": minute,
    "date": date,
    "moment": moment,
    "text": quoted,
    "percent": percent,
    "number": number,
    "word": word,
    "words": str,
}
