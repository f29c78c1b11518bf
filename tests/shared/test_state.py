"""The state is the fold of the ledger, and its bytes are canonical."""

from shared import kinds
from shared.entries import Entry
from shared.errors import WireError
from shared.state import GatewayState, from_bytes
from tests.helpers import raises

OPENED = 1000000


def opened(channel=0, minimum=100):
    state = GatewayState(1, 7, 1)
    state.apply(Entry(1, 10, kinds.OPEN, digest=bytes(26)))
    state.apply(meter_entry(state, channel, kinds.METER, delta=OPENED, reference_a=minimum, reference_b=0xABCD))
    return state


def meter_entry(state, channel, kind, delta=0, **values):
    meter = state.meters.get(channel)
    pot = values.pop("pot", kinds.TOKEN_CREDIT if delta else kinds.NO_POT)
    balance = (meter.pots[pot] if meter else 0) + delta if pot else 0
    register = values.pop("register", meter.register if meter else 0)
    return Entry(
        state.sequence + 1, 20, kind, channel, pot=pot, delta=delta, balance=balance, register=register, **values
    )


WHOLE_ROWS = {"recent": b"\x03" * 15, "past_packed": b"\x03" * 4}


def numbers_of(meter):
    """The names of all plain fields."""
    names = [name for name in dir(meter) if name[0] != "_" and isinstance(getattr(meter, name), (int, bytes))]
    assert len(names) > 45, names
    return names


def put(state, kind, channel=0, **values):
    state.apply(meter_entry(state, channel, kind, **values))


def test_opening_a_meter_sets_its_balance_key_and_tid_minimum():
    meter = opened(minimum=100).meters[0]

    assert meter.pots[kinds.TOKEN_CREDIT] == OPENED and meter.key_check == 0xABCD and meter.tids.minimum == 100


def test_tokens_and_charges_move_the_balance_and_only_charges_the_register():
    state = opened()

    put(state, kinds.TOKEN, delta=1500000, reference_a=200, detail=0x0201)
    put(state, kinds.CHARGE, delta=-40000, register=40000)

    meter = state.meters[0]
    assert meter.pots[kinds.TOKEN_CREDIT] == OPENED + 1500000 - 40000
    assert meter.register == 40000 and meter.credited == 1500000 and meter.tids.tids == [200]


def test_an_accepted_keypad_token_clears_the_wrong_entries_and_a_remote_one_does_not():
    state = opened()
    put(state, kinds.ATTEMPT, detail=1)
    put(state, kinds.ATTEMPT, detail=2)

    put(state, kinds.TOKEN, delta=100000, reference_a=200, detail=kinds.REMOTE << 8 | 1)
    remote = state.meters[0].failures, state.keypad_failures
    put(state, kinds.TOKEN, delta=100000, reference_a=201, detail=kinds.MANUAL << 8 | 1)

    assert remote == (2, 2)
    assert (state.meters[0].failures, state.keypad_failures) == (0, 0)


def test_a_refused_authentic_token_takes_back_its_own_attempt_and_no_more():
    state = opened()
    for count in (1, 2, 3):
        put(state, kinds.ATTEMPT, detail=count)

    put(state, kinds.REFUSED, detail=kinds.MANUAL << 8 | 10, reference_a=150)

    assert state.meters[0].failures == 2 and state.keypad_failures == 2


def test_commands_policies_and_starts_are_counted():
    state = opened()

    state.apply(Entry(3, 30, kinds.COMMAND, reference_a=5))
    state.apply(Entry(4, 31, kinds.POLICY, reference_a=2, reference_b=77))
    state.apply(Entry(5, 32, kinds.FLOOR, reference_a=3, reference_b=78))
    state.apply(Entry(6, 33, kinds.BOOT))

    assert (state.command_counter, state.policy_of(0)[0], state.policy_of(0)) == (5, 2, (2, 77))
    assert (state.floor_version, state.floor_check, state.boots, state.sequence) == (3, 78, 1, 6)


def test_the_bytes_of_a_state_read_back_to_the_same_bytes():
    state = opened(channel=3)
    put(state, kinds.TOKEN, channel=3, delta=100000, reference_a=0xFFFFFF, detail=0x0201)
    put(state, kinds.VALVE_INTENT, channel=3, detail=kinds.FULL)
    put(state, kinds.VALVE_OUTCOME, channel=3, detail=kinds.VALVE_OPENED)
    put(state, kinds.WARNING, channel=3, detail=1)

    copy = from_bytes(state.to_bytes())

    assert copy.to_bytes() == state.to_bytes() and copy.digest() == state.digest()
    assert copy.meters[3].intent == kinds.FULL and copy.meters[3].warned == 1


def test_cut_state_bytes_are_refused_at_every_length():
    data = opened().to_bytes()

    for length in range(len(data)):
        raises(WireError, from_bytes, data[:length])
    raises(WireError, from_bytes, data + b"\x00")


def test_every_field_of_the_state_is_in_its_digest():
    seen = [opened().digest()]
    for name in ("time_s", "boots", "command_counter", "floor_version", "floor_check", "keypad_failures", "lid_open"):
        state = opened()
        setattr(state, name, 99)
        seen.append(state.digest())
    for group, version in ((0, 1), (0, 2), (1, 2)):
        state = opened()
        state.policies[group] = (version, 77)
        seen.append(state.digest())
    for name in numbers_of(opened().meters[0]):
        state = opened()
        setattr(state.meters[0], name, WHOLE_ROWS.get(name, 77))
        seen.append(state.digest())
    for pot in range(1, kinds.POTS):
        state = opened()
        state.meters[0].pots[pot] = 3
        seen.append(state.digest())

    assert len(set(seen)) == len(seen)


def test_a_state_can_be_written_whatever_entries_said():
    state = opened()
    for kind in range(1, len(kinds.KIND_NAMES)):
        for channel in (0, 5, kinds.GATEWAY):
            for delta in (-(1 << 47), (1 << 47) - 1):
                entry = Entry(state.sequence + 1, 0xFFFFFFFF, kind, channel, kinds.TOKEN_CREDIT, detail=0xFFFF)
                entry.delta = entry.balance = delta
                entry.register = (1 << 48) - 1
                entry.reference_a = entry.reference_b = 0xFFFFFFFF
                for _ in range(3):
                    state.apply(entry)

                assert from_bytes(state.to_bytes()).digest() == state.digest(), (kind, channel)
