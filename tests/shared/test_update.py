"""The manifest of a release, and what entries about updates do to the state."""

from shared import checks, kinds
from shared.entries import Entry
from shared.errors import WireError
from shared.state import GatewayState, from_bytes
from shared.update import MANIFEST, decode_manifest, version_number, version_text
from tests.helpers import raises


def manifest(**changes):
    fields = {
        "board": b"rp2_pico_ppp",
        "version": 0x01000002,
        "minimum": 0x01000000,
        "gateway": 0,
        "boot_nonce": bytes(8),
        "size_a": 700000,
        "sha256_a": bytes(range(32)),
        "size_b": 700004,
        "sha256_b": bytes(range(1, 33)),
    }
    fields.update(changes)
    return MANIFEST.encode(**fields)


def entry(state, stage, version, reference_b=0):
    return Entry(state.sequence + 1, 100, kinds.UPDATE, detail=stage, reference_a=version, reference_b=reference_b)


def folded(*rows):
    """A state after entries about updates, none of which contradicts."""
    state = GatewayState(1, 2, 3)
    for row in rows:
        next_entry = entry(state, *row)
        assert checks.contradiction(state, next_entry, None) == ""
        state.apply(next_entry)
    return state


def test_a_manifest_names_an_image_for_each_slot():
    read = decode_manifest(manifest())

    assert (read.board, version_text(read.version)) == ("rp2_pico_ppp", "1.0.2")
    assert [image.size for image in read.images] == [700000, 700004]
    assert read.images[1].id == bytes(range(1, 9))


def test_what_no_manifest_says_is_refused():
    for wrong in (
        {"version": 0, "minimum": 0},
        {"minimum": 0x01000003},
        {"board": b""},
        {"board": b"../etc"},
        {"size_a": 0},
        {"size_b": 0},
    ):
        raises(WireError, decode_manifest, manifest(**wrong))


def test_manifests_that_differ_in_anything_have_another_check():
    assert decode_manifest(manifest()).check != decode_manifest(manifest(gateway=1)).check


def test_versions_read_back_as_they_are_written():
    for text in ("0.1.0", "1.2.3", "255.255.65535"):
        assert version_text(version_number(text)) == text
    for wrong in ("1.2", "1.2.x", "256.0.0", "1.2.65536", ""):
        raises(ValueError, version_number, wrong)


def test_a_trial_is_kept_and_its_minimum_never_falls():
    state = folded(
        (kinds.UPDATE_TRIAL, 9), (kinds.UPDATE_KEPT, 9, 7), (kinds.UPDATE_TRIAL, 8), (kinds.UPDATE_KEPT, 8, 3)
    )

    assert (state.firmware_minimum, state.firmware_trial) == (7, 0)


def test_a_rollback_leaves_the_minimum():
    state = folded((kinds.UPDATE_TRIAL, 9), (kinds.UPDATE_ROLLED_BACK, 9, 9))

    assert (state.firmware_minimum, state.firmware_trial) == (0, 0)


def test_what_was_not_on_trial_is_neither_kept_nor_rolled_back():
    state = folded((kinds.UPDATE_TRIAL, 9))

    for row in ((kinds.UPDATE_KEPT, 8), (kinds.UPDATE_ROLLED_BACK, 8), (kinds.UPDATE_TRIAL, 8), (0, 9), (5, 9)):
        assert checks.contradiction(state, entry(state, *row), None) != "", row
    assert checks.contradiction(state, entry(state, kinds.UPDATE_KEPT, 9, 10), None) != ""


def test_the_state_is_written_as_before_until_something_is_tried():
    state = GatewayState(1, 2, 3)
    assert state.to_bytes()[:8] == b"PSstate1"

    tried = folded((kinds.UPDATE_TRIAL, 9), (kinds.UPDATE_KEPT, 9, 7))

    assert tried.to_bytes()[:8] == b"PSstate2" and len(tried.to_bytes()) == len(state.to_bytes()) + 8
    assert from_bytes(tried.to_bytes()).firmware_minimum == 7
    assert from_bytes(tried.to_bytes()).digest() == tried.digest() and from_bytes(state.to_bytes()).digest()
    assert tried.copy([]).digest() == tried.digest()
