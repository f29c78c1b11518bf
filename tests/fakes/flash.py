"""A flash in RAM with the interface of firmware/drivers/flash.py. It loses power after so many bytes, on command.

An append or a rewrite that is cut leaves its first bytes, a cut replace the old file. Renaming and removing count
as one byte each, so that a cut can fall before or after them. It refuses writes on command, as worn flash does.
"""

from shared.slices import finish

_ENOENT = 2
_EIO = 5
_ENOSPC = 28


class PowerCut(BaseException):
    """The power went away; nothing after it runs. No handler of errors catches it."""


class Flash:
    """`cut_after` bytes are still written, then the power goes; None: it stays. `written` counts the bytes.

    `refuse_after`: each append leaves at most so many bytes and fails, as every replace does; None: they work.
    """

    def __init__(self, capacity_bytes: int = 1 << 20, cut_after: "int | None" = None) -> None:
        self.capacity_bytes = capacity_bytes
        self.cut_after = cut_after
        self.refuse_after = None
        self.written = 0
        self.files = {}
        self.folders = []  # those that were made ahead

    def append(self, name: str, data: bytes) -> None:
        finish(self.append_steps(name, data))

    def append_steps(self, name: str, data: bytes):
        """One step before anything is written, so that others may come between."""
        yield
        self._room(len(data))
        self._refuse(name, data)
        kept = self._spend(len(data))
        self.files[name] = self.files.get(name, b"") + data[:kept]
        if kept < len(data):
            raise PowerCut

    def _refuse(self, name, data):
        """An append that fails behind its first bytes; a replace (no data) leaves nothing."""
        if self.refuse_after is not None:
            if data[: self.refuse_after]:
                self.files[name] = self.files.get(name, b"") + data[: self.refuse_after]
            raise OSError(_EIO)

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise OSError(_ENOENT)
        return self.files[name]

    def replace(self, name: str, data: bytes) -> None:
        self._room(len(data))
        self._refuse(name, b"")
        if self._spend(len(data) + 1) <= len(data):
            raise PowerCut
        self.files[name] = bytes(data)

    def rewrite(self, name: str, data: bytes) -> None:
        finish(self.rewrite_steps(name, [data]))

    def rewrite_steps(self, name: str, pieces: "list[bytes]"):
        data = b"".join(pieces)
        yield
        self._room(len(data))
        self._refuse(name, b"")
        kept = self._spend(len(data))
        self.files[name] = bytes(data[:kept])
        if kept < len(data):
            raise PowerCut

    def names(self, prefix: str = "") -> "list[str]":
        return sorted(self.each(prefix))

    def each(self, prefix: str = ""):
        return [name for name in self.files if name.startswith(prefix)]

    def make_folder(self, folder: str) -> None:
        self._refuse(folder, b"")
        self.folders.append(folder)

    def remove_folder(self, folder: str) -> None:
        pass

    def recount(self) -> None:
        pass

    def remove(self, name: str) -> None:
        self.read(name)
        if self._spend(1) < 1:
            raise PowerCut
        del self.files[name]

    def size(self, name: str) -> int:
        return len(self.read(name))

    def has(self, name: str) -> bool:
        return name in self.files

    def free(self) -> int:
        return max(0, self.capacity_bytes - sum([len(data) for data in self.files.values()]))

    def leave(self, free_bytes: int) -> None:
        """So much room is left, and no more."""
        self.capacity_bytes += free_bytes - self.free()

    def after_reboot(self) -> "Flash":
        """The same contents under a fresh supply of power."""
        rebooted = Flash(self.capacity_bytes)
        rebooted.files = dict(self.files)
        return rebooted

    def flip(self, name: str, at: int) -> None:
        """Damage one bit of the byte at an offset, as age does."""
        data = bytearray(self.files[name])
        data[at] ^= 1
        self.files[name] = bytes(data)

    def _room(self, size):
        if size > self.free():
            raise OSError(_ENOSPC)

    def _spend(self, size):
        if self.cut_after is not None and self.written + size > self.cut_after:
            size = self.cut_after - self.written
        self.written += size
        return size
