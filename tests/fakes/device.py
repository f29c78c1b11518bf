"""A gateway's device in a few lines: keeps a true, signed ledger with the shared code, and can be told to lie.

It answers an enrolment, opens its bundle, writes entries, makes hellos and batches, and reads what the cloud sends.
"""

import copy
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import documents, kinds
from shared.chain import genesis, link
from shared.entries import Entry, decode, encode
from shared.in_force import InForce
from shared.money_checks import volume_of
from shared.payer import payer
from shared.policy import decode_floor, decode_policy
from shared.seal import open_sealed
from shared.state import GatewayState
from shared.supply import decide
from shared.tariff import TARIFF, Tariff, decode_tariff
from shared.wire import Reader
from shared.x25519 import public_key

FIRMWARE = 1


class Device:
    """`entries` are the bodies written so far, `heads` the chain's head after each, `state` their fold."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.device_public = self.key.public_key().public_bytes_raw()
        self._seal_secret = secrets.token_bytes(32)
        self.seal_public = public_key(self._seal_secret)
        self.hardware_id = secrets.token_hex(8)
        self.board: str | None = "rp2_pico_ppp"
        self.boot_nonce = secrets.token_bytes(8)
        self.clock_s = 0
        self.acknowledged = 0
        self.received: list[tuple[str, dict]] = []  # type: ignore[type-arg]

    def answer(self, utility: int, gateway: int, challenge: bytes) -> bytes:
        """The proof of enrolment."""
        document = documents.ENROL.encode(
            utility=utility,
            gateway=gateway,
            device_public=self.device_public,
            seal_public=self.seal_public,
            challenge=challenge,
        )
        return self.key.sign(document)

    def install(self, sealed: bytes) -> None:
        """Open the bundle and write the first entries of the epoch."""
        head = documents.SEALED.decode(sealed)
        who = {name: head[name] for name in ("utility", "gateway", "epoch")}
        context = documents.SEAL_CONTEXT.encode(**who)
        self.start(documents.BUNDLE.decode(open_sealed(self._seal_secret, self.seal_public, context, head["box"])))

    def start(self, bundle: dict) -> None:  # type: ignore[type-arg]
        """Begin the ledger of the bundle's epoch: OPEN, POLICY, and METER for each of its meters."""
        self.utility, self.gateway, self.epoch = bundle["utility"], bundle["gateway"], bundle["epoch"]
        self.link_key, self.password = bundle["link_key"], bundle["broker_password"].decode()
        self.command_public = bundle["command_public"]
        self.policy = decode_policy(bundle["policy"][: -documents.SIGNATURE_SIZE])
        self.known = _documents(bundle)
        self.clock_s = bundle["issued_s"]
        self.state = GatewayState(self.utility, self.gateway, self.epoch)
        self.entries: list[bytes] = []
        self.heads = [genesis(self.utility, self.gateway, self.epoch, self.device_public)]
        self.write(kinds.OPEN, digest=bytes(26), rule=kinds.RULE_ENROLMENT)
        for policy in self.known.policies.values():
            named = {"reference_a": policy.version, "reference_b": policy.check}
            self.write(kinds.POLICY, detail=policy.meter_group, **named)
        for floor in self.known.floors.values():
            if floor.version:
                self.write(kinds.FLOOR, reference_a=floor.version, reference_b=floor.check)
        meters = Reader(bundle["meters"])
        while not meters.at_end():
            self._open_meter(documents.BUNDLE_METER.read(meters))

    def _open_meter(self, meter: dict) -> None:  # type: ignore[type-arg]
        priced = meter["mode"] & kinds.MODE_CURRENCY
        follow = (1 if meter["mode"] or meter["group"] else 0) + (1 if priced else 0)
        self.write(
            kinds.METER,
            meter["channel"],
            group_left=follow,
            pot=kinds.TOKEN_CREDIT if meter["opening_balance"] >= 0 else kinds.ACCUMULATED_DEBT,
            delta=abs(meter["opening_balance"]),
            balance=abs(meter["opening_balance"]),
            register=meter["opening_register"],
            detail=meter["krn"] << 8 | meter["ti"],
            reference_a=meter["tid_minimum"],
            reference_b=documents.key_check(meter["decoder_key"]),
        )
        if follow:
            mode = {"detail": meter["mode"], "reference_a": meter["group"], "rule": kinds.RULE_ENROLMENT}
            self.write(kinds.MODE, meter["channel"], group_left=1 if priced else 0, **mode)
        if priced:
            tariff = self._first_tariff(meter["group"])
            in_force = {"reference_a": tariff.version, "reference_b": tariff.check, "rule": kinds.RULE_ENROLMENT}
            self.write(kinds.TARIFF, meter["channel"], detail=kinds.COUNTER_CONTINUE, **in_force)

    def _first_tariff(self, group: int) -> Tariff:
        mine = [one for one in self.known.tariffs.values() if one.meter_group == group]
        return max((one for one in mine if one.effective_from_s <= self.clock_s), key=lambda one: one.version)

    @property
    def sequence(self) -> int:
        """The last sequence written."""
        return len(self.entries)

    def write(self, kind: int, meter: int = kinds.GATEWAY, **values: int | bytes) -> Entry:
        """Append an entry as it is given, true or not; fields of the meter that are not given stay as they were."""
        entry = Entry(self.sequence + 1, self.clock_s, kind, meter, quality=kinds.TIME_TRUSTED)
        if meter in self.state.meters:
            entry.register = self.state.meters[meter].register
        for name, value in values.items():
            setattr(entry, name, value)
        body = encode(entry)
        self.entries.append(body)
        self.heads.append(link(self.heads[-1], body))
        self.state.apply(entry)
        return entry

    def _move(self, kind: int, channel: int, delta: int, **values: int) -> Entry:
        balance = self.balance(channel) + delta
        return self.write(kind, channel, pot=kinds.TOKEN_CREDIT, delta=delta, balance=balance, **values)

    def balance(self, channel: int) -> int:
        """The token credit of a meter in ml."""
        return self.state.meters[channel].pots[kinds.TOKEN_CREDIT]

    def charge(self, channel: int, volume_ml: int) -> Entry:
        """Water flowed; the last of the entries that say who pays."""
        while True:
            meter = self.state.meters[channel]
            laws = self.known.laws(self.state, meter)
            pot, rule, most = payer(meter, self.clock_s, kinds.TIME_TRUSTED, laws.policy)
            part = min(volume_ml, volume_of(meter, laws.tariff, most))
            entry = self._charge(channel, pot, rule, part, laws.tariff)
            volume_ml -= part
            if not volume_ml:
                return entry

    def _charge(self, channel: int, pot: int, rule: int, volume_ml: int, tariff: Tariff | None) -> Entry:
        meter = self.state.meters[channel]
        amount, values = volume_ml, {"register": meter.register + volume_ml, "rule": rule}
        if meter.has(kinds.MODE_CURRENCY):
            assert tariff is not None, "an account of money has a tariff"
            amount, rest = tariff.charge(meter.block_counter, volume_ml, meter.remainder, meter.block_share)
            index = tariff.block(meter.block_counter + volume_ml, meter.block_share)[0]
            values |= {"reference_a": tariff.version, "reference_b": index << 20 | rest}
        delta = 0 if pot == kinds.NO_POT else amount if pot == kinds.ACCUMULATED_DEBT else -amount
        balance = meter.pots[pot] + delta if pot else 0
        return self.write(kinds.CHARGE, channel, pot=pot, delta=delta, balance=balance, **values)

    def token(self, channel: int, tid: int, volume_ml: int, delivery: int = kinds.MANUAL) -> Entry:
        """A token was accepted."""
        check = self.state.meters[channel].key_check
        detail = delivery << 8 | 1
        return self._move(kinds.TOKEN, channel, volume_ml, reference_a=tid, reference_b=check, detail=detail)

    def drive(self, channel: int) -> Entry | None:
        """What the policy says about the valve, if that is news."""
        meter = self.state.meters[channel]
        laws = self.known.laws(self.state, meter)
        wanted, rule = decide(meter, self.clock_s, kinds.TIME_TRUSTED, laws.policy, laws.floor)
        if wanted == meter.intent | meter.shut << 8:
            return None
        return self.write(kinds.VALVE_INTENT, channel, detail=wanted, rule=rule)

    def hello(self, **lies: int | bytes) -> bytes:
        """A hello; `lies` replace its fields."""
        fields = {
            "utility": self.utility,
            "gateway": self.gateway,
            "epoch": self.epoch,
            "boot_nonce": self.boot_nonce,
            "sequence": self.sequence,
            "head": self.heads[-1],
            "acknowledged": self.acknowledged,
            "command_counter": self.state.command_counter,
            "time_s": self.clock_s,
            "quality": kinds.TIME_TRUSTED,
            "firmware": FIRMWARE,
            "nonce": secrets.token_bytes(8),
        }
        return documents.with_mac(self.link_key, documents.HELLO.encode(**{**fields, **lies}))

    def batch(self, first: int | None = None, last: int | None = None, **lies: int | bytes) -> bytes:
        """A signed batch of entries first..last, by default all that are not acknowledged; `lies` replace fields."""
        first = self.acknowledged + 1 if first is None else first
        last = min(self.sequence, first + documents.BATCH_ENTRIES_MAX - 1) if last is None else last
        fields = {
            "utility": self.utility,
            "gateway": self.gateway,
            "epoch": self.epoch,
            "first": first,
            "last": last,
            "previous_head": self.heads[first - 1],
            "head": self.heads[last],
            "nonce": secrets.token_bytes(8),
            "command_counter": self.state.command_counter,
        }
        signed = documents.BATCH.encode(**{**fields, **lies})
        return signed + self.key.sign(signed) + b"".join(self.entries[first - 1 : last])

    def receive(self, data: bytes) -> tuple[str, dict]:  # type: ignore[type-arg]
        """Check and note a document from the cloud: ("ack" | "time" | "command", its fields)."""
        tag = documents.tag_of(data)
        if tag == documents.ACK.tag:
            fields = documents.ACK.decode(documents.without_mac(self.link_key, data))
            if fields["sequence"] <= self.sequence and self.heads[fields["sequence"]] == fields["head"]:
                self.acknowledged = max(self.acknowledged, fields["sequence"])
            found = ("ack", fields)
        else:
            signed, signature = documents.split_signature(data)
            Ed25519PublicKey.from_public_bytes(self.command_public).verify(signature, signed)
            time = tag == documents.TIME.tag
            layout = documents.TIME if time else documents.COMMAND
            found = ("time" if time else "command", layout.decode(signed))
        self.received.append(found)
        return found

    def carry_out(self, command: dict, channel: int, tid: int, volume_ml: int) -> None:  # type: ignore[type-arg]
        """A token came inside a command: one group of the command's result and its effect."""
        self.write(kinds.COMMAND, reference_a=command["counter"], detail=command["kind"] << 8 | 1, group_left=1)
        self.token(channel, tid, volume_ml, delivery=kinds.REMOTE)

    def clone(self) -> "Device":
        """A second device with the same keys and history."""
        twin = copy.copy(self)
        twin.entries, twin.heads = list(self.entries), list(self.heads)
        twin.state, twin.received = copy.deepcopy(self.state), []
        return twin

    def rewound(self, sequence: int) -> "Device":
        """A device with the same keys whose history ends at an earlier entry."""
        twin = self.clone()
        del twin.entries[sequence:], twin.heads[sequence + 1 :]
        twin.state = GatewayState(self.utility, self.gateway, self.epoch)
        for body in twin.entries:
            twin.state.apply(decode(body))
        return twin


def _documents(bundle: dict) -> InForce:  # type: ignore[type-arg]
    """What the bundle says is the law."""
    known = InForce()
    known.add(decode_policy(bundle["policy"][: -documents.SIGNATURE_SIZE]))
    if bundle["floor"]:
        known.add(decode_floor(bundle["floor"][: -documents.SIGNATURE_SIZE]))
    more = Reader(bundle["more"])
    while not more.at_end():
        signed = more.take(more.unsigned(2, "length"), "document")[: -documents.SIGNATURE_SIZE]
        known.add(decode_tariff(signed) if documents.tag_of(signed) == TARIFF.tag else decode_policy(signed))
    return known
