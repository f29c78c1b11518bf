"""The log keeps the last lines only, and cuts long ones."""

from firmware.log import Log


def test_the_log_keeps_the_last_lines():
    log = Log(lambda: 5000)

    for number in range(40):
        log.note("line {}".format(number))
    log.note("x" * 500)

    assert len(log.lines) == 32 and log.lines[0] == "5 s: line 9" and len(log.lines[-1]) == 120
