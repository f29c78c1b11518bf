"""What a customer's desk works on, without a ledger: meters whose state tests set, a clock, a policy, a token desk."""

from firmware.customer import CustomerDesk
from shared import kinds
from shared.policy import Floor, Policy
from shared.state import MeterState
from tests.fakes.clock import Clock

NOON_S = 1790000000 - 1790000000 % 86400 + 43200  # 2026-09-21 12:00 UTC


class _Settings:
    """One meter of the enrolment."""

    def __init__(self, channel, commodity):
        self.drn = "0102030405{}".format(channel)
        self.commodity = commodity
        self.return_key = bytes([channel + 1]) * 32
        self.opening_register = 0


class _Register:
    volume_ml = 0


class _Gateway:
    """Settings and state of a gateway: as far as a desk reads them."""

    epoch = 3
    lid_open = 0

    def __init__(self, meters, commodity=1):
        self.meters = {channel: _Settings(channel, commodity) for channel in range(meters)}


class _Result:
    """What became of a token, as firmware/tokens.py tells it."""

    wait_s = 0

    def __init__(self, code, pages):
        self.code = code
        self.pages = pages


class Front:
    """A keypad, a display and a buzzer in front of `meters` meters. It is core, desks and controls to them."""

    def __init__(self, meters=1, commodity=1, columns=16, rows=2, language="en", **policy):
        self.settings = self.state = _Gateway(meters, commodity)
        self._meters = {channel: MeterState(channel) for channel in range(meters)}
        self.registers = {channel: _Register() for channel in range(meters)}
        self.clock = Clock(NOON_S)
        self.clock.trust = kinds.TIME_TRUSTED
        self.policy = Policy(**policy)
        self.floor = Floor()
        self.tariff = None
        self.recovery = ""
        self.locked_s = 0
        self.faulty = self.in_motion = False
        self.typed = []  # (channel, digits) of tokens
        self.code = 1  # what becomes of the next token, and the pages behind its word
        self.pages = []
        self.asked = []  # (channel, code) of what a customer wanted done
        self.done = "lock_on"  # and what becomes of the next
        self.now_ms = 0
        for channel in range(meters):
            self.meter(channel).intent = kinds.FULL
            self.meter(channel).pots[kinds.TOKEN_CREDIT] = 5000000
        self.desk = CustomerDesk(self, self, self, self)
        self.desk.attach(columns, rows, language)

    def keyed_steps(self, channel, digits, _now_ms):
        """As firmware/tokens.py."""
        self.typed.append((channel, digits))
        yield None
        yield _Result(self.code, self.pages)

    def run(self, channel, code, _now_ms):
        """As firmware/controls.py."""
        self.asked.append((channel, code))
        return self.done, ""

    def press(self, keys):
        """Some keys, one after the other at once; the last result code."""
        code = None
        for key in keys:
            self.desk.key(key, self.now_ms)
            while self.desk.is_taking():
                code = self.desk.step(self.now_ms)
        return code

    def ask(self, keys, pages=1):
        """The pages that some keys bring, as (first line, second line)."""
        self.now_ms += 60000
        self.press(keys)
        shown = []
        for _ in range(pages):
            shown.append(self.desk.lines(self.now_ms))
            self.now_ms += 5000
        return shown

    def lines(self, after_ms=0):
        self.now_ms += after_ms
        return self.desk.lines(self.now_ms)

    def specials(self, rounds=6):
        """The second lines of the special pages of a one-meter gateway, from the most urgent on."""
        self.now_ms = 20000
        found = []
        for _ in range(rounds):
            found.append(self.lines()[1])
            self.now_ms += 30000
        return found

    def channels(self):
        return sorted(self._meters)

    def meter(self, channel=0):
        return self._meters[channel]

    def policy_of(self, _channel):
        return self.policy

    def tariff_of(self, _channel):
        return self.tariff

    def uncharged(self, channel):
        return self.registers[channel].volume_ml - self.meter(channel).register

    def balance(self, channel):
        return self.meter(channel).pots[kinds.TOKEN_CREDIT] - self.uncharged(channel)

    def wait_s(self, _channel, _now_ms):
        return self.locked_s

    def failed(self, _channel):
        return self.faulty

    def moving(self, _channel):
        return self.in_motion

    def is_open(self, channel):
        return self.meter(channel).is_open()
