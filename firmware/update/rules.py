"""Whether a gateway takes a release, and whether one on trial is kept. Pure: what is there comes in as arguments."""

from shared.command_results import DONE, OLD_FIRMWARE, OTHER_BOARD, TOO_LARGE
from shared.compat import const

TRIAL_MS = const(1800000)
CHECK_EVERY_MS = const(10000)
LIFE_S = const(2592000)  # a download that takes longer than 30 days is given up
STARTS_MAX = const(2)  # a cut may fall between the note of a trial and its start: it is started once more


def objection(manifest, board: str, running: int, minimum: int, gateway: int, boot_nonce: bytes) -> int:
    """DONE, or why this gateway does not take a release: a code of shared/command_results.py."""
    if manifest.board != board:
        return OTHER_BOARD
    permitted = manifest.gateway == gateway and manifest.boot_nonce == boot_nonce
    if manifest.version == running or not (permitted or manifest.version > max(running, minimum - 1)):
        return OLD_FIRMWARE
    return DONE


def too_large(manifest, slot: int, capacity_bytes: int) -> int:
    """DONE, or TOO_LARGE for the image of a slot."""
    return TOO_LARGE if manifest.images[slot].size > capacity_bytes else DONE
