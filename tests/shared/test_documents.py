"""Documents between gateway and cloud: batches, codes, chains."""

from shared import chain
from shared.documents import ACK, BATCH, key_check, parse_batch, split_signature, with_mac, without_mac
from shared.entries import BODY_SIZE
from shared.errors import ChainError, WireError
from tests.helpers import raises

LINK_KEY = bytes(range(32))


def batch(first=5, last=7, count=3):
    head = BATCH.encode(
        utility=1,
        gateway=9,
        epoch=1,
        first=first,
        last=last,
        previous_head=bytes(32),
        head=bytes(32),
        nonce=bytes(8),
        command_counter=0,
    )
    return head + bytes(64) + bytes(BODY_SIZE * count)


def test_a_batch_splits_into_head_signature_and_entries():
    parsed = parse_batch(batch())

    assert parsed.fields["first"] == 5 and len(parsed.signed) == 102 and len(parsed.signature) == 64
    assert len(parsed.bodies) == 126 and parsed.body(2) == bytes(42)


def test_a_full_batch_costs_less_than_64_bytes_an_entry():
    assert len(batch(1, 24, 24)) < 24 * 64


def test_a_batch_whose_count_is_not_its_range_is_refused():
    for first, last, count in ((5, 7, 2), (5, 7, 4), (7, 5, 3), (1, 65, 65), (5, 4, 0)):
        raises(WireError, parse_batch, batch(first, last, count))
    raises(WireError, parse_batch, batch()[:150])


def test_a_code_under_another_key_or_over_other_bytes_is_refused():
    ack = ACK.encode(utility=1, gateway=9, epoch=1, sequence=7, head=bytes(32), nonce=bytes(8))
    data = with_mac(LINK_KEY, ack)

    assert without_mac(LINK_KEY, data) == ack
    raises(WireError, without_mac, bytes(32), data)
    for at in range(len(data)):
        raises(WireError, without_mac, LINK_KEY, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
    raises(WireError, without_mac, LINK_KEY, data[:20])


def test_a_document_too_short_for_a_signature_is_refused():
    raises(WireError, split_signature, bytes(72))
    assert split_signature(bytes(8) + b"x" + bytes(64)) == (bytes(8) + b"x", bytes(64))


def test_every_entry_changes_the_head_and_the_start_binds_the_device():
    start = chain.genesis(1, 9, 1, bytes(32))
    bodies = bytes(range(BODY_SIZE)) + bytes(BODY_SIZE)

    assert chain.run(start, bodies) == chain.link(chain.link(start, bodies[:BODY_SIZE]), bodies[BODY_SIZE:])
    assert len({chain.genesis(*who, bytes(32)) for who in ((1, 9, 1), (1, 9, 2), (1, 8, 1), (2, 9, 1))}) == 4
    assert start != chain.genesis(1, 9, 1, b"\x01" + bytes(31))
    raises(ChainError, chain.run, start, bodies[:-1])


def test_a_key_check_names_a_key():
    assert key_check(bytes(16)) != key_check(b"\x01" + bytes(15)) and 0 <= key_check(bytes(16)) <= 0xFFFFFFFF
