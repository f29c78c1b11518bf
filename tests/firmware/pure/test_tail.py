"""The tail of the ledger: a short segment for what is new, emptied into the body before it, and never counted twice."""

from firmware.ledger.store import FlashFull, Store
from shared import kinds
from shared.entries import BODY_SIZE, Entry
from shared.slices import finish
from tests.fakes.flash import Flash, PowerCut

DEVICE = bytes(range(32))


def store_on(flash):
    return Store(flash, 7, 9, 1, DEVICE)


def boots(count):
    return [Entry(0, 1000, kinds.BOOT) for _ in range(count)]


def segments_of(flash):
    return [int(name[-8:], 16) for name in flash.names("seg-")]


def begun(flash):
    """An empty ledger as enrolment leaves it: the mark at the start of the chain."""
    store = store_on(flash)
    store.mark()
    return store


def test_the_tail_is_emptied_into_the_body_whenever_the_power_goes():
    for per_group, groups in ((3, 3), (1, 8), (1, 72), (3, 24), (2, 36), (5, 14)):
        cut = 0
        done = False
        while not done:
            flash = Flash()
            store = begun(flash)
            for _ in range(groups):
                store.append(boots(per_group))
            head = store.head
            flash.cut_after = flash.written + cut
            try:
                store.append(boots(8))
                done = True
            except PowerCut:
                pass
            flash = flash.after_reboot()
            again = store_on(flash)
            again.append(boots(3))
            third = store_on(flash.after_reboot())
            extra = third.state.sequence - per_group * groups

            assert again.damage == third.damage == "" and extra in ((11,) if done else (3, 11))
            assert third.head_at(per_group * groups) == head and third.head == again.head
            cut += 13


def test_a_tail_that_rests_leaves_room_for_a_token():
    flash = Flash()
    store = begun(flash)
    store.append(boots(4))
    files = list(flash.names())
    finish(store.rest_steps())
    store.append(boots(4))
    finish(store.rest_steps())
    as_before = flash.names() == files
    store.append(boots(4))
    finish(store.rest_steps())

    assert as_before and segments_of(flash) == [1]
    assert store_on(flash.after_reboot()).head == store.head


def test_way_is_made_for_entries_that_the_tail_has_no_room_for():
    store = begun(Flash())
    store.append(boots(66))
    store.append(boots(3))
    few = list(store.make_way_steps(5))
    many = len(list(store.make_way_steps(6)))

    assert few == [] and many > 0 and list(store.make_way_steps(6)) == []


def test_between_the_steps_of_its_emptying_the_tail_is_read_written_and_cut_as_ever():
    for tail, then in ((4, 0), (6, 1), (8, 3), (5, 8), (4, 2)):
        for at in range(4):
            flash = Flash()
            store = begun(flash)
            store.append(boots(66))  # a body with room for three more
            for _ in range(tail):
                store.append(boots(1))
            before = store.state.sequence, store.head
            steps = store.rest_steps()
            for _ in range(at):
                next(steps, None)

            cut = store_on(flash.after_reboot())
            assert cut.damage == "" and (cut.state.sequence, cut.head) == before
            assert store.head_at(before[0]) == store.head
            assert len(store.run(66, 100, False)[1]) == BODY_SIZE * (tail + 1)

            if then:
                store.append(boots(then))
            finish(steps)
            for _ in range(3):
                store.append(boots(1))
                finish(store.make_way_steps(5))
            again = store_on(flash.after_reboot())
            assert (again.damage, again.head) == ("", store.head), (tail, then, at)
            assert again.state.sequence == before[0] + then + 3 and len(segments_of(flash)) <= 5


def test_the_folder_of_the_next_segment_is_made_while_the_ledger_rests():
    flash = Flash()
    store = begun(flash)
    for _ in range(2010 // 67):
        store.append(boots(67))
    finish(store.rest_steps())
    finish(store.rest_steps())

    assert flash.folders == ["seg-000001"]


def test_a_segment_that_is_full_is_followed_by_the_next():
    flash = Flash()
    store = begun(flash)
    for _ in range(300):
        store.append(boots(1))

    firsts = segments_of(flash)

    assert firsts[:4] == [1, 70, 139, 208]
    assert len(firsts) <= 6 and store_on(flash.after_reboot()).head == store.head


def test_a_flash_that_refuses_while_the_tail_is_emptied_loses_nothing():
    for groups in (8, 72):
        for refused in ("append", "append_steps", "replace", "remove"):
            flash = Flash()
            store = begun(flash)
            for _ in range(groups):
                store.append(boots(1))
            works = getattr(flash, refused)
            setattr(flash, refused, _refuses_once(flash, refused, works))
            try:
                store.append(boots(3))
            except FlashFull:
                store.append(boots(3))
            store.append(boots(8))
            bodies = store.run(1, groups + 11, False)[1]

            again = store_on(flash.after_reboot())

            assert again.damage == "" and again.head == store.head and len(bodies) == (groups + 11) * BODY_SIZE


def _refuses_once(flash, name, works):
    def refuse(*arguments):
        setattr(flash, name, works)
        raise OSError(5)

    return refuse
