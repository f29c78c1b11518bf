"""Small files on the board's file system. What append() or replace() wrote is durable when they return.

littlefs keeps the old contents of a file until it is synced, and MicroPython's flush() is that sync; so: write, flush,
and only then return. littlefs renames atomically, also over an existing file.
"""

import errno
import os

from shared.compat import const

_ENOSPC = const(28)  # MicroPython's errno has no name for it
_NEW = ".new"  # the unfinished half of a replace(); it never counts as a file


class FileMissing(OSError):
    """There is no file of that name."""


class FlashFull(OSError):
    """There is no room left; what was stored before is whole, the end of the last append may be torn."""


class NoFileSystem(OSError):
    """Nothing is mounted where the files should be: the board is new, or its flash is damaged."""


class Flash:
    """The files of one directory, which is made if it is missing; capacity_bytes bounds what they may hold together."""

    def __init__(self, directory: str, capacity_bytes: int | None = None) -> None:
        self._directory = directory
        self._capacity_bytes = capacity_bytes
        if not _exists(directory):
            _make(directory)
        for name in os.listdir(directory):
            if name.endswith(_NEW):  # power went away inside replace(): the old file still stands
                os.remove(directory + "/" + name)
        self._used_bytes = -1  # asking every file is slow on a board: once, when it is first needed

    def append(self, name: str, data: bytes) -> None:
        """Add data at the end of a file, made if missing. Raises FlashFull."""
        self._write(self._path(name), "ab", data)
        self._grow(len(data))

    def read(self, name: str) -> bytes:
        """The whole file. Raises FileMissing."""
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError as error:
            raise _named(error)

    def replace(self, name: str, data: bytes) -> None:
        """Give a file new contents; a power cut leaves the old or the new ones, never a mixture. Raises FlashFull."""
        path = self._path(name)
        old_bytes = self.size(name) if _exists(path) else 0
        try:
            self._write(path + _NEW, "wb", data)
            os.rename(path + _NEW, path)
        except OSError:
            if _exists(path + _NEW):
                os.remove(path + _NEW)  # on a full flash its room is dear
            raise
        self._grow(len(data) - old_bytes)

    def rewrite(self, name: str, data: bytes) -> None:
        """Give a file new contents in one step of littlefs, where replace() takes three. Raises FlashFull.

        On another file system a power cut may leave it torn: for what has a second copy, and a check behind it.
        """
        path = self._path(name)
        old_bytes = self.size(name) if _exists(path) else 0
        self._write(path, "wb", data)
        self._grow(len(data) - old_bytes)

    def names(self) -> list[str]:
        """The files there are, in order."""
        return sorted(name for name in os.listdir(self._directory) if not name.endswith(_NEW))

    def remove(self, name: str) -> None:
        """Remove a file. Raises FileMissing."""
        old_bytes = self.size(name)
        os.remove(self._path(name))
        self._grow(-old_bytes)

    def size(self, name: str) -> int:
        """Bytes in a file. Raises FileMissing."""
        try:
            return os.stat(self._path(name))[6]
        except OSError as error:
            raise _named(error)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return _exists(self._path(name))

    def free(self) -> int:
        """Bytes that can still be stored."""
        info = os.statvfs(self._directory)
        free_bytes = info[1] * info[4]
        if self._capacity_bytes is None:
            return free_bytes
        return max(0, min(free_bytes, self._capacity_bytes - self._used()))

    def _write(self, path: str, mode: str, data: bytes) -> None:
        if self._capacity_bytes is not None and len(data) > self._capacity_bytes - self._used():
            raise FlashFull(_ENOSPC, "flash is full")
        try:
            with open(path, mode) as file:
                if file.write(data) != len(data):
                    raise FlashFull(_ENOSPC, "flash is full")
                _sync(file)
        except OSError as error:
            self._used_bytes = -1  # a part may have been written
            raise _named(error)

    def _used(self):
        if self._used_bytes < 0:
            self._used_bytes = sum(self.size(name) for name in self.names())
        return self._used_bytes

    def _grow(self, more_bytes):
        if self._used_bytes >= 0:
            self._used_bytes += more_bytes

    def _path(self, name: str) -> str:
        assert name and "/" not in name and not name.endswith(_NEW), "a plain file name"
        return self._directory + "/" + name


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.EPERM):
            raise NoFileSystem(error.errno, "no file system")
        raise


def _sync(file) -> None:
    file.flush()
    if hasattr(os, "fsync"):
        os.fsync(file.fileno())
    elif hasattr(os, "sync"):
        os.sync()


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _named(error: OSError) -> OSError:
    if error.errno == errno.ENOENT:
        return FileMissing(errno.ENOENT, "no such file")
    if error.errno == _ENOSPC:
        return FlashFull(_ENOSPC, "flash is full")
    return error
