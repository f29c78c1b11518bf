"""An emulated board in a terminal: its display, and keys that are typed. `python -m tests.board [FOLDER]`.

0-9 * # press a key, p gives ten pulses to the first meter, o switches the power off and on, q ends. The board's flash
stays in the folder. Another terminal reaches its REPL by mpremote.
"""

import asyncio
import sys
import termios
import tty
from pathlib import Path

from tests.board.emulated import ROOT, EmulatedBoard

_LOOK_S = 0.2


async def _show(board: EmulatedBoard) -> None:
    """Draw the display anew each time it changed."""
    seen = None
    while True:
        state = await board.do("state")
        shown = (state["on"], state["rows"], state["valves"])
        if shown != seen:
            seen = shown
            rows = "".join(f"  | {row:<20} |\r\n" for row in state["rows"]) or "  (no power)\r\n"
            print(f"\r\n{rows}  valves {state['valves']}", end="\r\n", flush=True)
        await asyncio.sleep(_LOOK_S)


async def _hand(board: EmulatedBoard, keys: "asyncio.Queue[str]") -> None:
    """What is typed, until q."""
    while (key := await keys.get()) not in "q\x03":
        if key in "0123456789*#":
            await board.press(key)
        elif key == "p":
            await board.do("pulses", channel=0, count=10)
        elif key == "o":
            await board.do("power", on=not (await board.do("state"))["on"])


async def _main(folder: Path) -> None:
    board = EmulatedBoard(folder)
    board.install()
    await board.start()
    print(f"mpremote connect {board.repl}\n{__doc__.splitlines()[2]}")
    keys: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: keys.put_nowait(sys.stdin.read(1)))
    show = asyncio.create_task(_show(board))
    try:
        await _hand(board, keys)
    finally:
        show.cancel()
        await board.stop()


if __name__ == "__main__":
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        asyncio.run(_main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "board"))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
