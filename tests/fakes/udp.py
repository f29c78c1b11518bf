"""UDP sockets of the loopback whose port is known, under CPython and MicroPython alike."""

import os
import socket

HOST = "127.0.0.1"
_TRIES = 50


def bound():
    """A socket and its port: MicroPython cannot ask which free one it was given, so look for one."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(_TRIES):
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 10000
        try:
            made.bind(socket.getaddrinfo(HOST, port)[0][-1])
            return made, port
        except OSError:
            pass
    made.close()
    raise OSError("no free port")
