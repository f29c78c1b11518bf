"""Whatever clock, power and flow do: no litre and no hour stands in two records, and none is lost but to full flash."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.readings import HOURS_MAX, Reading
from tests.fakes.flash import PowerCut
from tests.fakes.hours import HOUR, UNIT_ML, Desk, kept

START_ML = 500

STEP = st.one_of(
    st.tuples(st.just("flow"), st.integers(0, 5000)),
    st.tuples(st.just("pass"), st.integers(0, 7200)),
    st.tuples(st.just("jump"), st.integers(-200_000, 200_000)),
    st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.just("reboot"), st.just(0)),
)
CUT = st.tuples(st.just("cut"), st.integers(0, 300))


class Life:
    """A desk that lives by steps; every day that is closed has a number of its own."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.day = 20_000

    def live(self, steps: list[tuple[str, int]]) -> None:
        for step, amount in steps:
            try:
                self._do(step, amount)
            except PowerCut:
                self.desk.reboot()

    def _do(self, step: str, amount: int) -> None:
        desk = self.desk
        if step == "flow":
            desk.flow(amount)
        elif step in ("pass", "jump"):
            desk.clock.time_s += amount
            desk.tick()
        elif step == "close":
            self.day += 1
            desk.readings.close_day(0, self.day)
            desk.tick()
        elif step == "reboot":
            desk.reboot()
        else:
            desk.flash.cut_after = desk.flash.written + amount

    def records(self) -> list[Reading]:
        """All records, with the running hours closed as well, and the hour that runs ended."""
        self.desk.reboot()
        self.desk.clock.time_s = max(self.desk.clock.time_s, HOUR * 3600) + 400_000
        self.desk.tick()
        self._do("close", 0)
        return kept(self.desk)


def ends(record: Reading) -> tuple[int, int]:
    """(hour, register) behind a record."""
    return record.first_hour + len(record.pulses), record.register + record.total() * record.unit_ml


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=60))
def test_the_hours_of_all_records_add_up_to_the_register(steps: list[tuple[str, int]]) -> None:
    life = Life()

    life.live(steps)
    records = life.records()

    assert records[0].register == START_ML
    assert ends(records[-1])[1] == life.desk.volumes_ml[0]
    for before, after in pairwise(records):
        assert after.register == ends(before)[1] and after.first_hour >= ends(before)[0]
    assert all(1 <= len(record.pulses) <= HOURS_MAX and record.unit_ml == UNIT_ML for record in records)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(STEP, CUT), max_size=60))
def test_power_that_goes_at_any_byte_counts_nothing_twice(steps: list[tuple[str, int]]) -> None:
    life = Life()

    life.live(steps)
    records = life.records()

    for before, after in pairwise(records):
        assert after.register >= ends(before)[1] and after.first_hour >= ends(before)[0]
    assert ends(records[-1])[1] <= life.desk.volumes_ml[0]
