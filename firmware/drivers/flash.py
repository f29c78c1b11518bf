"""Small files on the board's file system. What append() or replace() wrote is durable when they return.

littlefs keeps the old contents of a file until it is synced, and MicroPython's flush() is that sync; so: write, flush,
and only then return. littlefs renames atomically, also over an existing file.
"""

import errno
import os

from shared.compat import const
from shared.slices import finish

_ENOSPC = const(28)  # MicroPython's errno has no name for it
_FOLDER = const(0x4000)  # as ilistdir() and stat() say it
_NEW = ".new"  # the unfinished half of a replace(); it never counts as a file
_RECOUNT_BYTES = const(4096)  # a block may have gone when as much was written


class FileMissing(OSError):
    """There is no file of that name."""


class FlashFull(OSError):
    """There is no room left; what was stored before is whole, the end of the last append may be torn."""


class NoFileSystem(OSError):
    """Nothing is mounted where the files should be: the board is new, or its flash is damaged."""


class Flash:
    """The files of one directory and of its folders: a name is `file`, or `folder/file`.

    What grows in number belongs into folders: the time in which littlefs writes a directory anew rises with the square
    of what is in it. The directory is made if it is missing; capacity_bytes bounds what all files may hold together.
    """

    def __init__(self, directory: str, capacity_bytes: int | None = None) -> None:
        self._directory = directory
        self._capacity_bytes = capacity_bytes
        if not _exists(directory):
            _make(directory)
        self._used_bytes = -1  # asking every file is slow on a board: once, when it is first needed
        self._room_bytes = -1  # of the file system when it was asked last, less what has grown since
        self._grown_bytes = 0  # so many bytes came since

    def append(self, name: str, data: bytes) -> None:
        """Add data at the end of a file, made if missing. Raises FlashFull."""
        finish(self.append_steps(name, data))

    def append_steps(self, name: str, data: bytes):
        """append() as an iterator, for what erases more than one sector; durable at its end, and not before."""
        return self._steps(name, "ab", [data], 0 if self.has(name) else None)

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
            finish(self._steps(name, "wb", [data], None, _NEW))
            os.rename(path + _NEW, path)
        except OSError:
            self._used_bytes = self._room_bytes = -1
            if _exists(path + _NEW):
                os.remove(path + _NEW)  # on a full flash its room is dear
            raise
        self._grow(-old_bytes)

    def rewrite(self, name: str, data: bytes) -> None:
        """Give a file new contents in one step of littlefs, where replace() takes three. Raises FlashFull.

        On another file system a power cut may leave it torn: for what has a second copy, and a check behind it.
        """
        finish(self.rewrite_steps(name, [data]))

    def rewrite_steps(self, name: str, pieces: "list[bytes]"):
        """rewrite() of what stands in pieces as an iterator, as append_steps()."""
        return self._steps(name, "wb", pieces, self.size(name) if self.has(name) else None)

    def names(self, prefix: str = "") -> list[str]:
        """The files there are, in order; or those whose folder, or name where they are in none, begins like that."""
        return sorted(self.each(prefix))

    def each(self, prefix: str = ""):
        """The same one by one, in no order: a list of hundreds takes much of a heap."""
        for name, _bytes in self._listed(prefix):
            if not name.endswith(_NEW):
                yield name

    def remove(self, name: str) -> None:
        """Remove a file. Raises FileMissing."""
        old_bytes = self.size(name)
        os.remove(self._path(name))
        self._grow(-old_bytes)

    def make_folder(self, folder: str) -> None:
        """Make a folder ahead of the first file in it, which would make it else. Raises FlashFull."""
        path = self._path(folder)
        try:
            if not _exists(path):
                os.mkdir(path)
        except OSError as error:
            raise _named(error)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder if it is there, and empty."""
        try:
            os.rmdir(self._path(folder))
        except OSError:
            pass

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
        """Bytes that can still be stored, reckoned along since the file system was asked."""
        if self._room_bytes < 0:
            self._ask()
        if self._capacity_bytes is None:
            return max(0, self._room_bytes)
        return max(0, min(self._room_bytes, self._capacity_bytes - self._used()))

    def recount(self) -> None:
        """Ask the file system for its room, if so much was written that a block may have gone.

        To be called now and then: littlefs looks at every file.
        """
        if self._grown_bytes >= _RECOUNT_BYTES:
            self._ask()

    def _steps(self, name, mode, pieces, gone_bytes, suffix=""):
        """Write in up to three steps, for littlefs may erase a block for a new name, for data, and for their length.

        gone_bytes: what the pieces take the place of; None: there is no such file yet.
        """
        path = self._path(name) + suffix
        size = sum([len(piece) for piece in pieces])
        if self._capacity_bytes is not None and size > self._capacity_bytes - self._used():
            raise FlashFull(_ENOSPC, "flash is full")
        try:
            if gone_bytes is None:
                self._begin(name, path)
                yield
            with open(path, mode) as file:
                if sum([file.write(piece) for piece in pieces]) != size:
                    raise FlashFull(_ENOSPC, "flash is full")
                yield
                _sync(file)
        except OSError as error:
            self._used_bytes = self._room_bytes = -1  # a part may have been written
            raise _named(error)
        self._grow(size - (gone_bytes or 0))

    def _begin(self, name, path):
        """Make an empty file. It is closed before anything is written: littlefs knows then what is erased."""
        try:
            open(path, "wb").close()
        except OSError as error:
            if error.errno != errno.ENOENT or "/" not in name:
                raise
            os.mkdir(self._path(name.split("/")[0]))
            open(path, "wb").close()

    def _ask(self):
        info = os.statvfs(self._directory)
        self._room_bytes = info[1] * info[4]
        self._grown_bytes = 0

    def _used(self):
        if self._used_bytes < 0:
            used_bytes, leftovers = 0, []
            for name, size in self._listed(""):
                if name.endswith(_NEW):
                    leftovers.append(name)
                else:
                    used_bytes += size
            for name in leftovers:  # power went away inside replace(): the old file still stands
                os.remove(self._directory + "/" + name)
            self._used_bytes = used_bytes
        return self._used_bytes

    def _grow(self, more_bytes):
        self._grown_bytes += max(0, more_bytes)
        if self._room_bytes >= 0:
            self._room_bytes -= more_bytes
        if self._used_bytes >= 0:
            self._used_bytes += more_bytes

    def _listed(self, prefix):
        """(name, bytes) of each file, in no order."""
        for name, kind, size in _entries(self._directory):
            if not name.startswith(prefix):
                continue
            if kind != _FOLDER:
                yield name, size
                continue
            for inner, _kind, size in _entries(self._directory + "/" + name):
                yield name + "/" + inner, size

    def _path(self, name: str) -> str:
        assert name and name[0] not in "./" and name.count("/") < 2 and not name.endswith(_NEW), (
            "a plain name, or folder/name"
        )
        return self._directory + "/" + name


def _entries(path):
    """(name, kind, bytes) of what is in a directory. littlefs tells the bytes with the name."""
    if hasattr(os, "ilistdir"):
        for entry in os.ilistdir(path):
            yield entry[0], entry[1], entry[3] if len(entry) > 3 else os.stat(path + "/" + entry[0])[6]
        return
    for name in os.listdir(path):
        info = os.stat(path + "/" + name)
        yield name, info[0] & 0xF000, info[6]


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
