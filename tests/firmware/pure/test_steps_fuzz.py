"""A gateway by chance: messages, keys, water, jumps of the clock and starts between any two steps of its ticks."""

import os

from shared import documents, kinds
from shared.civil import zone_data
from shared.policy import AUTOMATIC
from tests.fakes.accounts import DAY_S
from tests.fakes.auditor import audit
from tests.fakes.house import House, signed_policy, signed_tariff
from tests.fakes.ledger_life import Lcg

_LIVES = 100 if os.getenv("PENSTOCK_LONG") else 3
_TICKS = 60
_POLICY = {"emergency_limit": 20000, "emergency_activation": AUTOMATIC, "allowance_day": 700, "allowance_max": 5000}
_MODES = (0, kinds.MODE_CREDIT, kinds.MODE_BULK, kinds.MODE_CURRENCY)
_FIXED_MONTH = 3000000


class Chance:
    """Two meters, one of them in money."""

    def __init__(self, seed: int) -> None:
        self.random = Lcg(seed)
        self.version = 1
        policy = signed_policy(**_POLICY)
        tariff = signed_tariff(1, fixed_month=_FIXED_MONTH, blocks=[(0, 200000)])
        mode, opening = (0, kinds.MODE_CURRENCY), (0, 900000)
        self.house = House(2, policy=policy, more=(tariff,), mode=mode, opening_balance=opening)
        self.house.trust_time()
        self._happenings = (
            self._token,
            self._mode,
            self._policy,
            self._tariff,
            self._control,
            self._adjust,
            self._factor,
            self._jump,
            self._flow,
            self._flow,
            self._disturb,
            self._disturb,
        )

    def tick(self):
        """A tick, in which much happens, little or nothing, and at times the last thing is that power goes."""
        house, below = self.house, self.random.below
        house.now_ms += 1000
        house.clock.time_s += 1 if below(4) else below(9000)
        if below(6) == 0:
            house.clock.time_s = (house.clock.time_s // DAY_S + 1) * DAY_S + below(3)
        if below(3) == 0:
            self._flow()
        many = (0, 1, 4)[below(3)]
        for _step in house.gateway.tick_steps(house.now_ms):
            if below(12) < many:
                self._happenings[below(len(self._happenings))]()
            if below(300) == 0:
                house.reboot()
                house.trust_time()
                audit(house)
                return

    def _token(self):
        self.house.receive(self.house.token_command(self.house.token(1 + self.random.below(3))))

    def _mode(self):
        self.house.receive(self.house.mode_command(_MODES[self.random.below(4)], 0, self.random.below(2)))

    def _policy(self):
        self.version += 1
        more = {"zone": zone_data(60 * self.random.below(10))} if self.random.below(2) else {}
        more.update(_POLICY)
        self.house.receive(self.house.command(documents.COMMAND_POLICY, signed_policy(self.version, **more)))

    def _tariff(self):
        self.version += 1
        from_s = self.house.clock.time_s + self.random.below(100)
        terms = {"fixed_month": _FIXED_MONTH, "blocks": [(0, 100000 * (1 + self.random.below(3)))]}
        document = signed_tariff(self.version, effective_from_s=from_s, **terms)
        self.house.receive(self.house.command(documents.COMMAND_TARIFF, document))

    def _control(self):
        action = (kinds.CONTROL_DISCONNECT, kinds.CONTROL_CONNECT)[self.random.below(2)]
        self.house.receive(self.house.control_command(action, 0, self.random.below(2)))

    def _adjust(self):
        pot, channel = 1 + self.random.below(4), self.random.below(2)
        self.house.receive(self.house.adjust_command(pot, 700 * (1 + self.random.below(3)), channel))

    def _factor(self):
        self.house.receive(self.house.factor_command((10, 100, 1000)[self.random.below(3)], self.random.below(2)))

    def _jump(self):
        self.house.clock.set_signed(self.house.clock.time_s + (30, 4000, 100000)[self.random.below(3)])

    def _flow(self):
        channel = self.random.below(2)
        self.house.counts[channel] += self.random.below(30)
        self.house.gateway.pulses(channel, self.house.counts[channel])

    def _disturb(self):
        self.house.gateway.stuck_key("7")
        self.house.gateway.lid(bool(self.random.below(2)), self.house.now_ms)


def test_whatever_comes_between_two_steps_of_a_tick_the_ledger_contradicts_nothing():
    for seed in range(1, 1 + _LIVES):
        chance = Chance(seed)
        try:
            for _ in range(_TICKS):
                chance.tick()
            audit(chance.house)
            chance.house.reboot()
            audit(chance.house)
        except BaseException:
            print("seed", seed)
            raise
