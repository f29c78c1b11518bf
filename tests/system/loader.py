"""A board whose code lies in two files, and the loader that chooses between them; it stands where the firmware would.

An image is a Python program, so it can be another version, or one that does not start. What is durable is the file
`record`; the two slots are `a` and `b` in the folder SIM_FLASH + "-code".
"""

import json
import os
import sys

STARTS = 3
CAPACITY_BYTES = 262144
BLOCK_SIZE = 4096


class Slots:
    """As firmware/drivers/image_slots.py, over files."""

    def __init__(self, folder: str, record, trial: bool) -> None:
        self._folder = folder
        self._record = record
        self._trial = trial
        self.running = 1 - record["good"] if trial else record["good"]
        self.capacity_bytes = CAPACITY_BYTES

    def path(self, slot: int) -> str:
        return self._folder + "/" + "ab"[slot]

    def write(self, offset: int, data) -> None:
        assert offset % BLOCK_SIZE == 0
        path = self.path(1 - self.running)
        if "ab"[1 - self.running] not in os.listdir(self._folder):  # noqa: PTH208  it runs under MicroPython
            open(path, "wb").close()
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, offset: int, size: int) -> bytes:
        with open(self.path(1 - self.running), "rb") as file:
            file.seek(offset)
            return file.read(size)

    def start_trial(self) -> None:
        self._save(self._record["good"], STARTS)

    def on_trial(self) -> bool:
        return self._trial

    def keep(self) -> None:
        if self._trial:
            self._save(self.running, 0)
            self._trial = False

    def give_up(self) -> None:
        self._save(self._record["good"], 0)

    def _save(self, good, starts_left):
        self._record = {"good": good, "starts_left": starts_left}
        save(self._folder, self._record)


def save(folder, record):
    """Replace the record in one step."""
    with open(folder + "/record.new", "w") as file:
        json.dump(record, file)
    os.rename(folder + "/record.new", folder + "/record")  # noqa: PTH104


def boot():
    """Choose a slot, and give its program the board."""
    folder = os.getenv("SIM_FLASH") + "-code"
    with open(folder + "/record") as file:
        record = json.load(file)
    trial = record["starts_left"] > 0
    if trial:
        record["starts_left"] -= 1
        save(folder, record)
    slots = Slots(folder, record, trial)
    from firmware.drivers import hardware

    hardware._slots = lambda board: slots
    sys.path.append(folder)  # for release_key
    print("slot", "ab"[slots.running], "on trial" if trial else "")
    with open(slots.path(slots.running)) as file:
        exec(file.read(), {"__name__": "image"})


boot()
