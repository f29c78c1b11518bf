"""Codes of authenticators against the vectors of RFC 6238 and RFC 4226, and the rule that none is taken twice."""

import pytest

from cloud.auth import totp

# RFC 6238, Appendix B: the seed is the ASCII digits, as long as the hash.
_SEEDS = {
    "sha1": b"12345678901234567890",
    "sha256": b"12345678901234567890123456789012",
    "sha512": b"1234567890123456789012345678901234567890123456789012345678901234",
}
_RFC_6238 = [
    (59, "sha1", "94287082"),
    (59, "sha256", "46119246"),
    (59, "sha512", "90693936"),
    (1111111109, "sha1", "07081804"),
    (1111111109, "sha256", "68084774"),
    (1111111109, "sha512", "25091201"),
    (1111111111, "sha1", "14050471"),
    (1111111111, "sha256", "67062674"),
    (1111111111, "sha512", "99943326"),
    (1234567890, "sha1", "89005924"),
    (1234567890, "sha256", "91819424"),
    (1234567890, "sha512", "93441116"),
    (2000000000, "sha1", "69279037"),
    (2000000000, "sha256", "90698825"),
    (2000000000, "sha512", "38618901"),
    (20000000000, "sha1", "65353130"),
    (20000000000, "sha256", "77737706"),
    (20000000000, "sha512", "47863826"),
]
_RFC_4226 = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
_SECRET = _SEEDS["sha1"]
_NOW = 1_000_000 * totp.STEP_S


@pytest.mark.parametrize(("now", "algorithm", "code"), _RFC_6238)
def test_the_codes_are_those_of_rfc_6238(now: int, algorithm: str, code: str) -> None:
    assert totp.code_of(_SEEDS[algorithm], now // totp.STEP_S, 8, algorithm) == code


def test_the_codes_are_those_of_rfc_4226() -> None:
    assert [totp.code_of(_SECRET, step) for step in range(10)] == _RFC_4226


@pytest.mark.parametrize(("late", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_early_and_one_late(late: int, taken: bool) -> None:
    code = totp.code_of(_SECRET, 1_000_000 + late)

    assert (totp.step_of(_SECRET, code, _NOW, 0) is not None) is taken


def test_a_code_that_was_taken_and_those_before_it_are_refused() -> None:
    used = totp.step_of(_SECRET, totp.code_of(_SECRET, 1_000_000), _NOW, 0)

    assert used == 1_000_000
    for step in (999_999, 1_000_000):
        assert totp.step_of(_SECRET, totp.code_of(_SECRET, step), _NOW, used) is None
    assert totp.step_of(_SECRET, totp.code_of(_SECRET, 1_000_001), _NOW, used) == 1_000_001


def test_the_address_for_authenticators_holds_secret_and_account() -> None:
    uri = totp.enrolment_uri(_SECRET, "a+b@c.example")

    assert uri == "otpauth://totp/Penstock:a%2Bb@c.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Penstock"
