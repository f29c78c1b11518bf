"""Meter numbers, and decoder keys from vending keys: what is refused before anything is derived."""

from shared.sts.des import des_encrypt
from shared.sts.errors import IdentityError, KeyDataError
from shared.sts.identity import check_drn, luhn_digit, meter_pan, split_pan
from shared.sts.keys import dkga02, dkga04, has_odd_parity
from tests.helpers import raises

PAN = "600727000000000009"
VENDING_KEY = bytes.fromhex("ABABABABABABABAB949494949494949401234567")


def derive(vending_key=VENDING_KEY, base_year=2014, ea=11, ti=1, sgc="201457", kt=2, krn=1, pan=PAN):
    return dkga04(vending_key, base_year, ea, ti, sgc, kt, krn, pan)


def derive_with(wrong):
    return derive(**wrong)


def test_a_meter_number_makes_its_pan_and_the_pan_gives_it_back():
    for drn, iin, pan in (("00000000000", "600727", PAN), ("0100000000008", "0000", "000001000000000082")):
        assert meter_pan(drn) == meter_pan(drn, iin) == pan
        assert split_pan(pan) == (iin, drn)


def test_a_meter_number_with_a_wrong_digit_or_length_is_refused():
    for drn in ("12345678904", "11111111113", "1234567890", "123456789012", "1234567890a", "", "\u0660" * 11):
        raises(IdentityError, check_drn, drn)
        raises(IdentityError, meter_pan, drn)


def test_a_single_wrong_digit_changes_the_check_digit():
    for place in range(10):
        for digit in "123456789":
            assert luhn_digit("0" * place + digit + "0" * (9 - place)) != "0"


def test_an_issuer_number_must_fit_the_meter_number():
    raises(IdentityError, meter_pan, "00000000000", "0000")
    raises(IdentityError, meter_pan, "0100000000008", "600727")


def test_a_pan_with_a_wrong_digit_gives_no_key():
    for pan in ("600727000000000008", "60072700000000000", "60072700000000000x", "600727123456789040"):
        raises(IdentityError, derive, VENDING_KEY, 2014, 11, 1, "201457", 2, 1, pan)


def test_each_thing_a_key_depends_on_changes_it():
    keys = [
        derive(),
        derive(vending_key=bytes(20)),
        derive(base_year=1993),
        derive(ti=2),
        derive(sgc="201458"),
        derive(kt=1),
        derive(krn=2),
        derive(pan="000001000000000082"),
    ]

    assert len(set(keys)) == len(keys)
    assert derive(ea=7) != derive()[:8] and len(derive(ea=7)) == 8 and len(derive()) == 16


def test_data_that_no_key_has_is_refused():
    for wrong in ({"sgc": "20145"}, {"sgc": "20145a"}, {"ti": 100}, {"ti": -1}, {"kt": 4}, {"krn": 0}, {"krn": 10}):
        raises(IdentityError, derive_with, wrong)
    raises(KeyDataError, derive, bytes(8))
    raises(KeyDataError, derive, VENDING_KEY, 2000)
    raises(KeyDataError, derive, VENDING_KEY, 2014, 9)


def test_dkga02_gives_the_worked_key_and_refuses_even_parity():
    vending_key = b"\xab" * 8

    assert dkga02(vending_key, 1, "123456", 2, 1, PAN).hex().upper() == "E653341F9D5BF36F"
    raises(KeyDataError, dkga02, b"\xab" * 7 + b"\xaa", 1, "123456", 2, 1, PAN)
    raises(KeyDataError, dkga02, VENDING_KEY, 1, "123456", 2, 1, PAN)
    assert has_odd_parity(vending_key) and not has_odd_parity(bytes(8))


def test_des_gives_the_known_answers():
    for key, block, encrypted in (
        ("133457799BBCDFF1", "0123456789ABCDEF", "85E813540F0AB405"),
        ("0101010101010101", "8000000000000000", "95F8A5E5DD31D900"),
        ("8001010101010101", "0000000000000000", "95A8D72813DAA94D"),
    ):
        assert des_encrypt(bytes.fromhex(key), bytes.fromhex(block)).hex().upper() == encrypted
