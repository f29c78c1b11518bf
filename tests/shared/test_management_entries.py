"""Entries of management tokens and key changes: what they do to the state, and which of them are contradicted."""

import random

from shared import kinds
from shared.checks import contradiction
from shared.entries import Entry
from shared.fold import PAST_KEYS_MAX
from shared.in_force import InForce
from shared.key_data import KeyData, base_year, pack
from shared.policy import Policy
from shared.state import GatewayState, from_bytes
from tests.shared.test_checks import changed, of, verdict
from tests.shared.test_money_checks import TARIFF
from tests.shared.test_state import OPENED, meter_entry, opened, put

SEED = 20261122


def change(state, check=0xBEEF, base=2014, roll_over=False, method=kinds.MANUAL, kt=2, ken=200, krn=2, ti=7):
    reference_a = pack(base, roll_over, method, kt, ken)
    return meter_entry(state, 0, kinds.KEY_CHANGE, detail=krn << 8 | ti, reference_a=reference_a, reference_b=check)


def changed_state(**values):
    state = opened()
    state.apply(change(state, **values))
    return state


def test_a_key_change_packs_and_unpacks_every_field():
    for base in (1993, 2014, 2035):
        for roll_over in (False, True):
            data = KeyData(change(opened(), 0xFFFFFFFF, base, roll_over, kinds.REMOTE, 1, 255, 9, 99))

            assert (data.check, data.krn, data.ti, data.kt, data.ken) == (0xFFFFFFFF, 9, 99, 1, 255)
            assert (data.roll_over, data.method, base_year(data.base_code)) == (roll_over, kinds.REMOTE, base)


def test_a_key_change_keeps_the_credit_and_the_used_identifiers():
    state = opened()
    put(state, kinds.TOKEN, delta=1500000, reference_a=200, reference_b=0xABCD, detail=0x0201)

    entry = change(state)
    assert verdict(state, entry) == ""
    state.apply(entry)

    meter = state.meters[0]
    assert meter.pots[kinds.TOKEN_CREDIT] == OPENED + 1500000 and meter.credited == 1500000
    assert (meter.key_check, meter.krn, meter.ti, meter.kt, meter.ken, meter.base_code) == (0xBEEF, 2, 7, 2, 200, 14)
    assert meter.tids.tids == [200] and meter.past_keys == [0xABCD] and meter.retired_keys == 0


def test_a_roll_over_forgets_identifiers_and_retires_every_key_before():
    state = changed_state()
    put(state, kinds.TOKEN, delta=1500000, reference_a=200, reference_b=0xBEEF, detail=0x0201)

    entry = change(state, check=0xCAFE, base=2035, roll_over=True)
    assert verdict(state, entry) == ""
    state.apply(entry)

    meter = state.meters[0]
    assert meter.tids.tids == [] and meter.tids.minimum == 0
    assert [check for check in (0xABCD, 0xBEEF, 0xCAFE) if meter.is_retired(check)] == [0xABCD, 0xBEEF]
    assert "retired" in verdict(state, change(state, check=0xABCD, base=2035))


def test_a_key_change_that_cannot_be_is_contradicted():
    state = changed_state()

    for values, reason in (
        ({"krn": 0}, "key revision"),
        ({"krn": 10}, "key revision"),
        ({"ti": 100}, "key revision"),
        ({"base": 1970}, "key revision"),
        ({"kt": 3}, "key type"),
        ({"check": 0xBEEF, "base": 2035, "roll_over": True}, "the same key"),
        ({"check": 1, "base": 2035}, "base date 2035 after 2014"),
        ({"check": 1, "base": 2014, "roll_over": True}, "base date 2014 after 2014"),
        ({"check": 1, "base": 1993, "roll_over": True}, "base date 1993 after 2014"),
    ):
        assert reason in verdict(state, change(state, **values)), values
    assert "moves no balance" in verdict(state, of(state, kinds.KEY_CHANGE, delta=5))


def test_replaced_keys_are_remembered_up_to_a_bound_and_retired_ones_longest_gone_first():
    state = changed_state(check=1, base=2035, roll_over=True)
    for check in range(2, 20):
        state.apply(change(state, check=check, base=2035))

    meter = state.meters[0]
    assert len(meter.past_keys) == PAST_KEYS_MAX and meter.past_keys[-1] == 18 and meter.retired_keys == 0
    assert from_bytes(state.to_bytes()).to_bytes() == state.to_bytes()


def test_clearing_only_takes_away_and_uses_its_identifier():
    state = opened()
    entry = of(state, kinds.CLEAR, delta=-OPENED, reference_a=200, reference_b=0xABCD, detail=0x0201)

    assert verdict(state, entry) == ""
    assert "gives 5" in verdict(state, changed(of(state, kinds.CLEAR, delta=5, reference_a=200)))
    assert "another key" in verdict(state, of(state, kinds.CLEAR, delta=-5, reference_a=200, reference_b=1))
    state.apply(entry)

    assert state.meters[0].pots[kinds.TOKEN_CREDIT] == 0 and state.meters[0].tids.tids == [200]
    assert "was used" in verdict(state, of(state, kinds.CLEAR, reference_a=200, reference_b=0xABCD))


def test_an_opened_lid_marks_every_meter_until_its_own_token_clears_it():
    state = opened()
    state.apply(meter_entry(state, 1, kinds.METER, delta=5, reference_a=100, reference_b=7))
    state.apply(Entry(state.sequence + 1, 20, kinds.TAMPER, detail=1))
    state.apply(Entry(state.sequence + 1, 20, kinds.TAMPER, detail=0))

    put(state, kinds.CLEAR, reference_a=200, reference_b=0xABCD, detail=0x0202)

    assert (state.meters[0].tampered, state.meters[1].tampered, state.lid_open) == (0, 1, 0)


def test_a_limit_is_in_the_state_and_its_pause_decides_supply():
    state = opened()
    put(state, kinds.VALVE_INTENT, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)
    put(state, kinds.LIMIT, reference_a=200, reference_b=600, detail=0x0201)
    put(state, kinds.EVENT, detail=kinds.EVENT_FLOW_OVER, reference_a=700)
    closing = {"detail": kinds.CLOSED, "rule": kinds.RULE_FLOW_LIMIT}

    assert state.meters[0].flow_limit == 600 and verdict(state, of(state, kinds.VALVE_INTENT, **closing)) == ""
    put(state, kinds.EVENT, detail=kinds.EVENT_FLOW_PAUSE_OVER)
    assert "the policy says 3" in verdict(state, of(state, kinds.VALVE_INTENT, **closing))


def test_a_void_uses_both_identifiers_or_is_contradicted():
    state = opened()
    entry = of(state, kinds.VOID, reference_a=5000, reference_b=200, detail=0x0201)
    assert verdict(state, entry) == ""
    state.apply(entry)

    assert state.meters[0].tids.tids == [200, 5000]
    assert "voided, was used" in verdict(state, of(state, kinds.VOID, reference_a=6000, reference_b=200))
    assert "was used" in verdict(state, of(state, kinds.VOID, reference_a=5000, reference_b=300))
    for own, target in ((6000, 6000), (6000, 6001), (1100000, 500)):
        assert "out of reach" in verdict(state, of(state, kinds.VOID, reference_a=own, reference_b=target))


def test_any_entry_that_can_be_written_folds_into_a_state_that_can_be_kept():
    print("seed", SEED)
    random.seed(SEED)
    state = opened()
    for sequence in range(2, 3000):
        kind = random.choice([kind for kind in range(3, len(kinds.KIND_NAMES)) if kind not in kinds.HASH_KINDS])
        entry = Entry(sequence, 20, kind, random.choice((0, 0, 0, kinds.GATEWAY)))
        entry.detail = random.getrandbits(16)
        entry.reference_a = random.getrandbits(16) << 16 | random.getrandbits(16)
        entry.reference_b = random.getrandbits(16) << 16 | random.getrandbits(16)
        contradiction(state, entry, None)
        state.apply(entry)

        assert isinstance(from_bytes(state.to_bytes()), GatewayState)


def test_any_entry_after_any_state_is_judged_in_a_sentence_by_all_the_laws():
    print("seed", SEED)
    random.seed(SEED)
    known = InForce()
    known.add(Policy(emergency_limit=500, emergency_activation=1, lifeline_quota_ml=900, allowance_day=7))
    known.add(TARIFF)
    state = opened()
    judged = 0
    for _ in range(3000):
        meter = state.meters[0]
        meter.mode = random.choice((0, kinds.MODE_CURRENCY, kinds.MODE_CREDIT))
        meter.group = 0
        meter.tariff_version, meter.tariff_check = TARIFF.version, TARIFF.check
        state.policies.clear()
        state.floor_version = state.floor_check = 0
        kind = random.choice([kind for kind in range(4, len(kinds.KIND_NAMES)) if kind not in kinds.HASH_KINDS])
        entry = Entry(state.sequence + 1, random.getrandbits(32), kind, 0, random.randrange(kinds.POTS))
        entry.detail = random.choice((random.getrandbits(16), random.randrange(12)))
        entry.reference_a = random.choice((random.getrandbits(32), random.randrange(30000), TARIFF.version))
        entry.reference_b = random.choice((random.getrandbits(32), random.randrange(30000)))
        entry.delta = random.choice(
            (0, 1, -1, 5000, -5000, random.getrandbits(30) << 16, -random.getrandbits(30) << 16)
        )
        entry.balance = meter.pots[entry.pot] + entry.delta if entry.pot else 0
        entry.delta = entry.delta if entry.pot else 0
        entry.register = meter.register + random.choice((0, 0, 1, 5000))
        entry.group_left = state.group_left - 1 if state.group_left else 0

        verdict_given = contradiction(state, entry, known)
        judged += verdict_given == ""
        assert "\n" not in verdict_given
        if not verdict_given or (random.randrange(4) == 0 and abs(entry.balance) < 1 << 46):
            state.apply(entry)
        assert from_bytes(state.to_bytes()).digest() == state.digest()

    assert judged > 30, judged
