"""Decoder keys that came by key-change tokens: two copies per meter, of which the ledger says which key is in force.

A new key goes over one copy, is read back, and counts when its KEY_CHANGE entry is durable; then it goes over the
other.
"""

from firmware.ledger.pair import Pair
from firmware.ledger.store import FlashFull
from shared.errors import WireError
from shared.wire import Layout

KEY_SLOT = Layout(b"PSkeysl1", (("check", "u4"), ("ea", "u1"), ("decoder_key", "v2"), ("sgc", "u4")))
PREFIX = "key-"


class KeySlots:
    """The slots of all meters. Keys leave it only to become ciphers."""

    def __init__(self, flash) -> None:
        self._flash = flash

    def find(self, channel: int, check: int) -> "bytes | None":
        """The decoder key (8 or 16 bytes) whose check this is."""
        for _slot, fields in self._copies(channel):
            if fields["check"] == check:
                return fields["decoder_key"]
        return None

    def offer(self, channel: int, in_force: int, check: int, ea: int, decoder_key: bytes, sgc: int) -> None:
        """Write a new key into the copy that does not hold the key in force. FlashFull: it cannot be kept."""
        keep = None
        for slot, fields in self._copies(channel):
            if fields["check"] == in_force:
                keep = slot
        data = KEY_SLOT.encode(check=check, ea=ea, decoder_key=decoder_key, sgc=sgc)
        try:
            self._pair(channel).save(data, keep)
        except OSError:
            raise FlashFull
        if self.find(channel, check) != decoder_key:
            raise FlashFull

    def settle(self, channel: int, check: int) -> None:
        """Write the key in force over the other copy, so that one of them may rot; without room it stays single."""
        held = [(slot, fields) for slot, fields in self._copies(channel) if fields["check"] == check]
        if len(held) != 1:
            return
        slot, fields = held[0]
        try:
            self._pair(channel).save(KEY_SLOT.encode(**fields), slot)
        except OSError:
            pass  # tried again at the next start

    def _copies(self, channel):
        """(slot, fields) of each good copy, the newest first."""
        found = []
        for slot, data in self._pair(channel).copies():
            try:
                found.append((slot, KEY_SLOT.decode(data)))
            except WireError:
                pass  # no key of ours: the ledger asks for one that is not there, and that is noticed
        return found

    def _pair(self, channel):
        return Pair(self._flash, PREFIX + str(channel))
