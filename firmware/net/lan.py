"""Keeps an Ethernet port of the ESP32 in use. It never waits: DHCP runs by itself; the caller comes back to look."""

import network

from shared.compat import const

_RETRY_MS = const(30000)  # a port without an address by then is switched off and on
_TICKS_MASK = const(0x3FFFFFFF)


class Lan:
    """`port` is network.LAN of the board."""

    def __init__(self, port) -> None:
        self._port = port
        self._asked_ms = -1

    def is_up(self) -> bool:
        """Whether there is a cable with somebody behind it, and an address."""
        return self._port.isconnected()

    def name_server(self) -> str:
        """The address that DHCP gave for look-ups."""
        return self._port.ifconfig()[3]

    def restart(self) -> None:
        """Ask for an address anew at the next look: the port is up and nothing comes through it."""
        try:
            self._port.active(False)
        except OSError:
            pass  # the chip is not ready; the next attempt will tell
        self._asked_ms = -1

    def keep_up(self, now_ms: int) -> bool:
        """Switch the port on, again every 30 s while it is of no use; tell whether it is up. now_ms: ticks_ms()."""
        if self.is_up():
            self._asked_ms = now_ms
            return True
        if self._asked_ms < 0 or (now_ms - self._asked_ms) & _TICKS_MASK >= _RETRY_MS:
            self._asked_ms = now_ms
            self._ask()
        return False

    def _ask(self):
        try:
            self._port.active(False)
            self._port.active(True)
        except OSError:
            pass  # the chip is not ready; the next attempt will tell


def on_board(board, lines) -> Lan:
    """The port of a board map; lines are its pins by the names of network.LAN."""
    kind = getattr(network, "PHY_" + board.LAN_PHY)
    # The stubs have other boards' arguments.
    port = network.LAN(phy_type=kind, phy_addr=board.LAN_ADDRESS, **lines)  # pyright: ignore[reportCallIssue]
    return Lan(port)
