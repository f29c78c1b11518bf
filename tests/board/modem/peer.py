"""The other end of a PPP link: LCP (RFC 1661), PAP (RFC 1334), CHAP (RFC 1994), IPCP (RFC 1332, RFC 1877)."""

import hashlib
import os
from collections.abc import Callable

from tests.board.modem.frames import framed

IP, IPCP, LCP, PAP, CHAP = 0x0021, 0x8021, 0xC021, 0xC023, 0xC223
REQUEST, ACK, NAK, REJECT, TERMINATE, TERMINATED, _, PROTOCOL_REJECT, ECHO, ECHO_REPLY = range(1, 11)
_ASYNC_MAP, _AUTHENTICATION, _MAGIC = 2, 3, 5
_ADDRESS, _NAME_SERVER, _NAME_SERVER_2 = 3, 129, 131
_ALL_ESCAPED = 0xFFFFFFFF
_CHAP_MD5 = 5
_SUCCESS, _FAILURE = 3, 4

Options = list[tuple[int, bytes]]


class Account:
    """Who may come in, and by which protocol: `kind` is PAP or CHAP."""

    def __init__(self, kind: int, user: str, secret: str) -> None:
        self.kind = kind
        self.user = user.encode()
        self.secret = secret.encode()


class Peer:
    """`send(bytes)` puts frames on the line, `deliver(packet)` takes IP packets; addresses are four bytes."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        deliver: Callable[[bytes], None],
        ours: bytes,
        theirs: bytes,
        account: Account | None = None,
    ) -> None:
        self.up = False
        self.ended = False  # one side has said goodbye
        self.answers_echo = True
        self.echoes = 0
        self._send = send
        self._deliver = deliver
        self._ours, self._theirs = ours, theirs
        self._account = account
        self._escaped = _ALL_ESCAPED
        self._challenge = os.urandom(16)
        self._agreed: set[tuple[int, str]] = set()  # protocol and side whose request was acknowledged

    def start(self) -> None:
        """Ask for a link, or go on asking."""
        if not self._done(LCP):
            self._ask_lcp()
        elif not self._done(IPCP) and self._account is None:
            self._ask_ipcp()

    def send_ip(self, packet: bytes) -> None:
        """An IP packet to the chip."""
        self._put(IP, packet)

    def goodbye(self) -> None:
        """End the link in good order."""
        self._put(LCP, _packet(TERMINATE, 9, b""))

    def take(self, protocol: int, body: bytes) -> None:
        """A packet from the chip."""
        if protocol == IP:
            if self.up:
                self._deliver(body)
        elif protocol in (LCP, IPCP):
            code, number, data = body[0], body[1], body[4 : int.from_bytes(body[2:4], "big")]
            self._control(protocol, code, number, data)
        elif protocol in (PAP, CHAP):
            self._prove(protocol, body)
        else:
            self._put(LCP, _packet(PROTOCOL_REJECT, 1, protocol.to_bytes(2, "big") + body))

    def _control(self, protocol: int, code: int, number: int, data: bytes) -> None:
        if code == REQUEST:
            self._answer(protocol, number, _options(data))
        elif code == ACK:
            self._agree(protocol, "ours")
        elif code in (NAK, REJECT):
            self._ask_lcp() if protocol == LCP else self._ask_ipcp()
        elif code == TERMINATE:
            self._put(protocol, _packet(TERMINATED, number, b""))
            self.up = False
            self.ended = self.ended or protocol == LCP
        elif code == TERMINATED:
            self.up, self.ended = False, True
        elif code == ECHO:
            self.echoes += 1
            if self.answers_echo:
                self._put(LCP, _packet(ECHO_REPLY, number, bytes(4) + data[4:]))

    def _answer(self, protocol: int, number: int, options: Options) -> None:
        """Acknowledge what is known, name what should be otherwise; first reject the rest (RFC 1661, 5.2)."""
        known = (_ASYNC_MAP, _MAGIC, 1) if protocol == LCP else (_ADDRESS, _NAME_SERVER, _NAME_SERVER_2)
        foreign = [option for option in options if option[0] not in known]
        if foreign:
            return self._put(protocol, _packet(REJECT, number, _encoded(foreign)))
        if protocol == IPCP:
            right = {_ADDRESS: self._theirs, _NAME_SERVER: self._ours, _NAME_SERVER_2: self._ours}
            wrong = [(kind, right[kind]) for kind, value in options if value != right[kind]]
            if wrong:
                return self._put(protocol, _packet(NAK, number, _encoded(wrong)))
        self._put(protocol, _packet(ACK, number, _encoded(options)))
        if protocol == LCP:
            self._escaped = int.from_bytes(dict(options).get(_ASYNC_MAP, b"\xff" * 4), "big")
        return self._agree(protocol, "theirs")

    def _agree(self, protocol: int, side: str) -> None:
        self._agreed.add((protocol, side))
        if not self._done(protocol):
            return
        if protocol == IPCP:
            self.up = True
        elif self._account is None:
            self._ask_ipcp()
        elif self._account.kind == CHAP:
            self._put(CHAP, _packet(1, 7, bytes((len(self._challenge),)) + self._challenge + b"peer"))

    def _done(self, protocol: int) -> bool:
        return {(protocol, "ours"), (protocol, "theirs")} <= self._agreed

    def _ask_lcp(self) -> None:
        options: Options = [(_ASYNC_MAP, bytes(4)), (_MAGIC, os.urandom(4))]
        if self._account is not None:
            by = self._account.kind.to_bytes(2, "big") + (b"\x05" if self._account.kind == CHAP else b"")
            options.append((_AUTHENTICATION, by))
        self._put(LCP, _packet(REQUEST, 1, _encoded(options)))

    def _ask_ipcp(self) -> None:
        self._put(IPCP, _packet(REQUEST, 1, _encoded([(_ADDRESS, self._ours)])))

    def _prove(self, protocol: int, body: bytes) -> None:
        """Somebody says who it is; who is not let in is hung up on."""
        number, data = body[1], body[4:]
        account = self._account
        size = data[0]
        if account is None or protocol != account.kind:
            return
        if protocol == PAP:
            good = data[1 : 1 + size] == account.user and data[2 + size : 2 + size + data[1 + size]] == account.secret
            self._put(PAP, _packet(ACK if good else NAK, number, b"\0"))
        else:
            wanted = hashlib.md5(bytes((number,)) + account.secret + self._challenge).digest()
            good = data[1 : 1 + size] == wanted and data[1 + size :] == account.user
            self._put(CHAP, _packet(_SUCCESS if good else _FAILURE, number, b""))
        if good:
            self._ask_ipcp()
        else:
            self.goodbye()

    def _put(self, protocol: int, body: bytes) -> None:
        self._send(framed(protocol, body, _ALL_ESCAPED if protocol == LCP else self._escaped))


def _packet(code: int, number: int, data: bytes) -> bytes:
    return bytes((code, number)) + (4 + len(data)).to_bytes(2, "big") + data


def _options(data: bytes) -> Options:
    options = []
    while len(data) >= 2 and data[1] >= 2:
        options.append((data[0], data[2 : data[1]]))
        data = data[data[1] :]
    return options


def _encoded(options: Options) -> bytes:
    return b"".join(bytes((kind, 2 + len(value))) + value for kind, value in options)
