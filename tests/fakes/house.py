"""A gateway of meters on a fake flash, and the utility that enrolled it: vends real tokens, signs real documents."""

from firmware import enrol, epoch, settings
from firmware.gateway import Gateway
from shared import documents, ed25519, kinds, x25519
from shared.policy import FLOOR, FLOOR_FIELDS, POLICY, POLICY_FIELDS, encode_fields
from shared.seal import seal
from shared.slices import finish
from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.time_id import tid_at
from shared.sts.token import encode
from shared.tariff import encode_tariff
from tests.fakes.auditor import entries_of
from tests.fakes.clock import Clock
from tests.fakes.flash import Flash
from tests.fakes.keypad import enter
from tests.fakes.valve import Valve

UTILITY, GATEWAY = 7, 1001
START_S = 1790000000
COMMAND_SEED = bytes(range(32))
FLOOR_SEED = bytes(range(32, 64))
LINK_KEY = bytes(range(64, 96))
COMMAND_PUBLIC = ed25519.public_key(COMMAND_SEED)
FLOOR_PUBLIC = ed25519.public_key(FLOOR_SEED)
_IDENTITY = []  # made once for all tests: a key pair takes long under an emulator


def vended(units: int, tid: int, channel: int = 0, subclass: int = 1) -> str:
    """A token of `units` of 0.1 m3 for the meter on a channel."""
    return encode(TransferCredit(subclass, 5, tid, units), make_cipher(11, decoder_key(channel)))


def pseudo_random(count: int) -> bytes:
    """The same bytes every time; for keys that tests keep."""
    return bytes([(7 * i + 3) & 255 for i in range(count)])


class Random:
    """A counter as random bytes: nonces differ, and a run can be repeated."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")


def decoder_key(channel: int) -> bytes:
    return bytes([channel]) + pseudo_random(15)


def signed_policy(version: int = 1, seed: bytes = COMMAND_SEED, meter_group: int = 0, **values: int) -> bytes:
    fields = encode_fields(POLICY_FIELDS, values)
    document = POLICY.encode(utility=UTILITY, meter_group=meter_group, version=version, valid_from_s=0, fields=fields)
    return document + ed25519.sign(seed, document)


def signed_tariff(
    version: int = 1, seed: bytes = COMMAND_SEED, meter_group: int = 0, effective_from_s: int = 0, **terms
) -> bytes:
    """A tariff of 1.00 per m3; `terms`: counters, fixed_month, fixed_days_max, blocks."""
    asked = {"counters": 0, "fixed_month": 0, "fixed_days_max": 31, "blocks": [(0, 100000)]}
    asked.update(terms)
    document = encode_tariff(UTILITY, meter_group, version, effective_from_s, **asked)
    return document + ed25519.sign(seed, document)


def signed_floor(version: int, minimum_supply: int, seed: bytes = FLOOR_SEED) -> bytes:
    fields = encode_fields(FLOOR_FIELDS, {"minimum_supply": minimum_supply})
    document = FLOOR.encode(utility=UTILITY, version=version, fields=fields)
    return document + ed25519.sign(seed, document)


def bundle(
    meters: int = 1,
    epoch: int = 1,
    policy: "bytes | None" = None,
    floor: bytes = b"",
    tables: bytes = b"",
    more: "tuple[bytes, ...]" = (),
    broker_ca: bytes = b"",
    **changes,
) -> bytes:
    """A bundle for `meters` water meters; `changes` go into every meter, a tuple into one after the other.

    `more`: further signed policies and tariffs.
    """
    rows = [_meter_row(channel, changes) for channel in range(meters)]
    return documents.BUNDLE.encode(
        utility=UTILITY,
        gateway=GATEWAY,
        epoch=epoch,
        issued_s=START_S,
        command_public=COMMAND_PUBLIC,
        floor_public=FLOOR_PUBLIC,
        link_key=LINK_KEY,
        broker_host=b"broker.example",
        broker_port=8883,
        broker_user=b"gw-1001",
        broker_password=b"secret",
        broker_ca=broker_ca,
        policy=policy if policy is not None else signed_policy(),
        floor=floor,
        more=b"".join([len(data).to_bytes(2, "big") + data for data in more]),
        tables=tables,
        meters=b"".join(rows),
    )


def sealed(opened: bytes, to: bytes, epoch: int = 1) -> bytes:
    """A bundle sealed to a gateway's public key."""
    who = {"utility": UTILITY, "gateway": GATEWAY, "epoch": epoch}
    context = documents.SEAL_CONTEXT.encode(**who)
    box = seal(to, pseudo_random(32), bytes(16), context, opened)
    return documents.SEALED.encode(box=box, **who)


def identity() -> settings.Identity:
    if not _IDENTITY:
        seed = pseudo_random(32)
        _IDENTITY.append(settings.Identity(seed, ed25519.public_key(seed), seed, x25519.public_key(seed)))
    return _IDENTITY[0]


def enrolled_flash(opened: bytes, **options) -> Flash:
    """A flash with keys and a bundle installed."""
    flash = Flash(**options)
    settings.offer_identity(flash, identity())
    enrol.store_bundle(flash, opened)
    return flash


class House:
    """One gateway under power. `now_ms` is its uptime; step() lets time pass, reboot() takes the power away."""

    gateway_options = {}  # further arguments of a Gateway

    def __init__(self, meters: int = 1, flash: "Flash | None" = None, **bundle_changes) -> None:
        self.flash = flash if flash is not None else enrolled_flash(bundle(meters, **bundle_changes))
        self.valves = [Valve() for _ in range(meters)]
        self.counts = [0] * meters
        self.trusted = False
        self.sold = 0
        self.start()

    def start(self) -> None:
        """Power comes on; the real time is unknown to the gateway."""
        self.now_ms = 0
        config, own = epoch.start(self.flash)
        self.gateway = Gateway(self.flash, config, own, self.valves, self._clock, Random(), 0, **self.gateway_options)
        self.gateway.attach_panel(16, 2)
        self.counts = [0] * len(self.counts)

    def reboot(self) -> None:
        """The power goes and comes back, on the same flash."""
        self.flash = self.flash.after_reboot()
        for valve in self.valves:
            valve.lose_power()
        self.start()

    def step(self, seconds: int = 10, every_ms: int = 1000) -> None:
        """Let time pass, with ticks."""
        end_ms = self.now_ms + 1000 * seconds
        while self.now_ms < end_ms:
            self.now_ms += every_ms
            self.clock.time_s += every_ms // 1000
            self.gateway.tick(self.now_ms)

    def flow(self, litres: int, channel: int = 0) -> None:
        """Water flows: a pulse a litre, behind what was due before."""
        self.gateway.tick(self.now_ms)
        self.counts[channel] += litres
        self.gateway.pulses(channel, self.counts[channel])
        self.gateway.tick(self.now_ms)

    def trust_time(self) -> None:
        """Signed time came in, as if by a message."""
        self.clock.set_signed(self.clock.time_s)

    def token(self, units: int, channel: int = 0, tid: "int | None" = None, subclass: int = 1) -> str:
        """A fresh token of `units` of 0.1 m3."""
        self.sold += 1
        tid = tid if tid is not None else tid_at(START_S, 2014) + self.sold
        return vended(units, tid, channel, subclass)

    def type(self, digits: str, channel: int = 0) -> int:
        """A token at the keypad for a chosen meter; the result code."""
        return enter(self.gateway, channel, digits, self.now_ms).code

    def receive(self, message: bytes) -> str:
        return finish(self.gateway.messages.receive_steps(message, self.now_ms))

    def command(self, kind: int, payload: bytes, **changes) -> bytes:
        """The next signed command; `changes` go into its fields."""
        last = self.state.command_counter
        fields = {
            "utility": UTILITY,
            "gateway": GATEWAY,
            "epoch": 1,
            "counter": last + 1,
            "previous": last,
            "issued_s": START_S,
            "expires_s": START_S + 1000000,
            "boot_nonce": self.gateway.messages.boot_nonce,
            "kind": kind,
            "payload": payload,
        }
        seed = changes.pop("seed", COMMAND_SEED)
        fields.update(changes)
        document = documents.COMMAND.encode(**fields)
        return document + ed25519.sign(seed, document)

    def token_command(self, digits: str, channel: int = 0, **changes) -> bytes:
        check = documents.key_check(decoder_key(channel))
        payload = documents.TOKEN_PAYLOAD.encode(channel=channel, key_check=check, token=int(digits))
        return self.command(documents.COMMAND_TOKEN, payload, **changes)

    def mode_command(self, mode: int, group: int = 0, channel: int = 0, **changes) -> bytes:
        payload = documents.MODE_PAYLOAD.encode(channel=channel, mode=mode, group=group)
        return self.command(documents.COMMAND_MODE, payload, **changes)

    def control_command(self, action: int, until_s: int = 0, channel: int = 0, **changes) -> bytes:
        payload = documents.CONTROL_PAYLOAD.encode(channel=channel, action=action, until_s=until_s)
        return self.command(documents.COMMAND_CONTROL, payload, **changes)

    def adjust_command(self, pot: int, delta: int, channel: int = 0, **changes) -> bytes:
        payload = documents.ADJUST_PAYLOAD.encode(channel=channel, pot=pot, delta=delta)
        return self.command(documents.COMMAND_ADJUST, payload, **changes)

    def factor_command(self, pulse_volume_ml: int, channel: int = 0, **changes) -> bytes:
        payload = documents.FACTOR_PAYLOAD.encode(channel=channel, pulse_volume_ml=pulse_volume_ml)
        return self.command(documents.COMMAND_FACTOR, payload, **changes)

    def result(self) -> int:
        """The result code of the last command that left an entry."""
        return [entry.detail & 0xFF for entry in self.entries() if entry.kind == kinds.COMMAND][-1]

    @property
    def state(self):
        return self.gateway.core.state

    def meter(self, channel: int = 0):
        return self.state.meters[channel]

    def balance(self, channel: int = 0) -> int:
        return self.gateway.balance(channel)

    def entries(self) -> list:  # type: ignore[type-arg]
        """Every entry of a short ledger."""
        return list(entries_of(self.gateway.core.store))

    def kinds(self) -> "list[str]":
        """The names of the entries since enrolment."""
        return [kinds.KIND_NAMES[entry.kind] for entry in self.entries()]

    def _clock(self, start_s):
        self.clock = Clock(start_s)
        return self.clock


def _meter_row(channel, changes):
    fields = {
        "channel": channel,
        "drn": b"0102030405%d" % channel,
        "commodity": 1,
        "pulse_volume_ml": 1000,
        "mode": 0,
        "group": 0,
        "ea": 11,
        "decoder_key": decoder_key(channel),
        "sgc": 123456,
        "krn": 1,
        "kt": 2,
        "ken": 255,
        "ti": 1,
        "base_year": 2014,
        "tid_minimum": tid_at(START_S, 2014),
        "return_key": bytes(32),
        "opening_balance": 0,
        "opening_register": 0,
    }
    for name, value in changes.items():
        fields[name] = value[channel] if isinstance(value, tuple) else value
    return documents.BUNDLE_METER.encode(**fields)
