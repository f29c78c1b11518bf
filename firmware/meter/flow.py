"""How fast it flows, from the register, minute by minute."""

from shared.compat import const

FLOW_WINDOW_MS = const(60000)
_MS_PER_HOUR_PER_LITRE = const(3600)  # 3 600 000 ms in an hour, 1000 ml in a litre


class FlowWatch:
    """`flow_l_h` is the mean of the last whole minute; `least_l_h` what it was at least, a pulse being uncertain."""

    def __init__(self, pulse_volume_ml: int, volume_ml: int, now_ms: int) -> None:
        self._pulse_volume_ml = pulse_volume_ml
        self._volume_ml = volume_ml
        self._since_ms = now_ms
        self.flow_l_h = 0
        self.least_l_h = 0

    def take(self, volume_ml: int, now_ms: int, pulse_volume_ml: int = 0) -> bool:
        """Note where the register stands; tells whether a minute is over and the figures are new.

        pulse_volume_ml: what a pulse stands for since a FACTOR entry; 0: as it was at the start.
        """
        window_ms = now_ms - self._since_ms
        if window_ms < FLOW_WINDOW_MS:
            return False
        flowed_ml = volume_ml - self._volume_ml
        self.flow_l_h = flowed_ml * _MS_PER_HOUR_PER_LITRE // window_ms
        self.least_l_h = (
            max(flowed_ml - (pulse_volume_ml or self._pulse_volume_ml), 0) * _MS_PER_HOUR_PER_LITRE // window_ms
        )
        self._volume_ml = volume_ml
        self._since_ms = now_ms
        return True
