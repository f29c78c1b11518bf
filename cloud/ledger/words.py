"""What an entry says in words, where its numbers stand for names: starts of the gateway and what ended its last run."""

from shared import kinds, starts
from shared.entries import Entry
from shared.update import version_text

_CAUSE = 0xFF
_STAGES = ("nothing", "its trial began", "kept", "rolled back", "given up before its trial")


def of(entry: Entry) -> str:
    """A sentence about an entry, or ""."""
    if entry.kind == kinds.BOOT:
        return start(entry)
    if entry.kind == kinds.EVENT and entry.detail == kinds.EVENT_OWN_RESET:
        return own_reset(entry)
    if entry.kind == kinds.UPDATE:
        return update(entry)
    return ""


def start(entry: Entry) -> str:
    """Why a gateway started, and how it runs."""
    cause = entry.detail & _CAUSE
    known = starts.RESET_TEXTS[cause] if cause < len(starts.RESET_TEXTS) else f"cause {cause}, which is not known here"
    safe = "; it runs in safe mode" if entry.detail & kinds.BOOT_SAFE_MODE else ""
    trial = "; its firmware is on trial" if entry.detail & kinds.BOOT_TRIAL else ""
    return f"started by {known}{safe}{trial}"


def update(entry: Entry) -> str:
    """How far an update of the firmware is, and why it ended so."""
    stage, reason = entry.detail & _CAUSE, entry.detail >> 8
    name = _STAGES[stage] if stage < len(_STAGES) else f"stage {stage}, which is not known here"
    known = kinds.UPDATE_REASONS[reason] if reason < len(kinds.UPDATE_REASONS) else f"reason {reason}"
    return f"firmware {version_text(entry.reference_a)}: {name}" + (f": {known}" if known else "")


def own_reset(entry: Entry) -> str:
    """Which part of the firmware ended the last run, by the first four letters of its name, and what of."""
    letters = entry.reference_a.to_bytes(4, "big").rstrip(b"\0")
    part = "".join(chr(letter) if 32 <= letter < 127 else "?" for letter in letters) or "?"
    error, number = entry.reference_b >> 16, entry.reference_b & 0xFFFF
    name = starts.ERROR_NAMES[error] if error < len(starts.ERROR_NAMES) else f"error {error}"
    return " ".join(filter(None, (f"restarted itself: {part}", name, str(number) if number else "")))
