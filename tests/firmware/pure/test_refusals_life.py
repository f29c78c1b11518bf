"""A long life on a flash that refuses writes at random, beside a keypad and a broker that send whatever they like."""

import random

from shared import documents
from shared.slices import finish
from tests.fakes.auditor import audit, never_back, progress
from tests.fakes.house import House, signed_policy
from tests.fakes.keypad import press

SEED = 20261122
TAGS = (b"PSack001", b"PStime01", b"PScmd001", b"PSother1")


def press_anything(house):
    for _ in range(random.randrange(40)):
        press(house.gateway, "0123456789*#"[random.randrange(12)], house.now_ms)
        house.now_ms += 300
    house.gateway.lines(house.now_ms)


def receive_anything(house, sent):
    """A command that was sent before, or noise behind a tag: with a few bits turned and often cut off."""
    noise = bytes([random.randrange(256) for _ in range(random.randrange(200))])
    message = sent[random.randrange(len(sent))] if sent and random.randrange(3) else TAGS[random.randrange(4)] + noise
    message = bytearray(message)
    for _ in range(random.randrange(3)):
        message[random.randrange(len(message))] ^= 1 << random.randrange(8)
    end = len(message) if random.randrange(2) else random.randrange(len(message))
    house.receive(bytes(message[:end]))


def type_and_send(house, sent):
    token = house.token(random.randrange(1, 9))
    sent.append(house.token_command(token))
    if random.randrange(2):
        house.type(token)
    house.receive(sent[-1])
    house.type(token)


def live(house, sent):
    """One thing happens."""
    what = random.randrange(7)
    if what == 0:
        house.flash.refuse_after = (None, None, 0, 10, 58, 60, 116, 200)[random.randrange(8)]
    elif what == 1:
        press_anything(house)
    elif what == 2:
        receive_anything(house, sent)
    elif what == 3:
        type_and_send(house, sent)
    elif what == 4:
        house.flow(random.randrange(200), random.randrange(2))
    elif what == 5:
        house.step(random.randrange(60))
        finish(house.gateway.messages.batch_steps())
    else:
        policy = signed_policy(house.state.policy_of(0)[0] + 1)
        house.receive(house.command(documents.COMMAND_POLICY, policy))


def test_a_long_life_with_refused_writes_and_nonsense_keeps_every_invariant():
    print("seed", SEED)
    random.seed(SEED)
    house = House(2)
    sent = []
    for _ in range(8):
        before = progress(house)
        for _ in range(40):
            live(house, sent)
            now = progress(house)
            assert never_back(before, now) and house.gateway.recovery == ""
            before = now
        audit(house)
        house.reboot()
        audit(house)
        house.trust_time()

    assert house.state.sequence > 50
