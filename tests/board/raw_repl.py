"""Runs short pieces of Python on an emulated board by its raw REPL, without a process for each; power may go meanwhile.

Protocol: MicroPython documentation, "REPL, raw mode".
"""

import asyncio
from contextlib import suppress

from tests.board.emulated import EmulatedBoard

_TIMEOUT_S = 60
_INTERRUPT, _RAW, _RUN, _END = b"\r\x03\x03", b"\x01", b"\x04", b"\x04"
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class PowerWasCut(Exception):
    """The board lost its power before it had answered."""


async def execute(board: EmulatedBoard, source: str, timeout_s: float = _TIMEOUT_S) -> str:
    """What the source printed, in at most so many seconds of the wall. RuntimeError with its traceback, PowerWasCut."""
    host, port = board.repl.removeprefix("socket://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(_INTERRUPT + _RAW)
        await _until(reader, _PROMPT)
        writer.write(source.encode() + _RUN)
        await _until(reader, b"OK")
        out = await _until(reader, _END, timeout_s)
        error = await _until(reader, _END)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    if error:
        raise RuntimeError(error.decode())
    return out.decode().strip()


async def _until(reader: asyncio.StreamReader, end: bytes, timeout_s: float = _TIMEOUT_S) -> bytes:
    try:
        async with asyncio.timeout(timeout_s):
            return (await reader.readuntil(end)).removesuffix(end)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise PowerWasCut from None  # USB is gone
