"""Keys and tokens at a gateway's keypad, each with all that it begins; and a keypad that is scanned by hand."""


def press(gateway, symbol, now_ms):
    """One key; the result code when it completed a token, else None."""
    gateway.key(symbol, now_ms)
    code = None
    while gateway.takes_token():
        code = gateway.token_step(now_ms)
    return code


def enter(gateway, channel, digits, now_ms):
    """A token for a chosen meter, without the panel; its Result (firmware/tokens.py)."""
    return list(gateway._desk.keyed_steps(channel, digits, now_ms))[-1]


def scanned(pad):
    """The next key of a keypad behind one more look at it, or None."""
    pad.look()
    return pad.take()
