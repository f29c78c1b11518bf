"""The PPP link is dialled, watched, hung up and dialled again; a fake of lwIP's PPP stands for the other side."""

import importlib
import sys

import pytest

from firmware.net.dialling import Settings
from tests.fakes import network

STEP_MS = 20


class Modem:
    """A modem that takes every command; `answers` off makes it dead."""

    def __init__(self) -> None:
        self.uart = object()
        self.answers = True
        self.resets = 0
        self._out = b""

    def write(self, data: bytes) -> None:
        if self.answers:
            self._out += b"\r\nCONNECT\r\n" if data.startswith(b"ATD") else b"\r\nOK\r\n"

    def read(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def hold_reset(self, on: bool) -> None:
        self.resets += on

    def alone(self, call):
        return call()

    def listen(self, handler) -> None:
        self.handler = handler


class World:
    """A link whose time goes in steps of 20 ms."""

    def __init__(self, module, settings: Settings, dial: bool) -> None:
        self.modem = Modem()
        self.said: list[str] = []
        self.refused = 0
        self.now_ms = 0
        self.ppp = module.Ppp(self.modem, settings, dial, self.said.append, self._refuse)
        self.lwip = network.PPP.made[-1]

    def _refuse(self) -> None:
        self.refused += 1

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // STEP_MS):
            self.ppp.keep_up(self.now_ms & 0x3FFFFFFF)
            self.now_ms += STEP_MS

    def until(self, condition, limit_ms: int = 400_000) -> int:
        begun_ms = self.now_ms
        while not condition():
            assert self.now_ms - begun_ms < limit_ms, self.said
            self.run(STEP_MS)
        return self.now_ms - begun_ms


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "network", network)
    module = importlib.reload(importlib.import_module("firmware.net.ppp"))

    def world(settings: Settings | None = None, dial: bool = True) -> World:
        return World(module, settings or Settings(), dial)

    return world


def test_it_dials_and_is_up_when_ppp_is(make) -> None:
    world = make()
    world.until(lambda: world.lwip.calls == 1)
    assert not world.ppp.is_up()

    world.lwip.agree()
    world.run(100)

    assert world.ppp.is_up()
    assert world.ppp.name_server() == "10.0.0.53"


def test_a_line_that_speaks_ppp_at_once_is_not_dialled(make) -> None:
    world = make(dial=False)

    assert world.until(lambda: world.lwip.calls == 1) < 3000


def test_a_lost_link_is_made_again_after_a_while(make) -> None:
    world = make()
    world.lwip.willing = True
    world.until(world.ppp.is_up)

    world.lwip.lose()
    world.run(STEP_MS)
    down = not world.ppp.is_up()

    assert down and world.until(world.ppp.is_up) > 2000
    assert world.lwip.calls == 2


def test_attempts_that_fail_come_less_and_less_often_and_reset_the_modem_now_and_then(make) -> None:
    world = make()
    world.modem.answers = False

    world.run(1_800_000)

    failures = len(world.said)
    assert 10 <= failures <= 40
    assert failures // 4 <= world.modem.resets <= failures // 3


def test_ppp_that_nobody_answers_is_hung_up_and_tried_again(make) -> None:
    world = make()
    world.lwip.gives_up = False

    world.until(lambda: world.lwip.calls == 2)

    assert world.lwip.goodbyes == 1
    assert "ppp: no connection in time" in world.said


def test_ppp_that_gives_up_by_itself_is_tried_again(make) -> None:
    world = make()
    world.until(lambda: world.lwip.calls == 1)
    world.lwip.fail()

    world.until(lambda: world.lwip.calls == 2)

    assert world.lwip.goodbyes == 0


def test_a_user_is_proved_by_chap_and_by_pap_in_turn(make) -> None:
    world = make(Settings(user="meter", password="secret"))
    for count in (1, 2):
        world.until(lambda count=count: world.lwip.calls == count)
        world.lwip.fail()

    assert world.lwip.proofs == [(2, "meter", "secret"), (1, "meter", "secret")]


def test_without_a_user_no_name_is_given(make) -> None:
    world = make()
    world.until(lambda: world.lwip.calls == 1)

    assert world.lwip.proofs == [(0, None, None)]


def test_a_link_of_no_use_is_hung_up_and_made_anew(make) -> None:
    world = make()
    world.lwip.willing = True
    world.until(world.ppp.is_up)

    world.ppp.restart()
    down = not world.ppp.is_up()
    world.until(world.ppp.is_up)

    assert down and world.lwip.goodbyes == 1 and world.lwip.calls == 2


def test_a_modem_whose_links_are_of_no_use_is_reset_every_third_time(make) -> None:
    world = make()
    world.lwip.willing = True
    resets = []

    for _ in range(6):
        world.until(world.ppp.is_up)
        world.ppp.restart()
        world.until(world.ppp.is_up)
        resets.append(world.modem.resets)

    assert resets == [0, 0, 1, 1, 1, 2]


def test_a_stack_that_cannot_start_is_no_end(make) -> None:
    world = make()
    world.lwip.broken = True
    world.until(lambda: "ppp: cannot start: pppos_create failed" in world.said)
    world.lwip.broken = False
    world.lwip.willing = True

    world.until(world.ppp.is_up)


def test_time_that_begins_anew_disturbs_nothing(make) -> None:
    world = make()
    world.lwip.willing = True
    world.now_ms = 0x3FFFFFFF - 1500

    assert world.until(world.ppp.is_up) < 10_000
