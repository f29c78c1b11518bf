"""Properties of the STS codec over the whole of every field, with hypothesis."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sts import fields
from shared.sts.amounts import (
    UNITS_MAX,
    currency_to_field,
    field_to_currency,
    field_to_units,
    largest_currency_not_above,
    largest_not_above,
    units_to_field,
)
from shared.sts.cipher import make_cipher
from shared.sts.digits import join, split
from shared.sts.key_change import KeyChange, NewKey, sections_of
from shared.sts.sample_tables import sample_tables
from shared.sts.tables import Tables
from shared.sts.time_id import TID_MAX, is_reserved, next_tid, tid_at, time_of
from shared.sts.token import decode, encode
from tests.bench import reference_misty1, reference_sta

TABLES = sample_tables()
BLOCKS = st.binary(min_size=8, max_size=8)
RND, TID = st.integers(0, 15), st.integers(0, TID_MAX)
UNITS = st.integers(0, UNITS_MAX)
LARGEST_CURRENCY = field_to_currency(7, 0xFFFF)
CURRENCY = st.integers(-LARGEST_CURRENCY, LARGEST_CURRENCY) | st.integers(-(10**9), 10**9)
BASE_YEARS = st.sampled_from((1993, 2014, 2035))
SGC = st.integers(0, 999999).map("{:06d}".format)

VALUES = st.one_of(
    st.builds(fields.TransferCredit, st.integers(0, 3), RND, TID, UNITS),
    st.builds(fields.CurrencyCredit, st.integers(4, 7), TID, CURRENCY),
    st.builds(fields.MeterTest, st.just(0), st.integers(0, (1 << 36) - 1), st.integers(0, 255)),
    st.builds(fields.MeterTest, st.just(1), st.integers(0, (1 << 28) - 1), st.integers(0, 0xFFFF)),
    st.builds(fields.ExtendedRead, st.integers(0, 63)),
    st.builds(fields.SetMaximumPowerLimit, RND, TID, UNITS),
    st.builds(fields.SetMaximumPhasePowerUnbalanceLimit, RND, TID, UNITS),
    st.builds(fields.ClearCredit, RND, TID, st.integers(0, 7) | st.just(0xFFFF)),
    st.builds(fields.ClearTamperCondition, RND, TID),
    st.builds(fields.ExtendedSet, RND, TID, st.integers(0, 63), st.integers(0, 1023)),
)
CIPHERS = st.one_of(
    st.binary(min_size=16, max_size=16).map(lambda key: make_cipher(11, key)),
    st.binary(min_size=8, max_size=8).map(lambda key: make_cipher(7, key, TABLES)),
)


@st.composite
def new_keys(draw: st.DrawFn, length: int) -> NewKey:
    key = draw(st.binary(min_size=length, max_size=length))
    ken, krn, kt, ti = (draw(st.integers(*ends)) for ends in ((0, 255), (1, 9), (0, 3), (0, 99)))
    sgc = draw(SGC if length == 16 else SGC | st.none())
    return NewKey(key, ken, krn, kt, ti, sgc, draw(st.booleans()))


@settings(max_examples=500)
@given(VALUES, CIPHERS)
def test_every_value_survives_twenty_digits(value, cipher) -> None:
    token = encode(value, cipher)

    back = decode(token, cipher, None)

    assert type(back) is type(value)
    assert (back.token_class, back.subclass, back.rnd, back.tid) == (
        value.token_class, value.subclass, value.rnd, value.tid,
    )  # fmt: skip
    assert encode(back, cipher) == token
    assert decode(encode(back, cipher), cipher, None) == back


@given(st.integers(0, 3), BLOCKS)
def test_class_and_block_survive_twenty_digits(token_class: int, block: bytes) -> None:
    digits = join(token_class, block)

    assert len(digits) == 20
    assert split(digits) == (token_class, block)


@given(UNITS)
def test_units_round_up_by_less_than_a_step_and_down_to_the_code_before(units: int) -> None:
    field = units_to_field(units)

    assert field_to_units(field) >= units
    assert field == 0 or field_to_units(field - 1) < units
    below = largest_not_above(units)
    assert below <= units
    assert field_to_units(units_to_field(below)) == below
    assert below == UNITS_MAX or field_to_units(units_to_field(below) + 1) > units


@given(CURRENCY)
def test_currency_is_never_rounded_against_the_customer(amount: int) -> None:
    nibble, field = currency_to_field(amount)
    carried = field_to_currency(nibble, field)

    assert carried >= amount
    assert carried == 0 or (carried < 0) == (amount < 0)
    assert field_to_currency(*currency_to_field(carried)) == carried
    if amount >= 0:
        assert largest_currency_not_above(amount) <= amount <= carried


@given(st.binary(min_size=16, max_size=16), BLOCKS)
def test_misty1_equals_the_bit_lists_and_undoes_itself(key: bytes, block: bytes) -> None:
    cipher = make_cipher(11, key)

    assert cipher.encrypt(block) == reference_misty1.encrypt(key, block)
    assert cipher.decrypt(cipher.encrypt(block)) == block == cipher.encrypt(cipher.decrypt(block))


@given(st.permutations(range(16)), st.permutations(range(16)), st.permutations(range(64)), BLOCKS, BLOCKS)
def test_sta_equals_the_bit_lists_under_any_tables(s1, s2, p, key: bytes, block: bytes) -> None:
    tables = Tables(s1, s2, p)
    cipher = make_cipher(7, key, tables)

    assert cipher.encrypt(block) == reference_sta.encrypt(key, block, tables)
    assert cipher.decrypt(block) == reference_sta.decrypt(key, block, tables)
    assert cipher.decrypt(cipher.encrypt(block)) == block


@given(new_keys(16), st.permutations(range(4)))
def test_a_long_key_survives_its_four_tokens_in_any_order(new: NewKey, order: list[int]) -> None:
    _survives(new, make_cipher(11, bytes(16)), order)


@given(new_keys(8), st.permutations(range(3)))
def test_a_short_key_survives_its_tokens_in_any_order(new: NewKey, order: list[int]) -> None:
    _survives(new, make_cipher(7, bytes(8), TABLES), order)


def _survives(new: NewKey, cipher, order: list[int]) -> None:
    tokens = [encode(section, cipher) for section in sections_of(new)]
    change = KeyChange(cipher.ea == 11)
    for i in order:
        if i < len(tokens):
            change.add(decode(tokens[i], cipher))

    assert change.missing() == []
    assert vars(change.new_key()) == vars(new)


@given(TID, BASE_YEARS, st.integers(0, 59))
def test_a_time_gives_its_minute_and_the_minute_its_time(tid: int, base_year: int, seconds: int) -> None:
    made = tid_at(time_of(tid, base_year) + seconds, base_year)

    assert made == (tid + 1 if is_reserved(tid) else tid)


@given(BASE_YEARS, st.lists(st.integers(0, 3 * 86400), min_size=1, max_size=50))
def test_identifiers_only_rise_and_are_never_reserved_whatever_the_clock_does(base_year: int, steps) -> None:
    last = None
    for seconds in steps:
        tid = next_tid(last, time_of(1440, base_year) + seconds, base_year)

        assert last is None or tid > last
        assert not is_reserved(tid)
        last = tid
