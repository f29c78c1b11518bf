"""The WiFi station is kept joined, without waiting."""

import importlib
import sys

import pytest

from tests.fakes import network


@pytest.fixture
def wifi(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "network", network)
    module = importlib.import_module("firmware.net.wifi")
    return importlib.reload(module).Wifi("water", "secret")


def station() -> network.WLAN:
    return network.WLAN.stations[-1]


def test_it_asks_once_and_is_up_when_the_radio_has_joined(wifi) -> None:
    assert not wifi.keep_up(0)
    assert not wifi.keep_up(5000)

    station().joined = True

    assert wifi.keep_up(6000)
    assert station().asked == [("water", "secret")]


def test_an_attempt_that_fails_is_begun_again_after_20_seconds(wifi) -> None:
    for now_ms in range(0, 61_000, 1000):
        wifi.keep_up(now_ms)

    assert len(station().asked) == 4


def test_a_lost_network_is_joined_again_at_once(wifi) -> None:
    wifi.keep_up(0)
    station().joined = True
    wifi.keep_up(1000)
    station().joined = False

    wifi.keep_up(2000)

    assert len(station().asked) == 2


def test_a_radio_that_is_not_ready_is_no_error(wifi) -> None:
    station().broken = True
    assert not wifi.keep_up(0)

    station().broken = False
    wifi.keep_up(20_000)

    assert len(station().asked) == 1


def test_a_network_of_no_use_is_joined_anew(wifi) -> None:
    wifi.keep_up(0)
    station().joined = True
    wifi.keep_up(1000)

    wifi.restart()
    wifi.keep_up(2000)

    assert len(station().asked) == 2
