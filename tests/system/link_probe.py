"""Runs under MicroPython: a gateway's real link, worked by commands on standard input, one answer line for each.

Arguments: host, port, name that the certificate must carry, file of the authority, user, password, milliseconds.
"""

import binascii
import sys
import time

sys.path[:] = ["", ".frozen", "build/micropython/lib"]

from firmware.net import mqtt  # noqa: E402
from firmware.net.errors import LinkDown, NoMemory  # noqa: E402
from firmware.net.mqtt import Broker, Link  # noqa: E402


def main():
    host, port, name, ca_path, user, password, timeout_ms, keepalive_s = sys.argv[1:]
    with open(ca_path, "rb") as file:
        broker = Broker(host, int(port), file.read(), name)
    number = user.split("-")[1]
    link = Link(
        *(broker, user, password, "gw/" + number + "/up", "gw/" + number + "/down", lambda: "127.0.0.1"),
        *(int(timeout_ms), int(timeout_ms), int(keepalive_s)),
    )
    for line in sys.stdin:
        started_ms = time.ticks_ms()
        try:
            outcome = run(link, line.split())
        except NoMemory as error:
            outcome = "no memory: " + str(error)
        except LinkDown as error:
            outcome = "down: " + str(error)
        print(time.ticks_diff(time.ticks_ms(), started_ms), outcome)


def run(link, words):
    if words[0] == "connect":
        for _ in link.connect_steps():
            time.sleep_ms(5)
        return "connected"
    if words[0] == "linger":
        mqtt.LINGER_MS = int(words[1])
        return "lingers"
    if words[0] == "starve":
        link._context = Starved({"enomem": OSError(12), "heap": MemoryError()}[words[1]])
        return "starved"
    if words[0] == "send":
        link.send(bytes(int(words[1])))
        return "sent"
    if words[0] == "poll":
        return poll(link, int(words[1]))
    link.close()
    return "closed"


class Starved:
    """A TLS context that finds no room for a connection, as the port or the interpreter tells it."""

    def __init__(self, error):
        self._error = error

    def wrap_socket(self, *_arguments, **_options):
        raise self._error


def poll(link, duration_ms):
    """Poll like a task does, until a document comes or the time is over."""
    end_ms = time.ticks_add(time.ticks_ms(), duration_ms)
    while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
        payload = link.poll()
        if payload is not None:
            return "got " + str(len(payload)) + " " + binascii.hexlify(payload[:16]).decode()
        time.sleep_ms(5)
    return "nothing"


main()
