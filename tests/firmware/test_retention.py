"""More than a year without a link in 1 MB: eight meters lose nothing, and on a full flash readings are given up first.

The flash counts whole blocks of 4096 bytes for each file, as littlefs does.
"""

import random
from collections import Counter

import pytest

from firmware.ledger.readings import FREE_MIN_BYTES, ReadingStore
from shared import kinds, readings
from shared.entries import Entry
from tests.chance import chance_of
from tests.fakes.auditor import audit, entries_of
from tests.fakes.flash import Flash
from tests.fakes.house import House, bundle, enrolled_flash, signed_policy

METERS = 8
DAYS = 400
BLOCK_BYTES = 4096
ACCEPT = 1
REBOOT_EVERY_H = 1111
TOKEN_UNITS = 20  # 2 m3 a week: it seldom lasts for the whole of it, and the valve closes
_LITRES = (0, 0, 0, 0, 2, 12, 40, 30, 12, 6, 6, 15, 20, 10, 4, 4, 8, 18, 35, 40, 20, 10, 4, 0)


class BlockFlash(Flash):
    """1 MiB in blocks; a block more for the directory of every 20 files."""

    def free(self) -> int:
        blocks = sum(-(-len(data) // BLOCK_BYTES) for data in self.files.values()) + len(self.files) // 20 + 2
        return max(0, self.capacity_bytes - blocks * BLOCK_BYTES)

    def after_reboot(self) -> "BlockFlash":
        rebooted = BlockFlash(self.capacity_bytes)
        rebooted.files = dict(self.files)
        return rebooted


class Years:
    """A house that lives hour by hour without a link, from the first midnight on."""

    def __init__(self, chance: random.Random, **policy: int) -> None:
        self.chance = chance
        flash = BlockFlash()
        flash.files = enrolled_flash(bundle(METERS, policy=signed_policy(1, **policy))).files
        self.house = House(METERS, flash=flash)
        self.house.trust_time()
        self.hours = 0
        self.codes: Counter[int] = Counter()
        self.used_ml = [0] * METERS
        self.house.step(86400 - self.house.clock.time_s % 86400, 400000)
        self.house.step(30, 2000)

    def days(self, count: int) -> None:
        """Let days pass."""
        for _ in range(24 * count):
            self._hour()
            if self.hours % REBOOT_EVERY_H == 0:
                self._reboot()

    def _reboot(self) -> None:
        """The power goes and comes back at once; what the journal did not have yet was not counted."""
        house = self.house
        now_s = house.clock.time_s
        house.reboot()
        house.clock.set_signed(now_s)
        self.used_ml = [house.gateway.core.registers[channel].volume_ml for channel in range(METERS)]

    def _hour(self) -> None:
        house = self.house
        for channel in range(METERS):
            if house.valves[channel].is_open():
                self._use(channel, self.chance.randint(0, 2 * _LITRES[self.hours % 24]))
            if self.hours % 168 == 19 + channel:
                self.codes[house.type(house.token(TOKEN_UNITS, channel), channel)] += 1
        self.hours += 1
        house.step(3570, 3570000)
        house.step(30, 2000 if self.hours % 24 == 0 else 15000)  # of days one meter's is closed at a time

    def _use(self, channel: int, wanted: int) -> None:
        """Water flows until the valve would close; the ticks here are too far apart for that."""
        litres = min(wanted, max(0, self.house.balance(channel)) // 1000)
        self.house.counts[channel] += litres
        self.used_ml[channel] += 1000 * litres
        self.house.gateway.pulses(channel, self.house.counts[channel])

    def entries(self, kind: int) -> list[Entry]:
        """All entries of a kind."""
        return [entry for entry in entries_of(self.house.gateway.core.store) if entry.kind == kind]

    def kept(self) -> list[readings.Reading]:
        """Every reading on flash, oldest first."""
        copy = Flash(1 << 30)
        copy.files = dict(self.house.flash.files)
        store = ReadingStore(copy, 1)
        found = []
        while (oldest := store.oldest()) is not None:
            found += [readings.decode(packed) for packed in readings.split(oldest[2])]
            store.forget(oldest[0], oldest[1])
        return found

    def report(self) -> None:
        """Print what flash is used for."""
        files, days = self.house.flash.files, self.hours // 24
        for what, prefix in (("ledger", "seg-"), ("readings", "rseg-")):
            size = sum(len(data) for name, data in files.items() if name.startswith(prefix))
            print(f"{what}: {size} bytes in {days} days, {size / days / METERS:.0f} a meter and day")
        names = Counter(kinds.KIND_NAMES[entry.kind] for entry in entries_of(self.house.gateway.core.store))
        print(f"free: {self.house.flash.free()} bytes; entries: {dict(names)}")


@pytest.fixture(scope="module")
def years(request: pytest.FixtureRequest) -> Years:
    """A house after 400 days."""
    made = Years(chance_of(request.node.nodeid))
    made.days(DAYS)
    made.report()
    return made


def test_400_days_of_eight_meters_without_a_link_lose_nothing(years: Years) -> None:
    core = years.house.gateway.core
    closed = {(entry.meter, entry.detail): entry for entry in years.entries(kinds.DAY) if entry.reference_a}
    kept = {(record.channel, record.day): record for record in years.kept()}

    audit(years.house)
    assert core.store.first_kept() == 1
    assert set(years.codes) == {ACCEPT} and len(years.entries(kinds.TOKEN)) == years.codes[ACCEPT] > 50 * METERS
    assert len(years.entries(kinds.VALVE_OUTCOME)) > 20 * METERS, "the test is about valves that move, too"
    assert set(kept) == set(closed) and len(closed) >= DAYS * METERS
    for key, record in kept.items():
        named = (readings.check_of(readings.encode(record)), record.total())
        assert named == (closed[key].reference_a, closed[key].reference_b)
    assert years.house.flash.free() >= FREE_MIN_BYTES


def test_the_hours_of_all_days_add_up_to_the_register(years: Years) -> None:
    core = years.house.gateway.core
    counted = Counter[int]()
    for record in years.kept():
        counted[record.channel] += record.total() * record.unit_ml

    for channel in range(METERS):
        assert core.registers[channel].volume_ml == years.used_ml[channel] == counted[channel]


def test_a_free_allowance_of_every_day_fits_the_same_400_days(chance: random.Random) -> None:
    years = Years(chance, allowance_day=50_000, allowance_max=1_500_000)

    years.days(DAYS)

    given = [entry.delta for entry in years.entries(kinds.GRANT) if entry.meter == 0]
    assert sum(given) > (DAYS - 8) * 50_000 and len(given) < DAYS // 2, "by the week, and none is lost"
    assert years.house.gateway.core.store.first_kept() == 1
    assert years.house.flash.free() >= FREE_MIN_BYTES


def test_on_a_full_flash_readings_are_given_up_and_metering_and_tokens_go_on(years: Years) -> None:
    house = years.house
    while house.gateway.core.has_room():
        years.days(10)
    years.report()
    tokens, motions = years.codes[ACCEPT], [valve.motions for valve in house.valves]

    years.days(28)

    core = house.gateway.core
    assert years.kept() == [], "what could be dropped is dropped first"
    assert core.recovery == "" and core.store.first_kept() == 1
    assert set(years.codes) == {ACCEPT} and years.codes[ACCEPT] == tokens + 4 * METERS
    assert len(years.entries(kinds.TOKEN)) == years.codes[ACCEPT]
    assert sum(valve.motions for valve in house.valves) > sum(motions), "supply is still enforced"
    for channel in range(METERS):
        assert core.registers[channel].volume_ml == years.used_ml[channel]
        assert house.balance(channel) == core.meter(channel).credited - years.used_ml[channel]


def test_once_the_ledger_is_acknowledged_readings_are_kept_again(years: Years) -> None:
    house, core = years.house, years.house.gateway.core
    before = len(years.kept())

    house.gateway.messages.outbox.acknowledge(core.state.sequence, core.store.head)
    years.days(3)

    assert before == 0 and len(years.kept()) >= 2 * METERS
    assert core.store.first_kept() > 1 and core.has_room()
