"""How long the keypad waits after wrong tokens."""

from shared.lockout import keypad_wait_s, wait_s
from shared.policy import Policy


def test_the_lock_doubles_from_ten_seconds_after_three_to_1280():
    policy = Policy()

    waits = [wait_s(failures, policy) for failures in range(13)]

    assert waits == [0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280]
    assert wait_s(65535, policy) == 1280


def test_the_keypad_has_a_count_of_its_own_over_all_meters():
    policy = Policy()

    assert [keypad_wait_s(failures, policy) for failures in (5, 6, 7, 65535)] == [0, 10, 20, 1280]
