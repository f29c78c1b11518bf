"""Brokers that misbehave: small TLS servers that log a gateway in and then go silent or break the protocol."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tools.authority import Paths

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def after_login(packet: bytes, *, stop_reading: bool = False) -> Session:
    """A broker that lets in, accepts the subscription, sends some bytes and then nothing more."""

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_packet(reader)
        writer.write(b"\x20\x02\x00\x00")
        await read_packet(reader)
        writer.write(b"\x90\x03\x00\x01\x00" + packet)
        if stop_reading:
            await asyncio.sleep(60)
        await reader.read()

    return session


async def read_packet(reader: asyncio.StreamReader) -> None:
    header = await reader.readexactly(2)
    assert header[1] < 0x80
    await reader.readexactly(header[1])


class serving:  # noqa: N801  used like a function
    """A server for the time of a with block, over TLS if it gets the authority's paths."""

    def __init__(self, session: Session, paths: Paths | None = None) -> None:
        self.session = session
        self.context: ssl.SSLContext | None = None
        if paths is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(paths.broker, paths.broker_key)
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> int:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            await self.session(reader, writer)
        writer.transport.abort()
