"""Random digits meet only named errors, and of all checksums exactly one is accepted."""

import random

import pytest

from shared.sts.cipher import make_cipher
from shared.sts.digits import join
from shared.sts.errors import CRCError, TokenError
from shared.sts.sample_tables import sample_tables
from shared.sts.token import decode, encode, read_block
from shared.sts.value import TokenValue

LIMIT = 10**20
NAMED = {"FormatError", "CRCError", "FunctionError", "RangeError", "MfrCodeError"}
BODIES = {
    "credit": (0, "05014EEC0001"),
    "currency": (0, "416D6F54BF4A"),
    "test": (1, "000000000100"),
    "management": (2, "55522A380000"),
    "key change": (2, "3F129FF5F5DB"),
}


@pytest.mark.parametrize(("ea", "tokens"), [(11, 1_000_000), (7, 1_000_000)])
def test_random_digits_give_a_value_that_encodes_back_or_a_named_error(
    ea: int, tokens: int, chance: random.Random
) -> None:
    cipher = make_cipher(ea, chance.randbytes(16 if ea == 11 else 8), sample_tables())
    outcomes: dict[str, int] = {}
    for _ in range(tokens):
        outcome = _outcome(f"{chance.randrange(LIMIT):020d}", cipher)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)

    assert set(outcomes) <= NAMED | {"accepted"}
    assert outcomes["FormatError"] > tokens * 0.2  # 2**66 is 73.8 % of 10**20
    assert outcomes.get("accepted", 0) < 20 + tokens // 2**13  # a checksum is right once in 65536


def _outcome(digits: str, cipher) -> str:
    try:
        value = decode(digits, cipher)
    except TokenError as error:
        return error.result
    assert isinstance(value, TokenValue)
    assert encode(value, cipher) == digits
    return "accepted"


@pytest.mark.parametrize("name", BODIES)
def test_of_all_checksums_exactly_one_is_accepted(name: str) -> None:
    token_class, body = BODIES[name][0], bytes.fromhex(BODIES[name][1])

    accepted = [crc for crc in range(0x10000) if _accepts(token_class, body + crc.to_bytes(2, "big"))]

    assert len(accepted) == 1


def _accepts(token_class: int, block: bytes) -> bool:
    try:
        read_block(token_class, block, True)
    except CRCError:
        return False
    return True


@pytest.mark.parametrize("ea", [7, 11])
def test_of_all_tokens_that_differ_in_the_checksum_exactly_one_is_accepted(ea: int) -> None:
    cipher = make_cipher(ea, bytes(range(16 if ea == 11 else 8)), sample_tables())
    body = bytes.fromhex("05014EEC0001")
    accepted = 0
    for crc in range(0x10000):
        try:
            decode(join(0, cipher.encrypt(body + crc.to_bytes(2, "big"))), cipher)
            accepted += 1
        except CRCError:
            pass

    assert accepted == 1
