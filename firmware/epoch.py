"""Begins the epoch of an enrolment: what every start of the gateway goes through, and enrolment (firmware/enrol.py).

It is apart from enrolment, and brings what writes an opening only when an epoch begins: a running board has no heap for
either.
"""

from firmware import settings as config
from firmware.ledger.store import Store
from shared.errors import SharedError

_LEDGER_FILES = (
    "seg-",
    "check-",
    "mark-",
    "acked-",
    "journal-",
    "counted-",
    "policy-",
    "floor-",
    "tariff-",
    "key-",
    "recovery",
    "time-",
    "update",
)
BEGUN = "begun"  # the epoch that has its first entries


class EnrolError(SharedError):
    """The enrolment cannot go on; the message says what to do."""


def start(flash) -> "tuple[config.Settings, config.Identity] | None":
    """What the gateway starts with, its epoch begun; None before enrolment.

    WireError or EnrolError: what enrolment left is damaged; enrol the gateway again.
    """
    if config.load(flash) is None:
        return None
    settings, own = in_force(flash)
    begin_epoch(flash, settings, own)
    return settings, own


def begin_epoch(flash, settings: config.Settings, own: config.Identity) -> None:
    """Write the first group of the epoch, unless it began. Called at every start, so a cut before it is healed.

    It never begins twice: the file `begun`, the ledger and its marks each say so, and one of them is enough.
    """
    begun = settings.epoch.to_bytes(2, "big")
    if flash.has(BEGUN) and flash.read(BEGUN) == begun:
        return
    store = open_store(flash, settings, own)
    marked = store.marked()
    if not store.state.sequence and (marked is None or not marked[0]):
        for prefix in _LEDGER_FILES:
            for name in flash.names(prefix):
                flash.remove(name)
                if "/" in name:
                    flash.remove_folder(name.split("/")[0])  # once it is empty
        from firmware import opening  # late: an epoch begins once in years

        store = open_store(flash, settings, own)
        store.mark()
        store.append(opening.entries_of(settings))
        store.mark()
    flash.replace(BEGUN, begun)
    config.settle_identity(flash)


def in_force(flash) -> "tuple[config.Settings, config.Identity]":
    """Settings and key pairs of the epoch in force; EnrolError when either is lost."""
    settings = config.load(flash)
    own = config.load_identity(flash)
    if settings is None or own is None:
        raise EnrolError("the keys of this epoch are lost; enrol the gateway again in a new one")
    return settings, own


def open_store(flash, settings: config.Settings, own: config.Identity) -> Store:
    """The ledger of the epoch in force."""
    return Store(flash, settings.utility, settings.gateway, settings.epoch, own.device_public)
