"""The gateway of a scenario and what surrounds it: time, water, hands at the keypad, the utility's messages.

Time is virtual: long stretches go in long ticks, but a valve that moves gets short ones.
"""

from firmware.charges import charges
from firmware.clock import Clock
from shared import documents, ed25519, kinds
from shared.state import apply_meter
from shared.sts.amounts import largest_currency_not_above, largest_not_above
from shared.sts.cipher import make_cipher
from shared.sts.fields import CurrencyCredit, TransferCredit
from shared.sts.time_id import tid_at
from shared.sts.token import encode
from tests.fakes.house import COMMAND_SEED, GATEWAY, LINK_KEY, UTILITY, House, decoder_key, enrolled_flash
from tests.fakes.keypad import press
from tests.scenarios.plan import BASE_YEAR, Plan

_DAY_MS = 86400000
_KEY_MS = 200
_QUIET_S = 5  # so long no motor has started: the valves have arrived
_TICKS = ((600, 1), (21600, 10), (259200, 60), (1296000, 900))  # up to so many seconds in ticks of so many
_LONG_TICK_S = 3600
_TOKEN_UNIT = 100000  # 0.1 m3 or 0.1 kWh, in ml or mWh
_PORTION_ML = 10000
_RANDOM = 5  # the token's own random number: any will do
_CURRENCY = 4  # added to a commodity's subclass


class Home(House):
    """A gateway with the clock of the firmware, on a capacious flash."""

    def __init__(self, plan):
        self._bypass = plan.bypass
        super().__init__(len(plan.meters), enrolled_flash(plan.bundle()))
        for channel, has_bypass in enumerate(plan.bypass):
            self.valves[channel].has_bypass = has_bypass

    def _clock(self, start_s):
        self.clock = Clock(lambda: self.now_ms & 0x3FFFFFFF, start_s)
        return self.clock


class World:
    """One scenario's world. `house` is there from the first sentence on that needs power."""

    def __init__(self):
        self.plan = Plan()
        self.house = None
        self.real_ms = 0
        self.result = None  # code of the last token
        self.reply = ""  # what became of the last message
        self.since = 0  # the ledger's last sequence before the present When
        self.moved = []  # motions of each valve before it
        self.tokens = []  # (channel, digits) of all that were made
        self.running = {}  # channel -> (ml a day, only while the valve is open)
        self._drops = {}  # channel -> ml * _DAY_MS that make no pulse yet
        self._last_tid = 0

    def start(self):
        """The gateway gets power for the first time."""
        if self.house is None:
            if not self.plan.meters:
                raise ValueError("a scenario begins with its meter: Given a water meter with 2.000 m3")
            self.house = Home(self.plan)
            self.house.gateway.attach_panel(*self.plan.panel)
            self.real_ms = 1000 * self.plan.start_s()
            self.mark()
            self.settle()

    @property
    def core(self):
        return self.house.gateway.core

    @property
    def now_s(self):
        """The real time, whatever the gateway's clock says."""
        return self.real_ms // 1000

    def meter(self, channel):
        return self.house.meter(channel)

    def figures(self, channel):
        """The meter's state with all that has flowed: what the next charge will write."""
        meter = self.meter(channel).copy()
        for entry in charges(self.core, channel):
            apply_meter(meter, entry)
        return meter

    def policy(self, channel):
        return self.core.policy_of(channel)

    def mark(self):
        """What is written from here on belongs to the When that begins."""
        self.since = self.house.state.sequence
        self.moved = [valve.motions for valve in self.house.valves]

    def advance(self, ms):
        """Time passes, in one tick."""
        self.real_ms += ms
        self.house.now_ms += ms
        for channel in self.running:
            self._run(channel, ms)
        self.house.gateway.tick(self.house.now_ms)

    def settle(self):
        """Let the valves arrive."""
        quiet_s = 0
        while quiet_s < _QUIET_S:
            before = self._motions()
            self.advance(1000)
            quiet_s = quiet_s + 1 if self._motions() == before else 0

    def wait(self, seconds):
        """Let time pass."""
        end_ms = self.real_ms + 1000 * seconds
        tick_s = min([self._tick_s(seconds)] + [self._pulse_s(channel) for channel in self.running])
        while self.real_ms < end_ms:
            before = self._motions()
            step_ms = 1000 * tick_s - self.real_ms % (1000 * tick_s)
            self.advance(min(step_ms, end_ms - self.real_ms))
            while self._motions() != before and self.real_ms < end_ms:
                before = self._motions()
                for _second in range(_QUIET_S):
                    self.advance(1000)

    def wait_until(self, day, minute):
        """Let time pass up to a local time; day None: the next time that it is so late."""
        zone = self.policy(0).calendar.zone
        if day is None:
            today, now = zone.local(self.now_s)
            day = today if minute > now else today + 1
        seconds = zone.instant(day, minute) - self.now_s
        if seconds < 0:
            raise ValueError("that time is past")
        self.wait(seconds)

    def flow(self, channel, volume_ml):
        """So much passes the meter; the rest below a pulse waits."""
        self._pass(channel, volume_ml * _DAY_MS)

    def _pass(self, channel, drops):
        drops += self._drops.get(channel, 0)
        pulse = _DAY_MS * self.pulse_volume_ml(channel)
        self._drops[channel] = drops % pulse
        if drops >= pulse:
            self.house.counts[channel] += drops // pulse
            self.house.gateway.pulses(channel, self.house.counts[channel])

    def pulse_volume_ml(self, channel):
        """What one pulse counts now."""
        return self.meter(channel).pulse_volume_ml or self.core.settings.meters[channel].pulse_volume_ml

    def draw(self, channel, volume_ml):
        """So much is drawn, a portion each second; what a closed valve stops does not flow."""
        self.settle()
        valve = self.house.valves[channel]
        while volume_ml > 0 and not valve.is_closed():
            portion_ml = min(volume_ml, _PORTION_ML)
            volume_ml -= portion_ml
            self.flow(channel, portion_ml)
            self.advance(1000)
        self.settle()

    def run_for(self, channel, a_day_ml, seconds, only_open=True):
        """The taps are open for a time; so much would flow in a day."""
        before = self.running.get(channel)
        self.running[channel] = (a_day_ml, only_open)
        self.wait(seconds)
        if before is None:
            del self.running[channel]
        else:
            self.running[channel] = before

    def press(self, keys):
        """Keys of the keypad; the result code, when they end in a token."""
        code = None
        for key in keys:
            self.advance(_KEY_MS)
            code = press(self.house.gateway, key, self.house.now_ms)
        return code

    def type(self, channel, keys):
        """Keys for one meter, which is chosen first where there are several."""
        if len(self.house.valves) > 1:
            self.press("0{}".format(channel + 1))  # any key wakes it, a digit chooses
        self.result = self.press(keys)

    def token(self, channel, amount, made_s=None):
        """The 20 digits of a fresh token of ml (mWh) or money, as the utility vends it, now or at another time."""
        tid = max(self._last_tid + 1, tid_at(self.now_s, BASE_YEAR)) if made_s is None else tid_at(made_s, BASE_YEAR)
        self._last_tid = max(self._last_tid, tid) if made_s is None else self._last_tid
        digits = encode(_credit(self.plan.meters[channel], tid, amount), make_cipher(11, decoder_key(channel)))
        self.tokens.append(digits)
        return digits

    def management(self, channel, kind, *values):
        """The 20 digits of a management token."""
        self._last_tid = max(self._last_tid + 1, tid_at(self.now_s, BASE_YEAR))
        return encode(kind(_RANDOM, self._last_tid, *values), make_cipher(11, decoder_key(channel)))

    def command(self, kind, payload):
        """A signed command comes in."""
        signed = self.house.command(kind, payload, issued_s=self.now_s, expires_s=self.now_s + 86400)
        self.reply = self.house.receive(signed)
        self.advance(1000)
        self.settle()

    def send_token(self, channel, digits):
        """A token comes as a command."""
        check = documents.key_check(decoder_key(channel))
        payload = documents.TOKEN_PAYLOAD.encode(channel=channel, key_check=check, token=int(digits))
        self.command(documents.COMMAND_TOKEN, payload)
        self.result = int(self.reply.split("result ")[1]) if "result " in self.reply else None

    def set_clock(self, real_s):
        """Signed time answers a hello."""
        messages = self.house.gateway.messages
        hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, messages.hello()))
        document = documents.TIME.encode(
            utility=UTILITY,
            gateway=GATEWAY,
            epoch=1,
            boot_nonce=messages.boot_nonce,
            nonce=hello["nonce"],
            time_s=real_s,
        )
        self.reply = self.house.receive(document + ed25519.sign(COMMAND_SEED, document))

    def cut_power(self, seconds):
        """The power is away for a time; the gateway then knows no time."""
        self.real_ms += 1000 * seconds
        self.house.reboot()
        self.house.gateway.attach_panel(*self.plan.panel)
        self.settle()

    def _motions(self):
        return [valve.motions for valve in self.house.valves]

    def _tick_s(self, seconds):
        tick_s = _LONG_TICK_S
        for up_to_s, ticks_of_s in _TICKS:
            if seconds <= up_to_s:
                tick_s = min(tick_s, ticks_of_s)
        return tick_s

    def _pulse_s(self, channel):
        """The seconds of a pulse: in longer ticks more would flow than a valve lets through."""
        return max(86400 * self.pulse_volume_ml(channel) // max(self.running[channel][0], 1), 1)

    def _run(self, channel, ms):
        a_day_ml, only_open = self.running[channel]
        valve = self.house.valves[channel]
        if not only_open or valve.is_open() or valve.bypassed:
            self._pass(channel, a_day_ml * ms)


def _credit(meter, tid, amount):
    """The value that a token of this amount carries; ValueError: none carries it."""
    in_money = meter["mode"] & kinds.MODE_CURRENCY
    if in_money:
        carried, rest = largest_currency_not_above(amount), "{}.{:05d}"
    else:
        carried, rest = largest_not_above(amount // _TOKEN_UNIT) * _TOKEN_UNIT, "{}.{:06d}"
    if carried != amount:
        one = 100000 if in_money else 1000000
        raise ValueError("no token carries just this; one carries " + rest.format(carried // one, carried % one))
    if in_money:
        return CurrencyCredit(meter["commodity"] + _CURRENCY, tid, amount)
    return TransferCredit(meter["commodity"], _RANDOM, tid, amount // _TOKEN_UNIT)
