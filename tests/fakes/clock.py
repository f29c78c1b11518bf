"""A clock that moves when told, with the interface of firmware/clock.py."""

UNKNOWN, DRIFTING, TRUSTED = 0, 1, 2


class Clock:
    """`time_s` in seconds since 1970; only set_signed() makes it trusted."""

    def __init__(self, start_s: int) -> None:
        self.time_s = start_s
        self.trust = UNKNOWN

    def now(self) -> int:
        return self.time_s

    def quality(self) -> int:
        return self.trust

    def set_signed(self, real_s: int) -> int:
        off_s = real_s - self.time_s
        self.time_s = max(self.time_s, real_s)
        self.trust = TRUSTED
        return off_s
