"""What is known of an update over restarts: its signed manifest, how far it is, why it ended. Two small files.

`update` is replaced at each step and is whole after any cut; `update-at` is only a promise that the slot holds so much.
"""

from shared.compat import const
from shared.errors import WireError
from shared.update import decode_manifest
from shared.wire import Layout

LOADING = const(1)
STARTING = const(2)
TRIED = const(3)

JOB = Layout(
    b"PSupjob1",
    (("stage", "u1"), ("tries", "u1"), ("reason", "u1"), ("counter", "u4"), ("until_s", "u4"), ("manifest", "v2")),
)
PROGRESS = Layout(b"PSupat01", (("image", "b8"), ("offset", "u4")))
FILE = "update"
PROGRESS_FILE = "update-at"


class Job:
    """One update. `counter` is that of its command, `until_s` when its download is given up."""

    def __init__(self, flash, document: bytes, counter: int, until_s: int, stage: int = LOADING) -> None:
        """`document`: the manifest without its signature, which was verified. WireError."""
        self._flash = flash
        self._document = document
        self.manifest = decode_manifest(document)
        self.counter = counter
        self.until_s = until_s
        self.stage = stage
        self.tries = 0
        self.reason = 0

    def save(self, stage: int = LOADING) -> None:
        """Make it durable at this stage. OSError: flash refuses, and what was there before still stands."""
        before, self.stage = self.stage, stage
        try:
            self._flash.replace(FILE, self._encoded())
        except OSError:
            self.stage = before
            raise

    def same_as(self, document: bytes) -> bool:
        """Whether this is the manifest of the update."""
        return self._document == document

    def _encoded(self):
        return JOB.encode(
            stage=self.stage,
            tries=self.tries,
            reason=self.reason,
            counter=self.counter,
            until_s=self.until_s,
            manifest=self._document,
        )


def load(flash) -> "Job | None":
    """The update under way, or None."""
    if not flash.has(FILE):
        return None
    try:
        fields = JOB.decode(flash.read(FILE))
        job = Job(flash, fields["manifest"], fields["counter"], fields["until_s"], fields["stage"])
    except (OSError, WireError):
        return None  # age has damaged it: the cloud offers the release again
    job.tries, job.reason = fields["tries"], fields["reason"]
    return job


def forget(flash) -> None:
    """The update is over."""
    for name in (PROGRESS_FILE, FILE):
        if flash.has(name):
            flash.remove(name)


def load_progress(flash, image_id: bytes) -> int:
    """Up to where the slot holds the image."""
    if not flash.has(PROGRESS_FILE):
        return 0
    try:
        fields = PROGRESS.decode(flash.read(PROGRESS_FILE))
    except (OSError, WireError):
        return 0
    return fields["offset"] if fields["image"] == image_id else 0


def save_progress(flash, image_id: bytes, offset: int) -> None:
    """Remember how far it is; where flash refuses, a restart loads a little more again."""
    try:
        flash.replace(PROGRESS_FILE, PROGRESS.encode(image=image_id, offset=offset))
    except OSError:
        pass
