"""The gateway's link under real MicroPython against a real broker with TLS, and against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.broken_broker import after_login, serving, swallow
from tests.system.plain_broker import PASSWORD, PlainBroker
from tools.authority import Paths, ensure

ROOT = Path(__file__).resolve().parents[2]
_DEADLINE_MS = 2000  # more than a handshake takes on a busy machine
_EARLY_MS, _LATE_MS = 1800, 10000
MICROPYTHON = ROOT / "build" / "micropython" / "micropython"


class Probe:
    """A link inside a MicroPython process, told what to do line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.elapsed_ms = 0

    async def do(self, command: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command.encode() + b"\n")
        async with asyncio.timeout(120):
            line = (await self.process.stdout.readline()).decode()
        elapsed, _, outcome = line.strip().partition(" ")
        self.elapsed_ms = int(elapsed)
        return outcome


StartProbe = Callable[..., Awaitable[Probe]]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return ensure(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def broker(tmp_path: Path, paths: Paths) -> AsyncIterator[PlainBroker]:
    broker = PlainBroker(tmp_path, paths)
    await broker.start()
    yield broker
    await broker.kill()


@pytest.fixture
async def start_probe(paths: Paths) -> AsyncIterator[StartProbe]:
    processes = []

    async def start(
        port: int, *, ca: Path = paths.ca_der, name: str = "localhost", password: str = PASSWORD,
        host: str = "127.0.0.1", timeout_ms: int = 2000, keepalive_s: int = 60,
    ) -> Probe:  # fmt: skip
        arguments = (host, port, name, ca, "gw-7", password, timeout_ms, keepalive_s)
        process = await asyncio.create_subprocess_exec(
            str(MICROPYTHON),
            *("-X", "heapsize=256K", "tests/system/link_probe.py"),
            *(str(argument) for argument in arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        return Probe(process)

    yield start
    for process in processes:
        process.kill()
        await process.wait()


async def test_a_document_goes_up_and_another_comes_down(broker: PlainBroker, start_probe: StartProbe) -> None:
    cloud = await broker.client()
    up = await cloud.subscribe("gw.7.up")
    await cloud.flush()
    probe = await start_probe(broker.mqtt_port)

    assert await probe.do("connect") == "connected"
    assert await probe.do("send 300") == "sent"
    assert (await up.next_msg(5)).data == bytes(300)
    await cloud.publish("gw.7.down", b"\x01\x02\x03")
    assert await probe.do("poll 60000") == "got 3 010203"

    await cloud.close()


async def test_big_documents_pass_whole_in_both_directions(broker: PlainBroker, start_probe: StartProbe) -> None:
    cloud = await broker.client()
    up = await cloud.subscribe("gw.7.up")
    await cloud.flush()
    probe = await start_probe(broker.mqtt_port)
    await probe.do("connect")

    for size in (0, 1, 127, 128, 8192):
        await probe.do(f"send {size}")
        assert len((await up.next_msg(5)).data) == size
        await cloud.publish("gw.7.down", bytes(size))
        assert (await probe.do("poll 60000")).startswith(f"got {size}")

    await cloud.close()


async def test_documents_that_come_together_are_handed_out_one_by_one(
    broker: PlainBroker, start_probe: StartProbe
) -> None:
    cloud = await broker.client()
    probe = await start_probe(broker.mqtt_port)
    await probe.do("connect")
    for number in range(20):
        await cloud.publish("gw.7.down", bytes([number]))
    await cloud.flush()

    got = [await probe.do("poll 60000") for _ in range(20)]

    assert got == [f"got 1 {number:02x}" for number in range(20)]
    await cloud.close()


async def test_a_document_over_the_limit_ends_the_link_and_not_the_memory(
    broker: PlainBroker, start_probe: StartProbe
) -> None:
    cloud = await broker.client()
    probe = await start_probe(broker.mqtt_port)
    await probe.do("connect")
    await cloud.publish("gw.7.down", bytes(200_000))
    await cloud.flush()

    outcome = await probe.do("poll 60000")

    assert outcome == "down: the broker sent a message of 200011 bytes, which is over the limit"
    assert await probe.do("connect") == "connected"
    await cloud.close()


async def test_a_broker_of_another_authority_is_refused(
    broker: PlainBroker, start_probe: StartProbe, tmp_path: Path
) -> None:
    other = ensure(tmp_path / "other")
    probe = await start_probe(broker.mqtt_port, ca=other.ca_der)

    outcome = await probe.do("connect")

    assert outcome.startswith("down: the broker's certificate is refused: ")
    assert "trusted CA" in outcome


async def test_a_broker_with_another_name_is_refused(broker: PlainBroker, start_probe: StartProbe) -> None:
    probe = await start_probe(broker.mqtt_port, name="broker.example")

    outcome = await probe.do("connect")

    assert outcome.startswith("down: the broker's certificate is refused: ")
    assert "Common Name" in outcome


async def test_a_wrong_password_is_told_as_one(broker: PlainBroker, start_probe: StartProbe) -> None:
    probe = await start_probe(broker.mqtt_port, password="a-guess")

    outcome = await probe.do("connect")

    assert outcome == "down: the broker refused us: not allowed"


async def test_the_link_comes_back_after_the_broker_was_killed(broker: PlainBroker, start_probe: StartProbe) -> None:
    probe = await start_probe(broker.mqtt_port)
    await probe.do("connect")

    await broker.kill()

    assert (await probe.do("poll 60000")).startswith("down: ")
    assert await probe.do("send 10") == "down: there is no connection"
    assert await probe.do("connect") == "down: the broker cannot be reached"
    await broker.start()
    assert await probe.do("connect") == "connected"
    assert await probe.do("send 10") == "sent"


async def test_a_name_that_cannot_be_one_is_a_link_that_is_down_and_no_crash(start_probe: StartProbe) -> None:
    probe = await start_probe(8883, host="broker.example.")

    assert (await probe.do("connect")).startswith("down: the connection failed: ValueError")


async def test_a_new_connection_waits_until_the_stack_has_let_go_of_the_one_before(
    broker: PlainBroker, start_probe: StartProbe
) -> None:
    probe = await start_probe(broker.mqtt_port)
    await probe.do("linger 2000")

    assert await probe.do("connect") == "connected"
    first_ms = probe.elapsed_ms
    assert await probe.do("connect") == "connected"
    assert first_ms < 2000 <= probe.elapsed_ms
    await asyncio.sleep(2.1)
    await probe.do("close")
    await asyncio.sleep(2.1)
    assert await probe.do("connect") == "connected"
    assert probe.elapsed_ms < 2000


async def test_a_connection_without_room_in_the_heap_is_told_apart(
    broker: PlainBroker, start_probe: StartProbe
) -> None:
    probe = await start_probe(broker.mqtt_port)

    for way in ("enomem", "heap"):
        assert await probe.do(f"starve {way}") == "starved"
        assert (await probe.do("connect")).startswith("no memory: no TLS with the broker")


async def test_pings_keep_a_quiet_link_alive(broker: PlainBroker, start_probe: StartProbe) -> None:
    probe = await start_probe(broker.mqtt_port, keepalive_s=1)
    await probe.do("connect")

    assert await probe.do("poll 4000") == "nothing"
    assert await probe.do("send 1") == "sent"


async def test_a_peer_that_accepts_and_says_nothing_ends_by_the_deadline(start_probe: StartProbe) -> None:
    async with serving(swallow) as port:
        probe = await start_probe(port, timeout_ms=_DEADLINE_MS)

        outcome = await probe.do("connect")

    assert outcome == "down: the broker did not answer in time"
    assert _EARLY_MS <= probe.elapsed_ms < _LATE_MS


@pytest.mark.parametrize("packet", [b"\x30", b"\x30\x7f\x00", b"\x30\x0c\x00\x09gw/7/dow", b"\xd0"])
async def test_a_broker_that_goes_silent_inside_a_packet_ends_by_the_deadline(
    packet: bytes, start_probe: StartProbe, paths: Paths
) -> None:
    async with serving(after_login(packet), paths) as port:
        probe = await start_probe(port, timeout_ms=_DEADLINE_MS)
        assert await probe.do("connect") == "connected"

        outcome = await probe.do("poll 60000")

    assert outcome == "down: the broker did not answer in time"
    assert _EARLY_MS <= probe.elapsed_ms < _LATE_MS


async def test_a_broker_that_answers_no_ping_counts_as_down(start_probe: StartProbe, paths: Paths) -> None:
    async with serving(after_login(b""), paths) as port:
        probe = await start_probe(port, keepalive_s=1)
        await probe.do("connect")

        outcome = await probe.do("poll 5000")

    assert outcome == "down: the broker has been silent for too long"


@pytest.mark.parametrize(
    "packet", [b"\x40\x02\x00\x01", b"\xd0\x01\x00", b"\x30\x01\x00\x09x", b"\xff\xff\xff\xff\xff"]
)
async def test_a_packet_that_breaks_the_protocol_ends_the_link(
    packet: bytes, start_probe: StartProbe, paths: Paths
) -> None:
    async with serving(after_login(packet), paths) as port:
        probe = await start_probe(port, timeout_ms=_DEADLINE_MS)
        assert await probe.do("connect") == "connected"

        outcome = await probe.do("poll 60000")

    assert outcome.startswith("down: ")


async def test_a_peer_that_reads_nothing_cannot_hold_a_sender(start_probe: StartProbe, paths: Paths) -> None:
    async with serving(after_login(b"", stop_reading=True), paths) as port:
        probe = await start_probe(port, timeout_ms=_DEADLINE_MS)
        await probe.do("connect")

        for _ in range(2000):
            outcome = await probe.do("send 8192")
            if outcome != "sent":
                break

    assert outcome == "down: the broker did not answer in time"
    assert probe.elapsed_ms < _LATE_MS
