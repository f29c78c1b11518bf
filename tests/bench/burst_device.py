"""Runs under MicroPython: the firmware's own tasks and drivers, 20 pulses a second on each of eight meters, and a key
pressed every 100 ms that types tokens. Prints `name value` lines.

Arguments: the folder of the flash, the file of the tokens, seconds, and nothing more for the wall clock; or how many
times slower than this machine the processor is, and how many milliseconds its flash takes for a write: then time
passes at once while the processor waits.
"""

import firmware.boot  # noqa: F401, I001  first, as on a board

import asyncio
import gc
import sys
import time

import asyncio.core
from boards import sim
from shared import kinds
from shared.entries import BODY_SIZE
from tests.bench.burst_world import METERS, Finished, World
from tools.sim.device import machine

_TOKENS = 16
_KEYS_A_TOKEN = 22  # one wakes the panel, one chooses the meter
_CHECKPOINT_AFTER_KEYS = 100
_KIND_AT = 8  # in an entry
_PULSE_ML = 1000
_DISPLAY_ADDRESS = sim.LCD_I2C_ADDRESS


def keys_of_tokens(path):
    """Keys that choose each meter in turn and type a token for it."""
    with open(path) as lines:
        return "".join([lines.readline().strip() for _ in range(_TOKENS)])


class Seen:
    """What came out, and how long the gateway took at most."""

    def __init__(self, world):
        self._clock_us = world.processor_us
        self.gateway = None
        self.heard = ""
        self.first = 0  # the last entry before the burst
        self.volumes_ml = {}
        self.accepted = 0
        self.longest_us = {"tick": 0, "key": 0, "lines": 0}

    def timed(self, name, call, *arguments):
        start_us = self._clock_us()
        result = call(*arguments)
        self.longest_us[name] = max(self.longest_us[name], self._clock_us() - start_us)
        return result

    def all_timed(self, name, steps):
        """The steps of a generator; what they take together counts."""
        took_us = 0
        step = None
        while step is not self:
            start_us = self._clock_us()
            step = next(steps, self)
            took_us += self._clock_us() - start_us
            if step is not self:
                yield step
        self.longest_us[name] = max(self.longest_us[name], took_us)


class Log:
    """The firmware's log, kept apart from what is measured; it is shown when it did not run as it should."""

    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def watched(gateway_class, seen):
    """The gateway's class, with an ear at its keys and a watch on its calls."""

    class Watched(gateway_class):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            seen.gateway = self
            self._checkpointed = False
            core = self.core
            core.clock.set_signed(core.clock.now())
            seen.first = core.state.sequence
            seen.volumes_ml = {channel: core.registers[channel].volume_ml for channel in core.channels()}

        def key(self, symbol, now_ms):
            seen.heard += symbol
            seen.timed("key", super().key, symbol, now_ms)

        def token_step(self, now_ms):
            code = seen.timed("key", super().token_step, now_ms)
            seen.accepted += code == 1
            return code

        def tick_steps(self, now_ms):
            yield from seen.all_timed("tick", super().tick_steps(now_ms))
            if not self._checkpointed and len(seen.heard) >= _CHECKPOINT_AFTER_KEYS:
                self._checkpointed = True
                core = self.core
                checkpoint = core.store.checkpoint_steps(core.clock.now(), core.clock.quality(), 1)
                yield from seen.all_timed("tick", checkpoint)

        def lines(self, now_ms):
            return seen.timed("lines", super().lines, now_ms)

    return Watched


def plug_in(world):
    """Join the board to the world, and give it a watchdog that does not bite."""
    machine._uplink = world
    machine._copper.on_output = world.output
    for pins in (sim.VALVE_OPEN_PINS, sim.VALVE_CLOSE_PINS):
        for pin in pins:
            machine._copper.pad(pin).watched = True
    machine._on_frame(b"A", _DISPLAY_ADDRESS, 0, 1)
    machine.WDT = lambda timeout: type("Watchdog", (), {"feed": lambda self: None})()


def slow_down(app, world, flash_ms):
    """The firmware's clock is the world's; pins cost nothing, the bus what the world says, a flash write flash_ms."""
    from firmware.drivers.flash import Flash

    app.time = type("Time", (), {"ticks_ms": lambda: world.ticks_ms()})
    asyncio.core.ticks = world.ticks_ms
    plain_value, plain_steps = machine.Pin.value, Flash._steps

    def value(pin, level=None):
        world.now_us()
        level = plain_value(pin, level)
        world.skip()
        return level

    def steps(flash, *arguments):
        writing = plain_steps(flash, *arguments)
        going = True
        while going:
            world.now_us()
            going = next(writing, flash) is not flash
            world.skip()
            if going:
                yield
        world.wait_ms(flash_ms)

    machine.Pin.value, Flash._steps = value, steps


def hold_time(world, seen, slowed):
    """Where asyncio waits, the world goes on, and ends it when the time is over."""
    plain_wait = asyncio.core._io_queue.wait_io_event

    def wait(wait_ms):
        if slowed:
            world.wait_ms(wait_ms)
        else:
            plain_wait(wait_ms)
        if seen.gateway is not None:
            world.start()
        world.check_end()

    asyncio.core._io_queue = type("Queue", (), {"map": {}, "wait_io_event": lambda self, dt: wait(dt)})()


def run(folder, tokens, seconds, slower, flash_ms):
    """The burst; returns the world, what was seen, and the pulses that each meter's input counted."""
    sys.modules["machine"], sys.modules["board"] = machine, sim
    sim.FLASH_DIRECTORY = folder
    world = World(machine.contact, keys_of_tokens(tokens), seconds, slower)
    seen = Seen(world)
    plug_in(world)
    from firmware import app, main
    from firmware.drivers import flash

    flash._sync = lambda file: None  # this machine's disk is not a board's flash
    app.Gateway = watched(app.Gateway, seen)
    if slower:
        slow_down(app, world, flash_ms)
    uptime_ms = app.Uptime(world.ticks_ms if slower else time.ticks_ms)
    log = Log()
    board = app.App(uptime_ms, log, main._resets())
    hold_time(world, seen, bool(slower))
    world.skip()
    try:
        asyncio.run(board.run())
    except Finished:
        pass
    if seen.gateway is None or seen.gateway.recovery:
        print("\n".join(log.lines), file=sys.stderr)
    return world, seen, [pulses.count() for pulses in board._hardware.pulses]


def report(world, seen, counted):
    """Print what was sent, and what of it arrived; what the inputs still counted is given to the registers first."""
    core = seen.gateway.core
    gc.collect()
    free = gc.mem_free()
    for channel in range(METERS):
        seen.gateway.pulses(channel, counted[channel])
    volumes = [(core.registers[channel].volume_ml - seen.volumes_ml[channel]) // _PULSE_ML for channel in range(METERS)]
    found = kinds_since(core.store, seen.first)
    print("pulses", sum(world.pulses))
    print("pulses_lost", sum([abs(world.pulses[channel] - volumes[channel]) for channel in range(METERS)]))
    print("keys", world.pressed)
    print("keys_lost", world.pressed - same_keys(world.keys(), seen.heard))
    print("tokens", world.pressed // _KEYS_A_TOKEN)
    print("accepted", seen.accepted)
    print("free", free)
    print("charges", found.count(kinds.CHARGE))
    print("checkpoints", found.count(kinds.CHECKPOINT))
    for name, longest_us in seen.longest_us.items():
        print(name + "_ms", longest_us / 1000)


def kinds_since(store, sequence):
    """The kinds of the entries behind one."""
    found = b""
    while sequence + len(found) < store.state.sequence:
        bodies = store.run(sequence + len(found) + 1, 32, False)[1]
        found += bytes([bodies[at + _KIND_AT] for at in range(0, len(bodies), BODY_SIZE)])
    return list(found)


def same_keys(pressed, heard):
    """How many of the pressed keys were heard, in their order."""
    at = found = 0
    for key in heard:
        place = pressed.find(key, at)
        if place >= 0:
            at = place + 1
            found += 1
    return found


def main():
    folder, tokens = sys.argv[1:3]
    seconds, slower, flash_ms = [int(argument) for argument in (sys.argv[3:] + ["30", "0", "0"][len(sys.argv) - 3 :])]
    report(*run(folder, tokens, seconds, slower, flash_ms))
    sys.exit(0)


if __name__ == "__main__":
    main()
