"""Joins everything, and only here: the board's drivers, the gateway, and the tasks that keep it going."""

import asyncio
import gc
import os
import time

import board

from firmware import epoch, sounds
from firmware.clock import UNKNOWN, Clock, unix_seconds
from firmware.drivers import buzzer, system
from firmware.drivers.hardware import Hardware
from firmware.gateway import RESET_POWER, RESET_WATCHDOG, Gateway
from firmware.log import Log
from firmware.net.mqtt import Broker, Link
from firmware.net.sync import Sync
from firmware.panel.texts import Texts
from firmware.supervise import Supervisor
from shared.compat import const
from shared.documents import MESSAGE_MAX
from shared.errors import SharedError

SCAN_MS = const(20)
METER_MS = const(100)
DISPLAY_MS = const(100)
COLLECT_MS = const(10000)
REDRAW_MS = const(3600000)  # a display that a disturbance has garbled is drawn anew
_TICKS_MASK = const(0x3FFFFFFF)
_LANGUAGE = getattr(board, "LANGUAGE", "en")
_SOUNDS = {
    sounds.CLICK: buzzer.CLICK,
    sounds.ACCEPT: buzzer.ACCEPT,
    sounds.REJECT: buzzer.REJECT,
    sounds.CHIRP: buzzer.CHIRP,
}


class Uptime:
    """Milliseconds since start, rising without a wrap; to be asked at least once in 12 days."""

    def __init__(self, ticks_ms) -> None:
        self._ticks_ms = ticks_ms
        self._last = ticks_ms() & _TICKS_MASK
        self._total_ms = 0

    def __call__(self) -> int:
        now = self._ticks_ms() & _TICKS_MASK
        self._total_ms += (now - self._last) & _TICKS_MASK
        self._last = now
        return self._total_ms


class Tasks:
    """What an enrolled gateway does all the time; each task reports to the supervisor under its name."""

    def __init__(self, hardware, gateway: Gateway, config, uptime_ms, report, note) -> None:
        self._hardware = hardware
        self._gateway = gateway
        self._config = config
        self._uptime_ms = uptime_ms
        self._report = report
        self._note = note
        self._wifi = None

    async def scan(self) -> None:
        """Keypad, lid, magnet and sounds."""
        hardware = self._hardware
        while True:
            now_ms = self._uptime_ms()
            key = hardware.keypad.scan()
            if key is not None:
                self._gateway.key(key, now_ms)
            stuck = hardware.keypad.take_stuck()
            if stuck is not None:
                self._note("key {} is stuck".format(stuck))
                self._gateway.stuck_key(stuck)
            self._gateway.lid(hardware.tamper.opened(), now_ms)
            self._gateway.magnet(hardware.magnet.near(), now_ms)
            sound = self._gateway.sound(now_ms)
            if sound is not None:
                hardware.buzzer.play(_SOUNDS[sound])
            hardware.buzzer.poll(now_ms & _TICKS_MASK)
            self._report("scan")
            await asyncio.sleep_ms(SCAN_MS)

    async def meter(self) -> None:
        """Pulses, charges, valves, housekeeping."""
        gateway = self._gateway
        hardware = self._hardware
        collected_ms = 0
        while True:
            now_ms = self._uptime_ms()
            for channel in gateway.channels():
                gateway.pulses(channel, hardware.pulses[channel].count())
                if hardware.reverse:
                    gateway.reverse_pulses(channel, hardware.reverse[channel].count(), now_ms)
            gateway.tick(now_ms)
            if now_ms - collected_ms >= COLLECT_MS:
                gc.collect()
                collected_ms = now_ms
            self._report("meter")
            await asyncio.sleep_ms(METER_MS)

    async def display(self) -> None:
        """What the gateway has to say."""
        lcd = self._hardware.lcd
        drawn_ms = 0
        while True:
            now_ms = self._uptime_ms()
            if now_ms - drawn_ms >= REDRAW_MS:
                lcd.forget()
                drawn_ms = now_ms
            for _ in lcd.steps(self._gateway.lines(now_ms)):
                await asyncio.sleep_ms(0)  # a row takes 10 ms on the bus, and keys are scanned meanwhile
            self._report("display")
            await asyncio.sleep_ms(DISPLAY_MS)

    async def sync(self) -> None:
        """The link to the cloud, as far as there is one."""
        self._join_network()
        try:
            link = _link(self._config)
        except ValueError as error:  # it cannot heal by itself, and must not stop the metering
            self._note("no link: {}".format(error))
            while True:
                self._report_sync()
                await asyncio.sleep_ms(DISPLAY_MS)
        gateway = self._gateway
        trusted = gateway.clock_is_trusted
        report = self._report_sync
        await Sync(link, gateway.messages, self._uptime_ms, os.urandom, trusted, report, self._note).run()

    async def network_time(self) -> None:
        """What a time server says, once signed time has come in this run."""
        from firmware.net.network_time import NetworkTime  # late: most boards name no server

        clock = self._gateway.core.clock

        def ready():
            return clock.quality() != UNKNOWN and (self._wifi is None or self._wifi.is_up())

        def report():
            self._report("time")

        await NetworkTime(board.NTP_HOST, clock.nudge, ready, self._uptime_ms, os.urandom, report, self._note).run()

    def _join_network(self):
        """Ask the radio to join; sync tries on while there is no network."""
        credentials = _wifi_credentials(self._hardware.flash) if board.HAS_WIFI else None
        if credentials is not None:
            from firmware.net.wifi import Wifi  # only boards with a radio have the module behind it

            self._wifi = Wifi(credentials[0], credentials[1])

    def _report_sync(self):
        if self._wifi is not None:
            self._wifi.keep_up(self._uptime_ms() & _TICKS_MASK)
        self._report("sync")


class App:
    """One board from its start on."""

    def __init__(self, uptime_ms, log: Log) -> None:
        self._uptime_ms = uptime_ms
        self._log = log
        self._hardware = Hardware(board)
        self._watchdog = None
        self._supervisor = Supervisor(self._feed, self._stop)

    async def run(self) -> None:
        """Start every task and feed the watchdog for them; does not return.

        The watchdog begins with the gateway: before that the installer's tool must be able to stop the board and work.
        """
        started = self._started()
        if started is None:
            self._supervisor.start("display", self._show_not_enrolled())
        else:
            self._watchdog = system.Watchdog(board.WATCHDOG_MS)
            gateway = self._gateway(*started)
            report = self._supervisor.report
            tasks = Tasks(self._hardware, gateway, started[0], self._uptime_ms, report, self._log.note)
            self._supervisor.start("scan", tasks.scan())
            self._supervisor.start("meter", tasks.meter())
            self._supervisor.start("display", tasks.display())
            self._supervisor.start("sync", tasks.sync())
            if board.NTP_HOST:
                self._supervisor.start("time", tasks.network_time())
        await self._supervisor.run()

    def _started(self):
        try:
            return epoch.start(self._hardware.flash)
        except SharedError as error:
            self._log.note("settings: {}".format(error))
            return None

    def _gateway(self, config, own):
        hardware = self._hardware
        cause = RESET_WATCHDOG if system.was_watchdog() else RESET_POWER
        now_ms = self._uptime_ms()
        gateway = Gateway(hardware.flash, config, own, hardware.valves, _start_clock, os.urandom, now_ms, cause)
        gateway.attach_panel(board.LCD_COLUMNS, board.LCD_ROWS, _LANGUAGE)
        for channel in gateway.channels():
            gateway.start_pulses(channel, hardware.pulses[channel].count())
        self._log.note("gateway {} epoch {}: {}".format(config.gateway, config.epoch, gateway.recovery or "ready"))
        return gateway

    def _feed(self):
        if self._watchdog is not None:
            self._watchdog.feed()

    async def _show_not_enrolled(self):
        text = Texts(_LANGUAGE)("not_enrolled")
        while True:
            self._hardware.lcd.show((text,))
            self._supervisor.report("display")
            await asyncio.sleep_ms(DISPLAY_MS)

    def _stop(self, name, reason):
        self._log.note("task {} ended: {}".format(name, reason))
        system.reset()


def run() -> None:
    """Run the gateway for ever."""
    uptime_ms = Uptime(time.ticks_ms)
    asyncio.run(App(uptime_ms, Log(uptime_ms)).run())


def _link(config):
    broker = Broker(config.broker_host, config.broker_port, config.broker_ca)
    topic = "gw/{}/".format(config.gateway)
    return Link(
        broker,
        config.broker_user,
        config.broker_password,
        topic + "up",
        topic + "down",
        payload_limit_bytes=MESSAGE_MAX,
    )


def _start_clock(start_s):
    """The gateway's clock from its last durable time; the chip's own follows it, since TLS reads that one."""
    if unix_seconds() < start_s:
        system.set_rtc(start_s)
    return Clock(time.ticks_ms, start_s)


def _wifi_credentials(flash):
    """(name, password) of the network that the installer chose, or None."""
    try:
        lines = flash.read("wifi").decode().split("\n")
    except OSError:
        return None
    return lines[0], lines[1] if len(lines) > 1 else ""
