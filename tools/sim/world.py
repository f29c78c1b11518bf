"""The world around one simulated gateway: fingers on the keypad, eyes on the display, pipes, valves and the lid.

It outlives the gateway's process: a valve stays where it is when the board loses power. One asyncio loop, no threads.
"""

import asyncio
import collections
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from boards import sim
from tools.sim.display import Display
from tools.sim.plumbing import Pipe, Valve

_GROUND = 255
_STEP_MS = 20
_KEY_SCANS = 3  # scans a key stays down, and up again after
_KEY_S = 0.06  # and the least time for each: a quick finger
_BOARD_TIMEOUT_S = 20.0
_SUCCESSION_S = 2.0  # a killed board's wire may be seen to end after its successor's has begun
_SCREENS_KEPT = 200


class WorldError(Exception):
    """The gateway did not do, in time, what was waited for."""


class World:
    """Await start(), hand port to the board, and stop() in the end. Channels are 0..MAX_METERS-1, volumes in ml."""

    def __init__(self, pulse_volume_ml: int = 1000) -> None:
        self.pipes = [Pipe(pulse_volume_ml) for _ in range(sim.MAX_METERS)]
        self.display = Display(sim.LCD_COLUMNS, sim.LCD_ROWS)
        self.display_plugged = True
        self.lid_open = False
        self.led = False
        self.buzzer = False
        self.beeps = 0
        self.boots = 0
        self.screens: collections.deque[tuple[str, ...]] = collections.deque(maxlen=_SCREENS_KEPT)
        self.events: collections.deque[tuple[float, str]] = collections.deque(maxlen=_SCREENS_KEPT)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._strobed: dict[int, asyncio.Event] = {}
        self._keys_down: set[tuple[int, int]] = set()
        self._changed = asyncio.Condition()
        self._finger = asyncio.Lock()
        self._outputs = _output_handlers(self)

    async def start(self) -> None:
        """Listen on a free loopback port for the board."""
        self._server = await asyncio.start_server(self._board, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Take the power from the board and end."""
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def connected(self) -> bool:
        """Whether a board is running."""
        return self._writer is not None

    # The keypad.

    async def press(self, keys: str) -> None:
        """Press keys one after the other, each until the gateway has seen it. Raises WorldError."""
        async with self._finger:
            for key in keys:
                with self._held(key) as row:
                    await self._scanned(row, key)
                await self._scanned(row, key)

    async def hold(self, key: str, seconds: float) -> None:
        """Hold one key down for a while."""
        async with self._finger:
            with self._held(key):
                await asyncio.sleep(seconds)

    @contextmanager
    def _held(self, key: str) -> Iterator[int]:
        index = sim.KEYPAD_KEYS.find(key)
        if len(key) != 1 or index < 0:
            raise ValueError(f"the keypad has no key {key!r}, only {sim.KEYPAD_KEYS}")
        row, column = divmod(index, len(sim.KEYPAD_COLS))
        crossing = (sim.KEYPAD_ROWS[row], sim.KEYPAD_COLS[column])
        self._keys_down.add(crossing)
        self._send("C", *crossing, 1)
        try:
            yield crossing[0]
        finally:
            self._keys_down.discard(crossing)
            self._send("C", *crossing, 0)

    async def _scanned(self, row: int, key: str) -> None:
        """Wait until the board has scanned a row a few times, and a finger's time has passed."""
        seen = self._strobed[row] = asyncio.Event()
        self._send("S", row, 0, _KEY_SCANS)
        try:
            async with asyncio.timeout(_BOARD_TIMEOUT_S):
                await asyncio.gather(seen.wait(), asyncio.sleep(_KEY_S))
        except TimeoutError:
            raise WorldError(f"the gateway does not scan its keypad (key {key})") from None

    # The display.

    def lines(self) -> tuple[str, ...]:
        """The text on the display now, one string per row."""
        return self.display.lines()

    async def wait_for_text(self, text: str, timeout_s: float = 10.0) -> tuple[str, ...]:
        """Wait until a text is on the display, now or soon; return the rows. Raises WorldError."""
        return await self.wait_for(lambda: text in "\n".join(self.lines()), f"the text {text!r}", timeout_s)

    async def wait_for(self, condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> tuple[str, ...]:
        """Wait until a condition on this world holds; it is looked at after every change. Raises WorldError."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            screens = "\n".join(" | ".join(screen) for screen in list(self.screens)[-8:])
            raise WorldError(f"no {what} in {timeout_s} s; the last screens were:\n{screens}") from None
        return self.lines()

    # Water.

    def meter(self, channel: int, pulse_volume_ml: int) -> None:
        """Put a meter of that pulse volume on a channel."""
        self.pipes[channel].pulse_volume_ml = pulse_volume_ml

    def tap(self, channel: int, ml_per_s: int) -> None:
        """Open a tap that far, 0 closes it; water comes while the valve is open."""
        self.pipes[channel].tap_ml_per_s = ml_per_s

    async def flow(self, channel: int, volume_ml: int, ml_per_s: int = 20000) -> int:
        """Draw a volume, fast; return what came in ml: less if the valve closed meanwhile."""
        drawn_ml = 0
        while drawn_ml < volume_ml and not self.pipes[channel].valve.closed:
            step_ml = min(volume_ml - drawn_ml, max(1, ml_per_s * _STEP_MS // 1000))
            self._pulses(channel, self.pipes[channel].draw(step_ml))
            drawn_ml += step_ml
            await asyncio.sleep(_STEP_MS / 1000)
        return drawn_ml

    def valve(self, channel: int) -> Valve:
        """The valve of a channel, to look at or to jam."""
        return self.pipes[channel].valve

    def set_lid(self, is_open: bool) -> None:
        """Open or close the lid; the loop is closed while the lid is."""
        self.lid_open = is_open
        self._send("C", sim.TAMPER_PIN, _GROUND, 0 if is_open else 1)
        self._note("lid opened" if is_open else "lid closed")

    def plug_display(self, plugged: bool) -> None:
        """Pull the display's plug, or put it back; it then starts from nothing."""
        self.display_plugged = plugged
        self.display.power_up()
        self._send("A", sim.LCD_I2C_ADDRESS, 0, 1 if plugged else 0)

    # The wire to the board.

    def _send(self, operation: str, a: int = 0, b: int = 0, value: int = 0) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(operation.encode() + bytes((a, b, value)))

    def _pulses(self, channel: int, count: int) -> None:
        if not self.connected:
            self.pipes[channel].unheard_ml += count * self.pipes[channel].pulse_volume_ml
        for _ in range(count):
            self._send("C", sim.PULSE_PINS[channel], _GROUND, 1)
            self._send("C", sim.PULSE_PINS[channel], _GROUND, 0)

    async def _board(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one board from its power-up to its end; a second one waits until the first has gone, or gives up."""
        if not await self._is_free():
            writer.close()
            return
        self._writer = writer
        try:
            while True:
                operation, a, b, value = await reader.readexactly(4)
                length = a_write_length(operation, b, value)
                await self._frame(chr(operation), a, value, await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._note("power off")
        finally:
            self._writer = None
            self._rest_outputs()
            writer.close()
            await self._tell()

    async def _is_free(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SUCCESSION_S), self._changed:
                await self._changed.wait_for(lambda: self._writer is None)
        return self._writer is None

    async def _frame(self, operation: str, a: int, value: int, data: bytes) -> None:
        if operation == "H":
            self._plug_in()
        elif operation == "P":
            self._outputs[a](value)
        elif operation == "s":
            self._strobed[a].set()
        elif operation == "I":
            self.display.write(data)
            self._keep_screen()
        elif operation == "r":
            self._send("R", 0, 0, self.display.read())
        else:
            raise WorldError(f"unknown frame {operation!r} from the board")
        if operation != "s":
            await self._tell()

    def _plug_in(self) -> None:
        """A board got power: tell it how everything on it stands."""
        self.boots += 1
        self._note("power on")
        for number in self._outputs:
            self._send("W", number, 0, 1)
        for channel in range(sim.MAX_METERS):
            self._end_switches(channel)
        for crossing in self._keys_down:
            self._send("C", *crossing, 1)
        self._send("C", sim.TAMPER_PIN, _GROUND, 0 if self.lid_open else 1)
        self._send("A", sim.LCD_I2C_ADDRESS, 0, 1 if self.display_plugged else 0)
        self._send("G")

    def _end_switches(self, channel: int) -> None:
        valve = self.pipes[channel].valve
        self._send("C", sim.VALVE_OPENED_PINS[channel], _GROUND, int(valve.opened))
        self._send("C", sim.VALVE_CLOSED_PINS[channel], _GROUND, int(valve.closed))

    def _rest_outputs(self) -> None:
        """A board without power drives nothing."""
        for pipe in self.pipes:
            pipe.valve.motor_open = pipe.valve.motor_close = False
        self.led = self.buzzer = False
        self.display.power_up()  # it hangs on the board's supply

    async def _tick(self) -> None:
        """Move valves and water in real time."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(_STEP_MS / 1000)
            now = time.monotonic()
            elapsed_ms = int((now - last) * 1000)
            last += elapsed_ms / 1000
            for channel, pipe in enumerate(self.pipes):
                await self._move(channel, pipe, elapsed_ms)

    async def _move(self, channel: int, pipe: Pipe, elapsed_ms: int) -> None:
        if pipe.valve.moving():
            pipe.valve.run(elapsed_ms)
            self._end_switches(channel)
            if pipe.valve.opened or pipe.valve.closed:
                self._note(f"valve {channel + 1} {pipe.valve.state()}")
                await self._tell()
        if pipe.tap_ml_per_s:
            self._pulses(channel, pipe.run_tap(elapsed_ms))

    # What happened.

    def _keep_screen(self) -> None:
        lines = self.lines()
        if not self.screens or self.screens[-1] != lines:
            self.screens.append(lines)

    def _note(self, what: str) -> None:
        self.events.append((time.time(), what))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def a_write_length(operation: int, low: int, high: int) -> int:
    """How many bytes follow a frame's header: only an I2C write has any."""
    return low | high << 8 if operation == ord("I") else 0


def _output_handlers(world: World) -> dict[int, Callable[[int], None]]:
    """What each output of the board does in the world, by pin."""

    def buzzer(level: int) -> None:
        world.beeps += level and not world.buzzer
        world.buzzer = bool(level)

    def led(level: int) -> None:
        world.led = bool(level)

    def motor(channel: int, opens: bool) -> Callable[[int], None]:
        return lambda level: world.pipes[channel].valve.drive(opens, level)

    handlers: dict[int, Callable[[int], None]] = {sim.BUZZER_PIN: buzzer, sim.LED_PIN: led}
    for channel in range(sim.MAX_METERS):
        handlers[sim.VALVE_OPEN_PINS[channel]] = motor(channel, True)
        handlers[sim.VALVE_CLOSE_PINS[channel]] = motor(channel, False)
    return handlers
