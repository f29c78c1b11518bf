"""Flash over files: what returned is there, and what was interrupted never replaces what was there before."""

import os

from firmware.drivers import flash as driver
from firmware.drivers.flash import FileMissing, Flash, FlashFull
from tests.helpers import raises, scratch

FOLDER = scratch("test-flash")


def fresh(capacity_bytes=None):
    flash = Flash(FOLDER, capacity_bytes)
    for name in flash.names():
        flash.remove(name)
        if "/" in name:
            flash.remove_folder(name.split("/")[0])
    return flash


def test_appends_add_up_and_can_be_read_after_a_restart():
    flash = fresh()
    flash.append("ledger", b"one")
    flash.append("ledger", b"two")

    again = Flash(FOLDER)

    assert again.read("ledger") == b"onetwo"
    assert again.size("ledger") == 6
    assert again.names() == ["ledger"]


def test_replace_gives_a_file_its_new_contents():
    flash = fresh()
    flash.replace("state", b"old and longer")

    flash.replace("state", b"new")

    assert flash.read("state") == b"new"
    assert flash.names() == ["state"]


def test_the_leftover_of_an_interrupted_replace_is_ignored_and_cleared():
    flash = fresh()
    flash.replace("state", b"old")
    with open(FOLDER + "/state.new", "wb") as file:
        file.write(b"ne")

    assert flash.names() == ["state"]
    again = Flash(FOLDER, 1000)

    assert again.read("state") == b"old" and again.free() == 997
    assert os.listdir(FOLDER) == ["state"]


def test_a_missing_file_has_its_own_error():
    flash = fresh()

    raises(FileMissing, flash.read, "nothing")
    raises(FileMissing, flash.size, "nothing")
    raises(FileMissing, flash.remove, "nothing")
    assert raises(OSError, flash.read, "nothing").errno == 2


def test_a_removed_file_is_gone():
    flash = fresh()
    flash.append("segment", b"x")

    flash.remove("segment")

    assert flash.names() == []


def test_names_come_in_order():
    flash = fresh()
    for name in ("c", "a", "b"):
        flash.append(name, b"")

    assert flash.names() == ["a", "b", "c"]


def test_a_full_flash_refuses_and_keeps_what_it_has():
    flash = fresh(10)
    flash.append("a", b"1234")
    assert flash.free() == 6

    raises(FlashFull, flash.append, "b", b"1234567")
    raises(FlashFull, flash.replace, "a", b"1234567")

    assert flash.read("a") == b"1234"
    assert flash.names() == ["a"]


def test_what_is_free_follows_every_change_and_every_restart():
    flash = fresh(1000)
    flash.append("a", bytes(100))
    flash.append("a", bytes(50))
    flash.replace("b", bytes(200))
    flash.replace("b", bytes(30))
    flash.append("c", bytes(7))
    flash.remove("c")

    assert flash.free() == 1000 - 150 - 30
    assert Flash(FOLDER, 1000).free() == 1000 - 150 - 30


def test_only_plain_names_and_those_in_a_folder_are_taken():
    flash = fresh()

    for name in ("", "a/b/c", "../x", "/x", ".x", "a.new"):
        raises(AssertionError, flash.append, name, b"")


def test_a_folder_is_made_for_its_first_file_and_goes_once_it_is_empty():
    flash = fresh()
    flash.append("seg-1/seg-11", b"one")
    flash.append("seg-1/seg-12", b"two")
    flash.append("segments", b"")
    flash.replace("seg-1/seg-12", b"three")

    assert flash.names() == ["seg-1/seg-11", "seg-1/seg-12", "segments"] and flash.names("seg-") == flash.names()[:2]
    assert flash.read("seg-1/seg-12") == b"three" and Flash(FOLDER, 100).free() == 100 - 8
    flash.remove_folder("seg-1")
    assert flash.names("seg-1") == ["seg-1/seg-11", "seg-1/seg-12"]
    for name in flash.names("seg-1"):
        flash.remove(name)
    flash.remove_folder("seg-1")
    assert os.listdir(FOLDER) == ["segments"]


def test_a_folder_can_be_made_ahead():
    flash = fresh()
    flash.make_folder("seg-1")
    flash.make_folder("seg-1")
    flash.append("seg-1/seg-11", b"one")

    assert flash.names() == ["seg-1/seg-11"]


def test_what_is_written_in_steps_is_there_at_their_end_and_room_is_reckoned_along():
    flash = fresh(1000)
    steps = [len(list(flash.append_steps("a", bytes(100)))) for _ in range(2)]
    steps += [len(list(flash.rewrite_steps(name, [bytes(10), bytes(20)]))) for name in ("a", "b")]
    flash.recount()

    assert steps == [2, 1, 1, 2] and flash.size("a") == flash.size("b") == 30 and flash.free() == 940


def test_without_a_bound_the_file_system_tells_what_is_free():
    assert fresh().free() > 0


def test_a_replace_that_fails_leaves_the_old_file_and_takes_no_room():
    flash = fresh()
    flash.replace("state", b"old")
    working, driver._sync = driver._sync, refuse

    try:
        raises(OSError, flash.replace, "state", b"new and longer")
    finally:
        driver._sync = working

    assert flash.read("state") == b"old"
    assert os.listdir(FOLDER) == ["state"]


def refuse(_file):
    raise OSError(5)
