"""A gateway's device in a few lines: keeps a true, signed ledger with the shared code, and can be told to lie.

It answers an enrolment, opens its bundle, writes entries, makes hellos and batches, and reads what the cloud sends.
"""

import copy
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import documents, kinds
from shared.chain import genesis, link
from shared.entries import Entry, decode, encode
from shared.policy import Floor, decode_policy
from shared.seal import open_sealed
from shared.state import GatewayState
from shared.supply import decide
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
        self.clock_s = bundle["issued_s"]
        self.state = GatewayState(self.utility, self.gateway, self.epoch)
        self.entries: list[bytes] = []
        self.heads = [genesis(self.utility, self.gateway, self.epoch, self.device_public)]
        self.write(kinds.OPEN, digest=bytes(26), rule=kinds.RULE_ENROLMENT)
        self.write(kinds.POLICY, reference_a=self.policy.version, reference_b=self.policy.check)
        meters = Reader(bundle["meters"])
        while not meters.at_end():
            self._open_meter(documents.BUNDLE_METER.read(meters))

    def _open_meter(self, meter: dict) -> None:  # type: ignore[type-arg]
        self.write(
            kinds.METER,
            meter["channel"],
            pot=kinds.TOKEN_CREDIT,
            delta=meter["opening_balance"],
            balance=meter["opening_balance"],
            register=meter["opening_register"],
            detail=meter["krn"] << 8 | meter["ti"],
            reference_a=meter["tid_minimum"],
            reference_b=documents.key_check(meter["decoder_key"]),
        )

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
        """Water flowed."""
        register = self.state.meters[channel].register + volume_ml
        return self._move(kinds.CHARGE, channel, -volume_ml, register=register, rule=kinds.RULE_CONSUMPTION)

    def token(self, channel: int, tid: int, volume_ml: int, delivery: int = kinds.MANUAL) -> Entry:
        """A token was accepted."""
        check = self.state.meters[channel].key_check
        detail = delivery << 8 | 1
        return self._move(kinds.TOKEN, channel, volume_ml, reference_a=tid, reference_b=check, detail=detail)

    def drive(self, channel: int) -> Entry | None:
        """What the policy says about the valve, if that is news."""
        meter = self.state.meters[channel]
        wanted, rule = decide(self.balance(channel), meter.intent, kinds.TIME_TRUSTED, self.policy, Floor())
        return self.write(kinds.VALVE_INTENT, channel, detail=wanted, rule=rule) if wanted != meter.intent else None

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
