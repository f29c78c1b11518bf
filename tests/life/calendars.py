"""A slow model of friendly hours: windows as rows, fixed offsets, by the calendar of the standard library."""

from datetime import UTC, datetime, timedelta

from shared.civil import zone_data

HOLIDAYS = 0x80


class Hours:
    """`windows` as (days, first minute, minute after the last); `holidays` as days since 1970."""

    def __init__(self, offset_min: int, windows: list[tuple[int, int, int]], holidays: list[int]) -> None:
        self.offset_min = offset_min
        self.windows = windows
        self.holidays = holidays

    def fields(self) -> dict[str, bytes]:
        """The fields of a policy that say the same."""
        return {
            "zone": zone_data(self.offset_min) if self.offset_min else b"",
            "friendly_windows": rows(self.windows),
            "holidays": b"".join(day.to_bytes(2, "big") for day in self.holidays),
        }

    def day(self, time_s: int) -> int:
        """The local day, since 1970."""
        return (self._local(time_s) - datetime(1970, 1, 1, tzinfo=UTC)).days

    def friendly(self, time_s: int) -> bool:
        """Whether a time lies in a window of its own day, or in one of the day before that goes over midnight."""
        local = self._local(time_s)
        minute = local.hour * 60 + local.minute
        for days, start, end in self.windows:
            length = (end - start) % 1440 or 1440
            if self._is_on(local, days) and start <= minute < start + length:
                return True
            if self._is_on(local - timedelta(days=1), days) and start <= minute + 1440 < start + length:
                return True
        return False

    def _local(self, time_s: int) -> datetime:
        return datetime.fromtimestamp(time_s, UTC) + timedelta(minutes=self.offset_min)

    def _is_on(self, local: datetime, days: int) -> bool:
        day = (local - datetime(1970, 1, 1, tzinfo=UTC)).days
        return bool(days >> local.weekday() & 1) or (bool(days & HOLIDAYS) and day in self.holidays)


def rows(windows: list[tuple[int, int, int]]) -> bytes:
    """Windows as a policy holds them."""
    return b"".join(bytes((days,)) + a.to_bytes(2, "big") + b.to_bytes(2, "big") for days, a, b in windows)
