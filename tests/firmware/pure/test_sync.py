"""The sync task against a link that drops, and a cloud that answers late or never."""

import asyncio

from firmware.net import sync
from firmware.net.errors import LinkDown, NoMemory
from shared import documents
from tests.fakes.house import GATEWAY, LINK_KEY, UTILITY, House, Random
from tests.helpers import raises

WHO = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}


class Cloud:
    """A link with the cloud behind it: keeps what it is sent, acknowledges batches; `down` and `silent` on command."""

    def __init__(self) -> None:
        self.down = False
        self.silent = False
        self.starved = False
        self.connections = 0
        self.hellos = 0
        self.batches = 0
        self.bodies = b""
        self.readings = []
        self._up = False
        self._answers = []

    def connect_steps(self):
        yield
        if self.starved:
            raise NoMemory("no memory")
        if self.down:
            raise LinkDown("no network")
        self._up = True
        self.connections += 1

    def send(self, payload: bytes) -> None:
        self._need()
        if documents.tag_of(payload) == documents.HELLO.tag:
            self.hellos += 1
            documents.without_mac(LINK_KEY, payload)
            return
        if documents.tag_of(payload) == documents.READINGS.tag:
            self._keep(documents.READINGS.decode(documents.without_mac(LINK_KEY, payload)))
            return
        self.batches += 1
        if not self.silent:
            self._take(documents.parse_batch(payload))

    def poll(self) -> "bytes | None":
        self._need()
        return self._answers.pop(0) if self._answers else None

    def close(self) -> None:
        self._up = False

    def _need(self):
        if self.down or not self._up:
            raise LinkDown("broken")

    def _keep(self, readings):
        self.readings.append((len(self.bodies), readings["segment"]))
        if not self.silent:
            names = {"segment": readings["segment"], "nonce": readings["nonce"]}
            names.update(WHO)
            self._answers.append(documents.with_mac(LINK_KEY, documents.READINGS_ACK.encode(**names)))

    def _take(self, batch):
        fields = batch.fields
        if (fields["first"] - 1) * 42 == len(self.bodies):
            self.bodies += batch.bodies
        ack = documents.ACK.encode(sequence=fields["last"], head=fields["head"], nonce=fields["nonce"], **WHO)
        self._answers.append(documents.with_mac(LINK_KEY, ack))


class Network:
    """Is there or not, and counts how often it was made anew."""

    def __init__(self) -> None:
        self.up = True
        self.restarts = 0

    def is_up(self) -> bool:
        return self.up

    def restart(self) -> None:
        self.restarts += 1


class World:
    """A gateway, its sync task, and an uptime that runs much faster than real time."""

    def __init__(self, cloud) -> None:
        self.house = House()
        self.cloud = cloud
        self.network = Network()
        self.reports = 0
        self.said = []
        self._uptime_ms = 0
        messages = self.house.gateway.messages
        trusted = self.house.gateway.clock_is_trusted
        self._sync = sync.Sync(
            cloud, self.network, messages, self._uptime, Random(), trusted, self._report, self.said.append
        )

    def run_to_its_end(self) -> None:
        """Run the task until it ends with an error, which is raised."""
        asyncio.run(self._sync.run())

    def run(self, until, turns=3000) -> None:
        """Run the task until a condition holds; AssertionError when it never does."""
        asyncio.run(self._run(until, turns))

    async def _run(self, until, turns):
        task = asyncio.create_task(self._sync.run())
        for _ in range(turns):
            if until():
                task.cancel()
                await asyncio.sleep(0)
                return
            await asyncio.sleep(0)
        task.cancel()
        raise AssertionError("it never came true")

    def _uptime(self):
        self._uptime_ms += 50
        return self._uptime_ms

    def _report(self):
        self.reports += 1


class Impatient:
    """Stands for asyncio in the module under test: its sleeps only let the others run."""

    async def sleep_ms(self, _duration_ms: int) -> None:
        await asyncio.sleep(0)


def world(**state):
    sync.asyncio = Impatient()
    cloud = Cloud()
    for name, value in state.items():
        setattr(cloud, name, value)
    return World(cloud)


def acknowledged(world):
    return world.house.gateway.messages.outbox.acknowledged


def test_everything_arrives_in_order_and_is_acknowledged():
    there = world()
    for _ in range(20):
        there.house.type(there.house.token(1))

    there.run(lambda: acknowledged(there) == there.house.state.sequence)

    assert there.cloud.bodies == there.house.gateway.core.store.run(1, 100)[1]
    assert there.cloud.hellos >= 1 and there.reports > 0


def test_a_batch_without_an_answer_is_sent_again_and_then_the_link_made_anew():
    there = world(silent=True)

    there.run(lambda: there.cloud.connections == 3)

    assert there.cloud.batches >= 2 * (sync.RESENDS_MAX + 1)
    assert "link down: no acknowledgement" in there.said


def test_a_link_that_is_down_is_tried_again_less_and_less_often():
    there = world(down=True)
    there.run(lambda: len(there.said) == 6)
    there.cloud.down = False

    there.run(lambda: acknowledged(there) == there.house.state.sequence, 20000)

    assert there.said[:6] == ["link down: no network"] * 6


def test_without_a_network_nothing_is_tried_and_the_task_reports_on():
    there = world()
    there.network.up = False

    there.run(lambda: there.reports > 500)

    assert there.cloud.connections == 0 and there.said == []


def test_a_network_that_goes_takes_the_link_with_it_and_one_that_comes_brings_it_back():
    there = world()

    def gone_and_back():
        if there.cloud.connections == 1:
            there.network.up = "link down: the network is gone" in there.said
        return there.cloud.connections == 2

    there.run(gone_and_back, 20000)

    assert there.said.count("link down: the network is gone") == 1
    assert there.network.restarts == 0


def test_a_network_through_which_nothing_comes_is_made_anew_now_and_then():
    there = world(down=True)

    there.run(lambda: there.network.restarts == 2, 60000)

    assert len(there.said) >= 2 * sync.FAILURES_MAX


def test_a_heap_too_scattered_for_a_connection_is_healed_by_a_restart_a_day_at_the_most():
    there = world(starved=True)
    there._uptime_ms = sync.STARVED_MS - 1800000

    raises(MemoryError, there.run_to_its_end)

    assert sync.STARVED_MS <= there._uptime_ms < sync.STARVED_MS + 2 * sync.BACKOFF_MAX_MS
    assert there.said == ["link down: no memory"] * len(there.said)


def test_only_connections_in_a_row_without_room_end_the_run():
    there = world(starved=True)
    there._uptime_ms = sync.STARVED_MS
    in_a_row = sync.FAILURES_MAX - 1

    there.run(lambda: there.said.count("link down: no memory") == in_a_row, 20000)
    there.cloud.starved = False
    there.run(lambda: there.cloud.connections == 1, 20000)
    there.cloud.starved = there.cloud.down = True
    there.run(lambda: there.said.count("link down: no memory") == 2 * in_a_row, 20000)


def test_entries_that_come_later_are_sent_later():
    there = world()
    there.run(lambda: acknowledged(there) == there.house.state.sequence)
    there.house.type(there.house.token(1))

    there.run(lambda: acknowledged(there) == there.house.state.sequence)

    assert there.cloud.batches >= 2


def test_readings_go_up_when_the_ledger_is_acknowledged_and_are_forgotten_when_they_are_stored():
    there = world()
    there.house.step(26 * 3600, 600000)
    store = there.house.gateway.messages.readings._desk.store
    waiting = store.waiting()

    there.run(lambda: len(there.cloud.readings) == 2)

    assert waiting == 1 and store.waiting() == 0
    assert there.cloud.readings == [(len(there.cloud.bodies), 1), (len(there.cloud.bodies), 0)]


def test_readings_that_nobody_answers_hold_up_nothing():
    there = world()
    there.house.step(26 * 3600, 600000)
    there.cloud._keep = there.cloud.readings.append
    there.run(lambda: len(there.cloud.readings) == 3)
    there.house.type(there.house.token(1))

    there.run(lambda: acknowledged(there) == there.house.state.sequence)

    assert not [line for line in there.said if line.startswith("link down")]


def test_a_gateway_in_recovery_keeps_the_link_and_sends_no_entries():
    there = world()
    there.house.gateway.core.enter_recovery("for the test")

    there.run(lambda: there.cloud.hellos >= 2)

    assert there.cloud.batches == 0


def test_a_flood_of_nonsense_from_the_broker_keeps_no_other_task_waiting():
    there = world()
    there.house.type(there.house.token(1))
    flood = Flood(10000)
    there.cloud._answers = flood

    there.run(lambda: acknowledged(there) == there.house.state.sequence)

    assert len(flood) > 9000


class Flood(list):
    """What a broker sends without end; the cloud's own answers come first."""

    def __init__(self, count: int) -> None:
        super().__init__([b"nonsense"] * count)

    def append(self, message: bytes) -> None:
        self.insert(0, message)


def test_what_is_broken_off_between_two_slices_ends_at_once():
    there = World(Cloud())
    seen = []

    def steps():
        try:
            while True:
                seen.append("slice")
                yield
        finally:
            seen.append("end")

    there.house.gateway.messages.batch_steps = steps
    there.run(lambda: "slice" in seen)

    assert seen[-1] == "end"
