"""What somebody with a gateway's chip in his hands can run on it: sources for the board, short crimes, and a look."""

_BEGIN = """
import os, time, board
from firmware import settings as kept
from firmware.drivers.flash import Flash
from firmware.ledger.store import Store
from shared import chain, checks, documents, entries, kinds

flash = Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)
settings, own = kept.load(flash), kept.load_identity(flash)
channel = sorted(settings.meters)[0]
"""

_LEDGER = (
    _BEGIN
    + """
store = Store(flash, settings.utility, settings.gateway, settings.epoch, own.device_public)
meter = store.state.meters[channel]
balance = meter.pots[kinds.TOKEN_CREDIT] + 9000000
gift = entries.Entry(store.state.sequence + 1, store.state.time_s, kinds.CHARGE, channel, pot=kinds.TOKEN_CREDIT)
gift.balance, gift.register, gift.rule = balance, meter.register, kinds.RULE_CONSUMPTION
"""
)

WRONG_SIGNATURE = (
    _LEDGER
    + """
from firmware.net.mqtt import Broker, Link

body = entries.encode(gift)
head = documents.BATCH.encode(
    utility=settings.utility, gateway=settings.gateway, epoch=settings.epoch, first=gift.sequence, last=gift.sequence,
    previous_head=store.head, head=chain.link(store.head, body), nonce=os.urandom(8), command_counter=0)
topic = "gw/{}/".format(settings.gateway)
broker = Broker(settings.broker_host, settings.broker_port, settings.broker_ca)
link = Link(broker, settings.broker_user, settings.broker_password, topic + "up", topic + "down", str)
for _ in link.connect_steps():
    time.sleep_ms(5)
link.send(head + os.urandom(64) + body)
link.poll()
link.close()
"""
)

WRONG_SUM = (
    _LEDGER
    + """
checks.contradiction = lambda *of_this_entry: ""
store.append([gift])
"""
)

DECODER_KEY = (
    _BEGIN
    + """
from shared.wire import Reader
bundle = documents.BUNDLE.decode(kept._read(flash)["bundle"])
print(documents.BUNDLE_METER.read(Reader(bundle["meters"]))["decoder_key"].hex())
"""
)

HEAD = (
    _BEGIN
    + """
from firmware.clock import Clock
from firmware.core import Core

core = Core(flash, settings, own, lambda start_s: Clock(time.ticks_ms, start_s))
registers = [core.registers[channel].volume_ml for channel in core.channels()]
print(core.store.state.sequence, core.store.head.hex()[:32], *registers)
"""
)
