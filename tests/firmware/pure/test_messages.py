"""The gateway's side of the link: hello, batches, acknowledgements and signed time."""

from shared import chain, documents, ed25519, kinds
from shared.slices import finish
from tests.fakes.house import COMMAND_SEED, GATEWAY, LINK_KEY, START_S, UTILITY, House, identity

WHO = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}


def hello(house):
    return documents.HELLO.decode(documents.without_mac(LINK_KEY, house.gateway.messages.hello()))


def batch(house):
    return finish(house.gateway.messages.batch_steps())


def ack(sequence, head, nonce, key=LINK_KEY):
    return documents.with_mac(key, documents.ACK.encode(sequence=sequence, head=head, nonce=nonce, **WHO))


def time_message(house, time_s, seed=COMMAND_SEED, nonce=None):
    boot_nonce = nonce if nonce is not None else house.gateway.messages.boot_nonce
    document = documents.TIME.encode(boot_nonce=boot_nonce, nonce=hello(house)["nonce"], time_s=time_s, **WHO)
    return document + ed25519.sign(seed, document)


def acknowledged(house):
    return house.gateway.messages.outbox.acknowledged


def test_a_hello_says_what_the_gateway_has():
    house = House()

    said = hello(house)

    assert (said["sequence"], said["acknowledged"], said["command_counter"]) == (house.state.sequence, 0, 0)
    assert said["head"] == house.gateway.core.store.head and said["quality"] == kinds.TIME_UNKNOWN


def test_a_batch_is_signed_and_continues_the_chain():
    house = House()

    parsed = documents.parse_batch(batch(house))

    assert ed25519.verify(identity().device_public, parsed.signed, parsed.signature)
    assert parsed.fields["previous_head"] == house.gateway.core.store.genesis
    assert chain.run(parsed.fields["previous_head"], parsed.bodies) == parsed.fields["head"]
    assert (parsed.fields["first"], parsed.fields["last"]) == (1, house.state.sequence)


def test_batches_carry_at_most_24_entries_until_all_is_acknowledged():
    house = House()
    for _ in range(10):
        house.type(house.token(1))
    sizes = []

    data = batch(house)
    while data:
        fields = documents.parse_batch(data).fields
        sizes.append(fields["last"] - fields["first"] + 1)
        house.receive(ack(fields["last"], fields["head"], fields["nonce"]))
        data = batch(house)

    assert max(sizes) <= 24 and sum(sizes) == house.state.sequence == acknowledged(house)


def test_an_unacknowledged_batch_is_the_same_again():
    house = House()

    first = batch(house)
    house.type(house.token(1))

    assert batch(house) is first


def test_an_acknowledgement_survives_a_restart():
    house = House()
    fields = documents.parse_batch(batch(house)).fields
    house.receive(ack(fields["last"], fields["head"], fields["nonce"]))
    house.step(1)

    house.reboot()

    assert acknowledged(house) == fields["last"]


def test_a_wrong_acknowledgement_moves_nothing():
    house = House()
    fields = documents.parse_batch(batch(house)).fields
    good = ack(fields["last"], fields["head"], fields["nonce"])

    for message in (
        ack(fields["last"], bytes(32), fields["nonce"]),
        ack(fields["last"], fields["head"], bytes(8)),
        ack(fields["last"], fields["head"], b"12345678"),
        ack(fields["last"], fields["head"], fields["nonce"], bytes(32)),
        good[:-1],
        good + b"x",
        b"",
        b"nonsense",
    ):
        house.receive(message)
        assert acknowledged(house) == 0

    house.receive(good)
    assert acknowledged(house) == fields["last"]


def test_an_acknowledgement_never_moves_back():
    house = House()
    nonce = hello(house)["nonce"]
    store = house.gateway.core.store
    house.receive(ack(3, store.head_at(3), nonce))

    house.receive(ack(2, store.head_at(2), nonce))

    assert acknowledged(house) == 3


def test_the_answer_to_a_hello_moves_the_outbox_on():
    house = House()

    house.receive(ack(2, house.gateway.core.store.head_at(2), hello(house)["nonce"]))

    assert documents.parse_batch(batch(house)).fields["first"] == 3


def test_an_acknowledgement_above_the_ledgers_end_is_recovery_for_good():
    house = House()

    house.receive(ack(house.state.sequence + 1, bytes(32), hello(house)["nonce"]))
    code = house.type(house.token(5))
    house.reboot()

    assert code == 16 and house.gateway.recovery != "" and house.type(house.token(5)) == 16
    assert batch(house) == b""


def test_time_that_was_held_back_until_after_another_hello_is_refused():
    house = House()
    held_back = time_message(house, START_S + 5000)
    hello(house)

    told = house.receive(held_back)

    assert told == "refused: time that answers an earlier hello"
    assert house.clock.quality() == kinds.TIME_UNKNOWN


def test_signed_time_makes_the_clock_trusted_and_is_noted_when_it_jumped():
    house = House()

    house.receive(time_message(house, START_S + 5000))

    last = house.entries()[-1]
    assert house.clock.quality() == kinds.TIME_TRUSTED
    assert (last.kind, last.time_s, last.reference_a) == (kinds.TIME, START_S + 5000, START_S)


def test_a_small_correction_of_the_clock_writes_nothing():
    house = House()
    sequence = house.state.sequence

    house.receive(time_message(house, START_S + 30))

    assert house.clock.now() == START_S + 30 and house.state.sequence == sequence


def test_time_that_is_forged_or_for_another_start_is_refused():
    house = House()

    house.receive(time_message(house, START_S + 5000, seed=bytes(32)))
    house.receive(time_message(house, START_S + 5000, nonce=bytes(8)))

    assert house.clock.quality() == kinds.TIME_UNKNOWN and house.clock.now() == START_S


def test_time_that_was_held_back_does_not_turn_the_clock_back():
    house = House()
    old = time_message(house, START_S + 10)
    house.receive(time_message(house, START_S + 5000))

    said = [house.receive(old), house.receive(time_message(house, START_S + 4000))]

    assert "earlier hello" in said[0] and "too long" in said[1]
    assert house.clock.now() == START_S + 5000


def test_a_start_goes_on_from_the_last_durable_time():
    house = House()
    house.receive(time_message(house, START_S + 5000))

    house.reboot()

    assert house.clock.now() == START_S + 5000 and house.clock.quality() == kinds.TIME_UNKNOWN


def test_a_message_of_an_unknown_kind_is_set_aside():
    assert House().receive(b"PSnew001" + bytes(64)) == "refused: a message of an unknown kind"


def test_an_acknowledgement_that_flash_refuses_is_written_as_soon_as_it_can_be_and_nothing_is_pruned_before():
    house = House()
    outbox = house.gateway.messages.outbox
    fields = documents.parse_batch(batch(house)).fields
    house.flash.refuse_after = 0
    house.receive(ack(fields["last"], fields["head"], fields["nonce"]))
    house.step(2)
    refused = (outbox.acknowledged, outbox.durable)
    house.flash.refuse_after = None

    house.step(120)

    assert refused == (fields["last"], 0)
    assert outbox.durable == fields["last"]
    house.reboot()
    assert acknowledged(house) == fields["last"]


def test_a_cloud_that_was_restored_from_a_backup_gets_again_what_it_lost():
    house = House()
    house.type(house.token(1))
    fields = documents.parse_batch(batch(house)).fields
    house.receive(ack(fields["last"], fields["head"], fields["nonce"]))
    head = house.gateway.core.store.head_at(2)

    house.receive(ack(2, bytes(32), hello(house)["nonce"]))
    by_a_foreign_head = acknowledged(house)
    house.receive(ack(2, head, fields["nonce"]))
    by_an_old_answer = acknowledged(house)
    house.receive(ack(2, head, hello(house)["nonce"]))

    assert by_a_foreign_head == by_an_old_answer == fields["last"]
    assert acknowledged(house) == 2 and documents.parse_batch(batch(house)).fields["first"] == 3
    house.gateway.messages.outbox.save()
    house.reboot()
    assert acknowledged(house) == 2


def test_what_was_pruned_is_not_given_back_and_is_no_damage():
    house = House()
    store = house.gateway.core.store
    for _ in range(30):
        store.append([house.gateway.core.entry(kinds.TIME) for _ in range(20)])
        finish(store.checkpoint_steps(0, 0, 40))
    while batch(house):
        fields = documents.parse_batch(batch(house)).fields
        house.receive(ack(fields["last"], fields["head"], fields["nonce"]))
    held = acknowledged(house)
    assert store.prune(held, 1 << 30) and store.prune(held, 1 << 30)
    while store.prune(held, 1 << 30):
        pass

    for sequence in (1, store.first_kept() - 1):
        house.receive(ack(sequence, bytes(32), hello(house)["nonce"]))

    assert acknowledged(house) == held and house.gateway.recovery == ""
