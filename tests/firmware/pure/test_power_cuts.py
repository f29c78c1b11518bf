"""The power goes after every single byte that is written, in every kind of work; the invariants hold afterwards."""

from shared import documents, ed25519, kinds
from shared.slices import finish
from tests.fakes.cuts import copies_of, cut_everywhere, prepared
from tests.fakes.flash import PowerCut
from tests.fakes.house import COMMAND_SEED, GATEWAY, LINK_KEY, START_S, UTILITY, signed_policy

WRONG = "00000000000000000001"
WHO = {"utility": UTILITY, "gateway": GATEWAY, "epoch": 1}


def test_a_token_is_credited_once_whenever_the_power_goes():
    house = prepared()
    token = house.token(25)

    def check(house, done):
        credited = house.meter().credited
        code = house.type(token)
        assert code == (10 if credited == 4800000 else 1) and house.meter().credited == 4800000
        assert not done or code == 10
        house.step()
        assert house.valves[0].is_open()

    cuts = cut_everywhere(copies_of(house), lambda house: house.type(token), check)

    assert cuts > 150


def test_a_wrong_token_that_was_answered_stays_counted():
    house = prepared()

    def check(house, done):
        assert house.meter().failures in ((1,) if done else (0, 1))

    cut_everywhere(copies_of(house), lambda house: house.type(WRONG), check)


def test_a_lock_survives_every_cut():
    house = prepared()
    for _ in range(3):
        house.type(WRONG)

    def wait_and_guess(house):
        house.now_ms += 10000
        house.type(WRONG)

    def check(house, done):
        assert house.meter().failures >= 3 and house.type(WRONG) == 15

    cut_everywhere(copies_of(house), wait_and_guess, check)


def test_charges_lose_less_than_the_bound_of_the_journal():
    house = prepared()
    start = house.gateway.core.registers[0].volume_ml

    def check(house, done):
        register = house.gateway.core.registers[0].volume_ml
        assert start - 10000 < register <= start + 130000
        assert not done or register > start + 120000

    def flow(house):
        for _ in range(13):
            house.flow(10)

    cut_everywhere(copies_of(house), flow, check)


def test_the_valve_reaches_its_intent_whenever_the_power_goes():
    house = prepared()
    flow = house.balance() // 1000 + 5

    def run_dry(house):
        house.trust_time()
        house.flow(flow)
        house.step()

    def check(house, done):
        house.trust_time()
        house.flow(flow)
        house.step()
        assert house.valves[0].is_closed() and house.meter().intent == kinds.CLOSED
        assert house.meter().outcome == kinds.VALVE_CLOSED

    cut_everywhere(copies_of(house), run_dry, check)


def test_a_checkpoint_can_be_cut_anywhere():
    house = prepared()

    def work(house):
        finish(house.gateway.core.store.checkpoint_steps(START_S, 0, 1))

    def check(house, done):
        work(house)
        house.reboot()

    cut_everywhere(copies_of(house), work, check)


def test_a_start_can_be_cut_anywhere():
    house = prepared()
    house.type(house.token(1))
    flash = house.flash

    def prepare():
        house.flash = flash.after_reboot()
        return house

    def start(house):
        house.start()
        house.step()

    cut_everywhere(prepare, start)


def test_a_command_takes_effect_once_whenever_the_power_goes():
    house = prepared()
    message = house.token_command(house.token(25), boot_nonce=documents.NO_NONCE)

    def receive(house):
        house.trust_time()
        house.receive(message)

    def check(house, done):
        counter = house.state.command_counter
        assert house.meter().credited == (4800000 if counter else 2300000) and (counter or not done)
        receive(house)
        assert house.meter().credited == 4800000 and house.state.command_counter == 1

    cut_everywhere(copies_of(house), receive, check)


def test_a_policy_is_the_old_or_the_new_one_whenever_the_power_goes():
    house = prepared()
    payload = signed_policy(2, low_credit_threshold=5)
    message = house.command(documents.COMMAND_POLICY, payload, boot_nonce=documents.NO_NONCE)

    def receive(house):
        house.trust_time()
        house.receive(message)

    def check(house, done):
        version = house.state.policy_of(0)[0]
        assert house.gateway.core.policy_of(0).version == version and (version == 2 or not done)
        receive(house)
        assert house.gateway.core.policy_of(0).low_credit_threshold == 5

    cut_everywhere(copies_of(house), receive, check)


def test_an_acknowledgement_and_pruning_can_be_cut_anywhere():
    house = prepared()
    for _ in range(70):
        house.type(house.token(1))
    store = house.gateway.core.store
    finish(store.checkpoint_steps(START_S, 0, 1))
    finish(store.checkpoint_steps(START_S, 0, 1))
    sequence = house.state.sequence

    def acknowledge(house):
        store = house.gateway.core.store
        hello = documents.HELLO.decode(documents.without_mac(LINK_KEY, house.gateway.messages.hello()))
        ack = documents.ACK.encode(sequence=sequence, head=store.head_at(sequence), nonce=hello["nonce"], **WHO)
        house.receive(documents.with_mac(LINK_KEY, ack))
        house.gateway.messages.outbox.save()

    def check(house, done):
        assert house.gateway.messages.outbox.acknowledged in ((sequence,) if done else (0, sequence))

    cut_everywhere(copies_of(house), acknowledge, check)

    acknowledge(house)
    for cut in (0, 1, 2, 3):
        pruned = copies_of(house)()
        pruned.flash.cut_after = pruned.flash.written + cut
        try:
            while pruned.gateway.core.store.prune(sequence, 1 << 30):
                pass
        except PowerCut:
            pass
        pruned.reboot()
        assert pruned.gateway.recovery == "" and pruned.meter().credited == house.meter().credited


def test_signed_time_can_be_cut_anywhere():
    house = prepared()

    def receive(house):
        messages = house.gateway.messages
        nonce = documents.HELLO.decode(documents.without_mac(LINK_KEY, messages.hello()))["nonce"]
        document = documents.TIME.encode(boot_nonce=messages.boot_nonce, nonce=nonce, time_s=START_S + 9999, **WHO)
        house.receive(document + ed25519.sign(COMMAND_SEED, document))

    cut_everywhere(copies_of(house), receive)
