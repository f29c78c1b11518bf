"""Starts the gateway from one half of the ROMFS partition. It stands on the board's file system; no update changes it.

A file says which half is good, and how often the other was started on trial: three times at most, then no more.
"""

import os
import sys

import vfs

STARTS_MAX = 3
RECORD = "/slot"
running = 0  # the half that runs


def read(path: str) -> "tuple[int, int]":
    """(the good half, starts of the other on trial, or -1 where it is on none). Without a record it is the first."""
    try:
        with open(path) as file:
            good, starts = file.read().split()
        return int(good) & 1, int(starts)
    except (OSError, ValueError):
        return 0, -1


def write(path: str, good: int, starts: int) -> None:
    """Keep the record: the old one or the new one stands there, whenever power is lost."""
    with open(path + ".new", "w") as file:
        file.write("{} {}".format(good, starts))
    os.rename(path + ".new", path)


def choose(path: str) -> "tuple[int, bool]":
    """(the half to start, whether on trial). A start on trial is counted before it is made, or it is none."""
    good, starts = read(path)
    if starts < 0:
        return good, False
    trial = starts < STARTS_MAX
    try:
        write(path, good, starts + 1 if trial else -1)
    except OSError:  # no room, or worn flash
        trial = False
    return 1 - good if trial else good, trial


def mount(partition, half: int) -> bool:
    """Make the modules of a half the first to be found; False where there is no ROMFS in it."""
    size = half_bytes(len(partition))
    point = "/half{}".format(half)
    try:
        vfs.mount(vfs.VfsRom(partition[half * size : (half + 1) * size]), point)
    except OSError:
        return False
    sys.path.insert(0, point)
    return True


def half_bytes(partition_bytes: int) -> int:
    """How much a half has: whole blocks of 4096 bytes."""
    return partition_bytes // 8192 * 4096


def start(partition, path: str, arm) -> bool:
    """Mount the half that is due, else the other; arm() starts the watchdog of a trial. False where none is there."""
    global running
    running, on_trial = choose(path)
    if on_trial:
        arm()
    if not mount(partition, running):
        running = 1 - running
        return mount(partition, running)
    return True


def run() -> None:
    """Start the gateway; what is printed where there is none is for who installs it."""
    import machine

    def arm():
        machine.WDT(timeout=8300)  # a trial that hangs before the gateway has its own watchdog ends as well

    if not start(memoryview(vfs.rom_ioctl(2, 0)), RECORD, arm):
        print("there is no gateway in the ROMFS partition; copy one there")
        return
    from firmware import main

    main.run()
