"""Looking up a host's address over real UDP, and what of an answer is believed."""

import os
import select

from firmware.net.errors import LinkDown
from firmware.net.names import Lookup, address_in, is_address, is_answer, question
from tests.fakes import udp
from tests.helpers import raises

HOST = "broker.example.net"
_WAIT_MS = 1000
ASKED = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question(HOST)
FOUND = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x01\x02\x03"
ALIAS = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x04mqtt\xc0\x13"


def answer(records=FOUND, count=1, flags=b"\x81\x80"):
    return ASKED[:2] + flags + b"\x00\x01" + bytes((0, count)) + bytes(4) + ASKED[12:] + records


class Server:
    """A name server on a real port, which answers by hand."""

    def __init__(self) -> None:
        self._socket, self.port = udp.bound()
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def answer(self, change=lambda message: message) -> None:
        assert self._poller.poll(_WAIT_MS), "nobody asked"
        asked, peer = self._socket.recvfrom(512)
        self._socket.sendto(change(asked[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked[12:] + FOUND), peer)

    def close(self) -> None:
        self._socket.close()


def test_a_question_is_the_name_in_labels_for_an_address():
    assert question("a.bc") == b"\x01a\x02bc\x00\x00\x01\x00\x01"


def test_a_name_that_cannot_be_one_is_told():
    for wrong in ("a..b", ".a", "", "a" * 64, ".".join(["abcdefg"] * 40)):
        raises(ValueError, lambda wrong=wrong: question(wrong))


def test_four_numbers_are_an_address_and_need_no_look_up():
    assert is_address("10.0.0.1") and is_address("255.255.255.255")
    for other in ("10.0.0", "10.0.0.256", "10.0.0.x", "mqtt.example.net", "10.0.0.1.2", "10..0.1"):
        assert not is_address(other)


def test_the_first_address_of_an_answer_counts_also_behind_an_alias():
    assert address_in(answer()) == "10.1.2.3"
    assert address_in(answer(ALIAS + FOUND, 2)) == "10.1.2.3"


def test_an_answer_to_something_else_is_none():
    assert is_answer(answer(), ASKED)
    assert not is_answer(ASKED, ASKED)
    assert not is_answer(b"\x12\x35" + answer()[2:], ASKED)
    assert not is_answer(answer().replace(b"broker", b"brokes"), ASKED)
    assert not is_answer(answer()[:20], ASKED)


def test_a_name_that_nobody_knows_is_told():
    error = raises(LinkDown, lambda: address_in(answer(b"", 0, b"\x81\x83")))

    assert "does not know the host (code 3)" in str(error)


def test_an_answer_without_an_address_is_told():
    for records, count in ((b"", 0), (ALIAS, 1), (FOUND[:-1], 1), (FOUND[:8], 1), (b"\xc0", 3), (b"\x3f" + FOUND, 9)):
        raises(LinkDown, lambda records=records, count=count: address_in(answer(records, count)))


def test_a_look_up_asks_and_never_waits():
    server = Server()
    lookup = Lookup(HOST, "127.0.0.1", os.urandom, server.port)

    before = lookup.poll()
    lookup.ask()
    server.answer()
    after = lookup.poll()

    lookup.close()
    server.close()
    assert (before, after) == ("", "10.1.2.3")


def test_what_does_not_answer_the_question_is_dropped():
    server = Server()
    lookup = Lookup(HOST, "127.0.0.1", os.urandom, server.port)

    lookup.ask()
    server.answer(lambda message: bytes((message[0] ^ 1,)) + message[1:])
    wrong = lookup.poll()
    lookup.ask()
    server.answer()
    right = lookup.poll()

    lookup.close()
    server.close()
    assert (wrong, right) == ("", "10.1.2.3")
