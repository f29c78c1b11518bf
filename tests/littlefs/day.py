"""A day in the life of a gateway on a flash chip, in steps, in which every kind of entry is written."""

from firmware import enrol, settings
from shared import documents, ed25519, kinds
from shared.policy import AUTOMATIC
from shared.slices import finish
from shared.sts.fields import ClearCredit, SetMaximumPowerLimit
from shared.sts.void import Void
from tests.fakes.accounts import PRICE, midnight
from tests.fakes.house import (
    COMMAND_SEED,
    GATEWAY,
    LINK_KEY,
    START_S,
    UTILITY,
    House,
    bundle,
    identity,
    signed_floor,
    signed_policy,
    signed_tariff,
)
from tests.fakes.keys import managed, new_key, sections, tid_of

METERS = 2  # water by volume, and one in money
WRONG = "00000000000000000001"
WHO = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}
_POLICY = {"emergency_limit": 20000, "emergency_activation": AUTOMATIC, "allowance_day": 700, "allowance_max": 5000}
_TARIFF = signed_tariff(1, fixed_month=3000000, blocks=[(0, PRICE)])
_NEXT = signed_tariff(2, fixed_month=3000000, blocks=[(0, 2 * PRICE)], effective_from_s=START_S + 600)


class Day:
    """`steps` are (name, work); `house` is there from the first start on. `sale`: the digits under way, or ""."""

    def __init__(self, flash) -> None:
        self.flash = flash
        self.house = None
        self.sale = ""
        self.steps = (
            ("enrolment", self.enrol),
            ("first start", self.start),
            ("signed time", self.hear_the_time),
            ("tokens", self.tokens),
            ("wrong and used tokens", self.wrong_tokens),
            ("consumption", self.draw),
            ("debts repaid", self.repay),
            ("documents by command", self.documents),
            ("orders by command", self.orders),
            ("tokens that manage", self.managed),
            ("a key change", self.change_key),
            ("lid, magnet and stuck key", self.disturb),
            ("the end of the day", self.end_day),
            ("an acknowledgement", self.acknowledge),
            ("a restart", self.restart),
            ("an update", self.update),
        )

    def enrol(self):
        settings.offer_identity(self.flash, identity())
        enrol.store_bundle(self.flash, opened())

    def start(self):
        self.house = House(METERS, self.flash)

    def hear_the_time(self):
        messages = self.house.gateway.messages
        nonce = documents.HELLO.decode(documents.without_mac(LINK_KEY, messages.hello()))["nonce"]
        document = documents.TIME.encode(boot_nonce=messages.boot_nonce, nonce=nonce, time_s=START_S + 300, **WHO)
        self.house.receive(document + ed25519.sign(COMMAND_SEED, document))

    def tokens(self):
        self.buy(2)
        self.house.step(4)
        message = self.house.token_command(self.house.token(1))
        self.house.receive(message)

    def buy(self, units):
        """A token at the keypad, shown as accepted when this returns."""
        self.sale = self.house.token(units)
        code = self.house.type(self.sale)
        assert code == 1, code
        self.used = self.sale
        self.sale = ""

    def wrong_tokens(self):
        self.house.type(WRONG)
        self.house.type(self.used)

    def draw(self):
        for _ in range(370):
            self.house.flow(1)
        for _ in range(12):
            self.house.flow(1, 1)
        self.house.step(5)

    def repay(self):
        self.buy(3)
        self.house.step(4)

    def documents(self):
        house = self.house
        house.receive(house.command(documents.COMMAND_FLOOR, signed_floor(1, kinds.CLOSED)))
        house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2, **_POLICY)))
        house.receive(house.command(documents.COMMAND_TARIFF, _NEXT))
        house.clock.time_s += 700
        house.step(2)

    def orders(self):
        house = self.house
        house.receive(house.control_command(kinds.CONTROL_DISCONNECT))
        house.step(4)
        house.receive(house.control_command(kinds.CONTROL_CONNECT))
        house.step(4)
        house.receive(house.adjust_command(kinds.RESERVED_CREDIT, 700))
        house.receive(house.factor_command(10, 1))
        house.receive(house.mode_command(kinds.MODE_CREDIT))
        house.receive(house.mode_command(0))

    def managed(self):
        for value in (
            SetMaximumPowerLimit(1, tid_of(70), 90000),
            Void(tid_of(5000), tid_of(60)),
            ClearCredit(1, tid_of(5001), 1),
        ):
            assert self.house.type(managed(value)) == 1

    def change_key(self):
        for digits in sections(new_key()):
            self.house.type(digits)

    def disturb(self):
        house = self.house
        house.gateway.stuck_key("7")
        house.gateway.magnet(True, house.now_ms)
        house.step(20, 2000)
        house.gateway.magnet(True, house.now_ms)
        house.gateway.lid(True, house.now_ms)
        house.step(2)

    def end_day(self):
        house = self.house
        house.clock.time_s = midnight() - 3
        house.step(8)
        finish(house.gateway.core.store.checkpoint_steps(house.clock.time_s, house.clock.quality(), 1))

    def acknowledge(self):
        house = self.house
        finish(house.gateway.messages.batch_steps())
        store = house.gateway.core.store
        nonce = documents.HELLO.decode(documents.without_mac(LINK_KEY, house.gateway.messages.hello()))["nonce"]
        sequence = house.state.sequence
        ack = documents.ACK.encode(sequence=sequence, head=store.head_at(sequence), nonce=nonce, **WHO)
        house.receive(documents.with_mac(LINK_KEY, ack))
        house.gateway.messages.outbox.save()
        while store.prune(sequence, 1 << 30):
            pass

    def restart(self):
        self.house.reboot()
        self.house.step(8)

    def update(self):
        core = self.house.gateway.core
        for stage in (kinds.UPDATE_TRIAL, kinds.UPDATE_KEPT):
            entry = core.entry(kinds.UPDATE, rule=kinds.RULE_UPDATE, detail=stage, reference_a=0x00020000)
            core.append(entry)


def opened() -> bytes:
    """The bundle of the day's gateway."""
    policy = signed_policy(**_POLICY)
    return bundle(METERS, policy=policy, more=(_TARIFF,), mode=(0, kinds.MODE_CURRENCY), opening_balance=(0, 9000000))
