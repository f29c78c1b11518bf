"""The ledger on flash: durable on return, whole groups only, and a loss is always noticed."""

from firmware.ledger.pair import Pair
from firmware.ledger.recovery import DamageError
from firmware.ledger.store import FlashFull, Store
from shared import chain, kinds
from shared.entries import BODY_SIZE, Entry
from shared.slices import finish
from tests.fakes.flash import Flash, PowerCut
from tests.helpers import raises

DEVICE = bytes(range(32))


def store_on(flash):
    return Store(flash, 7, 9, 1, DEVICE)


def boots(count):
    return [Entry(0, 1000, kinds.BOOT) for _ in range(count)]


def begun(flash):
    """An empty ledger as enrolment leaves it: the mark at the start of the chain."""
    store = store_on(flash)
    store.mark()
    return store


def filled(flash, groups):
    store = begun(flash)
    for _ in range(groups):
        store.append(boots(3))
        store.mark()
    return store


def test_what_was_appended_is_there_after_a_restart():
    flash = Flash()
    store = begun(flash)
    store.append(boots(2))

    again = store_on(flash.after_reboot())

    assert (again.state.sequence, again.state.boots, again.damage) == (2, 2, "")
    assert again.head == store.head


def test_the_head_is_the_chain_over_all_entries():
    flash = Flash()
    store = filled(flash, 60)

    previous, bodies, head = store.run(1, 180)

    assert previous == chain.genesis(7, 9, 1, DEVICE) and len(bodies) == 180 * BODY_SIZE
    assert chain.run(previous, bodies) == head == store.head
    assert store.head_at(99) == chain.run(previous, bodies[: 99 * BODY_SIZE])


def test_a_run_ends_where_a_group_ends():
    store = filled(Flash(), 30)

    previous, bodies, head = store.run(4, 24)
    _, rest, _ = store.run(4, 25)

    assert len(bodies) == len(rest) == 24 * BODY_SIZE
    assert previous == store.head_at(3) and head == store.head_at(27)


def test_a_cut_at_any_byte_keeps_whole_groups_and_all_that_was_returned():
    clean = Flash()
    filled(clean, 26)  # more than a segment
    for cut in range(0, clean.written, 7):
        flash = Flash(cut_after=cut)
        returned = 0
        try:
            store = begun(flash)
            for _ in range(26):
                store.append(boots(3))
                returned += 3
        except PowerCut:
            pass

        again = store_on(flash.after_reboot())

        assert again.damage == "", (cut, again.damage)
        assert again.state.sequence in (returned, returned + 3), (cut, returned, again.state.sequence)
        assert again.state.boots == again.state.sequence


def test_writing_goes_on_behind_a_torn_tail():
    for torn in (1, 20, 58, 59, 100, 173):
        flash = Flash()
        store = filled(flash, 2)
        flash.cut_after = flash.written + torn
        raises(PowerCut, store.append, boots(3))
        flash = flash.after_reboot()
        again = store_on(flash)
        again.append(boots(1))
        again.append(boots(2))

        third = store_on(flash.after_reboot())

        assert again.dropped and third.damage == ""
        assert third.state.sequence == 9 and third.head == again.head
        assert len(third.run(1, 64)[1]) == 9 * BODY_SIZE


def test_a_segment_torn_in_its_head_is_written_anew():
    for torn in (0, 1, 45, 46, 47, 103):
        flash = Flash()
        store = filled(flash, 24)
        finish(store.rest_steps())
        finish(store.rest_steps())  # nothing waits in the tail: the next entry begins another
        flash.cut_after = flash.written + torn
        raises(PowerCut, store.append, boots(1))
        flash = flash.after_reboot()
        store_on(flash).append(boots(2))

        again = store_on(flash.after_reboot())

        assert (again.state.sequence, again.damage) == (74, "")


def test_a_damaged_entry_is_noticed():
    for at in (50, 200, 46 + 58 * 59):
        flash = Flash()
        filled(flash, 24)
        flash.flip("seg-000000/seg-00000001", at)

        assert store_on(flash.after_reboot()).damage != ""


def test_the_mark_is_written_once_for_several_entries_and_never_over_a_damaged_ledger():
    flash = Flash()
    store = filled(flash, 3)
    generations = {name: data for name, data in flash.files.items() if name.startswith("mark")}
    store.mark()
    assert {name: data for name, data in flash.files.items() if name.startswith("mark")} == generations
    flash.files["seg-000000/seg-00000001"] = flash.files["seg-000000/seg-00000001"][:-1]

    damaged = store_on(flash.after_reboot())
    damaged.mark()

    assert damaged.damage and damaged.marked()[0] == 9 > damaged.state.sequence


def test_a_mark_that_a_cut_prevented_is_made_after_the_start():
    flash = Flash()
    store = filled(flash, 2)
    store.append(boots(2))

    again = store_on(flash.after_reboot())
    assert again.damage == "" and again.marked()[0] == 6
    again.mark()

    assert again.marked() == (8, again.head)


def test_a_lost_last_entry_is_noticed():
    flash = Flash()
    filled(flash, 2)
    flash.files["seg-000000/seg-00000001"] = flash.files["seg-000000/seg-00000001"][:-1]

    assert "mark" in store_on(flash.after_reboot()).damage


def test_a_lost_last_segment_is_noticed():
    flash = Flash()
    filled(flash, 24)
    flash.remove([name for name in flash.names() if name.startswith("seg-")][-1])

    assert store_on(flash.after_reboot()).damage != ""


def test_one_lost_mark_is_no_loss_and_two_are_damage():
    flash = Flash()
    filled(flash, 3)
    flash.flip("mark-a", 20)
    one = store_on(flash.after_reboot()).damage
    flash.flip("mark-b", 20)

    assert one == "" and "mark" in store_on(flash.after_reboot()).damage


def test_a_flash_put_back_to_an_older_ledger_is_noticed_by_the_mark():
    flash = Flash()
    store = filled(flash, 3)
    old = dict(flash.files)
    for _ in range(2):
        store.append(boots(1))
        store.mark()
    marks = {name: data for name, data in flash.files.items() if name.startswith("mark")}
    flash.files = old
    flash.files.update(marks)

    assert "below its mark" in store_on(flash.after_reboot()).damage


def test_a_start_takes_the_newest_checkpoint_and_what_came_after():
    flash = Flash()
    store = filled(flash, 30)
    finish(store.checkpoint_steps(1000, 0, 20))
    store.append(boots(2))
    flash.remove("seg-000000/seg-00000001")  # before the checkpoint: not read at start

    again = store_on(flash.after_reboot())

    assert (again.damage, again.state.boots, again.head) == ("", 92, store.head)


def test_a_cut_at_any_byte_of_a_checkpoint_loses_nothing():
    whole = Flash()
    store = filled(whole, 10)
    finish(store.checkpoint_steps(1000, 0, 20))
    store.append(boots(20))
    before = whole.written
    finish(store.checkpoint_steps(1000, 0, 20))
    for cut in range(whole.written - before):
        flash = Flash()
        store = filled(flash, 10)
        finish(store.checkpoint_steps(1000, 0, 20))
        store.append(boots(20))
        flash.cut_after = flash.written + cut
        raises(PowerCut, finish, store.checkpoint_steps(1000, 0, 20))
        flash = flash.after_reboot()
        again = store_on(flash)
        again.append(boots(1))
        finish(again.checkpoint_steps(1000, 0, 1))

        third = store_on(flash.after_reboot())

        assert again.damage == "" and third.damage == "", cut
        assert third.state.boots == 51 and third.head == again.head


def test_a_checkpoint_whose_entry_is_missing_does_not_count():
    flash = Flash()
    store = filled(flash, 10)
    Pair(flash, "check").save(bytes(32) + store.state.to_bytes())

    again = store_on(flash.after_reboot())

    assert again.state.boots == 30 and again.damage == ""


def test_only_acknowledged_segments_older_than_both_checkpoints_are_pruned():
    flash = Flash()
    store = filled(flash, 50)
    assert not store.prune(150, 1 << 30)  # no checkpoint yet
    finish(store.checkpoint_steps(1000, 0, 20))
    store.append(boots(30))
    finish(store.checkpoint_steps(1000, 0, 20))

    assert not store.prune(60, 1 << 30)  # not acknowledged
    assert not store.prune(150, 0)  # no need
    assert [store.prune(150, 1 << 30) for _ in range(3)] == [True, True, False]
    assert store.first_kept() == 139
    again = store_on(flash.after_reboot())
    assert again.damage == "" and again.state.boots == 180


def test_a_full_flash_refuses_before_it_writes():
    flash = Flash(capacity_bytes=2500)
    store = begun(flash)
    entries = 0
    try:
        while True:
            store.append(boots(1))
            entries += 1
    except FlashFull:
        pass

    again = store_on(flash.after_reboot())

    assert entries > 10 and again.state.sequence == entries and again.damage == ""


def test_damage_found_while_reading_is_damage():
    flash = Flash()
    store = filled(flash, 30)
    flash.flip("seg-000000/seg-00000001", 300)

    raises(DamageError, store.run, 1, 24)

    assert store.damage != ""


def test_a_checkpoint_that_is_not_what_its_entry_covers_does_not_count():
    flash = Flash()
    store = filled(flash, 10)
    head = store.head
    finish(store.checkpoint_steps(1000, 0, 20))
    forged = store_on(flash.after_reboot()).state
    forged.sequence = 30
    forged.boots = 5000
    Pair(flash, "check").save(head + forged.to_bytes())

    again = store_on(flash.after_reboot())

    assert again.state.boots == 30 and again.damage == ""


def test_cuts_in_two_checkpoints_in_a_row_leave_the_one_that_counts():
    flash = Flash()
    store = filled(flash, 30)
    finish(store.checkpoint_steps(1000, 0, 20))
    finish(store.checkpoint_steps(1000, 0, 1))
    assert store.prune(91, 1 << 30)
    for _ in range(3):
        flash.cut_after = flash.written + 1 + len(flash.read("check-a"))
        raises(PowerCut, finish, store.checkpoint_steps(1000, 0, 1))
        flash = flash.after_reboot()
        store = store_on(flash)

        assert store.damage == "" and store.state.boots == 90


def test_a_flash_that_refuses_an_append_is_full_and_loses_nothing():
    for groups, torn in ((2, 0), (2, 30), (2, 58), (23, 0), (23, 20), (23, 150)):  # 23 groups fill a segment
        flash = Flash()
        store = filled(flash, groups)
        before = store.state.to_bytes()
        flash.refuse_after = torn
        raises(FlashFull, store.append, boots(3))
        kept = store.state.to_bytes()
        flash.refuse_after = None
        store.append(boots(2))
        store.append(boots(1))

        again = store_on(flash.after_reboot())

        assert kept == before, (groups, torn)
        assert (again.damage, again.head) == ("", store.head), (groups, torn, again.damage)
        assert again.state.sequence == 3 * groups + 3
        assert len(store.run(1, 200)[1]) == again.state.sequence * BODY_SIZE


def test_a_refused_append_is_as_good_as_none_after_a_restart():
    for torn in (0, 30, 58, 100):
        flash = Flash()
        store = filled(flash, 2)
        flash.refuse_after = torn
        raises(FlashFull, store.append, boots(3))

        again = store_on(flash.after_reboot())

        assert (again.damage, again.state.sequence) == ("", 6)
