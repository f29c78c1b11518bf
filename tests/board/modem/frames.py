"""Frames of PPP on a serial line: RFC 1662, octet-stuffed, with the 16-bit checksum of its appendix C."""

FLAG, ESCAPE, ADDRESS, CONTROL = 0x7E, 0x7D, 0xFF, 0x03
_GOOD = 0xF0B8
_POLYNOMIAL = 0x8408
_BIT = 0x20


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return table


_TABLE = _table()


def checksum(data: bytes) -> int:
    """The running checksum over some bytes (RFC 1662, C.2); over a whole frame it is 0xf0b8."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def framed(protocol: int, body: bytes, escaped: int = 0xFFFFFFFF) -> bytes:
    """A frame; `escaped` has a bit for each control character that must not be sent as it is (RFC 1662, 7.1)."""
    plain = bytes((ADDRESS, CONTROL)) + protocol.to_bytes(2, "big") + body
    plain += (checksum(plain) ^ 0xFFFF).to_bytes(2, "little")
    out = bytearray((FLAG,))
    for byte in plain:
        if byte in (FLAG, ESCAPE) or (byte < _BIT and escaped >> byte & 1):
            out += bytes((ESCAPE, byte ^ _BIT))
        else:
            out.append(byte)
    out.append(FLAG)
    return bytes(out)


class Deframer:
    """Bytes in, (protocol, body) out; what is damaged is dropped and counted."""

    def __init__(self) -> None:
        self.damaged = 0
        self._gathered = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The packets that end in these bytes."""
        packets = []
        for byte in data:
            if byte != FLAG:
                self._gathered.append(byte)
                continue
            packet = self._whole(bytes(self._gathered)) if self._gathered else None
            self._gathered.clear()
            if packet is not None:
                packets.append(packet)
        return packets

    def _whole(self, stuffed: bytes) -> tuple[int, bytes] | None:
        parts = stuffed.split(bytes((ESCAPE,)))
        plain = parts[0] + b"".join(bytes((part[0] ^ _BIT,)) + part[1:] for part in parts[1:] if part)
        if len(plain) < 4 or checksum(plain) != _GOOD:
            self.damaged += 1
            return None
        plain = plain[2:] if plain[:2] == bytes((ADDRESS, CONTROL)) else plain
        size = 1 if plain[0] & 1 else 2  # RFC 1661, 6.5: a compressed protocol field ends with an odd byte
        return int.from_bytes(plain[:size], "big"), plain[size:-2]
