"""Joins everything, and only here: the board's drivers, the gateway, and the tasks that keep it going."""

import asyncio
import gc
import os
import time

import board

from firmware import epoch, in_touch, joining, settings, sounds
from firmware.clock import UNKNOWN, Clock, Uptime, unix_seconds
from firmware.drivers import buzzer, system
from firmware.drivers.hardware import Hardware
from firmware.gateway import Gateway
from firmware.log import Log
from firmware.panel.texts import Texts
from firmware.resets import codes
from firmware.supervise import Supervisor
from shared import kinds
from shared.compat import const
from shared.errors import SharedError

SCAN_MS = const(20)
METER_MS = const(100)
DISPLAY_MS = const(100)
COLLECT_MS = const(2000)  # so seldom does the port collect in the midst of something, for 30 ms
FREE_MIN_BYTES = const(40960)  # of heap, for firmware to be kept
REDRAW_MS = const(3600000)  # a display that a disturbance has garbled is drawn anew
_TICKS_MASK = const(0x3FFFFFFF)
_LANGUAGE = getattr(board, "LANGUAGE", "en")
_SOUNDS = {
    sounds.CLICK: buzzer.CLICK,
    sounds.ACCEPT: buzzer.ACCEPT,
    sounds.REJECT: buzzer.REJECT,
    sounds.CHIRP: buzzer.CHIRP,
}


class Tasks:
    """What an enrolled gateway does all the time; each task reports to the supervisor under its name.

    `spare`: a keypad that cannot be scanned is to end that task alone.
    """

    def __init__(self, hardware, gateway: Gateway, config, uptime_ms, report, note, spare: bool) -> None:
        self._hardware = hardware
        self._gateway = gateway
        self._config = config
        self._uptime_ms = uptime_ms
        self._report = report
        self._note = note
        self._spare = spare
        self._network = None
        self._looked_ms = 0

    async def scan(self) -> None:
        """Keypad, lid, magnet and sounds."""
        while True:
            self._scan()
            await asyncio.sleep_ms(SCAN_MS)

    def _scan(self):
        hardware = self._hardware
        now_ms = self._uptime_ms()
        hardware.keypad.look()
        self._take_keys(now_ms)
        while self._spare and self._gateway.takes_token():
            self._gateway.token_step(now_ms)  # what a token brings down is this task alone
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

    def _take_keys(self, now_ms):
        """Those that wait; behind a token they wait until it is taken."""
        self._looked_ms = now_ms
        while not self._gateway.takes_token():
            key = self._hardware.keypad.take()
            if key is None:
                return
            self._gateway.key(key, now_ms)

    async def meter(self) -> None:
        """Pulses, charges, valves, housekeeping."""
        gateway = self._gateway
        hardware = self._hardware
        collected_ms = 0
        while True:
            now_ms = self._uptime_ms()
            self._take_pulses()
            if hardware.reverse:
                for channel in gateway.channels():
                    gateway.reverse_pulses(channel, hardware.reverse[channel].count(), now_ms)
            for frees in gateway.tick_steps(now_ms):
                late = self._uptime_ms() - self._looked_ms >= SCAN_MS
                self._take_keys_between()
                if late and frees:
                    await asyncio.sleep_ms(0)  # everybody's turn, which may take long itself
                    self._take_keys_between()
            hardware.tend(now_ms & _TICKS_MASK, self._note)
            if now_ms - collected_ms >= COLLECT_MS:
                self._take_keys_between()
                gc.collect()
                collected_ms = now_ms
            self._report("meter")
            for _ in range(METER_MS // SCAN_MS):
                if not gateway.takes_token():  # somebody waits for the valve
                    await asyncio.sleep_ms(SCAN_MS)

    def _take_keys_between(self):
        """Between two things that may take 120 ms each."""
        if not self._spare:
            self._take_keys(self._uptime_ms())

    def _take_pulses(self):
        """What has flowed by now."""
        for channel in self._gateway.channels():
            self._gateway.pulses(channel, self._hardware.pulses[channel].count())

    async def display(self) -> None:
        """What the gateway has to say."""
        lcd = self._hardware.lcd
        drawn_ms = 0
        while True:
            now_ms = self._uptime_ms()
            if now_ms - drawn_ms >= REDRAW_MS:
                lcd.forget()
                drawn_ms = now_ms
            lines = self._gateway.lines(now_ms)
            await asyncio.sleep_ms(0)
            for _ in lcd.steps(lines):
                await asyncio.sleep_ms(0)  # a row takes 10 ms on the bus, and keys are scanned meanwhile
            self._report("display")
            await asyncio.sleep_ms(DISPLAY_MS)

    async def sync(self) -> None:
        """The link to the cloud, as far as there is one."""
        network = self._joined()
        await in_touch.keep_in_touch(self._config, self._gateway, network, self._uptime_ms, self._report, self._note)

    def _joined(self):
        """The network; it is made by the tasks that need it, for one that cannot be made must not stop the others."""
        if self._network is None:
            self._network = joining.network_of(board, self._hardware, self._note)
        return self._network

    async def power(self, resets) -> None:
        """The supply's warning that it fails; resets.leave() and take_back() as in firmware/resets.py."""
        from firmware.power import PowerWatch  # late: few boards have the input

        def report():
            self._report("power")

        parts = (self._gateway, resets, self._take_pulses, self._uptime_ms, report, self._note)
        await PowerWatch(self._hardware.power_fail, *parts).run()

    async def network_time(self) -> None:
        """What a time server says, once signed time has come in this run."""
        from firmware.net.network_time import NetworkTime  # late: most boards name no server

        clock = self._gateway.core.clock
        network = self._joined()

        def ready():
            return clock.quality() != UNKNOWN and network.is_up()

        def report():
            self._report("time")

        parts = (network.name_server, clock.nudge, ready, self._uptime_ms, os.urandom, report, self._note)
        await NetworkTime(board.NTP_HOST, *parts).run()


class App:
    """One board from its start on."""

    def __init__(self, uptime_ms, log: Log, resets) -> None:
        """`resets` (firmware/resets.py): why the board starts, and how much of the gateway is to run."""
        self._uptime_ms = uptime_ms
        self._log = log
        self._resets = resets
        self._watchdog = None
        self._running = None
        if resets.flash.has(settings.FILE):
            self._watchdog = system.Watchdog(board.WATCHDOG_MS)
        self._hardware = Hardware(board)
        resets.flash = self._hardware.flash
        self._supervisor = Supervisor(self._feed, self._stop, self._go_without)

    def close(self) -> None:
        """Leave the board to whoever stopped this, at rest."""
        self._hardware.close()
        if self._running is not None:
            self._running.close()

    async def run(self) -> None:
        """Start every task and feed the watchdog for them; does not return.

        A board that is not enrolled has no watchdog: the installer's tool must be able to stop it and work.
        """
        started = self._started()
        if started is None:
            self._give_back()
            self._supervisor.start("display", self._show_not_enrolled())
        else:
            gateway = self._running = self._gateway(*started)
            report = self._supervisor.report
            spare = self._resets.level > 0  # in safe mode
            tasks = Tasks(self._hardware, gateway, started[0], self._uptime_ms, report, self._log.note, spare)
            self._supervisor.start("scan", tasks.scan(), spare)
            self._supervisor.start("meter", tasks.meter())
            self._supervisor.start("display", tasks.display(), spare)
            self._supervisor.start("sync", tasks.sync(), spare)
            if board.POWER_FAIL_PIN >= 0:
                self._supervisor.start("power", tasks.power(self._resets), spare)
            if board.NTP_HOST and not self._resets.level:
                self._supervisor.start("time", tasks.network_time())
            if self._hardware.slots is not None and self._resets.may_update:
                from release_key import RELEASE_PUBLIC  # pyright: ignore[reportMissingImports]  the image has it

                slots = self._hardware.slots
                gateway.attach_updates(slots, board.BOARD, RELEASE_PUBLIC, self._self_check, self._reset)
        await self._supervisor.run()

    def _self_check(self):
        """What is wrong with this board, in a line, or ""."""
        gc.collect()
        free = gc.mem_free()
        return "only {} bytes of heap are free".format(free) if free < FREE_MIN_BYTES else ""

    def _started(self):
        try:
            return epoch.start(self._hardware.flash)
        except SharedError as error:
            self._log.note("settings: {}".format(error))
            return None

    def _give_back(self):
        """An image on trial that cannot read the settings is at fault: the one before it could."""
        slots = self._hardware.slots
        if slots is None or not slots.on_trial():
            return
        try:
            slots.give_up()
        except OSError:
            pass  # what starts an image on trial counts how often
        self._reset("the trial is given up: no settings")

    def _gateway(self, config, own):
        hardware = self._hardware
        resets = self._resets
        now_ms = self._uptime_ms()
        on_trial = hardware.slots is not None and hardware.slots.on_trial()
        cause = resets.detail() | (kinds.BOOT_TRIAL if on_trial else 0)
        why = codes(resets.reason) if resets.reason else None
        parts = (hardware.flash, config, own, hardware.valves, _start_clock, os.urandom, now_ms)
        gateway = Gateway(*parts, cause=cause, why=why)
        gateway.attach_panel(board.LCD_COLUMNS, board.LCD_ROWS, _LANGUAGE, plain=resets.level > 0)
        self._log.note("gateway {} epoch {}: {}".format(config.gateway, config.epoch, gateway.recovery or "ready"))
        return gateway

    def _feed(self):
        if self._watchdog is not None:
            self._watchdog.feed()
            reason = self._resets.lived(self._uptime_ms())
            if reason:
                self._reset(reason)

    async def _show_not_enrolled(self):
        text = Texts(_LANGUAGE)("not_enrolled")
        while True:
            self._hardware.lcd.show((text,))
            self._supervisor.report("display")
            await asyncio.sleep_ms(DISPLAY_MS)

    def _go_without(self, name, reason):
        self._log.note("goes on without {}: {}".format(name, reason))

    def _stop(self, name, reason):
        self._reset("{}: {}".format(name, reason), crash=True)

    def _reset(self, reason: str, crash: bool = False) -> None:
        """Start the board afresh on purpose; the next start tells why."""
        self._log.note("restart: {}".format(reason))
        try:
            if self._running is not None:
                self._running.close()
        finally:
            self._resets.leave(kinds.RESET_OWN, reason, crash)
            system.reset()


def run(resets) -> None:
    """Run the gateway until somebody stops it with Ctrl-C."""
    uptime_ms = Uptime(time.ticks_ms)
    log = Log(uptime_ms)
    log.note(resets.text())
    app = App(uptime_ms, log, resets)
    try:
        asyncio.run(app.run())
    finally:
        app.close()


def _start_clock(start_s):
    """The gateway's clock from its last durable time; the chip's own follows it, since TLS reads that one."""
    if unix_seconds() < start_s:
        system.set_rtc(start_s)
    return _ChipClock(time.ticks_ms, start_s)


class _ChipClock(Clock):
    """Sets the chip's own by each signed time: a certificate may be younger than the start."""

    def set_signed(self, real_s: int) -> int:
        off_s = super().set_signed(real_s)
        system.set_rtc(self.now())
        return off_s
