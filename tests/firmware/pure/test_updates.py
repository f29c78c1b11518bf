"""An update from its command to the end of its trial: what is loaded, tried, kept, and given back."""

from shared import command_results as results
from shared import kinds
from shared.update import version_text
from tests.fakes.keypad import press
from tests.fakes.slots import image_of
from tests.fakes.station import BOARD, NEW, OLD, Station, signed_manifest

IMAGE = image_of(NEW)


def updates(station):
    """(stage, reason, version) of each UPDATE entry."""
    entries = [entry for entry in station.entries() if entry.kind == kinds.UPDATE]
    return [(entry.detail & 255, entry.detail >> 8, entry.reference_a) for entry in entries]


def ordered(payload=None, **changes):
    """A station that was told to update itself."""
    station = Station(**changes)
    station.trust_time()
    station.receive(station.update_command(signed_manifest(IMAGE) if payload is None else payload))
    return station


def test_a_release_is_loaded_tried_and_kept():
    station = ordered(signed_manifest(IMAGE, minimum=OLD))

    station.run(IMAGE)

    assert station.version == NEW and not station.slots.on_trial()
    assert updates(station) == [(kinds.UPDATE_TRIAL, 0, NEW), (kinds.UPDATE_KEPT, 0, NEW)]
    assert (station.state.firmware_minimum, station.state.firmware_trial) == (OLD, 0)
    assert "update" not in station.flash.files and "update-at" not in station.flash.files


def test_a_hello_and_the_entry_of_a_start_name_the_version_that_runs():
    station = ordered()

    station.run(IMAGE)

    boots = [entry.reference_b for entry in station.entries() if entry.kind == kinds.BOOT]
    assert boots == [OLD, NEW]


def test_what_is_kept_goes_on_metering():
    station = ordered()
    station.flow(30)

    station.run(IMAGE)
    station.counts[0] = 0
    station.flow(20)

    assert station.gateway.core.registers[0].volume_ml == 50000


def test_the_next_release_goes_into_the_slot_that_is_free_now():
    station = ordered()
    station.run(IMAGE)
    newer = image_of(NEW + 1)
    station.receive(station.update_command(signed_manifest(newer)))

    station.run(newer)

    assert station.version == NEW + 1 and station.slots.running == 0


def test_of_two_images_that_for_the_other_slot_is_loaded():
    other = image_of(NEW, 4000)
    payload = signed_manifest(IMAGE, size_a=len(other), sha256_a=bytes(32))
    station = ordered(payload)

    station.run(IMAGE)

    assert station.version == NEW


def test_a_permitted_downgrade_is_kept_and_the_minimum_stays():
    station = ordered(signed_manifest(IMAGE, minimum=NEW))
    station.run(IMAGE)
    older = image_of(OLD)
    nonce = station.gateway.messages.boot_nonce
    station.receive(station.update_command(signed_manifest(older, gateway=1001, boot_nonce=nonce)))

    station.run(older)

    assert station.version == OLD and station.state.firmware_minimum == NEW


def test_what_is_below_the_minimum_is_refused_though_it_is_newer_than_what_runs():
    station = ordered(signed_manifest(image_of(NEW + 5), minimum=NEW + 5))
    station.run(image_of(NEW + 5))
    older = image_of(OLD)
    nonce = station.gateway.messages.boot_nonce
    station.receive(station.update_command(signed_manifest(older, gateway=1001, boot_nonce=nonce)))
    station.run(older)

    station.receive(station.update_command(signed_manifest(IMAGE)))

    assert station.version == OLD and station.result() == results.OLD_FIRMWARE


def test_an_image_with_another_hash_is_loaded_twice_and_given_up():
    station = ordered()
    forged = IMAGE[:5000] + b"\0" + IMAGE[5001:]

    station.run(forged, 120)

    assert station.version == OLD
    assert updates(station) == [(kinds.UPDATE_FAILED, kinds.UPDATE_WRONG_HASH, NEW)]
    assert len([asked for asked in station.asked if asked[0] == 0]) == 2


def test_a_chunk_that_was_forged_on_the_way_costs_a_second_download():
    station = ordered()
    station.run(IMAGE[:-1] + b"\0", 6)

    station.run(IMAGE, 60)

    assert station.version == NEW


def test_what_is_not_answered_is_asked_for_again_ever_less_often():
    station = ordered()
    station.step(2)
    asked_ms = []
    for second in range(200):
        if station.gateway.messages.update_request(second * 1000):
            asked_ms.append(second)

    assert asked_ms == [0, 15, 45, 105]


def test_the_end_of_a_download_is_asked_for_exactly():
    station = ordered()

    station.run(IMAGE)

    assert station.asked == [(0, 4), (8192, 1)]


def test_a_flash_that_refuses_three_times_ends_it():
    station = ordered()
    station.chip.refuses = True

    station.run(IMAGE, 200)

    assert updates(station) == [(kinds.UPDATE_FAILED, kinds.UPDATE_FLASH_REFUSED, NEW)]


def test_a_record_that_flash_refuses_ends_an_update_before_the_flash_is_worn_out():
    station = ordered()
    station.chip.refuses_record = True

    station.run(IMAGE, 300)

    assert station.version == OLD and station.chip.record_writes < 5
    assert updates(station) == [
        (kinds.UPDATE_TRIAL, 0, NEW),
        (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_FLASH_REFUSED, NEW),
    ]


def test_a_trial_that_cannot_be_kept_ends():
    station = ordered()
    while station.version == OLD:
        station.run(IMAGE, 1)
    station.chip.refuses_record = True

    station.run(IMAGE, 1805)
    station.chip.refuses_record = False
    assert station.chip.starts_left == 1, "the loader counts"
    station.broken = (NEW,)
    station.run(IMAGE, 1805)

    assert station.version == OLD
    assert updates(station)[-1] == (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_SELF_CHECK, NEW)


def test_a_trial_that_cannot_be_given_up_ends_by_the_loaders_count():
    station = ordered()
    station.broken = (NEW,)
    while station.version == OLD:
        station.run(IMAGE, 1)
    station.chip.refuses_record = True

    station.run(IMAGE, 3 * 1805)

    assert station.version == OLD and station.chip.record_writes < 10
    assert updates(station)[-1][:2] == (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_SELF_CHECK)


def test_a_download_that_takes_too_long_is_given_up():
    station = ordered()
    station.step(5)
    station.clock.time_s += 31 * 86400

    station.run(IMAGE, 5)

    assert updates(station) == [(kinds.UPDATE_FAILED, kinds.UPDATE_TOO_LATE, NEW)]


def test_a_command_stops_what_is_loaded():
    station = ordered()
    station.step(2)

    station.receive(station.update_command(b""))
    station.run(IMAGE, 30)

    assert station.version == OLD and station.result() == results.DONE
    assert updates(station) == [(kinds.UPDATE_FAILED, kinds.UPDATE_STOPPED, NEW)]


def test_a_newer_release_takes_the_place_of_the_one_that_is_loaded():
    station = ordered()
    station.step(2)
    newer = image_of(NEW + 1)

    station.receive(station.update_command(signed_manifest(newer)))
    station.run(newer)

    assert station.version == NEW + 1


def test_the_same_release_again_changes_nothing():
    station = ordered()
    station.exchange(IMAGE)
    station.step(1)
    station.exchange(IMAGE)

    station.receive(station.update_command(signed_manifest(IMAGE)))
    station.run(IMAGE)

    assert station.version == NEW and len([asked for asked in station.asked if asked[0] == 0]) == 1


def test_without_a_link_no_trial_begins():
    station = ordered()
    station.run(IMAGE, 5)
    station.cloud_is_up = False
    station.reboot()

    station.step(600)

    assert station.version == OLD and updates(station) == []


def test_while_somebody_types_no_trial_begins():
    station = ordered()
    press(station.gateway, "1", station.now_ms)

    station.run(IMAGE, 30)
    assert station.version == OLD
    station.gateway.lines(station.now_ms + 600000)
    station.run(IMAGE, 30)

    assert station.version == NEW


def test_an_image_that_the_cloud_does_not_hear_of_is_given_back_after_half_an_hour():
    station = ordered()
    while station.version == OLD:
        station.run(IMAGE, 1)
    station.cloud_is_up = False

    station.run(IMAGE, 1795)
    assert station.version == NEW
    station.run(IMAGE, 10)

    assert station.version == OLD
    assert updates(station) == [(kinds.UPDATE_TRIAL, 0, NEW), (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_NO_SYNC, NEW)]
    assert station.state.firmware_trial == 0 and "update" not in station.flash.files


def test_an_image_that_finds_itself_unfit_is_given_back():
    station = Station()
    station.broken = (NEW,)
    station.trust_time()
    station.receive(station.update_command(signed_manifest(IMAGE, minimum=NEW)))

    station.run(IMAGE, 1900)

    assert station.version == OLD and updates(station)[-1] == (
        kinds.UPDATE_ROLLED_BACK,
        kinds.UPDATE_SELF_CHECK,
        NEW,
    )
    assert station.state.firmware_minimum == 0


def test_an_image_of_another_version_than_its_manifest_says_is_given_back():
    station = ordered(signed_manifest(IMAGE, version=NEW + 5))

    station.run(IMAGE, 1900)

    assert station.version == OLD
    assert updates(station) == [
        (kinds.UPDATE_TRIAL, 0, NEW + 5),
        (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_SELF_CHECK, NEW + 5),
    ]


def test_an_image_that_does_not_start_is_given_back_by_the_loader():
    station = ordered()
    station.dead = (NEW,)

    station.run(IMAGE, 120)

    assert station.version == OLD
    assert updates(station) == [
        (kinds.UPDATE_TRIAL, 0, NEW),
        (kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_DID_NOT_RUN, NEW),
    ]


def test_after_a_rollback_the_same_release_may_be_tried_again():
    station = ordered()
    station.dead = (NEW,)
    station.run(IMAGE, 120)
    station.dead = ()

    station.receive(station.update_command(signed_manifest(IMAGE)))
    station.run(IMAGE)

    assert station.version == NEW


def test_while_a_trial_runs_no_other_release_is_taken():
    station = ordered()
    while station.version == OLD:
        station.run(IMAGE, 1)
    station.trust_time()

    station.receive(station.update_command(signed_manifest(image_of(NEW + 1))))

    assert station.result() == results.UPDATE_RUNS


def test_versions_are_written_as_people_do():
    assert version_text(0x01020003) == "1.2.3"
    assert BOARD == "fake"
