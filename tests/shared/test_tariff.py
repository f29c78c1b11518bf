"""Tariff: the worked examples of tests/vectors/tariff.json, what a document may hold, integers larger than a word."""

from shared.civil import day_of
from shared.errors import WireError
from shared.policy import check_value
from shared.tariff import (
    BLOCK,
    CONTINUE,
    NEVER,
    PRORATE,
    TARIFF,
    UNIT,
    decode_tariff,
    encode_tariff,
    fixed_charge,
    is_share,
    share_from,
)
from tests.helpers import load_vectors, raises

EXAMPLES = load_vectors("tariff")
VOLUME_PLACES = 6
MONEY_PLACES = 5


def scaled(text, places):
    """Decimal text as an integer of 10**-places, without floats: "18.5" with 5 -> 1850000."""
    whole, _, fraction = text.partition(".")
    assert len(fraction) <= places, text
    return int(whole + fraction) * 10 ** (places - len(fraction))


def volume(text, without=-1):
    return without if text in ("none", "never") else scaled(text, VOLUME_PLACES)


def money(text):
    return -1 if text == "none" else scaled(text, MONEY_PLACES)


def tariff_of(example):
    return TARIFFS[example["tariff"]]


def share_of(example):
    rest = example.get("rest_of_month")
    return share_from(rest[0], rest[1]) if rest else 0


def document(**changes):
    values = {
        "utility": 1,
        "meter_group": 2,
        "version": 3,
        "effective_from_s": 1700000000,
        "counters": CONTINUE,
        "fixed_month": 4500000,
        "fixed_days_max": 31,
        "blocks": [(6000000, 1000000), (0, 1850000)],
    }
    values.update(changes)
    return encode_tariff(**values)


def made_of(named):
    blocks = [(volume(row["to"], 0), money(row["price"])) for row in named["blocks"]]
    return decode_tariff(document(blocks=blocks, fixed_month=money(named["fixed_month"])))


TARIFFS = {name: made_of(named) for name, named in EXAMPLES["tariffs"].items()}


def test_each_worked_charge_comes_out_to_the_last_place():
    for example in EXAMPLES["charges"]:
        before, consumed = volume(example["before"]), volume(example["consumed"])

        charged = tariff_of(example).charge(before, consumed, example.get("carried_in", 0), share_of(example))

        assert charged == (money(example["money"]), example.get("carried", 0)), example["say"]


def test_each_worked_volume_is_how_long_the_money_lasts():
    for example in EXAMPLES["volumes"]:
        before, carried = volume(example["before"]), example.get("carried_in", 0)

        lasts = tariff_of(example).volume_for(before, money(example["money"]), carried, share_of(example))

        assert lasts == volume(example["volume"], NEVER), example["say"]


def test_each_worked_position_names_its_block_and_the_price_after_it():
    for example in EXAMPLES["positions"]:
        index, left, price, next_price = tariff_of(example).block(volume(example["at"]), share_of(example))

        assert (index + 1, left) == (example["block"], volume(example["left"])), example["say"]
        assert (price, next_price) == (money(example["price"]), money(example["next_price"])), example["say"]


def test_each_worked_fixed_charge_comes_out_to_the_last_place():
    for example in EXAMPLES["fixed"]:
        year, month, day = example["from"]

        charged = fixed_charge(tariff_of(example).fixed_month, day_of(year, month, day), example["days"])

        assert charged == money(example["money"]), example["say"]


def test_a_tariff_reads_back_as_it_was_written():
    written = document(counters=PRORATE)

    tariff = decode_tariff(written)

    assert (tariff.version, tariff.meter_group, tariff.effective_from_s) == (3, 2, 1700000000)
    assert (tariff.counters, tariff.fixed_month, tariff.fixed_days_max) == (PRORATE, 4500000, 31)
    assert (tariff.limits, tariff.prices) == ((6000000, 0), (1000000, 1850000))
    assert tariff.check == check_value(written)


def test_the_bytes_of_a_tariff_are_those_of_the_format():
    written = document(utility=0x01020304, version=0x0A0B0C0D, blocks=[(0, 0x060504030201)])

    head = b"PStar001\x01\x02\x03\x04\x00\x02\x0a\x0b\x0c\x0d\x65\x53\xf1\x00\x00"
    assert written == head + b"\x00\x00\x00\x44\xaa\x20\x1f\x00\x0c" + b"\0\0\0\0\0\0\x06\x05\x04\x03\x02\x01"


def test_a_wrong_field_is_refused_by_its_name():
    wrong = {
        "version": 0,
        "counters": 3,
        "fixed_month": 1 << 48,
        "fixed_days_max": 256,
        "meter_group": -1,
    }
    for name, value in wrong.items():
        error = raises(WireError, lambda name=name, value=value: document(**{name: value}))

        assert str(error).startswith(name), error


def test_blocks_that_are_no_tariff_are_refused_with_the_row():
    for blocks, part in (
        ([], "1 to 8 rows, got 0"),
        ([(step, 1) for step in range(1, 9)] + [(0, 1)], "1 to 8 rows, got 9"),
        ([(6000000, 1)], "the last row must have no limit"),
        ([(0, 1), (0, 1)], "limit 0 of row 1"),
        ([(5, 1), (5, 1), (0, 1)], "limit 5 of row 2"),
        ([(5, 1), (4, 1), (0, 1)], "limit 4 of row 2"),
        ([(1 << 48, 1), (0, 1)], "limit_ml: 281474976710656 does not fit"),
        ([(0, -1)], "price: -1 does not fit"),
    ):
        error = raises(WireError, lambda blocks=blocks: document(blocks=blocks))

        assert part in str(error), error


def test_a_cut_row_a_leftover_and_another_document_are_refused():
    whole = document()
    cut = TARIFF.decode(whole)
    cut["blocks"] = cut["blocks"][:-1]

    assert "price" in str(raises(WireError, decode_tariff, TARIFF.encode(**cut)))
    assert "left over" in str(raises(WireError, decode_tariff, whole + b"\0"))
    assert "PStar001" in str(raises(WireError, decode_tariff, b"PSpol001" + whole[8:]))


def test_eight_blocks_with_the_largest_limits_and_prices_are_charged_exactly():
    top = (1 << 48) - 1
    blocks = [(top - 7 + row, top - row) for row in range(7)] + [(0, top)]
    tariff = decode_tariff(document(blocks=blocks))

    charged, remainder = tariff.charge(0, top, UNIT - 1, 0)

    # (top - 7) ml at price top, six ml at 1 to 6 less, one at top again: top^2 - 21, and what was carried in;
    # top^2 is 2^96 - 2^49 + 1 = 79228162514263774643590529025
    assert (charged, remainder) == (79228162514263774643591, 529003)


def test_a_volume_beyond_all_registers_is_never():
    tariff = decode_tariff(document(blocks=[(0, 1)]))

    assert tariff.volume_for(0, (NEVER - 1) // UNIT, 0, 0) == NEVER // UNIT * UNIT
    assert tariff.volume_for(0, NEVER, 0, 0) == NEVER
    assert 0 < NEVER < 1 << 47


def test_limits_of_a_short_rest_may_fall_together_and_the_empty_block_is_passed_over():
    tariff = decode_tariff(document(blocks=[(1, 5000000), (3, 7000000), (40, 9000000), (0, 11000000)]))
    share = share_from(10, 30)  # limits 0, 1, 13

    assert tariff.block(0, share) == (1, 1, 7000000, 9000000)
    assert tariff.charge(0, 14, 0, share) == (7 + 12 * 9 + 11, 0)
    assert decode_tariff(document(blocks=[(30, 5), (31, 7), (0, 9)])).block(0, share) == (0, 10, 5, 9)


def test_a_share_is_a_part_of_a_month_and_nothing_else():
    assert share_from(12, 30) == 12 << 8 | 30
    assert share_from(31, 31) == 31 << 8 | 31
    for left, days in ((0, 30), (31, 30), (-1, 30), (1, 32)):
        raises(AssertionError, share_from, left, days)


def test_all_the_days_of_a_month_are_the_whole_month():
    tariff = TARIFFS["household"]

    for days in (28, 29, 30, 31):
        assert tariff.charge(1, 20000000, 7, share_from(days, days)) == tariff.charge(1, 20000000, 7, 0)


def test_a_share_from_an_entry_is_known_for_one_or_not():
    for days in (28, 29, 30, 31):
        for left in range(1, days + 1):
            assert is_share(share_from(left, days)), (left, days)
    for value in (1, 30, 12 << 8, 31 << 8 | 30, 1 << 8 | 27, 1 << 8 | 32, 0xFFFF):
        assert not is_share(value), value


def test_each_day_is_posted_once_however_the_days_are_gathered():
    first = day_of(2027, 11, 20)

    together = fixed_charge(4500001, first, 120)

    assert together == sum(fixed_charge(4500001, first + day, 1) for day in range(120))
    assert fixed_charge(4500001, first, 0) == 0


def test_a_block_row_has_twelve_bytes():
    assert len(BLOCK.encode(limit_ml=1, price=1)) == 12
