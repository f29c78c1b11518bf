"""A board at a serial port that is a socket: MicroPython's raw REPL as mpremote speaks it, with faults on request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class RawRepl:
    """`answers` what programs print; `fails` is the error that each ends with; `goes_away` unplugs it in the midst."""

    def __init__(self, answer: str = "", fails: str = "", goes_away: bool = False) -> None:
        self.answer = answer
        self.fails = fails
        self.goes_away = goes_away
        self.programs: list[str] = []
        self.url = ""

    @asynccontextmanager
    async def plugged_in(self) -> AsyncIterator["RawRepl"]:
        """The board is there while this lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                if self.goes_away and self.programs:
                    break
                await self._obey(reader, writer, await reader.readexactly(1))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes) -> None:
        if key == b"\x01":
            writer.write(_PROMPT)
        elif key == b"\x04":
            writer.write(b"OK\r\nMPY: soft reboot\r\n" + _PROMPT)
        elif key == b"\x05":
            await reader.readexactly(2)
            writer.write(b"R\x00")
            await self._run(writer, await reader.readuntil(b"\x04"))

    async def _run(self, writer: asyncio.StreamWriter, program: bytes) -> None:
        self.programs.append(program[:-1].decode())
        if not self.goes_away:
            writer.write(b"OK" + self.answer.encode() + b"\x04" + self.fails.encode() + b"\x04>")
