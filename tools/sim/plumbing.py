"""One meter's pipe: a motor valve with end switches, a tap behind it, and a reed contact per pulse volume. No clock."""

_OPEN = 1000  # thousandths of the travel


class Valve:
    """A motor valve: moves while one motor line is high, keeps its place without power, and can be jammed."""

    def __init__(self, travel_ms: int = 400) -> None:
        self.travel_ms = travel_ms
        self.position = 0  # 0 closed .. 1000 open
        self.jammed = False
        self.motor_open = False
        self.motor_close = False
        self.shorted = False  # both motor lines were high at once: on a real board, smoke

    def drive(self, opens: bool, level: int) -> None:
        """Take the level of the opening or the closing motor line."""
        if opens:
            self.motor_open = bool(level)
        else:
            self.motor_close = bool(level)
        self.shorted = self.shorted or (self.motor_open and self.motor_close)

    def moving(self) -> bool:
        """Whether the motor runs and there is way left."""
        direction = self.motor_open - self.motor_close
        return not self.jammed and ((direction > 0 and self.position < _OPEN) or (direction < 0 and self.position > 0))

    def run(self, elapsed_ms: int) -> None:
        """Let the motor run for a while."""
        if self.moving():
            step = max(1, elapsed_ms * _OPEN // self.travel_ms)
            self.position += step if self.motor_open else -step
            self.position = min(_OPEN, max(0, self.position))

    @property
    def opened(self) -> bool:
        """Whether the opened end switch is closed."""
        return self.position == _OPEN

    @property
    def closed(self) -> bool:
        """Whether the closed end switch is closed."""
        return self.position == 0

    def state(self) -> str:
        """ "open", "closed", "opening", "closing" or "between", with " (jammed)" where it is."""
        if self.opened or self.closed:
            state = "open" if self.opened else "closed"
        elif self.moving():
            state = "opening" if self.motor_open else "closing"
        else:
            state = "between"
        return state + (" (jammed)" if self.jammed else "")


class Pipe:
    """Water through a valve and a meter whose reed closes once per pulse volume."""

    def __init__(self, pulse_volume_ml: int) -> None:
        self.pulse_volume_ml = pulse_volume_ml
        self.valve = Valve()
        self.tap_ml_per_s = 0
        self.delivered_ml = 0  # since the world began
        self.unheard_ml = 0  # of it, in pulses made while no board had power to count them
        self.pulses = 0
        self._rest_ml = 0
        self._rest_ml_ms = 0  # thousandths of a millilitre that a tap has still to give

    def draw(self, volume_ml: int) -> int:
        """Take water, if the valve lets any through; return how many pulses that made."""
        if self.valve.closed:
            return 0
        self.delivered_ml += volume_ml
        pulses, self._rest_ml = divmod(self._rest_ml + volume_ml, self.pulse_volume_ml)
        self.pulses += pulses
        return pulses

    def run_tap(self, elapsed_ms: int) -> int:
        """Let the tap run for a while; return how many pulses that made."""
        volume_ml, self._rest_ml_ms = divmod(self._rest_ml_ms + self.tap_ml_per_s * elapsed_ms, 1000)
        return self.draw(volume_ml)
