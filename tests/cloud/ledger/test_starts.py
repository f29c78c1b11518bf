"""Why a gateway started, in words; and safe mode, which is a case."""

import pytest

from cloud.ledger import words
from cloud.ledger.service import Ingest
from firmware.resets import codes
from shared import kinds, starts
from shared.entries import Entry
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_verdicts import ready, send
from tests.fakes.utility import Town


def own_reset(reason: str) -> Entry:
    task, error = codes(reason)
    return Entry(1, 1, kinds.EVENT, detail=kinds.EVENT_OWN_RESET, reference_a=task, reference_b=error)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("sync: OSError(110,)", "restarted itself: sync OSError 110"),
        ("display: is silent", "restarted itself: disp is silent"),
        ("main: MemoryError('no memory',)", "restarted itself: main MemoryError"),
        ("a clean day ends safe mode", "restarted itself: a cl"),
        ("", "restarted itself: ?"),
    ],
)
def test_what_ended_the_last_run_is_told_in_words(reason: str, text: str) -> None:
    assert words.of(own_reset(reason)) == text


def test_each_cause_of_a_start_has_words() -> None:
    told = [words.start(Entry(1, 1, kinds.BOOT, detail=cause)) for cause in range(len(starts.RESET_TEXTS) + 1)]

    assert len(set(told)) == len(told) and "watchdog" in told[kinds.RESET_WATCHDOG] and "not known" in told[-1]
    trial = words.start(Entry(1, 1, kinds.BOOT, detail=kinds.RESET_OWN | kinds.BOOT_TRIAL | kinds.BOOT_SAFE_MODE))
    assert trial == "started by its own decision; it runs in safe mode; its firmware is on trial"


async def test_a_gateway_in_safe_mode_is_a_case_and_a_plain_start_is_none(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    device.write(kinds.BOOT, detail=kinds.RESET_WATCHDOG)
    await send(ingest, town, device)
    plain = await cases(town, device)

    device.write(kinds.BOOT, detail=kinds.RESET_OWN | kinds.BOOT_SAFE_MODE)
    await send(ingest, town, device)

    found = await cases(town, device)
    assert plain == []
    assert [(case.kind, case.detail) for case in found] == [
        ("safe mode", "started by its own decision; it runs in safe mode")
    ]
