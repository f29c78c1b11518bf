"""Keys of a gateway's keypad, each with all that it begins."""


def press(gateway, symbol, now_ms):
    """One key; the result code when it completed a token, else None."""
    gateway.key(symbol, now_ms)
    code = None
    while gateway.takes_token():
        code = gateway.token_step(now_ms)
    return code
