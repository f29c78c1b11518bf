"""The Ethernet port is switched on and looked after, without waiting."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from tests.fakes import network


@pytest.fixture
def lan(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "network", network)
    module = importlib.reload(importlib.import_module("firmware.net.lan"))
    board = SimpleNamespace(LAN_PHY="LAN8720", LAN_ADDRESS=1)
    return module.on_board(board, {"mdc": 23, "mdio": 18})


def port() -> network.LAN:
    return network.LAN.ports[-1]


def test_it_is_made_with_the_pins_and_the_chip_of_the_map(lan) -> None:
    assert port().made_with == {"phy_type": network.PHY_LAN8720, "phy_addr": 1, "mdc": 23, "mdio": 18}


def test_it_is_switched_on_once_and_up_when_there_is_an_address(lan) -> None:
    assert not lan.keep_up(0)
    assert not lan.keep_up(5000)

    port().joined = True

    assert lan.keep_up(6000)
    assert port().switched == [False, True]
    assert lan.name_server() == "192.168.1.1"


def test_a_port_of_no_use_is_switched_off_and_on_after_30_seconds(lan) -> None:
    for now_ms in range(0, 61_000, 1000):
        lan.keep_up(now_ms)

    assert port().switched == [False, True] * 3


def test_a_cable_that_was_out_for_a_moment_costs_no_restart(lan) -> None:
    lan.keep_up(0)
    port().joined = True
    lan.keep_up(100_000)
    port().joined = False

    lan.keep_up(110_000)

    assert port().switched == [False, True]


def test_a_chip_that_is_not_ready_is_no_error(lan) -> None:
    port().broken = True

    assert not lan.keep_up(0)


def test_a_port_of_no_use_is_switched_off_and_on(lan) -> None:
    lan.keep_up(0)
    port().joined = True
    lan.keep_up(1000)
    port().joined = False

    lan.restart()
    lan.keep_up(2000)

    assert port().switched[2:] == [False, False, True]
