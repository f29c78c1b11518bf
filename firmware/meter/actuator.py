"""One valve on its way to the position that the ledger wants, and again after a failure, an hour later."""

from shared import kinds
from shared.compat import const

RETRY_MS = const(3600000)
_OUTCOMES = {"closed": kinds.VALVE_CLOSED, "opened": kinds.VALVE_OPENED, "failed": kinds.VALVE_FAILED}


class Actuator:
    """`moving` while a motion runs, `failed` after one that did not arrive. `rule` says why the last one started."""

    def __init__(self, valve) -> None:
        self._valve = valve
        self._failed_ms = 0
        self.moving = False
        self.failed = False
        self.rule = kinds.RULE_NONE

    def stands(self, open: bool) -> bool:
        """Whether the end switches show the valve in that position."""
        return self._valve.is_open() if open else self._valve.is_closed()

    def bypass(self, on: bool) -> None:
        """Let a little flow past the closed valve, or no longer."""
        self._valve.bypass(on)

    def start(self, open: bool, rule: int) -> None:
        """Begin a motion, or turn one round."""
        self.rule = rule
        self.moving = True
        self._valve.drive(open)

    def halt(self) -> None:
        """Switch off what draws current: a motion is given up, the bypass falls shut."""
        self.moving = False
        self._valve.halt()
        self._valve.bypass(False)

    def poll(self, now_ms: int) -> "tuple[int, int] | None":
        """(outcome, travel time in ms) when a motion has ended, else None."""
        if not self.moving:
            return None
        result = self._valve.poll(now_ms)
        if result is None:
            return None
        self.moving = False
        self.failed = result == "failed"
        self._failed_ms = now_ms
        return _OUTCOMES[result], 0 if self.failed else self._valve.travel_ms

    def retry_due(self, now_ms: int) -> bool:
        return self.failed and not self.moving and now_ms - self._failed_ms >= RETRY_MS
