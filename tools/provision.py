"""Enrols a gateway: its own keys, the signed challenge, and the sealed bundle that makes it a part of a utility.

`python -m tools.provision --cloud URL --ca FILE --key-file FILE --gateway N --port PORT` for a board at a serial port,
`--flash DIRECTORY` for the simulated one. The private keys never leave the board, and what is sealed only it can open.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Protocol

from tools.api import Api, ApiError
from tools.serial_board import SerialBoard
from tools.sim.process import GatewayProcess


class Board(Protocol):
    """A board that can be reached: it runs Python and tells what was printed."""

    async def run(self, source: str) -> str: ...


class ProvisionError(Exception):
    """The gateway could not be enrolled; one line that says why and what to do."""


async def provision(api: Api, board: Board, gateway_id: int, renew: bool = False) -> int:
    """Enrol the board as a gateway of the cloud; the epoch that began. Raises ApiError or ProvisionError.

    Cut at any point it can be run again: keys are made once, and a bundle is installed whole or not at all. A board
    that has an epoch gets a new one only to `renew`: another bundle of the same epoch would lock it out.
    """
    utility_id: int = (await api.get(f"/gateways/{gateway_id}"))["utility_id"]
    *told, epoch = await _told(board, "identity(renew=True)" if renew else "identity()", 5)
    if int(epoch) and not renew:
        raise ProvisionError(f"the board is enrolled, in epoch {epoch}; --renew gives it new keys and a new epoch")
    proof_of = dict(zip(("device_public", "seal_public", "hardware_id", "board"), told, strict=True))
    asked: dict[str, Any] = await api.post(f"/gateways/{gateway_id}/enrolment", proof_of)
    (signature,) = await _told(board, f"answer({utility_id}, {gateway_id}, '{asked['challenge']}')", 1)
    answer: dict[str, Any] = await api.post(f"/gateways/{gateway_id}/enrolment/proof", {"signature": signature})
    (epoch,) = await _told(board, f"install('{answer['bundle']}')", 1)
    return int(epoch)


async def _told(board: Board, call: str, words: int) -> list[str]:
    """Run one step of `firmware.enrol` on the board; it prints one line that begins with the step's name."""
    step = call.split("(", maxsplit=1)[0]
    try:
        out = await board.run(f"from firmware.enrol import on_board\non_board().{call}\n")
    except RuntimeError as error:
        raise ProvisionError(f"{step}: {str(error).split('Error: ')[-1]}") from None
    for line in out.splitlines():
        told = line.split()
        if told[:1] == [step] and len(told) == words + 1:
            return told[1:]
    raise ProvisionError(f"{step}: the board gave no answer; is this firmware as new as the tool?")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.provision", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cloud", required=True, help="address of the cloud, https://host:port")
    parser.add_argument("--ca", type=Path, help="authority of the cloud's certificate, PEM")
    parser.add_argument("--key-file", type=Path, required=True, help="file that holds the installer's API key")
    parser.add_argument("--gateway", type=int, required=True, help="number that the cloud gave the gateway")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", help="serial port of the board, as mpremote takes it: /dev/ttyACM0, COM3, ...")
    where.add_argument("--flash", type=Path, help="directory that is the simulated board's flash")
    parser.add_argument("--new", action="store_true", help="make a file system on a board that has none")
    network = "file with the lines of the network: WiFi's name and password, or a modem's APN, user, password, PIN"
    parser.add_argument("--network-file", type=Path, help=network)
    parser.add_argument("--renew", action="store_true", help="give an enrolled board new keys, and a new epoch")
    return parser.parse_args()


async def _prepare(board: SerialBoard, options: argparse.Namespace, network: list[str]) -> None:
    """Give the board a file system and what its network needs."""
    if not await board.has_file_system():
        if not options.new:
            raise ProvisionError("the board has no file system; add --new if it is new, else keep it as evidence")
        await board.make_file_system()
    if network:
        await board.enter_network(network)


async def _main(options: argparse.Namespace) -> None:
    key = options.key_file.read_text(encoding="ascii").strip()
    network = options.network_file.read_text(encoding="utf-8").splitlines() if options.network_file else []
    serial = SerialBoard(options.port) if options.port else None
    board = serial or GatewayProcess(options.flash, 0, options.flash / "provision.log")
    try:
        async with Api(options.cloud, key, options.ca) as api:
            if serial:
                await _prepare(serial, options, network)
            epoch = await provision(api, board, options.gateway, options.renew)
    finally:
        if serial:
            await serial.leave()
    print(f"gateway {options.gateway} is enrolled: epoch {epoch}")


if __name__ == "__main__":
    try:
        asyncio.run(_main(_arguments()))
    except (ApiError, ProvisionError, OSError, RuntimeError, UnicodeError) as error:
        sys.exit(f"provision: {error}")
