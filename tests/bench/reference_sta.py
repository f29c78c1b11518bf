"""EA07 (STA) as the standard's text reads, one list of bits per block: slow, obvious, the measure of the fast ones.

Bit 0 is the lowest. Decryption runs the steps backwards, with inverses found by searching the tables.
"""


def encrypt(key, block, tables):
    bits, aligned = _bits(block), _aligned(key)
    for _ in range(16):
        for i in range(16):
            table = tables.s2 if aligned[4 * i + 3] else tables.s1
            _put_nibble(bits, i, table[_nibble(bits, i)])
        moved = [0] * 64
        for i in range(64):
            moved[tables.p[i]] = bits[i]
        bits, aligned = moved, aligned[63:] + aligned[:63]  # every key bit one place up
    return _bytes(bits)


def decrypt(key, block, tables):
    bits, aligned = _bits(block), _aligned(key)
    for _ in range(16):
        aligned = aligned[63:] + aligned[:63]
    for _ in range(16):
        aligned = aligned[1:] + aligned[:1]  # every key bit one place down
        bits = [bits[tables.p[i]] for i in range(64)]
        for i in range(16):
            table = list(tables.s2 if aligned[4 * i + 3] else tables.s1)
            _put_nibble(bits, i, table.index(_nibble(bits, i)))
    return _bytes(bits)


def _aligned(key):
    complement = [1 - bit for bit in _bits(key)]
    return complement[12:] + complement[:12]  # twelve places down


def _nibble(bits, i):
    return sum([bits[4 * i + j] << j for j in range(4)])


def _put_nibble(bits, i, value):
    for j in range(4):
        bits[4 * i + j] = value >> j & 1


def _bits(data):
    number = int.from_bytes(data, "big")
    return [number >> i & 1 for i in range(64)]


def _bytes(bits):
    return sum([bit << i for i, bit in enumerate(bits)]).to_bytes(8, "big")
