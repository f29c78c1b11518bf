"""Keeps the WiFi station joined. It never waits: join() asks the radio, and the caller comes back to look."""

import network

from shared.compat import const

_RETRY_MS = const(20000)  # an attempt that has not succeeded by then is given up and begun again
_TICKS_MASK = const(0x3FFFFFFF)


class Wifi:
    """One station on one network; password is empty for an open one."""

    def __init__(self, ssid: str, password: str) -> None:
        self._ssid = ssid
        self._password = password
        self._station = network.WLAN(network.STA_IF)
        self._asked_ms = -1

    def is_up(self) -> bool:
        """Whether the station is joined and has an address."""
        return self._station.isconnected()

    def name_server(self) -> str:
        """The address that DHCP gave for look-ups."""
        return self._station.ifconfig()[3]

    def restart(self) -> None:
        """Join anew at the next look: the radio is joined and nothing comes through it."""
        try:
            self._station.active(False)
        except OSError:
            pass  # the radio is not ready; the next attempt will tell
        self._asked_ms = -1

    def keep_up(self, now_ms: int) -> bool:
        """Join if not joined, again every 20 s; tell whether the network is up. now_ms is time.ticks_ms()."""
        if self.is_up():
            self._asked_ms = -1
            return True
        if self._asked_ms < 0 or (now_ms - self._asked_ms) & _TICKS_MASK >= _RETRY_MS:
            self._asked_ms = now_ms
            self._ask()
        return False

    def _ask(self) -> None:
        try:
            self._station.active(False)  # a radio that hangs wakes up again only so
            self._station.active(True)
            self._station.connect(self._ssid, self._password)
        except OSError:
            pass  # the radio is not ready; the next attempt will tell
