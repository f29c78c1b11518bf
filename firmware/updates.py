"""The desk of updates: joins ledger, link and slots. A release is taken by command, tried, and kept or given back.

An image on trial is kept once it finds itself fit and the cloud has acknowledged its entries; else the old one returns.
"""

from firmware.ledger.store import FlashFull
from firmware.update import job as jobs
from firmware.update import rules
from firmware.update.download import Download, ReadBack
from shared import documents, kinds
from shared.command_results import BAD_SIGNATURE, DONE, UPDATE_RUNS
from shared.ed25519 import verify_steps
from shared.update import CHUNK, REQUEST, decode_manifest, version_text


class UpdateDesk:
    """`slots` as the driver of the board has them; `release_public` (32 bytes) is built into the image.

    `synced(sequence)`: the cloud has acknowledged that entry in this run. `quiet()`: nobody would notice a restart.
    `self_check()` returns "" or what is wrong; `reset(reason)` starts the board afresh and does not return.
    """

    def __init__(self, core, slots, board: str, release_public: bytes, boot_nonce: bytes, links) -> None:
        """`links`: (synced, quiet, self_check, reset)."""
        self._core = core
        self._slots = slots
        self._board = board
        self._release_public = release_public
        self._boot_nonce = boot_nonce
        self._synced, self._quiet, self._self_check, self._reset = links
        self._download = None
        self._read_back = None
        self._ready = False
        self._on_trial = slots.on_trial()
        self._sequence = core.state.sequence
        self._check_ms = 0
        self._settled = False  # what an earlier start left behind is in the ledger
        self._job = self._valid_job()
        if self._on_trial and self._job is not None and self._job.stage == jobs.STARTING:
            _save(self._job, jobs.TRIED)

    def _valid_job(self):
        """The update under way, as far as the command that brought it is in the ledger."""
        found = jobs.load(self._core.flash)
        return found if found is not None and found.counter <= self._core.state.command_counter else None

    # What comes by command.

    def read_steps(self, payload: bytes):
        """Generator in slices; returns (DONE, manifest as signed, b"" to stop) or (reason, None). WireError."""
        if not payload:
            return DONE, b""
        document, signature = documents.split_signature(payload)
        decode_manifest(document)
        genuine = yield from verify_steps(self._release_public, document, signature)
        return (DONE, document) if genuine else (BAD_SIGNATURE, None)

    def effects(self, document: bytes, counter: int, issued_s: int) -> tuple:
        """(result code, entries). FlashFull or OSError: it cannot be kept."""
        if self._on_trial or self._core.state.firmware_trial:
            return UPDATE_RUNS, []
        if not document:
            return self._stopped()
        if self._job is not None and self._job.same_as(document):
            return DONE, []
        if self._ready:
            return UPDATE_RUNS, []
        manifest = decode_manifest(document)
        core = self._core
        who = (core.settings.gateway, self._boot_nonce)
        code = rules.objection(manifest, self._board, core.firmware, core.state.firmware_minimum, *who)
        if code == DONE:
            code = rules.too_large(manifest, 1 - self._slots.running, self._slots.capacity_bytes)
        if code != DONE:
            return code, []
        if not core.has_room():
            raise FlashFull
        jobs.Job(core.flash, document, counter, issued_s + rules.LIFE_S).save()
        return DONE, []

    def took_effect(self) -> None:
        """The command's entries are durable."""
        before = self._job
        self._job = self._valid_job()
        if before is None or self._job is None or self._job.counter != before.counter:
            self._begin_again()

    def _stopped(self):
        stopped, self._job = self._job, None
        self._begin_again()
        jobs.forget(self._core.flash)
        return DONE, [] if stopped is None else [self._entry(kinds.UPDATE_FAILED, stopped, kinds.UPDATE_STOPPED)]

    def _begin_again(self):
        self._download = self._read_back = None
        self._ready = False

    # What comes and goes over the link.

    def connected(self) -> None:
        """The link is up: ask again at once."""
        if self._download is not None:
            self._download.hurry()

    def request(self, now_ms: int) -> bytes:
        """The request that is to go up now, or b""."""
        if self._download is None:
            return b""
        count = self._download.due(now_ms)
        if not count:
            return b""
        settings = self._core.settings
        document = REQUEST.encode(
            utility=settings.utility,
            gateway=settings.gateway,
            epoch=settings.epoch,
            image=self._download.image.id,
            offset=self._download.offset,
            count=count,
        )
        return documents.with_mac(settings.link_key, document)

    def take(self, data: bytes) -> str:
        """A chunk came; one line that says what became of it. WireError."""
        if self._download is None:
            return "refused: no image is being downloaded"
        chunk = CHUNK.decode(data)
        wrong = self._download.take(chunk["image"], chunk["offset"], chunk["data"])
        if wrong:
            return "refused: " + wrong
        return "image: {} of {} bytes".format(self._download.offset, self._download.image.size)

    # What happens by itself.

    def tick(self, now_ms: int) -> None:
        """Move on by one small step."""
        if self._core.recovery:
            if self._on_trial:
                self._give_up(kinds.UPDATE_SELF_CHECK)
            return
        try:
            if self._on_trial:
                self._try(now_ms)
            elif not self._settled:
                self._settle()
            elif self._job is not None:
                self._advance(self._job, now_ms)
        except (FlashFull, OSError):
            pass  # what flash does not take now waits for the next tick; what runs goes on running

    def _settle(self):
        """Say in the ledger what became of the trial that an earlier start began, or take it up again."""
        core, job = self._core, self._job
        version = core.state.firmware_trial
        if version and version == core.firmware:
            self._say_kept()
        elif version and (job is None or job.stage != jobs.STARTING or job.tries >= rules.STARTS_MAX):
            reason = kinds.UPDATE_DID_NOT_RUN if job is None or not job.reason else job.reason
            core.append(self._entry(kinds.UPDATE_ROLLED_BACK, job, reason, version))
            self._end()
        elif job is not None and (job.stage == jobs.TRIED or job.manifest.version == core.firmware):
            self._end()
        self._settled = True

    def _advance(self, job, now_ms):
        if self._core.clock.now() > job.until_s and not self._core.state.firmware_trial:
            self._fail(job, kinds.UPDATE_TOO_LATE)
        elif self._ready:
            self._start_when_quiet(job, now_ms)
        elif self._read_back is not None:
            self._verify(job, self._read_back)
        elif self._download is None:
            self._load(self._image(job))
        elif self._download.refused:
            self._fail(job, kinds.UPDATE_FLASH_REFUSED)
        elif self._download.is_complete():
            self._read_back = ReadBack(self._slots, self._download.image)
            self._download = None

    def _load(self, image):
        """Go on where it stopped; what is complete already is only read back."""
        flash = self._core.flash
        offset = jobs.load_progress(flash, image.id)
        if offset >= image.size:
            self._read_back = ReadBack(self._slots, image)
        else:
            keep = lambda at: jobs.save_progress(flash, image.id, at)  # noqa: E731
            self._download = Download(self._slots, image, offset, keep)

    def _image(self, job):
        return job.manifest.images[1 - self._slots.running]

    def _verify(self, job, read_back):
        """An image whose hash is wrong is loaded once more: a chunk may have been forged on the way."""
        try:
            good = read_back.step()
        except OSError:
            good = False
        if good is None:
            return
        self._read_back = None
        if good:
            self._ready = True
            return
        jobs.save_progress(self._core.flash, self._image(job).id, 0)
        job.reason += 1
        if self._core.state.firmware_trial or job.reason > 1:
            self._fail(job, kinds.UPDATE_WRONG_HASH)
        else:
            _save(job, jobs.LOADING)

    def _start_when_quiet(self, job, now_ms):
        """The trial is in the ledger before it begins. Only with a link that works: it is judged by it.

        What flash refuses is tried as often as a start that was cut; each tick anew, it would wear the flash out.
        """
        core = self._core
        if not self._quiet() or not self._synced(self._sequence) or not core.has_room():
            return
        if job.tries >= rules.STARTS_MAX:
            self._fail(job, kinds.UPDATE_FLASH_REFUSED)
            return
        job.tries, job.reason = job.tries + 1, 0
        for channel in core.channels():
            core.settle(channel, now_ms)
        core.journal()
        job.save(jobs.STARTING)
        if not core.state.firmware_trial:
            core.append(self._entry(kinds.UPDATE_TRIAL, job))
        self._slots.start_trial()
        self._reset("trial of firmware {}".format(version_text(job.manifest.version)))

    def _try(self, now_ms):
        """On trial: keep, or give up. The check of itself takes a moment, so it is made now and then only."""
        over = now_ms >= rules.TRIAL_MS
        synced = self._synced(self._sequence) and self._core.clock.quality() != kinds.TIME_UNKNOWN
        if not over and (not synced or now_ms < self._check_ms):
            return
        self._check_ms = now_ms + rules.CHECK_EVERY_MS
        another = self._core.state.firmware_trial not in (0, self._core.firmware)  # than the manifest says
        wrong = another or self._self_check()
        reason = kinds.UPDATE_SELF_CHECK if wrong else 0 if synced else kinds.UPDATE_NO_SYNC
        if not reason and self._kept():
            self._say_kept()
            self._settled = True
        elif over:
            self._give_up(reason or kinds.UPDATE_FLASH_REFUSED)

    def _kept(self):
        """Whether what runs is good from now on; flash may refuse to say so."""
        try:
            self._slots.keep()
        except OSError:
            return False
        self._on_trial = False
        return True

    def _say_kept(self):
        """The entry of what is kept already; without room it is written at a later start or tick."""
        core, job = self._core, self._job
        group = []
        if core.state.firmware_trial != core.firmware:
            group.append(self._entry(kinds.UPDATE_TRIAL, job, 0, core.firmware))
        kept = self._entry(kinds.UPDATE_KEPT, job, 0, core.firmware)
        if job is not None and job.manifest.version == core.firmware:
            kept.reference_b = job.manifest.minimum
        else:
            kept.reference_b = 0
        group.append(kept)
        core.append(*group)
        self._end()

    def _give_up(self, reason):
        """Back to the old image, which says so in the ledger."""
        if self._job is not None:
            self._job.reason = reason
            _save(self._job, jobs.TRIED)
        self._core.journal()
        try:
            self._slots.give_up()
        except OSError:
            pass  # the loader counts the starts of a trial
        self._reset("the trial is given up: " + kinds.UPDATE_REASONS[reason])

    def _fail(self, job, reason):
        stage = kinds.UPDATE_ROLLED_BACK if self._core.state.firmware_trial else kinds.UPDATE_FAILED
        self._core.append(self._entry(stage, job, reason))
        self._end()

    def _end(self):
        self._job = None
        self._begin_again()
        try:
            jobs.forget(self._core.flash)
        except OSError:
            pass  # the ledger says that it is over

    def _entry(self, stage, job, reason=0, version=0):
        core = self._core
        entry = core.entry(kinds.UPDATE, rule=kinds.RULE_UPDATE, detail=reason << 8 | stage)
        entry.reference_a, entry.reference_b = version, 0
        if job is not None:
            entry.reference_a, entry.reference_b = version or job.manifest.version, job.manifest.check
        return entry


def _save(job, stage):
    try:
        job.save(stage)
    except OSError:
        pass  # this start counts as one that never was; the loader counts them, too
