"""The network is made by the board's map and by what the installer entered; without it the gateway works on."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from firmware import joining
from tests.fakes import network
from tests.fakes.flash import Flash


class Modem:
    """What hardware.modem is, as far as it is made."""

    uart = None

    def hold_reset(self, on: bool) -> None:
        """Nothing: nobody dials."""


class Desk:
    """The board, its drivers, and what is said."""

    def __init__(self, kind: str, **entered: bytes) -> None:
        self.board = SimpleNamespace(NETWORK=kind, MODEM_DIAL="at", LAN_PHY="LAN8720", LAN_ADDRESS=0)
        self.flash = Flash()
        for name, data in entered.items():
            self.flash.replace(name, data)
        self.hardware = SimpleNamespace(flash=self.flash, modem=Modem(), lan_lines={"mdc": 1, "mdio": 2})
        self.said: list[str] = []

    def network(self):
        return joining.network_of(self.board, self.hardware, self.said.append)


@pytest.fixture(autouse=True)
def radio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "network", network)
    for name in ("wifi", "lan", "ppp"):
        importlib.reload(importlib.import_module(f"firmware.net.{name}"))


def test_the_wifi_that_the_installer_entered_is_joined() -> None:
    made = Desk("wifi", wifi=b"water\nsecret").network()

    made.keep_up(0)

    assert network.WLAN.stations[-1].asked == [("water", "secret")]
    assert made.name_server() == "192.168.1.1"


def test_an_open_wifi_has_no_password() -> None:
    Desk("wifi", wifi=b"water").network().keep_up(0)

    assert network.WLAN.stations[-1].asked == [("water", "")]


def test_without_an_entry_there_is_no_network_and_it_is_said() -> None:
    desk = Desk("wifi")
    made = desk.network()

    assert not made.keep_up(0) and not made.is_up()
    assert desk.said == ["no network: the installer's tool enters name and password"]


def test_a_modem_needs_no_entries_and_a_port_has_none() -> None:
    assert not Desk("ppp").network().is_up()
    assert not Desk("lan").network().is_up()


def test_a_pin_that_was_refused_is_gone_from_flash_and_nothing_else_is() -> None:
    desk = Desk("ppp", modem=b"apn.example\nmeter\nsecret\n1234")

    desk.network()._pin_refused()

    assert desk.flash.read("modem") == b"apn.example\nmeter\nsecret\n"


def test_a_network_that_cannot_be_made_stops_nothing() -> None:
    desk = Desk("lan")
    del desk.hardware.lan_lines
    made = desk.network()

    assert not made.is_up()
    assert desk.said[0].startswith("no network: AttributeError")


def test_a_board_whose_network_is_simply_there_asks_nobody() -> None:
    made = Desk("").network()

    assert made.is_up() and made.keep_up(0) and made.name_server() == ""


def test_a_pin_that_was_refused_goes_even_where_flash_has_no_room_for_a_new_file() -> None:
    desk = Desk("ppp", modem=b"apn.example\nmeter\nsecret\n1234")
    desk.flash.capacity_bytes = 0

    desk.network()._pin_refused()

    assert not desk.flash.has("modem")
