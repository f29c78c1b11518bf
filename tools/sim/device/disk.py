"""The simulated board's flash: a directory of the host, mounted where the firmware expects its file system.

A plain VfsPosix would do, were it not that in MicroPython 1.25 its rename() mixes up the two paths under a mount point.
"""

import os


class Disk:
    """A file system for vfs.mount(), over a directory given by its absolute path."""

    def __init__(self, directory: str) -> None:
        if not directory.startswith("/"):
            raise ValueError("SIM_FLASH must be an absolute path")
        self._directory = directory

    def mount(self, readonly: bool, mkfs: bool) -> None:
        """Nothing to prepare: the directory is there, or stat fails."""
        os.stat(self._directory)

    def umount(self) -> None:
        """Nothing to put away."""

    def open(self, path: str, mode: str):
        return open(self._host(path), mode)

    def ilistdir(self, path: str):
        return os.ilistdir(self._host(path))

    def mkdir(self, path: str) -> None:
        os.mkdir(self._host(path))

    def rmdir(self, path: str) -> None:
        os.rmdir(self._host(path))

    def remove(self, path: str) -> None:
        os.remove(self._host(path))

    def rename(self, old: str, new: str) -> None:
        os.rename(self._host(old), self._host(new))

    def stat(self, path: str):
        return os.stat(self._host(path))

    def statvfs(self, path: str):
        return os.statvfs(self._host(path))

    def _host(self, path: str) -> str:
        return self._directory + (path if path.startswith("/") else "/" + path)
