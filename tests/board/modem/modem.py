"""A modem on the UART of an emulated board: AT commands, a card with a PIN, a carrier that gets lost, and PPP behind.

On request it drops, delays and damages what passes, loses the carrier, or goes silent without a word.
"""

import asyncio
import re
from collections.abc import Callable

from tests.board.modem.frames import Deframer
from tests.board.modem.internet import Internet
from tests.board.modem.peer import Account, Peer
from tests.chance import chance_of

OURS, THEIRS = bytes((10, 64, 64, 1)), bytes((10, 64, 64, 64))
_ESCAPE = b"+++"
_ASK_AGAIN_S = 3  # RFC 1661, 4.6


class Modem:
    """`direct`: PPP speaks at once. `loss` is the part of IP packets that vanish, `delay_s` what each takes longer."""

    def __init__(self, internet: Internet, pin: str = "", account: Account | None = None, direct: bool = False) -> None:
        self.internet = internet
        self.covered = True  # whether a call gets through
        self.silent = False  # nothing passes, and nobody says so
        self.loss = 0.0
        self.delay_s = 0.0
        self.commands: list[str] = []
        self.pins_left = 3
        self.calls = 0
        self.peer: Peer | None = None
        self._chance = chance_of("modem")
        self._pin = pin
        self._locked = bool(pin)
        self._account = account
        self._direct = direct
        self._echo = True
        self._line = b""
        self._deframer = Deframer()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def plug_in(self, port: int) -> None:
        """Join it to a UART."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._task = asyncio.create_task(self._carry(reader))
        if self._direct:
            self._call()

    async def unplug(self) -> None:
        """Take it away."""
        self.internet.forget()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._writer is not None:
            self._writer.transport.abort()

    def lose_carrier(self) -> None:
        """The call ends without a goodbye; the modem says so, as modems do, and takes commands again."""
        self._hang_up()
        self._say("NO CARRIER")

    async def _carry(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(4096):
            if self.silent:
                continue
            if self.peer is not None and data != _ESCAPE:
                self._take_frames(data)
            elif data == _ESCAPE:
                self._hang_up()
                self._say("OK")
            else:
                self._take_commands(data)

    def _take_frames(self, data: bytes) -> None:
        for protocol, body in self._deframer.feed(data):
            if self.peer is None:
                return
            if protocol != 0x0021 or not self._vanishes():
                self.peer.take(protocol, body)
        if self.peer is not None and self.peer.ended and not self._direct:
            self.lose_carrier()
        elif self.peer is not None and self.peer.ended:
            self._call()

    def _take_commands(self, data: bytes) -> None:
        if self._echo:
            self._put(data)
        *lines, self._line = (self._line + data).split(b"\r")
        for line in lines:
            command = line.decode("ascii", "replace").strip()
            if command.upper().startswith("AT"):
                self.commands.append(command)
                self._obey(command[2:])

    def _obey(self, command: str) -> None:
        pin = re.fullmatch(r'\+CPIN="(\d*)"', command)
        if command == "+CPIN?":
            self._say("+CPIN: " + ("SIM PUK" if not self.pins_left else "SIM PIN" if self._locked else "READY"))
            self._say("OK")
        elif pin:
            self._say("OK" if self._unlock(pin[1]) else "+CME ERROR: 16")
        elif command.startswith("D"):
            self._dial()
        elif command in ("E0", "E1"):
            self._echo = command == "E1"
            self._say("OK")
        else:
            self._say("OK" if command in ("", "H") or command.startswith("+CGDCONT=1,") else "ERROR")

    def _unlock(self, pin: str) -> bool:
        self.pins_left -= pin != self._pin
        self._locked = pin != self._pin or not self.pins_left
        return not self._locked

    def _dial(self) -> None:
        if self._locked:
            self._say("ERROR")
        elif not self.covered:
            self._say("NO CARRIER")
        else:
            self._say("CONNECT 115200")
            self._call()

    def _call(self) -> None:
        self.calls += 1
        self._deframer = Deframer()
        self.peer = Peer(self._put, self.internet.take, OURS, THEIRS, self._account)
        self.internet.send = self._to_chip
        self._ask(self.peer)

    def _ask(self, peer: Peer) -> None:
        """Until the link is up: what was sent while the chip was not listening is lost."""
        if self.peer is peer and not peer.up and not peer.ended:
            peer.start()
            asyncio.get_running_loop().call_later(_ASK_AGAIN_S, self._ask, peer)

    def _hang_up(self) -> None:
        self.peer = None
        self._line = b""
        self.internet.forget()

    def _to_chip(self, packet: bytes) -> None:
        """Packets keep their order, also when they are late."""
        peer = self.peer
        if peer is None or self._vanishes():
            return
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, _if(lambda: self.peer is peer, peer.send_ip, packet))
        else:
            peer.send_ip(packet)

    def _vanishes(self) -> bool:
        return self._chance.random() < self.loss

    def _say(self, text: str) -> None:
        self._put(f"\r\n{text}\r\n".encode())

    def _put(self, data: bytes) -> None:
        if self._writer is not None and not self.silent:
            self._writer.write(data)


def _if(condition: Callable[[], bool], act: Callable[[bytes], None], packet: bytes) -> Callable[[], None]:
    return lambda: act(packet) if condition() else None
