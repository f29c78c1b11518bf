"""Token encode on CPython, as the cloud vends: against one `hmac.digest` of SHA-256, and tokens per second."""

import hashlib
import hmac
import platform
import timeit
from collections.abc import Callable

from shared.sts.cipher import make_cipher
from shared.sts.fields import WATER, TransferCredit
from shared.sts.sample_tables import sample_tables
from shared.sts.token import encode
from tests.bench.rows import Row

_KEY = bytes(range(16))
_MESSAGE = bytes(64)
_CALLS = 200
_RUNS = 200


def measure() -> list[Row]:
    """A whole token from its values, the cipher with its key schedule being at hand."""
    ea07, ea11 = make_cipher(7, _KEY[:8], sample_tables()), make_cipher(11, _KEY)
    hash_us, ea07_us, ea11_us = _costs_us(
        lambda: hmac.digest(_KEY, _MESSAGE, hashlib.sha256),
        lambda: encode(TransferCredit(WATER, 5, 85_740, 15), ea07),
        lambda: encode(TransferCredit(WATER, 5, 85_740, 15), ea11),
    )
    interpreter = f"CPython {platform.python_version()}"
    return [
        Row(f"{interpreter}: EA11 token encode, against one HMAC", ea11_us / hash_us, "HMACs", 10, "lower"),
        Row(f"{interpreter}: EA11 token encode", 1e6 / ea11_us, "tokens/s", None, "higher"),
        Row(f"{interpreter}: EA07 token encode", 1e6 / ea07_us, "tokens/s", None, "higher"),
        Row(f"{interpreter}: hmac.digest, SHA-256 of 64 bytes", hash_us, "us", None, "lower"),
    ]


def _costs_us(*operations: Callable[[], object]) -> list[float]:
    """The best of many short runs of each, in turn, so that a busy machine counts for none of them."""
    timers = [timeit.Timer(operation) for operation in operations]
    runs = [[timer.timeit(_CALLS) for timer in timers] for _ in range(_RUNS)]
    return [min(times) / _CALLS * 1e6 for times in zip(*runs, strict=True)]
