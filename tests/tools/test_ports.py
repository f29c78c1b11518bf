"""Ports for servers that are about to start: free, and nobody else's."""

import socket

from tools.stack.service import free_port


def test_no_port_is_given_twice() -> None:
    assert len({free_port() for _ in range(500)}) == 500


def test_a_port_in_use_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port() + 1))

        assert free_port() != taken.getsockname()[1]
