"""A question to a time server on a real UDP port, and what of its answers is believed."""

import os

from firmware.net import ntp
from firmware.net.errors import LinkDown
from firmware.net.ntp import Question
from tests.fakes.time_server import HOST, TimeServer
from tests.helpers import raises

TIME_S = 1_700_000_000


def asked(server):
    """Ask; the server answers at once."""
    question = Question(HOST, os.urandom, server.port)
    try:
        server.serve()
        return question.poll()
    finally:
        question.close()
        server.close()


def server(**lies):
    made = TimeServer(TIME_S)
    for name, value in lies.items():
        setattr(made, name, value)
    return made


def refusal(**lies):
    """What is said of an answer that is no time to go by."""
    there = server(**lies)
    return str(raises(LinkDown, lambda: asked(there)))


def test_a_good_answer_is_its_transmit_time():
    assert asked(server()) == TIME_S


def test_the_time_is_taken_to_the_nearest_second():
    assert asked(server(fraction=0x7FFFFFFF)) == TIME_S
    assert asked(server(fraction=0x80000000)) == TIME_S + 1


def test_the_seconds_begin_anew_in_2036_and_the_time_does_not():
    end_of_era_s = (1 << 32) - 2208988800
    for time_s in (end_of_era_s - 1, end_of_era_s, end_of_era_s + 1_000_000_000):
        assert asked(server(time_s=time_s, fraction=1)) == time_s


def test_the_question_tells_nothing_but_a_random_number():
    there = server()
    asked(there)
    other = server()
    asked(other)

    question = there.questions[0]

    assert len(question) == 48 and question[0] == 0x23
    assert question[1:40] == bytes(39)
    assert question[40:] != other.questions[0][40:]


def test_there_is_no_time_before_the_answer_is_there():
    there = server(silent=True)

    assert asked(there) is None


def test_what_does_not_answer_this_question_is_dropped():
    before = server()
    asked(before)
    old = before.answer(before.questions[0])
    for stray in (old, b"", b"nonsense", bytes(48), bytes([0xFF] * 48)):
        assert asked(server(extra=[stray], silent=True)) is None
        assert asked(server(extra=[stray])) == TIME_S

    assert asked(server(originate=bytes(8))) is None
    assert asked(server(length=47)) is None
    for mode in (0, 1, 2, 3, 5, 6, 7):
        assert asked(server(mode=mode)) is None


def test_a_flood_of_strange_packets_keeps_nobody_waiting():
    there = server(extra=[b"nonsense"] * 20)
    question = Question(HOST, os.urandom, there.port)
    there.serve()

    outcomes = [question.poll() for _ in range(3)]

    assert outcomes == [None, None, TIME_S]
    question.close()
    there.close()


def test_a_server_without_a_time_of_its_own_is_not_believed():
    assert "no time itself" in refusal(leap=3)
    assert "stratum 16" in refusal(stratum=16)
    assert "sent no time" in refusal(transmit=bytes(8))


def test_a_server_that_refuses_is_told_with_its_reason():
    assert "refuses: RATE" in refusal(stratum=0, reference=b"RATE")
    assert "no reason given" in refusal(stratum=0, reference=b"\x00\x01\xff\n")


def test_a_leap_second_that_is_announced_is_no_reason_to_doubt():
    assert asked(server(leap=1)) == TIME_S
    assert asked(server(leap=2, stratum=15)) == TIME_S


def test_a_port_that_nobody_listens_on_is_a_link_that_is_down():
    there = server()
    there.close()

    def ask():
        question = Question(HOST, os.urandom, there.port)
        try:
            for _ in range(10):
                question.poll()
        finally:
            question.close()

    assert "cannot be reached" in str(raises(LinkDown, ask))


def test_a_name_that_nobody_knows_is_a_link_that_is_down():
    real = ntp.socket
    ntp.socket = NoNames()
    try:
        assert "cannot be resolved" in str(raises(LinkDown, lambda: Question("time.example", os.urandom)))
    finally:
        ntp.socket = real


class NoNames:
    """Stands for the socket module where no name server answers."""

    SOCK_DGRAM = 2

    def getaddrinfo(self, *_arguments):
        raise OSError(-2)
