"""A gateway of five unlike meters under power, with its customers, its utility and the real time around it."""

from firmware import epoch
from firmware.clock import Clock
from firmware.gateway import Gateway
from shared import documents, ed25519, kinds
from shared.in_force import InForce
from shared.policy import Floor, decode_floor, decode_policy
from shared.sts.cipher import make_cipher
from shared.sts.fields import CurrencyCredit, TransferCredit
from shared.sts.time_id import tid_at
from shared.sts.token import encode
from shared.tariff import decode_tariff, encode_tariff
from shared.wire import Reader
from tests.fakes.flash import PowerCut
from tests.fakes.house import (
    COMMAND_SEED,
    GATEWAY,
    LINK_KEY,
    START_S,
    UTILITY,
    House,
    bundle,
    decoder_key,
    enrolled_flash,
    signed_floor,
    signed_policy,
)
from tests.life.calendars import Hours
from tests.life.watch import Watch

WATER, MONEY, BILLED, CRITICAL, BULK = range(5)
MODES = {MONEY: kinds.MODE_CURRENCY, BILLED: kinds.MODE_CREDIT, CRITICAL: kinds.MODE_CRITICAL, BULK: kinds.MODE_BULK}
GROUPS = {MONEY: 1}
METERS = 5
PULSE_ML = 1000
LOST_MAX_ML = 10000  # of one reset: docs/gateway.md, the register
BLOCKS = [(5_000_000, 120_000), (12_000_000, 250_000), (0, 410_003)]
_TICKS = (1 << 30) - 1
_EVENINGS = Hours(60, [(0x7F, 18 * 60, 7 * 60)], [])


class Randoms:
    """Rising numbers as random bytes, over all starts: no nonce comes twice."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")


class Home(House):
    """`real_s` is the real time; the gateway has its own. live() runs a step, through a power cut if there is one."""

    def __init__(self, capacity_bytes: int = 1 << 20) -> None:
        self.known = InForce()
        self.hours: dict[int, Hours] = {}
        self.versions: dict[object, int] = {}
        self.random = Randoms()
        self.real_s = START_S
        self.watch = Watch(self.known, self.hours)
        self.physical_ml = [0] * METERS
        self.factors = [PULSE_ML] * METERS
        self.may_lose_ml = [0] * METERS
        self.ever_jammed = False
        self.accepted: list[tuple[int, str]] = []
        self.carried_out: list[bytes] = []
        super().__init__(METERS, enrolled_flash(self._bundle(), capacity_bytes=capacity_bytes))
        for valve in self.valves:
            valve.has_bypass = True
        self.check()

    def start(self) -> None:
        self.now_ms = 0
        started = epoch.start(self.flash)
        assert started is not None
        self.gateway = Gateway(self.flash, *started, self.valves, self._clock, self.random, 0)
        self.counts = [0] * len(self.counts)

    def _clock(self, start_s: int) -> Clock:
        self.clock = Clock(lambda: self.now_ms & _TICKS, start_s)
        return self.clock

    # What happens to it.

    def live(self, step) -> None:  # type: ignore[no-untyped-def]
        """Do something; where the power goes in the middle of it, start again. Then everything is judged."""
        try:
            step()
            self.settle()
        except PowerCut:
            self.reboot()
        self.check()

    def reboot(self, off_s: int = 60) -> None:
        self.real_s += off_s
        before = [register.volume_ml for register in self.gateway.core.registers.values()]
        super().reboot()
        for channel, volume_ml in enumerate(before):
            lost = volume_ml - self.gateway.core.registers[channel].volume_ml
            most = LOST_MAX_ML + max(self.factors[channel], self.may_lose_ml[channel])
            assert 0 <= lost <= most, (channel, lost)
            self.physical_ml[channel] -= lost
        self.may_lose_ml = [0] * len(self.counts)

    def wait(self, seconds: int, ticks: int = 4) -> None:
        """Time passes, with few ticks."""
        for _ in range(ticks):
            self.real_s += seconds // ticks
            self.now_ms += 1000 * (seconds // ticks)
            self.gateway.tick(self.now_ms)

    def settle(self) -> None:
        """A little time, so that valves arrive; then each stands where the ledger says, and none below the floor."""
        self.wait(60, 30)
        core = self.gateway.core
        for channel, meter in self.state.meters.items():
            quiet = core.has_room() and not self.gateway._valves.moving(channel)
            if quiet and not self.ever_jammed:
                assert self.valves[channel].position is meter.is_open(), "the valve is not where the ledger says"
            if core.has_room() and not meter.locked and core.clock.now() >= meter.safety_until_s:
                least = max(core.floor.minimum_supply, core.policy_of(channel).least_supply)
                if meter.has(kinds.MODE_CRITICAL):
                    least = max(least, kinds.LIFELINE)
                assert meter.intent >= least, "supply is below the floor"

    def flow(self, litres: int, channel: int = 0) -> None:
        """Pulses come, as far as the valve lets through; a closed one leaks a little."""
        valve = self.valves[channel]
        litres = litres if valve.position is not False else min(litres, 3)
        self.counts[channel] += litres
        self.physical_ml[channel] += litres * self.factors[channel]
        self.may_lose_ml[channel] = litres * self.factors[channel]  # a cut in this tick finds them nowhere
        self.gateway.pulses(channel, self.counts[channel])
        self.gateway.tick(self.now_ms)
        self.may_lose_ml[channel] = 0

    # What the utility does.

    def vend(self, channel: int, amount: int) -> str:
        """A fresh token; of money where the meter is charged by currency."""
        self.sold += 1
        tid = tid_at(START_S, 2014) + self.sold
        if self.meter(channel).has(kinds.MODE_CURRENCY):
            value = CurrencyCredit(5, tid, amount * 1000)
        else:
            value = TransferCredit(1, 5, tid, amount)  # type: ignore[assignment]
        return encode(value, make_cipher(11, decoder_key(channel)))

    def type_in(self, channel: int, digits: str) -> int:
        """A token at the keypad; whatever is shown as accepted is remembered."""
        before = self.meter(channel).credited
        code = self.type(digits, channel)
        if code == 1:
            assert (channel, digits) not in self.accepted, "a token was accepted twice"
            self.accepted.append((channel, digits))
            assert self.meter(channel).credited > before
        return code

    def order(self, kind: int, payload: bytes, **changes) -> str:  # type: ignore[no-untyped-def]
        """A signed command of the present moment."""
        now_s = self.gateway.core.clock.now()
        fields = {"issued_s": now_s, "expires_s": now_s + 864000, **changes}
        message = self.command(kind, payload, **fields)
        answer = self.receive(message)
        if answer.startswith("command"):
            self.carried_out.append(message)
        return answer

    def refuse(self, message: bytes) -> None:
        """A message that must leave no trace."""
        before = self.state.sequence
        answer = self.receive(message)
        assert answer.startswith("refused") and self.state.sequence == before, answer

    def bad_command(self, flaw: str) -> bytes:
        """An order that is expired, not signed by the utility, not next, or for another epoch."""
        now_s = self.gateway.core.clock.now()
        fields = {"issued_s": now_s, "expires_s": now_s + 864000}
        fields.update(
            {"expired": {"expires_s": now_s}, "order": {"previous": 0xFFFFFF}, "epoch": {"epoch": 2}}.get(flaw, {})
        )
        if flaw == "unsigned":
            fields["seed"] = bytes(32)  # type: ignore[assignment]
        payload = documents.CONTROL_PAYLOAD.encode(channel=0, action=kinds.CONTROL_DISCONNECT, until_s=0)
        return self.command(documents.COMMAND_CONTROL, payload, **fields)

    def customer(self, channel: int, code: int) -> None:
        """What a code at the keypad does, behind its PIN."""
        self.gateway._customer._controls.run(channel, code, self.now_ms)

    def remote(self, channel: int, digits: str) -> str:
        check = documents.key_check(decoder_key(channel))
        payload = documents.TOKEN_PAYLOAD.encode(channel=channel, key_check=check, token=int(digits))
        return self.order(documents.COMMAND_TOKEN, payload)

    def new_policy(self, group: int, hours: Hours, values: dict) -> bytes:  # type: ignore[type-arg]
        """A signed policy of the next version."""
        document = signed_policy(self._next("policy", group), meter_group=group, **{**values, **hours.fields()})
        policy = decode_policy(document[:-64])
        self.known.add(policy)
        self.hours[policy.check] = hours
        return document

    def new_floor(self, minimum: int) -> bytes:
        document = signed_floor(self._next("floor", 0), minimum)
        self.known.add(decode_floor(document[:-64]))
        return document

    def new_tariff(self, group: int, from_s: int, blocks: list[tuple[int, int]], counters: int, fixed: int) -> bytes:
        version = self._next("tariff", group)
        document = encode_tariff(UTILITY, group, version, from_s, counters, fixed, 31, blocks)
        self.known.add(decode_tariff(document))
        return document + ed25519.sign(COMMAND_SEED, document)

    def signed_time(self, time_s: int) -> str:
        """The cloud answers a hello with the time."""
        hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, self.gateway.messages.hello()))
        document = documents.TIME.encode(
            utility=UTILITY,
            gateway=GATEWAY,
            epoch=1,
            boot_nonce=hello["boot_nonce"],
            nonce=hello["nonce"],
            time_s=time_s,
        )
        return self.receive(document + ed25519.sign(COMMAND_SEED, document))

    def acknowledge(self) -> str:
        """The cloud has everything."""
        hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, self.gateway.messages.hello()))
        fields = {name: hello[name] for name in ("utility", "gateway", "epoch", "sequence", "head", "nonce")}
        return self.receive(documents.with_mac(LINK_KEY, documents.ACK.encode(**fields)))

    # What must hold.

    def check(self) -> None:
        """After every step: the ledger by the models, the registers by what flowed, what was shown as accepted."""
        gateway = self.gateway
        assert gateway.recovery == "", gateway.recovery
        self.watch.follow(gateway.core.store)
        for channel, physical_ml in enumerate(self.physical_ml):
            assert gateway.core.registers[channel].volume_ml == physical_ml, "pulses are lost without a reset"
        for meter in self.state.meters.values():
            self.factors[meter.channel] = meter.pulse_volume_ml or PULSE_ML
            assert self.watch.tids.get(meter.channel, set()) >= set(meter.tids.tids)
        assert self.watch.commands == sorted(set(self.watch.commands)), "a command took effect twice"
        assert len(self.watch.commands) >= len(self.carried_out), "a command that was answered is gone"

    def _next(self, what: str, group: int) -> int:
        self.versions[(what, group)] = self.versions.get((what, group), 0) + 1
        return self.versions[(what, group)]

    def _bundle(self) -> bytes:
        """As a utility enrols: policies of two groups, a block tariff, five meters."""
        self.known.add(Floor())
        first = self.new_policy(0, _EVENINGS, {})
        more = (self.new_policy(1, _EVENINGS, {}), self.new_tariff(1, START_S, BLOCKS, 0, 3_000_000))
        fields = documents.BUNDLE.decode(bundle(METERS, policy=first))
        fields["more"] = b"".join(len(document).to_bytes(2, "big") + document for document in more)
        fields["meters"] = _with_modes(fields["meters"])
        return documents.BUNDLE.encode(**fields)


def _with_modes(rows: bytes) -> bytes:
    reader = Reader(rows)
    meters = []
    while not reader.at_end():
        meter = documents.BUNDLE_METER.read(reader)
        meter["mode"] = MODES.get(meter["channel"], 0)
        meter["group"] = GROUPS.get(meter["channel"], 0)
        meters.append(documents.BUNDLE_METER.encode(**meter))
    return b"".join(meters)
