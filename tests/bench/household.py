"""Makes the flash of a gateway of eight meters that has been at work for days, with its data as full as it gets.

Four meter groups with policies, a floor, tariffs, every TID memory full, ten recent tokens and past keys of each
meter; and tokens that are still to be typed. It runs in CPython, so that what makes it takes no heap that is measured.
"""

import shutil
from functools import cache
from pathlib import Path

from firmware.drivers.flash import Flash
from shared import aliases, kinds, policy
from shared.civil import zone_data
from shared.fold import RECENT_MAX, RECENT_SIZE
from shared.sts.fields import CURRENCY, CurrencyCredit, TransferCredit
from shared.sts.key_change import NewKey
from shared.sts.time_id import tid_at
from shared.sts.value import RESULT_CODES
from shared.tid_memory import SIZE
from tests.bench import device
from tests.bench.rig import METERS, Rig
from tests.fakes import house, keys

FLASH = "flash-household"
TOKENS = "tokens-household"  # one a line: the keys that choose the meter and type the token; meter after meter
TOKENS_TO_COME = 128
DAYS = 3
_GROUP_OF = (0, 0, 1, 1, 2, 2, 3, 3)
_WATER, _ELECTRICITY, _GAS = 1, 0, 2
_COMMODITY_OF = (_WATER, _WATER, _ELECTRICITY, _ELECTRICITY, _GAS, _WATER, _WATER, _WATER)
_MODE_OF = (0, kinds.MODE_CREDIT, kinds.MODE_CURRENCY, 0, kinds.MODE_CURRENCY, 0, kinds.MODE_CRITICAL, kinds.MODE_BULK)
_BLOCKS = [(6_000_000, 150_000), (15_000_000, 240_000), (30_000_000, 390_000), (0, 610_000)]
_KEY_CHANGES = 3
_BULK = METERS - 1
_START_MIN = 23 * 60 + 20  # midnight falls into the hour that is measured
_DAY_S = 86400
_CA = bytes(800)  # as long as a certificate of an own authority is
_CODES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 51, 60, 61, 62)
_ZONE = zone_data(120, 60, (3, 5, 6, 120), (10, 5, 6, 180))


def fresh(name: str) -> "tuple[str, str]":
    """The folder of a flash of its own for a measurement, and the file of the tokens: both as its script sees them."""
    _made()
    shutil.rmtree(device.WORK / name, ignore_errors=True)
    shutil.copytree(device.WORK / FLASH, device.WORK / name)
    return name, TOKENS


@cache
def _made() -> None:
    make(device.WORK)


def make(folder: Path) -> None:
    """Write flash and tokens into a folder, over what is there."""
    flash = house.enrolled_flash(_bundle())
    rig = Rig(flash)
    rig.trust_time()
    for channel in range(METERS):
        _change_keys(rig, channel)
    minute = 0
    for _ in range(SIZE + 1):
        for channel in range(_BULK):
            minute += 1
            assert rig.type(_keys_of(channel, minute)) == 1, "the token is accepted"
        rig.flow(1)
        rig.step(1)
    _let_days_pass(rig)
    _assert_full(rig)
    shutil.rmtree(folder / FLASH, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    disk = Flash(str(folder / FLASH))
    for name in flash.names():
        disk.append(name, flash.read(name))
    lines = [_keys_of(i % _BULK, minute + 1 + i) for i in range(TOKENS_TO_COME)]
    (folder / TOKENS).write_text("\n".join(lines) + "\n")


def _bundle() -> bytes:
    tariffs = [_tariff(1, 1), _tariff(2, 1), _tariff(1, 2, effective_from_s=house.START_S + 30 * _DAY_S)]
    policies = [_policy(group) for group in range(4)]
    return house.bundle(
        METERS,
        policy=policies[0],
        floor=house.signed_floor(1, kinds.LIFELINE),
        more=(*policies[1:], *tariffs),
        broker_ca=_CA,
        group=_GROUP_OF,
        mode=_MODE_OF,
        commodity=_COMMODITY_OF,
        opening_register=5_000_000,
    )


def _tariff(group: int, version: int, effective_from_s: int = 0) -> bytes:
    fixed = {"fixed_month": 1_000_000, "blocks": _BLOCKS}
    return house.signed_tariff(version, meter_group=group, effective_from_s=effective_from_s, **fixed)


def _policy(group: int) -> bytes:
    """What a utility that cares for all it may say would say; of each group a little other."""
    first_day = house.START_S // _DAY_S - 200
    return house.signed_policy(
        1 + group,
        meter_group=group,
        low_credit_threshold=400_000 + group,
        very_low_credit_threshold=90_000 + group,
        emergency_limit=2_000_000,
        emergency_threshold=300_000,
        emergency_activation=policy.ON_KEY,
        debt_percent=50,
        lifeline_quota_ml=50_000 + 1000 * group,
        lifeline_releases=2,
        lifeline_carry_periods=3,
        least_supply=kinds.LIFELINE,
        leak_h=36,
        burst_l_h=3000,
        burst_safety_s=7200,
        drip_l_h=5,
        exercise_days=30,
        emergency_open_s=14400,
        aliases=aliases.encode([(code, "#{}#".format(100 + code)) for code in _CODES]),
        zone=_ZONE,
        friendly_windows=b"".join([_window(0x1F, 960, 480), _window(0x60, 0, 1440), _window(0x80, 0, 1440)]),
        closing_windows=_window(0x0F, 540, 840),
        holidays=b"".join([(first_day + 6 * i).to_bytes(2, "big") for i in range(60)]),
        calendar_expires_s=house.START_S + 400 * _DAY_S,
    )


def _window(days: int, start_min: int, end_min: int) -> bytes:
    return bytes([days]) + start_min.to_bytes(2, "big") + end_min.to_bytes(2, "big")


def _change_keys(rig: Rig, channel: int) -> None:
    """The supplier changes, some times over."""
    old = house.decoder_key(channel)
    for number in range(1, _KEY_CHANGES + 1):
        new = _key(channel, number)
        for digits in keys.sections(new, old, channel):
            code = rig.type(_typed(channel, digits))
            assert code in RESULT_CODES, code
        old = new.decoder_key


def _key(channel: int, number: int) -> NewKey:
    return keys.new_key(16 * number + channel, krn=1 + number)


def _keys_of(channel: int, minute: int) -> str:
    """What is pressed to load some credit onto a meter of any mode."""
    tid = tid_at(house.START_S, 2014) + minute
    commodity = _COMMODITY_OF[channel]
    if _MODE_OF[channel] & kinds.MODE_CURRENCY:
        value = CurrencyCredit(CURRENCY + commodity, tid, 200_000)
    else:
        value = TransferCredit(commodity, 5, tid, 10)
    return _typed(channel, keys.managed(value, _key(channel, _KEY_CHANGES).decoder_key))


def _typed(channel: int, digits: str) -> str:
    return f"0{channel + 1}{digits}"


def _let_days_pass(rig: Rig) -> None:
    """Water is drawn by day, entries are sent; it ends when the hour begins that midnight falls into."""
    core = rig.gateway.core
    local = core.policy_of(0).calendar.local
    end_day = local(core.clock.now())[0] + DAYS
    while local(core.clock.now()) < (end_day, _START_MIN):
        rig.flow(2)
        rig.step(600, every_ms=60000)
        rig.upload()


def _assert_full(rig: Rig) -> None:
    core = rig.gateway.core
    assert not rig.gateway.recovery, rig.gateway.recovery
    for channel in range(_BULK):
        meter = core.meter(channel)
        assert len(meter.tids.tids) == SIZE, "the memory of identifiers is full"
        assert len(meter.recent) == RECENT_MAX * RECENT_SIZE and len(meter.past_keys) == _KEY_CHANGES
    known = core.documents.known
    assert len(known.policies) == 4 and len(known.tariffs) == 3, "the documents are in force, and a tariff waits"
