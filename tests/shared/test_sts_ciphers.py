"""The fast ciphers against slow ones on bit lists, with random keys and tables, and what a cipher refuses."""

import random

from shared.compat import VIPER
from shared.sts.cipher import make_cipher
from shared.sts.errors import KeyDataError, TablesError
from shared.sts.misty1_plain import Misty1
from shared.sts.sample_tables import SAMPLE_P, SAMPLE_S1, SAMPLE_S2, sample_tables
from shared.sts.sta_plain import Sta
from shared.sts.tables import Tables, tables_from_json
from tests.bench import reference_misty1, reference_sta
from tests.helpers import raises

SEED = 62055


def random_bytes(source, length):
    return bytes([source.getrandbits(8) for _ in range(length)])


def random_permutation(source, length):
    values = list(range(length))
    for i in range(length - 1, 0, -1):
        j = source.getrandbits(16) % (i + 1)
        values[i], values[j] = values[j], values[i]
    return values


def seeded():
    print("seed", SEED)
    random.seed(SEED)
    return random


def test_misty1_agrees_with_the_bit_lists_in_every_form():
    source = seeded()
    for _ in range(20):
        key, block = random_bytes(source, 16), random_bytes(source, 8)
        expected = reference_misty1.encrypt(key, block)

        for cipher in (make_cipher(11, key), Misty1(key)):
            assert cipher.encrypt(block) == expected
            assert cipher.decrypt(expected) == block
        assert reference_misty1.decrypt(key, expected) == block


def test_sta_agrees_with_the_bit_lists_in_every_form_under_any_tables():
    source = seeded()
    for _ in range(10):
        tables = Tables(*[random_permutation(source, length) for length in (16, 16, 64)])
        assert tables.inverse_s1() != tables.s2
        key, block = random_bytes(source, 8), random_bytes(source, 8)
        expected = reference_sta.encrypt(key, block, tables)

        for cipher in (make_cipher(7, key, tables), Sta(key, tables)):
            assert cipher.encrypt(block) == expected
            assert cipher.decrypt(expected) == block
        assert reference_sta.decrypt(key, expected, tables) == block


def test_one_cipher_serves_many_blocks_and_two_keys_do_not_mix():
    tables = sample_tables()
    one, two = make_cipher(7, bytes(8), tables), make_cipher(7, b"\xff" * 8, tables)
    blocks = [bytes([i] * 8) for i in range(8)]

    encrypted = [one.encrypt(block) for block in blocks]

    assert [one.decrypt(block) for block in encrypted] == blocks
    assert [two.encrypt(block) for block in blocks] != encrypted
    assert [one.encrypt(block) for block in blocks] == encrypted


def test_the_form_in_use_is_the_fast_one_where_the_port_has_it():
    in_use = type(make_cipher(11, bytes(16)))

    assert (in_use is Misty1) == (not VIPER)


def test_a_cipher_refuses_keys_of_a_wrong_length_and_algorithms_it_does_not_know():
    raises(KeyDataError, make_cipher, 11, bytes(8))
    raises(KeyDataError, make_cipher, 7, bytes(16), sample_tables())
    raises(KeyDataError, make_cipher, 9, bytes(8))
    raises(TablesError, make_cipher, 7, bytes(8))


def test_tables_that_are_no_permutations_are_refused_by_name():
    good = {"s1": list(SAMPLE_S1), "s2": list(SAMPLE_S2), "p": list(SAMPLE_P)}
    for name, length in (("s1", 16), ("s2", 16), ("p", 64)):
        for wrong in (
            good[name][:-1],
            good[name] + [0],
            good[name][:-1] + [length],
            good[name][:-1] + [-1],
            good[name][:-1] + [good[name][0]],
            good[name][:-1] + ["1"],
            good[name][:-1] + [True],
            None,
        ):
            loaded = dict(good)
            loaded[name] = wrong

            assert name in str(raises(TablesError, tables_from_json, loaded))


def test_a_tables_document_has_three_names_and_no_more():
    good = {"s1": list(SAMPLE_S1), "s2": list(SAMPLE_S2), "p": list(SAMPLE_P)}

    assert tables_from_json(good).p == SAMPLE_P
    for wrong in ([], None, {}, {"s1": good["s1"]}, {"s1": good["s1"], "s2": good["s2"], "p": good["p"], "q": 1}):
        raises(TablesError, tables_from_json, wrong)
