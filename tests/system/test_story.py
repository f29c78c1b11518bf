"""The story of a payment as a newcomer plays it, and the running system as he starts and stops it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tools.stack.service import ROOT, free_port


def test_the_whole_story_is_observed_from_the_payment_to_the_last_forgery() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=ROOT, capture_output=True, text=True, timeout=800, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert "every step was observed" in told.stdout


def start(folder: Path, ports: list[int]) -> subprocess.Popen[str]:
    names = ("--page-port", "--cloud-port", "--mqtt-port", "--nats-port")
    options = [part for name, port in zip(names, ports, strict=True) for part in (name, str(port))]
    command = [sys.executable, "-m", "tools.run", "--data", str(folder), *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "Ctrl-C" in line:
            return told
    raise AssertionError(f"it ended without a greeting: {told}")


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    return rest


def children_of(folder: Path) -> list[str]:
    """Processes whose command line or environment names the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words and int(place.name) != os.getpid():
            found.append(words.split(b"\0", 1)[0].decode())
    return found


def test_a_stopped_system_leaves_no_process_and_takes_its_state_up_again(tmp_path: Path) -> None:
    ports = [free_port() for _ in range(4)]
    first = start(tmp_path, ports)
    greeting = wait_for_greeting(first)
    stopped = stop(first)
    left = children_of(tmp_path)

    second = start(tmp_path, ports)
    again = wait_for_greeting(second)
    identities = {path: path.read_bytes() for path in tmp_path.glob("gateway-*/flash/identity")}
    stop(second)

    assert first.returncode == 0 and "stopped" in stopped
    assert left == []
    assert again == greeting and second.returncode == 0
    assert len(identities) == 2


def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        process = start(tmp_path, [free_port(), port, free_port(), free_port()])
        told, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert told.strip().splitlines() == [
        f"run: port {port} is in use, and the cloud needs it: stop what listens there, or choose another with "
        "--cloud-port"
    ]
