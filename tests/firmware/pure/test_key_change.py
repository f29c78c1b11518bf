"""A key change at the keypad: sections in any order, the whole set at once, and never back to a retired key."""

from firmware import enrol
from firmware.meter.key import KEY_SET_LIMIT_MS
from shared import documents, kinds
from shared.key_data import KeyData
from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.key_change import NewKey, sections_of
from shared.sts.sample_tables import SAMPLE_P, SAMPLE_S1, SAMPLE_S2, sample_tables
from shared.sts.token import encode
from tests.fakes.house import House, bundle, decoder_key
from tests.fakes.keypad import press
from tests.fakes.keys import check_of, credit, new_key, sections, tid_of

OLD_CHECK = documents.key_check(decoder_key(0))


def enter(house, digits, order=(0, 1, 2, 3)):
    return [house.type(digits[at]) for at in order]


def key(house):
    return house.gateway.core.keys[0]


def test_four_sections_in_order_change_the_key_and_keep_the_credit():
    house = House()
    house.type(house.token(25))
    new = new_key()

    codes = enter(house, sections(new))

    assert codes == [2, 3, 17, 18] and house.balance() == 2500000
    assert (key(house).krn, key(house).ti, key(house).kt, key(house).ken) == (2, 7, 2, 200)
    assert house.type(credit(5, tid_of(50), new)) == 1 and house.balance() == 3000000
    assert house.type(house.token(5)) == 13


def test_sections_come_in_any_order_and_again():
    new = new_key()
    for order in ((3, 2, 1, 0), (1, 3, 0, 2), (2, 2, 0, 1, 1, 3)):
        house = House()

        codes = enter(house, sections(new), order)

        assert codes == [(2, 3, 17, 18)[at] for at in order]
        assert house.meter().key_check == check_of(new)


def test_the_change_is_one_entry_that_holds_no_key():
    house = House()
    new = new_key(roll_over=True)

    enter(house, sections(new))

    changes = [entry for entry in house.entries() if entry.kind == kinds.KEY_CHANGE]
    data = KeyData(changes[0])
    assert len(changes) == 1 and data.check == check_of(new)
    assert (data.krn, data.ti, data.kt, data.ken, data.base_code, data.roll_over) == (2, 7, 2, 200, 35, True)
    for name in house.flash.names():
        assert name.startswith("key-") or new.decoder_key not in house.flash.read(name)


def test_the_new_key_is_in_force_after_a_restart_and_from_either_copy():
    for damaged in (None, "key-0-a", "key-0-b"):
        house = House()
        new = new_key()
        enter(house, sections(new))
        if damaged is not None:
            house.flash.flip(damaged, 30)

        house.reboot()

        assert house.type(credit(5, tid_of(50), new)) == 1
        house.reboot()
        assert house.gateway.recovery == "" and house.type(credit(5, tid_of(51), new)) == 1


def test_a_key_that_is_lost_in_both_copies_takes_no_tokens():
    house = House()
    enter(house, sections(new_key()))
    house.flash.remove("key-0-a")
    house.flash.remove("key-0-b")

    house.reboot()

    assert house.gateway.recovery == "a decoder key is lost" and house.type(house.token(5)) == 16


def test_a_partial_set_is_forgotten_by_time_and_by_a_power_cut():
    new = new_key()
    digits = sections(new)
    late, cut, slow = House(), House(), House()
    for house in (late, cut, slow):
        enter(house, digits, (0, 1, 2))

    late.now_ms += KEY_SET_LIMIT_MS
    cut.reboot()
    slow.now_ms += KEY_SET_LIMIT_MS - 1
    codes = [house.type(digits[3]) for house in (late, cut, slow)]

    assert codes == [18, 18, 18]
    assert [house.meter().key_check for house in (late, cut, slow)] == [OLD_CHECK, OLD_CHECK, check_of(new)]


def test_sections_are_no_wrong_entries():
    house = House()
    digits = sections(new_key())

    for _ in range(8):
        house.type(digits[0])

    assert house.meter().failures == 0 and house.state.keypad_failures == 0


def test_sections_of_another_meter_are_rejected():
    house = House(meters=2)

    assert house.type(sections(new_key(), channel=1)[0]) == 13


def test_only_key_types_that_can_follow_are_taken():
    for old_kt, new_kt, code in ((2, 0, 5), (2, 3, 5), (2, 1, 18), (1, 2, 18), (1, 0, 5), (0, 0, 18), (0, 1, 18)):
        house = House(kt=old_kt)

        codes = enter(house, sections(new_key(kt=new_kt)))

        assert codes == [2, 3, 17, code], (old_kt, new_kt)
        assert (house.meter().key_check == OLD_CHECK) == (code == 5)


def test_a_refused_set_is_forgotten_whole():
    house = House()
    enter(house, sections(new_key(kt=3)))

    codes = enter(house, sections(new_key()), (3,))

    assert codes == [18] and house.meter().key_check == OLD_CHECK


def test_a_default_key_takes_sections_and_no_credit():
    house = House()
    default = new_key(kt=1)
    enter(house, sections(default))
    refused = house.type(credit(5, tid_of(50), default))

    back = enter(house, sections(new_key(0x66), default.decoder_key))

    assert refused == 12 and back == [2, 3, 17, 18] and house.type(credit(5, tid_of(50), new_key(0x66))) == 1


def test_the_expiry_of_the_new_key_counts():
    house = House()
    new = new_key(ken=50)
    enter(house, sections(new))

    assert house.type(credit(5, tid_of(50), new)) == 11


def test_without_a_roll_over_used_identifiers_stay_used():
    house = House()
    house.type(house.token(5))
    used = house.meter().tids.tids[-1]
    new = new_key()
    enter(house, sections(new))

    assert house.type(credit(5, used, new)) == 10 and house.meter().tids.tids == [used]


def test_a_roll_over_empties_the_memory_and_moves_the_base_date():
    house = House(base_year=1993, tid_minimum=16000000)
    house.type(house.token(25, tid=16000001))
    new = new_key(roll_over=True)

    enter(house, sections(new))

    assert house.meter().tids.tids == [] and house.meter().tids.minimum == 0 and house.balance() == 2500000
    assert key(house).base_year == 2014
    house.trust_time()
    assert house.type(credit(5, tid_of(50), new)) == 1
    assert house.type(credit(5, tid_of(50), new)) == 10


def test_a_key_retired_by_a_roll_over_never_comes_back():
    house = House(base_year=1993)
    first = new_key(0x11)
    enter(house, sections(first))
    rolled = new_key(0x22, roll_over=True)
    enter(house, sections(rolled, first.decoder_key))

    for retired in (decoder_key(0), first.decoder_key):
        back = new_key()
        back.decoder_key = retired
        assert enter(house, sections(back, rolled.decoder_key)) == [2, 3, 17, 11]
        back.roll_over = True
        assert enter(house, sections(back, rolled.decoder_key)) == [2, 3, 17, 11]

    assert house.meter().key_check == check_of(rolled)


def test_a_key_comes_back_after_a_change_without_roll_over():
    house = House()
    other = new_key()
    enter(house, sections(other))
    back = new_key()
    back.decoder_key = decoder_key(0)

    codes = enter(house, sections(back, other.decoder_key))
    house.reboot()

    assert codes[-1] == 18 and house.type(house.token(5)) == 1


def test_a_roll_over_needs_another_key_and_a_base_date_to_go_to():
    same = new_key(roll_over=True)
    same.decoder_key = decoder_key(0)
    last = new_key(roll_over=True)

    assert enter(House(), sections(same)) == [2, 3, 17, 7]
    assert enter(House(base_year=2035, tid_minimum=0), sections(last)) == [2, 3, 17, 7]


def test_only_the_expiry_can_change_under_the_same_key():
    house = House(ken=50)
    same = new_key(ken=255, krn=1, ti=1)
    same.decoder_key = decoder_key(0)

    enter(house, sections(same))
    house.reboot()

    assert key(house).ken == 255 and house.type(house.token(5)) == 1


def test_a_64_bit_meter_takes_two_or_three_sections():
    for sgc, count in ((None, 2), ("654321", 3)):
        house = House(tables=SAMPLE_S1 + SAMPLE_S2 + SAMPLE_P, ea=7, decoder_key=decoder_key(0)[:8])
        new = NewKey(b"\x77" * 8, 255, 3, 2, 4, sgc, False)
        cipher = make_cipher(7, decoder_key(0)[:8], sample_tables())

        codes = [house.type(encode(section, cipher)) for section in reversed(sections_of(new))]
        house.reboot()

        assert codes == [17, 3, 2][3 - count :] and key(house).krn == 3
        changed = make_cipher(7, new.decoder_key, sample_tables())
        assert house.type(encode(TransferCredit(1, 5, tid_of(50), 5), changed)) == 1


def test_sections_by_command_stand_in_a_group_with_it():
    house = House()
    new = new_key()
    for digits in sections(new):
        house.receive(house.token_command(digits))

    entries = house.entries()
    assert [entry.detail for entry in entries if entry.kind == kinds.COMMAND] == [0x102, 0x103, 0x111, 0x112]
    assert [entry.kind for entry in entries[-2:]] == [kinds.COMMAND, kinds.KEY_CHANGE]
    assert entries[-2].group_left == 1 and KeyData(entries[-1]).method == kinds.REMOTE
    assert house.meter().key_check == check_of(new)


def test_no_room_for_the_new_key_keeps_the_old_one_and_the_set():
    house = House()
    new = new_key()
    digits = sections(new)
    enter(house, digits, (0, 1, 2))
    rewrite = house.flash.rewrite_steps
    house.flash.rewrite_steps = _full_for_keys(rewrite)

    full = house.type(digits[3])
    house.flash.rewrite_steps = rewrite
    again = house.type(digits[3])

    assert (full, again) == (16, 18) and house.meter().key_check == check_of(new)


def test_a_new_epoch_forgets_the_keys_of_the_old_one():
    house = House()
    enter(house, sections(new_key()))
    enrol.store_bundle(house.flash, bundle(1, epoch=2))

    house.reboot()

    assert not [name for name in house.flash.names() if name.startswith("key-")]
    assert house.type(house.token(5)) == 1


def test_the_display_says_which_parts_are_missing_and_then_the_new_key():
    house = House()
    digits = sections(new_key())
    shown = []
    for token in digits:
        for symbol in token:
            press(house.gateway, symbol, house.now_ms)
        shown.append([house.gateway.lines(house.now_ms + at_ms) for at_ms in (0, 3000)])
        house.now_ms += 9000

    assert shown[0] == [("KEY PART 1 OK", ""), ("Parts missing", "2 3 4")]
    assert shown[3] == [("KEY PART 4 OK", ""), ("New key", "KRN 2 TI 07")]


def _full_for_keys(rewrite):
    def full(name, data):
        if name.startswith("key-"):
            raise OSError(28)
        return rewrite(name, data)

    return full
