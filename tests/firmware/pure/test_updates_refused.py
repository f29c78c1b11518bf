"""What an update must not bring: each release and chunk that is refused, with its one reason."""

import hashlib

from shared import command_results as results
from shared.update import CHUNK
from tests.fakes.house import House
from tests.fakes.slots import image_of
from tests.fakes.station import NEW, OLD, Station, signed_manifest

IMAGE = image_of(NEW)


def refusal(payload):
    """The result of a command with this payload, of which nothing may be left."""
    station = Station()
    station.trust_time()
    station.receive(station.update_command(payload))
    result = station.result()
    station.run(IMAGE, 20)
    assert station.version == OLD and station.asked == [] and "update" not in station.flash.files
    assert station.chip.writes == 0
    return result


def test_an_unsigned_release_is_refused():
    assert refusal(signed_manifest(IMAGE, seed=bytes(32))) == results.BAD_SIGNATURE


def test_a_manifest_that_cannot_be_read_is_refused():
    assert refusal(b"PSupman1" + bytes(100)) == results.BAD_PAYLOAD
    assert refusal(signed_manifest(IMAGE, minimum=NEW + 1)) == results.BAD_PAYLOAD


def test_a_release_for_another_board_is_refused():
    assert refusal(signed_manifest(IMAGE, board=b"other")) == results.OTHER_BOARD


def test_an_older_release_and_the_running_one_are_refused():
    assert refusal(signed_manifest(image_of(OLD - 1))) == results.OLD_FIRMWARE
    assert refusal(signed_manifest(image_of(OLD))) == results.OLD_FIRMWARE


def test_a_permission_for_another_gateway_or_start_is_none():
    older = image_of(OLD - 1)
    assert refusal(signed_manifest(older, gateway=1002, boot_nonce=bytes(8))) == results.OLD_FIRMWARE
    assert refusal(signed_manifest(older, gateway=1001, boot_nonce=b"\1" * 8)) == results.OLD_FIRMWARE


def test_an_image_larger_than_a_slot_is_refused():
    assert refusal(signed_manifest(IMAGE, size_b=16385)) == results.TOO_LARGE


def test_a_gateway_without_slots_says_so():
    house = House()
    house.trust_time()

    house.receive(house.command(9, signed_manifest(IMAGE)))

    assert house.result() == results.NO_SLOTS


def test_chunks_of_another_image_place_or_size_are_refused_in_so_many_words():
    station = Station()
    station.trust_time()
    station.receive(station.update_command(signed_manifest(IMAGE)))
    station.step(2)
    image_id = hashlib.sha256(IMAGE).digest()[:8]

    said = [
        station.receive(CHUNK.encode(image=bytes(8), offset=0, data=bytes(2048))),
        station.receive(CHUNK.encode(image=image_id, offset=2048, data=bytes(2048))),
        station.receive(CHUNK.encode(image=image_id, offset=0, data=bytes(2047))),
        station.receive(CHUNK.encode(image=image_id, offset=0, data=bytes(2049))),
    ]

    assert said == [
        "refused: a chunk of another image",
        "refused: a chunk at 2048, 0 is next",
        "refused: a chunk of 2047 bytes, 2048 are due",
        "refused: a chunk of 2049 bytes, 2048 are due",
    ]


def test_chunks_that_nobody_asked_for_are_refused():
    station = Station()

    said = station.receive(CHUNK.encode(image=bytes(8), offset=0, data=bytes(2048)))

    assert said == "refused: no image is being downloaded"
