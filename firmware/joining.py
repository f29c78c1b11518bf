"""Makes the network that the board's map names, from what the installer entered.

A network has is_up(), keep_up(now_ms), name_server() and restart(); none of them waits.
"""

from shared.compat import const

_MODEM_LINES = const(4)


class Given:
    """A network that is simply there, as the host's is for the simulated board."""

    def is_up(self) -> bool:
        """Always."""
        return True

    def keep_up(self, now_ms: int) -> bool:
        """Nothing is to be done."""
        return True

    def name_server(self) -> str:
        """The host looks names up itself."""
        return ""

    def restart(self) -> None:
        """It is not ours."""


class NotSet(Given):
    """A network that the installer has not entered: the gateway works without."""

    def is_up(self) -> bool:
        """Never."""
        return False

    def keep_up(self, now_ms: int) -> bool:
        """Nothing can be done."""
        return False


def network_of(board, hardware, note):
    """The network of a board; drivers of other networks are not loaded. One that fails must not stop the metering."""
    try:
        return _made(board, hardware, note)
    except Exception as error:  # whatever a radio, a chip or a wrong entry brings
        note("no network: {!r}".format(error))
        return NotSet()


def _made(board, hardware, note):
    if board.NETWORK == "wifi":
        return _wifi(hardware.flash, note)
    if board.NETWORK == "ppp":
        return _modem(board, hardware, note)
    if board.NETWORK == "lan":
        from firmware.net.lan import on_board

        return on_board(board, hardware.lan_lines)
    return Given()


def _lines(flash, name, count):
    """What the installer entered, as so many lines; None if nothing."""
    try:
        lines = flash.read(name).decode().split("\n")
    except OSError:
        return None
    return (lines + [""] * count)[:count]


def _wifi(flash, note):
    entered = _lines(flash, "wifi", 2)
    if entered is None:
        note("no network: the installer's tool enters name and password")
        return NotSet()
    from firmware.net.wifi import Wifi

    return Wifi(entered[0], entered[1])


def _modem(board, hardware, note):
    """A modem needs no entries where its card has no PIN and the network gives the APN."""
    from firmware.net.dialling import Settings
    from firmware.net.ppp import Ppp

    flash = hardware.flash
    apn, user, password, pin = _lines(flash, "modem", _MODEM_LINES) or [""] * _MODEM_LINES

    def forget_pin():
        try:
            flash.replace("modem", "\n".join((apn, user, password, "")).encode())
        except OSError:  # no room: sent again at each start it would lock the card, without which nothing else helps
            flash.remove("modem")

    return Ppp(hardware.modem, Settings(apn, user, password, pin), board.MODEM_DIAL == "at", note, forget_pin)
