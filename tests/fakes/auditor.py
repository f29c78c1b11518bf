"""Reads a gateway's whole ledger as the cloud would, and asserts the invariants that no power cut may break."""

from shared import checks, kinds
from shared.entries import BODY_SIZE, decode
from shared.key_data import KeyData
from shared.state import GatewayState

_TID_BITS = 24


def entries_of(store):
    """Generator of every entry of a ledger that was not pruned, read piece by piece."""
    at = 1
    while at <= store.state.sequence:
        bodies = store.run(at, 32, False)[1]
        for offset in range(0, len(bodies), BODY_SIZE):
            yield decode(bodies[offset : offset + BODY_SIZE])
            at += 1


def audit(house) -> None:
    """A gateway is not in RECOVERY, and its ledger is right."""
    assert house.gateway.recovery == "", house.gateway.recovery
    audit_ledger(house.gateway.core.store)


def audit_ledger(store) -> None:
    """The chain, the arithmetic and the fold are right; every TID was used once; each pot of each meter adds up.

    What a store knows of documents in force is judged by, too.
    """
    assert store.damage == "", store.damage
    state = GatewayState(store.state.utility, store.state.gateway, store.state.epoch)
    used = set()
    known = store.known()
    sums = {}
    for entry in entries_of(store):
        wrong = checks.contradiction(state, entry, known)
        assert not wrong, (entry.sequence, wrong)
        state.apply(entry)
        for tid in _used_by(entry):
            one = entry.meter << _TID_BITS | tid
            assert one not in used, "a TID was used twice"
            used.add(one)
        if entry.kind == kinds.KEY_CHANGE and KeyData(entry).roll_over:
            used = {one for one in used if one >> _TID_BITS != entry.meter}
        for pot, gained in _moved(entry):
            sums[(entry.meter, pot)] = sums.get((entry.meter, pot), 0) + gained
    assert state.to_bytes() == store.state.to_bytes(), "the fold of the ledger is not the state"
    assert state.group_left == 0, "the ledger ends inside a group"
    for channel, meter in state.meters.items():
        for pot in range(1, kinds.POTS):
            assert sums.get((channel, pot), 0) == meter.pots[pot], "credit was lost or made"


def _moved(entry):
    """(pot, what it gained) of an entry; what a repayment takes from token credit lowers what is owed or used."""
    moved = [(entry.pot, entry.delta)] if entry.pot != kinds.NO_POT else []
    if entry.kind == kinds.REPAY:
        owed = entry.detail == kinds.ACCUMULATED_DEBT
        moved.append((entry.detail, entry.delta if owed else -entry.delta))
    return moved


def _used_by(entry):
    """The identifiers that an entry uses up."""
    if entry.kind == kinds.VOID:
        return (entry.reference_a, entry.reference_b)
    return (entry.reference_a,) if entry.kind in (kinds.TOKEN, kinds.CLEAR, kinds.LIMIT) else ()


def progress(house) -> "list[tuple]":  # type: ignore[type-arg]
    """What must never go back: counters, versions, per meter register, credit loaded, used TIDs (since a roll-over)."""
    state = house.state
    figures = [(state.sequence,), (state.command_counter,), (state.policy_of(0)[0],), (state.floor_version,)]
    for channel in sorted(state.meters):
        meter = state.meters[channel]
        used = (len(meter.tids.tids), tuple(meter.tids.tids))
        figures.append((meter.register, meter.credited, meter.retired_keys, used))
    return figures


def never_back(before: list, after: list) -> bool:  # type: ignore[type-arg]
    """Whether every figure is as large as it was."""
    return all(now >= then for then, now in zip(before, after))
