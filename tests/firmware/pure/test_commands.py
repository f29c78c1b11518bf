"""Commands: at most once, in order, never after expiry, never unsigned; the result is an entry."""

from shared import command_results as results
from shared import documents, kinds
from shared.slices import finish
from tests.fakes.flash import PowerCut
from tests.fakes.house import COMMAND_SEED, FLOOR_SEED, START_S, House, signed_floor, signed_policy
from tests.helpers import raises

OTHER_SEED = bytes(32)


def test_a_token_command_credits_in_one_group_with_its_result():
    house = House()
    house.flow(3)

    house.receive(house.token_command(house.token(25)))

    command, token, repay = house.entries()[-3:]
    assert (command.kind, command.detail, command.reference_a) == (kinds.COMMAND, 0x101, 1)
    assert (token.kind, token.detail, command.group_left) == (kinds.TOKEN, 1, 2)
    assert (repay.kind, repay.delta) == (kinds.REPAY, -3000)
    assert house.balance() == 2500000 - 3000


def test_a_command_that_is_sent_again_does_nothing():
    house = House()
    message = house.token_command(house.token(25))
    house.receive(message)
    sequence = house.state.sequence

    said = house.receive(message)

    assert said.startswith("refused") and house.state.sequence == sequence


def test_a_replayed_command_does_nothing_after_a_restart():
    house = House()
    message = house.token_command(house.token(25))
    house.receive(message)
    house.reboot()
    house.trust_time()

    house.receive(message)

    assert house.balance() == 2500000 and house.state.command_counter == 1


def test_a_token_typed_and_sent_is_credited_once():
    house = House()
    token = house.token(25)
    house.type(token)

    house.receive(house.token_command(token))

    command, refused = house.entries()[-2:]
    assert house.balance() == 2500000
    assert command.detail == 0x10A and (refused.kind, refused.detail) == (kinds.REFUSED, 10)


def test_a_forged_command_leaves_no_trace():
    house = House()
    sequence = house.state.sequence
    good = house.token_command(house.token(25))
    changed = good[:50] + bytes([good[50] ^ 1]) + good[51:]

    said = [house.receive(house.token_command(house.token(25), seed=OTHER_SEED)), house.receive(changed)]

    assert all(line.startswith("refused") for line in said)
    assert house.state.sequence == sequence


def test_a_command_for_another_gateway_or_epoch_is_refused():
    house = House()

    for change in ({"gateway": 2}, {"epoch": 2}, {"utility": 8}):
        assert "another gateway" in house.receive(house.token_command(house.token(25), **change))


def test_an_expired_command_is_refused_and_the_next_may_skip_it():
    house = House()
    house.trust_time()
    expired = house.receive(house.token_command(house.token(25), expires_s=START_S))

    house.receive(house.token_command(house.token(25), counter=2, previous=0))

    assert "expired" in expired and house.state.command_counter == 2 and house.balance() == 2500000


def test_commands_out_of_order_are_refused():
    house = House()

    for change in ({"counter": 5, "previous": 4}, {"counter": 1001, "previous": 0}, {"counter": 0, "previous": 0}):
        assert "does not follow" in house.receive(house.token_command(house.token(25), **change))


def test_without_a_trusted_clock_only_commands_for_this_start_are_taken():
    house = House()
    other = {"boot_nonce": documents.NO_NONCE}
    untrusted = house.receive(house.token_command(house.token(25), **other))
    house.trust_time()

    house.receive(house.token_command(house.token(25), **other))

    assert "not for this start" in untrusted and house.balance() == 2500000


def test_two_commands_verified_at_the_same_time_are_carried_out_once():
    house = House()
    message = house.token_command(house.token(25))
    slow = house.gateway.messages.receive_steps(message, 0)
    next(slow)
    house.receive(message)

    said = finish(slow)

    assert "does not follow" in said and house.balance() == 2500000


def test_a_remote_token_knows_no_lock_out_and_counts_no_attempt():
    house = House()
    for _ in range(3):
        house.type("00000000000000000001")

    house.receive(house.token_command(house.token(25)))
    house.receive(house.token_command("00000000000000000002"))

    assert house.balance() == 2500000 and house.meter().failures == 3
    assert house.entries()[-1].detail == 0x10D  # CRC error: the command counts as carried out, in vain


def test_a_token_for_a_key_or_meter_that_is_not_there_says_so():
    house = House()
    payload = documents.TOKEN_PAYLOAD.encode(channel=0, key_check=1, token=5)
    house.receive(house.command(documents.COMMAND_TOKEN, payload))
    other_key = house.entries()[-1].detail
    payload = documents.TOKEN_PAYLOAD.encode(channel=5, key_check=1, token=5)
    house.receive(house.command(documents.COMMAND_TOKEN, payload))

    assert (other_key & 255, house.entries()[-1].detail & 255) == (results.OTHER_KEY, results.NO_METER)


def test_an_unknown_kind_or_a_bad_payload_is_answered_by_an_entry():
    house = House()

    house.receive(house.command(99, b""))
    unknown = house.entries()[-1].detail
    house.receive(house.command(documents.COMMAND_TOKEN, b"abc"))

    assert unknown & 255 == results.UNKNOWN_KIND
    assert house.entries()[-1].detail & 255 == results.BAD_PAYLOAD


def test_a_newer_policy_is_put_in_force_and_survives_a_restart():
    house = House()
    policy = signed_policy(2, low_credit_threshold=123)

    house.receive(house.command(documents.COMMAND_POLICY, policy))
    now = house.gateway.core.policy_of(0).low_credit_threshold
    house.reboot()

    assert now == 123 and house.gateway.core.policy_of(0).low_credit_threshold == 123
    assert house.kinds()[-3:] == ["command", "policy", "boot"]


def test_an_older_or_unsigned_policy_is_refused():
    house = House()
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(3)))

    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2)))
    older = house.entries()[-1].detail & 255
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(4, seed=OTHER_SEED)))

    assert older == results.OLD_VERSION
    assert house.entries()[-1].detail & 255 == results.BAD_SIGNATURE
    assert house.gateway.core.policy_of(0).version == 3


def test_a_floor_counts_only_under_the_floor_key():
    house = House()
    house.trust_time()

    house.receive(house.command(documents.COMMAND_FLOOR, signed_floor(1, kinds.FULL, COMMAND_SEED)))
    wrong_key = house.entries()[-1].detail & 255
    house.receive(house.command(documents.COMMAND_FLOOR, signed_floor(1, kinds.FULL, FLOOR_SEED)))
    house.step()

    assert wrong_key == results.BAD_SIGNATURE and house.valves[0].is_open()


def test_many_policies_leave_the_one_in_force_on_flash():
    house = House()
    for version in range(2, 6):
        house.receive(house.command(documents.COMMAND_POLICY, signed_policy(version)))
        house.reboot()

        assert house.gateway.core.policy_of(0).version == version and house.gateway.recovery == ""


def test_a_policy_whose_entry_was_cut_off_twice_leaves_the_one_in_force():
    house = House()
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2)))
    for version in (3, 4, 5):
        message = house.command(documents.COMMAND_POLICY, signed_policy(version))
        house.flash.cut_after = house.flash.written + 1 + len(house.flash.read("policy-b"))
        raises(PowerCut, house.receive, message)
        house.reboot()

        assert house.gateway.core.policy_of(0).version == 2 and house.gateway.recovery == ""


def test_a_policy_takes_no_room_that_is_kept_for_tokens():
    house = House()
    house.flash.leave(20000)

    said = house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2)))

    assert "no room" in said and house.state.policy_of(0)[0] == 1 and "policy-a" not in house.flash.names()


def test_a_policy_that_flash_refuses_is_not_in_force():
    house = House()
    house.flash.refuse_after = 0

    said = house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2)))

    assert "no room" in said and (house.state.policy_of(0)[0], house.gateway.core.policy_of(0).version) == (1, 1)


def test_a_policy_s_entry_names_its_meter_group():
    house = House(policy=signed_policy(meter_group=3), group=3)

    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2, meter_group=3)))
    house.receive(house.command(documents.COMMAND_POLICY, signed_policy(2, meter_group=4)))

    assert [entry.detail for entry in house.entries() if entry.kind == kinds.POLICY] == [3, 3, 4]
    assert house.gateway.core.policy_of(0).version == 2
