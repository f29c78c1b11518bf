"""The code slots of a board in RAM, and the loader that chooses; `power` is the flash whose cuts they share.

An image begins with its version in four bytes. A block that is cut is torn: its front is new, the rest erased.
"""

from shared.update import CHUNK_SIZE
from tests.fakes.flash import PowerCut

BLOCK_SIZE = 4096
STARTS = 3
_EIO = 5


def image_of(version: int, size: int = 5 * CHUNK_SIZE - 700) -> bytes:
    """An image that runs as this version."""
    pattern = bytes([(11 * i + version) & 255 for i in range(253)])
    return (version.to_bytes(4, "big") + pattern * (size // len(pattern) + 1))[:size]


class Chip:
    """The code flash of a board: `slots`, which of them is good, and how often the other was started on trial."""

    def __init__(self, power, first: bytes, capacity_bytes: int = 16384) -> None:
        self.power = power
        self.capacity_bytes = capacity_bytes
        self.slots = [bytearray(first), bytearray(capacity_bytes)]
        self.good = 0
        self.starts_left = 0
        self.refuses = False  # blocks of the other slot
        self.refuses_record = False
        self.writes = self.record_writes = 0

    def boot(self) -> "Slots":
        """What the loader does at a start: the good slot, or the other one while its trial has starts left."""
        if self.starts_left:
            self.starts_left -= 1
            return Slots(self, 1 - self.good, True)
        return Slots(self, self.good, False)

    def spend(self, size: int) -> int:
        return self.power._spend(size)

    def step(self) -> None:
        """A change of the loader's record: it is there or not."""
        self.record_writes += 1
        if self.refuses_record:
            raise OSError(_EIO)
        if self.spend(1) < 1:
            raise PowerCut


class Slots:
    """What the code of one start sees of them."""

    def __init__(self, chip: Chip, running: int, trial: bool) -> None:
        self._chip = chip
        self.running = running
        self.capacity_bytes = chip.capacity_bytes
        self._trial = trial

    def version(self) -> int:
        """That of the image that runs."""
        return int.from_bytes(self._chip.slots[self.running][:4], "big")

    def write(self, offset: int, data) -> None:
        assert offset % BLOCK_SIZE == 0 and 0 < len(data) <= BLOCK_SIZE and offset + len(data) <= self.capacity_bytes
        if self._chip.refuses:
            raise OSError(_EIO)
        other = self._chip.slots[1 - self.running]
        if len(other) < offset + BLOCK_SIZE:
            other.extend(bytes(self.capacity_bytes - len(other)))
        kept = self._chip.spend(len(data))
        for i in range(BLOCK_SIZE):
            other[offset + i] = data[i] if i < kept else 255
        self._chip.writes += 1
        if kept < len(data):
            raise PowerCut

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._chip.slots[1 - self.running][offset : offset + size])

    def start_trial(self) -> None:
        self._chip.step()
        self._chip.starts_left = STARTS

    def on_trial(self) -> bool:
        return self._trial

    def keep(self) -> None:
        if self._trial:
            self._chip.step()
            self._chip.good = self.running
            self._chip.starts_left = 0
            self._trial = False

    def give_up(self) -> None:
        self._chip.step()
        self._chip.starts_left = 0
