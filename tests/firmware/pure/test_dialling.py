"""A modem is dialled step by step: what it is told, what it answers, and that a PIN is never guessed with."""

from firmware.net.dialling import CONNECTED, FAILED, WORKING, Dialler, Settings


class Line:
    """A modem that answers by a table; what it was told is kept, command by command."""

    def __init__(self, **answers) -> None:
        self.told = []
        self.answers = {
            b"ATH\r": b"OK",
            b"ATE0\r": b"OK",
            b"AT+CPIN?\r": b"+CPIN: READY\r\nOK",
            b"ATD*99#\r": b"CONNECT",
        }
        for command, said in answers.items():
            self.answers[command.encode() + b"\r"] = said
        self._out = b""

    def write(self, data):
        self.told.append(data)
        if data in self.answers:
            self._out += b"\r\n" + self.answers[data] + b"\r\n"

    def read(self):
        out, self._out = self._out, b""
        return out


def dialled(line, settings=None, limit_ms=200000):
    """(outcome, dialler, milliseconds) of a call, looked at every 20 ms."""
    dialler = Dialler(line, settings or Settings())
    for now_ms in range(0, limit_ms, 20):
        outcome = dialler.poll(now_ms)
        if outcome != WORKING:
            return outcome, dialler, now_ms
    raise AssertionError("it never came to an end")


def with_card(answer=b"OK"):
    line = Line()
    line.answers[b"AT+CPIN?\r"] = b"+CPIN: SIM PIN\r\n\r\nOK"
    line.answers[b'AT+CPIN="1234"\r'] = answer
    return line


def test_a_modem_is_brought_back_to_commands_and_dialled():
    line = Line()

    outcome, _, took_ms = dialled(line)

    assert outcome == CONNECTED
    assert line.told == [b"+++", b"ATH\r", b"ATE0\r", b"AT+CPIN?\r", b"ATD*99#\r"]
    assert took_ms < 3000


def test_the_escape_stands_between_two_silences_of_a_second():
    line = Line()
    dialler = Dialler(line, Settings())
    at_ms = {}
    for now_ms in range(0, 4000, 20):
        dialler.poll(now_ms)
        at_ms.setdefault(len(line.told), now_ms)

    assert at_ms[1] - at_ms[0] >= 1000 and at_ms[2] - at_ms[1] >= 1000


def test_the_network_of_the_installer_is_asked_for():
    line = Line()
    line.answers[b'AT+CGDCONT=1,"IP","water.example"\r'] = b"OK"

    assert dialled(line, Settings(apn="water.example"))[0] == CONNECTED


def test_what_follows_the_word_connect_does_not_hide_it():
    line = Line()
    line.answers[b"ATD*99#\r"] = b"CONNECT 115200\r\n\x7e\xff\x7d\x23"

    assert dialled(line)[0] == CONNECTED


def test_an_echo_is_no_answer():
    line = Line()
    line.answers[b"ATD*99#\r"] = b"ATD*99#\r\r\nNO CARRIER"

    outcome, dialler, _ = dialled(line)

    assert (outcome, dialler.reason) == (FAILED, "no connection: NO CARRIER")


def test_a_card_that_asks_for_its_pin_gets_it():
    line = with_card()

    assert dialled(line, Settings(pin="1234"))[0] == CONNECTED
    assert line.told.count(b'AT+CPIN="1234"\r') == 1


def test_a_card_that_does_not_ask_gets_no_pin():
    line = Line()

    dialled(line, Settings(pin="1234"))

    assert not [command for command in line.told if b"1234" in command]


def test_a_refused_pin_is_told_and_not_in_words_that_hold_it():
    outcome, dialler, _ = dialled(with_card(b"+CME ERROR: 16"), Settings(pin="1234"))

    assert outcome == FAILED and dialler.pin_refused
    assert "1234" not in dialler.reason


def test_a_card_that_wants_a_pin_nobody_entered_is_left_alone():
    line = with_card()

    outcome, dialler, _ = dialled(line)

    assert outcome == FAILED and not dialler.pin_refused
    assert not [command for command in line.told if command.startswith(b'AT+CPIN="')]


def test_a_locked_card_gets_no_pin():
    line = Line()
    line.answers[b"AT+CPIN?\r"] = b"+CPIN: SIM PUK\r\n\r\nOK"
    line.answers[b"ATD*99#\r"] = b"ERROR"

    outcome, dialler, _ = dialled(line, Settings(pin="1234"))

    assert outcome == FAILED and not [command for command in line.told if b"1234" in command]
    assert dialler.reason == "no connection: ERROR"


def test_a_modem_that_says_nothing_is_given_up():
    line = Line()
    line.answers = {}

    outcome, dialler, took_ms = dialled(line)

    assert (outcome, dialler.reason) == (FAILED, "the modem does not answer")
    assert took_ms < 20000


def test_a_call_that_nobody_takes_ends_after_a_minute():
    line = Line()
    del line.answers[b"ATD*99#\r"]

    outcome, dialler, took_ms = dialled(line)

    assert (outcome, dialler.reason) == (FAILED, "no connection: no answer")
    assert 60000 <= took_ms < 75000
