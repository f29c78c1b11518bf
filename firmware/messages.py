"""The gateway's side of the link: hello, batches, acknowledgements, time, commands. Bytes in, bytes out; no link here.

A batch that was signed is kept until it is acknowledged, so that sending it again costs nothing.
"""

from firmware.commands import CommandError, Commands
from firmware.ledger.outbox import Outbox
from firmware.ledger.recovery import DamageError
from firmware.ledger.store import FlashFull
from firmware.readings_post import ReadingsPost
from shared import documents, kinds
from shared.compat import const
from shared.ed25519 import sign_steps, verify_steps
from shared.entries import BODY_SIZE
from shared.errors import WireError

TIME_ENTRY_S = const(60)  # a smaller correction of the clock is not worth an entry
_NONCE_SIZE = const(8)
_CLOCK_ENTRIES = const(3)  # what flowed meanwhile, and TIME
CHUNK_TAG = b"PSupchk1"  # of shared/update.py, which only an update brings in
_AHEAD_MAX_S = const(315360000)  # time never runs back: one wrong message must not end all days
_DELAY_S = const(120)  # how much older than a running, trusted clock signed time may be


class Messages:
    """`boot_nonce` names this start; `random(n)` gives n random bytes. `readings` are the second, droppable stream."""

    def __init__(self, core, desk, random, boot_nonce: bytes, readings) -> None:
        self._core = core
        self._random = random
        self.boot_nonce = boot_nonce
        self.outbox = Outbox(core.flash, core.store, core.settings.epoch)
        self._commands = Commands(core, desk, boot_nonce)
        self.readings = ReadingsPost(core, readings, random)
        self._hello_nonce = documents.NO_NONCE
        self._hello_open = False  # its first answer is to come: only that one may say that the cloud holds less
        self._batch_nonce = documents.NO_NONCE
        self._batch = b""
        self._batch_first = 0
        self._signed_s = 0  # the last signed time that was taken over
        self._is_answered = False  # the cloud has acknowledged something in this run
        self._updates = None
        if self.outbox.acknowledged > core.state.sequence:
            core.enter_recovery("the cloud holds entries that are lost here")

    def hello(self) -> bytes:
        """The first message of a connection."""
        core = self._core
        if self._updates is not None:
            self._updates.connected()
        self._hello_nonce = self._random(_NONCE_SIZE)
        self._hello_open = True
        document = documents.HELLO.encode(
            utility=core.settings.utility,
            gateway=core.settings.gateway,
            epoch=core.settings.epoch,
            boot_nonce=self.boot_nonce,
            sequence=core.state.sequence,
            head=core.store.head,
            acknowledged=self.outbox.acknowledged,
            command_counter=core.state.command_counter,
            time_s=core.clock.now(),
            quality=core.clock.quality(),
            firmware=core.firmware,
            nonce=self._hello_nonce,
        )
        return documents.with_mac(core.settings.link_key, document)

    def take_updates(self, desk) -> None:
        """desk() is what commands for updates go to (firmware/updates.py)."""
        self._commands.take_updates(desk)

    def begin_update(self, desk) -> None:
        """Where images go."""
        self._updates = desk

    def synced(self, sequence: int) -> bool:
        """Whether the cloud has said in this run that it holds the ledger up to this entry."""
        return self._is_answered and self.outbox.acknowledged >= sequence

    def update_request(self, now_ms: int) -> bytes:
        """The request for a piece of an image that is to go up now, or b""."""
        return self._updates.request(now_ms) if self._updates is not None else b""

    def batch_steps(self):
        """Generator in slices; returns the next batch, or b"" when all is acknowledged or the ledger is damaged."""
        if self._batch and self._batch_first == self.outbox.acknowledged + 1:
            return self._batch
        self._batch = b""
        if not self.outbox.waiting() or self._core.recovery:
            return b""
        try:
            first, previous, bodies, head = self.outbox.next()
        except DamageError as error:
            self._core.enter_recovery(str(error))
            return b""
        nonce = self._random(_NONCE_SIZE)
        document = self._batch_head(first, previous, bodies, head, nonce)
        identity = self._core.identity
        signature = yield from sign_steps(identity.device_seed, identity.device_public, document)
        self._batch_nonce = nonce
        self._batch_first = first
        self._batch = document + signature + bodies
        return self._batch

    def receive_steps(self, data: bytes, now_ms: int):
        """Generator in slices; takes a message in and returns one line that says what became of it."""
        tag = documents.tag_of(data)
        try:
            if tag == documents.TIME.tag:
                return (yield from self._time_steps(data, now_ms))
            if tag == documents.COMMAND.tag:
                kind, code = yield from self._commands.run_steps(data, now_ms)
                return "command of kind {}: result {}".format(kind, code)
            return self._receive_at_once(tag, data)
        except (WireError, CommandError) as error:
            return "refused: {}".format(error)

    def _receive_at_once(self, tag, data):
        """What needs no signature to be verified."""
        if tag == documents.ACK.tag:
            return self._acknowledge(data)
        if tag == documents.READINGS_ACK.tag:
            return self._readings_stored(data)
        if tag == CHUNK_TAG:
            return self._updates.take(data) if self._updates else "refused: no image is being downloaded"
        return "refused: a message of an unknown kind"

    def _batch_head(self, first, previous, bodies, head, nonce):
        core = self._core
        return documents.BATCH.encode(
            utility=core.settings.utility,
            gateway=core.settings.gateway,
            epoch=core.settings.epoch,
            first=first,
            last=first + len(bodies) // BODY_SIZE - 1,
            previous_head=previous,
            head=head,
            nonce=nonce,
            command_counter=core.state.command_counter,
        )

    def _acknowledge(self, data):
        core = self._core
        ack = documents.ACK.decode(documents.without_mac(core.settings.link_key, data))
        self._check_address(ack)
        if ack["nonce"] == documents.NO_NONCE or ack["nonce"] not in (self._hello_nonce, self._batch_nonce):
            return "refused: an acknowledgement of something else"
        if ack["sequence"] > core.state.sequence:
            core.enter_recovery("the cloud holds entries that are lost here")
            return "refused: an acknowledgement above the ledger's end"
        try:
            moved = self.outbox.acknowledge(ack["sequence"], ack["head"])
            if moved:
                self._batch = b""
            if not moved and self._hello_open and ack["nonce"] == self._hello_nonce:
                moved = self.outbox.give_back(ack["sequence"], ack["head"])
        except DamageError as error:
            core.enter_recovery(str(error))
            return "refused: {}".format(error)
        self._is_answered = True
        self._hello_open = self._hello_open and ack["nonce"] != self._hello_nonce
        return "acknowledged up to {}".format(self.outbox.acknowledged) if moved else "acknowledgement moves nothing"

    def _readings_stored(self, data):
        ack = documents.READINGS_ACK.decode(documents.without_mac(self._core.settings.link_key, data))
        self._check_address(ack)
        return self.readings.stored(ack["segment"], ack["nonce"])

    def _time_steps(self, data, now_ms):
        core = self._core
        document, signature = documents.split_signature(data)
        time = documents.TIME.decode(document)
        self._check_address(time)
        if time["boot_nonce"] != self.boot_nonce:
            return "refused: time for another start"
        if time["nonce"] != self._hello_nonce:
            return "refused: time that answers an earlier hello"
        trusted = core.clock.quality() == kinds.TIME_TRUSTED
        if time["time_s"] <= self._signed_s or (trusted and time["time_s"] < core.clock.now() - _DELAY_S):
            return "refused: time that was under way too long"
        if time["time_s"] > core.clock.now() + _AHEAD_MAX_S:
            return "refused: time that lies more than ten years ahead; enrol the gateway again"
        genuine = yield from verify_steps(core.settings.command_public, document, signature)
        if not genuine:
            return "refused: the signature of the time is wrong"
        try:
            yield from core.settle_steps(core.channels(), now_ms)
        except FlashFull:
            pass  # asked again below
        yield from core.store.make_way_steps(_CLOCK_ENTRIES)
        return self._set_clock(time["time_s"], now_ms)

    def _set_clock(self, time_s, now_ms):
        """What flowed before is charged under the clock that it had; what may be drawn without one is renewed."""
        core = self._core
        self._settle_all(now_ms)
        before = core.clock.now()
        self._signed_s = time_s
        off_s = core.clock.set_signed(time_s)
        renewed = self._renews(time_s)
        if (abs(off_s) >= TIME_ENTRY_S or renewed) and core.has_room():
            try:
                core.append(core.entry(kinds.TIME, rule=kinds.RULE_TIME_SIGNED, detail=renewed, reference_a=before))
            except FlashFull:
                pass  # the clock is right all the same
        return "clock set, it was off by {} s".format(off_s)

    def _settle_all(self, now_ms):
        core = self._core
        try:
            for channel in core.channels():
                if core.has_room():
                    core.settle(channel, now_ms)
        except FlashFull:
            pass  # it stays uncharged, and counts all the same

    def _renews(self, time_s):
        """1 where something was drawn without a date to believe, and every calendar knows the present one."""
        core = self._core
        channels = core.channels()
        drawn = any(core.meter(channel).cap_drawn for channel in channels)
        expired = any(core.policy_of(channel).calendar.expired(time_s) for channel in channels)
        return 1 if drawn and not expired else 0

    def _check_address(self, fields):
        settings = self._core.settings
        if (fields["utility"], fields["gateway"], fields["epoch"]) != (
            settings.utility,
            settings.gateway,
            settings.epoch,
        ):
            raise WireError("a message for another gateway or epoch")
