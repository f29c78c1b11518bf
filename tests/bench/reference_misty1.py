"""MISTY1 as RFC 2994 describes it, on lists of bits: slow, obvious, and what the fast ones must equal.

A list starts with the highest bit. FL and FO take a half of 32 bits, FI one of 16.
"""

from shared.sts.misty1_tables import S7, S9


def encrypt(key, block):
    expanded = _expand(key)
    bits = _bits(int.from_bytes(block, "big"), 64)
    d0, d1 = bits[:32], bits[32:]
    for i in (0, 2, 4, 6):
        d0, d1 = _fl(d0, expanded, i), _fl(d1, expanded, i + 1)
        d1 = _xor(d1, _fo(d0, expanded, i))
        d0 = _xor(d0, _fo(d1, expanded, i + 1))
    return _number(_fl(d1, expanded, 9) + _fl(d0, expanded, 8)).to_bytes(8, "big")


def decrypt(key, block):
    expanded = _expand(key)
    bits = _bits(int.from_bytes(block, "big"), 64)
    d1, d0 = _fl_inverse(bits[:32], expanded, 9), _fl_inverse(bits[32:], expanded, 8)
    for i in (6, 4, 2, 0):
        d0 = _xor(d0, _fo(d1, expanded, i + 1))
        d1 = _xor(d1, _fo(d0, expanded, i))
        d0, d1 = _fl_inverse(d0, expanded, i), _fl_inverse(d1, expanded, i + 1)
    return _number(d0 + d1).to_bytes(8, "big")


def _expand(key):
    words = [_bits(key[2 * i] << 8 | key[2 * i + 1], 16) for i in range(8)]
    return words + [_fi(words[i], words[(i + 1) % 8]) for i in range(8)]


def _fo(half, ek, i):
    t0, t1 = half[:16], half[16:]
    t0 = _xor(_fi(_xor(t0, ek[i]), ek[(i + 5) % 8 + 8]), t1)
    t1 = _xor(_fi(_xor(t1, ek[(i + 2) % 8]), ek[(i + 1) % 8 + 8]), t0)
    t0 = _xor(_fi(_xor(t0, ek[(i + 7) % 8]), ek[(i + 3) % 8 + 8]), t1)
    return _xor(t1, ek[(i + 4) % 8]) + t0


def _fi(word, key):
    d9, d7 = word[:9], word[9:]
    d9 = _xor(_s9(d9), [0, 0] + d7)
    d7 = _xor(_s7(d7), d9[2:])
    d7, d9 = _xor(d7, key[:7]), _xor(d9, key[7:])
    return d7 + _xor(_s9(d9), [0, 0] + d7)


def _fl_words(ek, i):
    if i % 2:
        return ek[((i - 1) // 2 + 2) % 8 + 8], ek[((i - 1) // 2 + 4) % 8]
    return ek[i // 2], ek[(i // 2 + 6) % 8 + 8]


def _fl(half, ek, i):
    and_key, or_key = _fl_words(ek, i)
    d1 = _xor(half[16:], _both(half[:16], and_key))
    return _xor(half[:16], _either(d1, or_key)) + d1


def _fl_inverse(half, ek, i):
    and_key, or_key = _fl_words(ek, i)
    d0 = _xor(half[:16], _either(half[16:], or_key))
    return d0 + _xor(half[16:], _both(d0, and_key))


def _s7(bits):
    return _bits(S7[_number(bits)], 7)


def _s9(bits):
    at = 2 * _number(bits)
    return _bits(S9[at] << 8 | S9[at + 1], 9)


def _xor(a, b):
    return [a[i] ^ b[i] for i in range(len(a))]


def _both(a, b):
    return [a[i] & b[i] for i in range(len(a))]


def _either(a, b):
    return [a[i] | b[i] for i in range(len(a))]


def _bits(number, length):
    return [number >> i & 1 for i in range(length - 1, -1, -1)]


def _number(bits):
    number = 0
    for bit in bits:
        number = number << 1 | bit
    return number
