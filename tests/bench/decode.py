"""Token decode on the device's interpreter, against the bit-list version of the same algorithm and against one HMAC."""

from tests.bench import device
from tests.bench.rows import Row


def measure() -> list[Row]:
    """Ratios of one run under MicroPython's unix port."""
    us = device.run("tests.bench.decode_device")
    return [
        Row(
            "EA07 token decode, against bit lists",
            us["ea07_token_bits"] / us["ea07_token"],
            "times faster",
            10,
            "higher",
        ),
        Row(
            "EA11 token decode, against bit lists",
            us["ea11_token_bits"] / us["ea11_token"],
            "times faster",
            10,
            "higher",
        ),
        Row("EA07 block, against bit lists", us["ea07_block_bits"] / us["ea07_block"], "times faster", None, "higher"),
        Row("EA11 block, against bit lists", us["ea11_block_bits"] / us["ea11_block"], "times faster", None, "higher"),
        Row("EA11 block", us["ea11_block"] / us["hmac"], "HMACs of 64 bytes", None, "lower"),
        Row("EA11 token decode", us["ea11_token"] / us["hmac"], "HMACs of 64 bytes", None, "lower"),
        Row("EA11 token decode, heap", us["garbage"], "bytes", None, "lower"),
        Row("EA11 token decode, time", us["ea11_token"], "us", None, "lower"),
    ]
