"""Whatever happens to a gateway, in whatever order, for years: its ledger tells the truth, and supply follows it.

PENSTOCK_LONG=1 (make test-life LONG=1) lives longer lives, and more of them.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared import documents, kinds
from tests.life import draws
from tests.life.home import CRITICAL, METERS, MONEY, WATER, Home

LONG = bool(os.environ.get("PENSTOCK_LONG"))
CHANNELS = st.integers(0, METERS - 1)
GROUPS = st.integers(0, 1)
AMOUNTS = st.sampled_from((1, 1, 2, 5, 40))
PAID = st.lists(AMOUNTS, min_size=3, max_size=3)


class Life(RuleBasedStateMachine):
    """Each rule is something that happens; what must hold is in Home.check and in the models behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home()

    @initialize(capacity_bytes=st.sampled_from((1 << 20, 1 << 20, 52_000)), knows_the_time=st.booleans(), paid=PAID)
    def be_enrolled(self, capacity_bytes: int, knows_the_time: bool, paid: list[int]) -> None:
        home = self.home = Home(capacity_bytes)
        if knows_the_time:
            home.signed_time(home.real_s)
        for channel, amount in zip((WATER, MONEY, CRITICAL), paid, strict=True):
            home.type_in(channel, home.vend(channel, amount))
        home.live(home.settle)

    @rule(channel=CHANNELS, amount=AMOUNTS, by_command=st.booleans())
    def pay(self, channel: int, amount: int, by_command: bool) -> None:
        home = self.home
        digits = home.vend(channel, amount)
        home.live(lambda: home.remote(channel, digits) if by_command else home.type_in(channel, digits))

    @rule(number=st.integers(0, 99))
    def try_a_used_token(self, number: int) -> None:
        home = self.home
        if home.accepted:
            channel, digits = home.accepted[number % len(home.accepted)]
            home.live(lambda: home.type_in(channel, digits))

    @rule(channel=CHANNELS, digits=st.integers(0, 10**20 - 1))
    def try_wrong_digits(self, channel: int, digits: int) -> None:
        self.home.live(lambda: self.home.type(f"{digits:020d}", channel))

    @rule(channel=CHANNELS, litres=st.sampled_from((1, 4, 9, 30, 120, 900, 6000)))
    def use(self, channel: int, litres: int) -> None:
        self.home.live(lambda: self.home.flow(litres, channel))

    @rule(litres=st.sampled_from((1, 8, 40)), times=st.integers(1, 12), pause_s=st.sampled_from((1, 60, 4000)))
    def use_everywhere(self, litres: int, times: int, pause_s: int) -> None:
        def step() -> None:
            for _ in range(times):
                for channel in range(METERS):
                    self.home.flow(litres, channel)
                self.home.wait(pause_s, 1)

        self.home.live(step)

    @rule(seconds=st.sampled_from((60, 3600, 21600, 86400)), ticks=st.integers(1, 30))
    def let_time_pass(self, seconds: int, ticks: int) -> None:
        self.home.live(lambda: self.home.wait(seconds, ticks))

    @rule(days=st.integers(2, 45), ticks_a_day=st.integers(1, 5), litres=st.integers(0, 200))
    def let_days_pass(self, days: int, ticks_a_day: int, litres: int) -> None:
        def step() -> None:
            for _ in range(days):
                for channel in range(METERS):
                    self.home.flow(litres // 10 * channel, channel)
                self.home.wait(86400, ticks_a_day)

        self.home.live(step)

    @rule(off_s=st.sampled_from((0, 0, 0, 0, 5, -30, -7200, 7200, 86400 * 40)))
    def hear_the_time(self, off_s: int) -> None:
        self.home.live(lambda: self.home.signed_time(self.home.real_s + off_s))

    @rule(off_s=st.sampled_from((1, 600, 86400 * 3)))
    def lose_power(self, off_s: int) -> None:
        self.home.live(lambda: self.home.reboot(off_s))

    @rule(count=st.integers(0, 2500))
    def power_is_about_to_go(self, count: int) -> None:
        self.home.flash.cut_after = self.home.flash.written + count

    @rule(group=GROUPS, values=draws.POLICIES, hours=draws.HOURS)
    def get_a_policy(self, group: int, values: dict[str, int], hours: draws.Hours) -> None:
        home = self.home
        document = home.new_policy(group, hours, values)
        home.live(lambda: home.order(documents.COMMAND_POLICY, document))

    @rule(minimum=st.sampled_from((0, 0, 0, 1, 2, 3)))
    def get_a_floor(self, minimum: int) -> None:
        document = self.home.new_floor(minimum)
        self.home.live(lambda: self.home.order(documents.COMMAND_FLOOR, document))

    @rule(
        in_s=st.integers(-86400, 50 * 86400),
        blocks=draws.BLOCKS,
        counters=st.integers(0, 2),
        fixed=st.sampled_from((0, 1, 3_000_001)),
    )
    def get_a_tariff(self, in_s: int, blocks: list[tuple[int, int]], counters: int, fixed: int) -> None:
        home = self.home
        document = home.new_tariff(1, home.real_s + in_s, blocks, counters, fixed)
        home.live(lambda: home.order(documents.COMMAND_TARIFF, document))

    @rule(channel=CHANNELS, bits=draws.MODES, money=st.booleans())
    def change_mode(self, channel: int, bits: int, money: bool) -> None:
        if channel == MONEY or money:
            bits |= kinds.MODE_CURRENCY
        payload = draws.mode(channel, bits, 1 if bits & kinds.MODE_CURRENCY else 0)
        self.home.live(lambda: self.home.order(documents.COMMAND_MODE, payload))

    @rule(channel=st.sampled_from((0, 1, 2, 3, 4, 255)), action=draws.CONTROLS, lasts_s=st.integers(0, 200_000))
    def order_the_valve(self, channel: int, action: int, lasts_s: int) -> None:
        home = self.home
        timed = action in (kinds.CONTROL_SAFETY, kinds.CONTROL_OPEN_ALL)
        payload = draws.control(channel, action, home.gateway.core.clock.now() + lasts_s if timed else 0)
        home.live(lambda: home.order(documents.COMMAND_CONTROL, payload))

    @rule(channel=CHANNELS, pot=st.integers(0, 5), delta=st.integers(-400_000, 400_000))
    def set_a_balance_right(self, channel: int, pot: int, delta: int) -> None:
        payload = draws.adjustment(channel, pot, delta)
        self.home.live(lambda: self.home.order(documents.COMMAND_ADJUST, payload))

    @rule(channel=CHANNELS, pulse_ml=st.sampled_from((1, 10, 1000)))
    def change_the_factor(self, channel: int, pulse_ml: int) -> None:
        payload = documents.FACTOR_PAYLOAD.encode(channel=channel, pulse_volume_ml=pulse_ml)
        self.home.live(lambda: self.home.order(documents.COMMAND_FACTOR, payload))

    @rule(channel=CHANNELS, code=draws.CODES)
    def press_a_code(self, channel: int, code: int) -> None:
        home = self.home
        home.live(lambda: home.customer(channel, code))

    @rule(number=st.integers(0, 99))
    def replay_a_command(self, number: int) -> None:
        home = self.home
        if home.carried_out:
            home.refuse(home.carried_out[number % len(home.carried_out)])

    @rule(flaw=st.sampled_from(("expired", "unsigned", "order", "epoch")))
    def send_a_bad_command(self, flaw: str) -> None:
        self.home.refuse(self.home.bad_command(flaw))

    @rule(channel=CHANNELS, jammed=st.booleans())
    def jam(self, channel: int, jammed: bool) -> None:
        self.home.valves[channel].jammed = jammed
        self.home.ever_jammed = self.home.ever_jammed or jammed

    @rule()
    def tell_the_cloud(self) -> None:
        self.home.live(self.home.acknowledge)

    @invariant()
    def runs_on(self) -> None:
        assert self.home.gateway.recovery == ""


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=300 if LONG else 60,
    stateful_step_count=250 if LONG else 60,
    suppress_health_check=list(HealthCheck),
)
