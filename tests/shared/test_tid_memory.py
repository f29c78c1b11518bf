"""A TID is accepted at most once, and never below what the memory reaches."""

from shared.tid_memory import FRESH, OLD, SIZE, USED, TidMemory


def test_a_tid_is_used_once():
    memory = TidMemory(100)

    memory.accept(200)

    assert memory.judge(200) == USED and memory.judge(199) == FRESH and memory.judge(201) == FRESH


def test_what_is_not_above_the_opening_of_the_meter_is_old():
    memory = TidMemory(100)

    assert (memory.judge(99), memory.judge(100), memory.judge(101)) == (OLD, OLD, FRESH)


def test_a_full_memory_forgets_its_smallest_and_refuses_what_is_below_the_next():
    memory = TidMemory(0)
    for tid in range(10, 10 * (SIZE + 1), 10):
        memory.accept(tid)

    memory.accept(5000)

    assert len(memory.tids) == SIZE and memory.tids[0] == 20
    assert memory.judge(10) == OLD and memory.judge(15) == OLD and memory.judge(21) == FRESH


def test_tids_typed_in_any_order_stay_sorted_and_are_never_taken_twice():
    memory = TidMemory(0)
    order = [(7 * n) % 101 + 1 for n in range(100)]

    taken = [tid for tid in order + order if memory.judge(tid) == FRESH and (memory.accept(tid) or True)]

    assert len(taken) == len(set(taken)) and memory.tids == sorted(memory.tids)
