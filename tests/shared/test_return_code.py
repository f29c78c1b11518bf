"""Return codes: what they prove, what a wrong one proves, and how few guesses are answered."""

from shared import return_code
from shared.errors import WireError
from shared.return_code import ReturnCodeError, band, check, make, pin
from tests.helpers import raises

KEY = bytes(range(32))
# Made with hmac, hashlib and struct of CPython alone.
KNOWN = (
    ((1, 0, 0, 0, 0), "000075180177"),
    ((1, 1, 6700000, 1, 12), "000142943908"),
    ((65535, 123456, 0xFFFFFF, 14, 48), "345638544549"),
    ((2, 4294967295, 1, 1, 3), "729536981615"),
)


def test_codes_are_those_of_a_plain_hmac_truncated_as_by_rfc_4226():
    for fields, code in KNOWN:
        assert make(KEY, *fields) == code


def test_the_counter_is_read_in_the_first_four_digits():
    assert [make(KEY, 1, counter, 5, 1, 0)[:4] for counter in (7, 9999, 10000, 30007)] == [
        "0007",
        "9999",
        "0000",
        "0007",
    ]


def test_every_field_and_the_key_make_another_code():
    fields = (1, 12, 500, 1, 9)
    codes = {make(KEY, *fields), make(bytes(32), *fields)}
    for at in range(len(fields)):
        changed = list(fields)
        changed[at] += 10000
        if at > 2:
            changed[at] = fields[at] + 1
        codes.add(make(KEY, *changed)[4:])

    assert len(codes) == 7


def test_a_code_is_found_among_the_candidates():
    candidates = [(counter, 900 + counter, 1, balance_band) for counter in range(10) for balance_band in range(10)]
    code = make(KEY, 3, 7, 907, 1, 4)

    assert check(KEY, code, 3, candidates) == (7, 907, 1, 4)


def test_a_code_of_another_epoch_key_token_or_balance_is_not_found():
    code = make(KEY, 3, 7, 907, 1, 4)

    assert check(KEY, code, 4, [(7, 907, 1, 4)]) is None
    assert check(bytes(32), code, 3, [(7, 907, 1, 4)]) is None
    assert check(KEY, code, 3, [(7, 908, 1, 4), (7, 907, 14, 4), (7, 907, 1, 5), (10007, 907, 1, 4)]) is None
    assert check(KEY, code, 3, []) is None


def test_every_digit_counts():
    code = make(KEY, 3, 7, 907, 1, 4)
    for at in range(12):
        other = code[:at] + str((int(code[at]) + 1) % 10) + code[at + 1 :]
        assert check(KEY, other, 3, [(7, 907, 1, 4)]) is None


def test_a_guess_is_not_helped_by_many_candidates():
    many = [(counter, 1, 1, 0) for counter in range(101)]

    assert check(KEY, make(KEY, 1, 99, 1, 1, 0), 1, many[:100]) == (99, 1, 1, 0)
    assert "101 candidates are too many" in str(raises(ReturnCodeError, check, KEY, "000000000000", 1, many))


def test_what_is_no_code_is_refused():
    for code in ("", "12345678901", "1234567890123", "1234 5678901", "12345678901a", "\uff1123456789012"):
        assert "12 digits" in str(raises(ReturnCodeError, check, KEY, code, 1, []))


def test_a_value_that_does_not_fit_is_refused():
    assert "counter" in str(raises(WireError, make, KEY, 1, 1 << 32, 1, 1, 0))


def test_the_band_is_the_bit_length_of_the_thousands():
    assert [band(balance) for balance in (-5000, -1, 0, 999, 1000, 1999, 2000, 25000, (1 << 47) - 1, 1 << 80)] == [
        0,
        0,
        0,
        0,
        1,
        1,
        2,
        5,
        38,
        return_code.BAND_MAX,
    ]


def test_the_pin_of_a_meter_has_four_digits_and_follows_its_key():
    pins = {pin(bytes([i]) * 32) for i in range(50)}

    assert pin(KEY) == "6938"
    assert all(len(digits) == 4 and digits == "{:04d}".format(int(digits)) for digits in pins)
    assert len(pins) > 45
