"""Framing of PPP against what the standard says, and bytes that were damaged on their way."""

from hypothesis import given
from hypothesis import strategies as st

from tests.board.modem.frames import Deframer, checksum, framed

LCP = 0xC021


def test_the_checksum_is_that_of_x_25() -> None:
    assert checksum(b"123456789") ^ 0xFFFF == 0x906E  # the check value of the catalogues


def test_a_frame_with_its_checksum_leaves_the_good_remainder() -> None:
    assert checksum(b"123456789" + (0x906E).to_bytes(2, "little")) == 0xF0B8  # RFC 1662, C.2


def test_flags_escapes_and_control_characters_are_stuffed() -> None:
    """The examples of RFC 1662, 4.2."""
    stuffed = framed(LCP, bytes((0x7E, 0x7D, 0x11, 0x41)))

    assert b"\x7d\x5e\x7d\x5d\x7d\x31\x41" in stuffed
    assert stuffed[0] == stuffed[-1] == 0x7E
    assert b"\x11" not in stuffed


def test_only_what_was_asked_for_is_stuffed_later() -> None:
    assert b"\x11\x13" in framed(0x21, b"\x11\x13", escaped=0)


@given(body=st.binary(max_size=60), escaped=st.integers(0, 2**32 - 1), cut=st.integers(1, 30))
def test_what_is_framed_comes_out_whole_however_it_is_cut(body: bytes, escaped: int, cut: int) -> None:
    stuffed = framed(LCP, body, escaped)
    deframer = Deframer()

    packets = deframer.feed(stuffed[:cut]) + deframer.feed(stuffed[cut:])

    assert packets == [(LCP, body)]


@given(body=st.binary(min_size=1, max_size=60), place=st.integers(1, 30), bit=st.integers(0, 7))
def test_a_damaged_frame_never_comes_out_as_another(body: bytes, place: int, bit: int) -> None:
    stuffed = bytearray(framed(LCP, body))
    place = 1 + place % (len(stuffed) - 2)
    stuffed[place] ^= 1 << bit

    assert all(packet == (LCP, body) for packet in Deframer().feed(bytes(stuffed)))
