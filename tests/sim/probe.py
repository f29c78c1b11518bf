"""A small program for the simulated board that uses every driver; it stands where the firmware would.

Keys appear on the display's first row; * drives valve 0 to its other end, # stops feeding the watchdog.
"""

import asyncio
import time

import board

from firmware.drivers import system
from firmware.drivers.buzzer import CLICK
from firmware.drivers.hardware import Hardware
from tests.fakes.keypad import scanned


class Probe:
    """Everything on the display, four rows of it."""

    def __init__(self):
        self.hardware = Hardware(board)
        self.keys = ""
        self.outcome = "-"
        self.hung = False

    def step(self):
        now_ms = time.ticks_ms()
        key = scanned(self.hardware.keypad)
        if key is not None:
            self.hardware.buzzer.play(CLICK)
            self.press(key)
        self.hardware.buzzer.poll(now_ms)
        self.outcome = self.hardware.valves[0].poll(now_ms) or self.outcome
        self.hardware.lcd.show(self.lines())

    def press(self, key):
        if key == "*":
            self.hardware.valves[0].drive(not self.hardware.valves[0].is_open())
            self.outcome = "moving"
        elif key == "#":
            self.hung = True
        else:
            self.keys += key

    def lines(self):
        return (
            "keys " + self.keys[-12:],
            "pulses " + " ".join(str(pulses.count()) for pulses in self.hardware.pulses[:3]),
            "valve " + self.outcome,
            ("lid open" if self.hardware.tamper.opened() else "lid closed")
            + (" watchdog" if system.start_cause()[1] else ""),
        )


async def main():
    probe = Probe()
    watchdog = system.Watchdog(5000)
    while True:
        probe.step()
        while probe.hung:
            pass
        watchdog.feed()
        await asyncio.sleep_ms(20)


asyncio.run(main())
