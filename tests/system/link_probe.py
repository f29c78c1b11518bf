"""Runs under MicroPython: a gateway's real link, worked by commands on standard input, one answer line for each.

Arguments: host, port, name that the certificate must carry, file of the authority, user, password, milliseconds.
"""

import binascii
import sys
import time

sys.path[:] = ["", ".frozen", "build/micropython/lib"]

from firmware.net.errors import LinkDown  # noqa: E402
from firmware.net.mqtt import Broker, Link  # noqa: E402


def main():
    host, port, name, ca_path, user, password, timeout_ms, keepalive_s = sys.argv[1:]
    with open(ca_path, "rb") as file:
        broker = Broker(host, int(port), file.read(), name)
    number = user.split("-")[1]
    link = Link(
        *(broker, user, password, "gw/" + number + "/up", "gw/" + number + "/down", lambda: ""),
        *(int(timeout_ms), int(timeout_ms), int(keepalive_s)),
    )
    for line in sys.stdin:
        started_ms = time.ticks_ms()
        try:
            outcome = run(link, line.split())
        except LinkDown as error:
            outcome = "down: " + str(error)
        print(time.ticks_diff(time.ticks_ms(), started_ms), outcome)


def run(link, words):
    if words[0] == "connect":
        for _ in link.connect_steps():
            time.sleep_ms(5)
        return "connected"
    if words[0] == "send":
        link.send(bytes(int(words[1])))
        return "sent"
    if words[0] == "poll":
        return poll(link, int(words[1]))
    link.close()
    return "closed"


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
