"""What people read about an entry of an update."""

import pytest

from cloud.ledger import words
from shared import kinds
from shared.entries import Entry


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (kinds.UPDATE_TRIAL, "firmware 1.2.3: its trial began"),
        (kinds.UPDATE_KEPT, "firmware 1.2.3: kept"),
        (
            kinds.UPDATE_NO_SYNC << 8 | kinds.UPDATE_ROLLED_BACK,
            "firmware 1.2.3: rolled back: the cloud acknowledged nothing within the trial",
        ),
        (200 << 8 | 99, "firmware 1.2.3: stage 99, which is not known here: reason 200"),
    ],
)
def test_an_update_is_told_in_words(detail: int, said: str) -> None:
    assert words.of(Entry(1, 1, kinds.UPDATE, detail=detail, reference_a=0x01020003)) == said
