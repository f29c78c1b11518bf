"""The packages of boards that run stock MicroPython: a real MicroPython runs the gateway from their ROMFS image."""

import subprocess
from pathlib import Path

import pytest

from tools import package

MICROPYTHON = package.ROOT / "build" / "micropython" / "micropython"
_IMPORT = """
import sys, vfs
image = open(sys.argv[1], "rb").read()
vfs.mount(vfs.VfsRom(memoryview(image)), "/rom")
sys.path[:] = ["/rom"]
import firmware.gateway, board, release_key
from shared.sts import misty1_viper
print(board.BOARD, firmware.gateway.__file__, len(release_key.RELEASE_PUBLIC))
"""


@pytest.fixture
def release_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A public key of somebody's own."""
    path = tmp_path / "release.hex"
    path.write_text("5a" * 32 + "\n")
    monkeypatch.setenv("PENSTOCK_RELEASE_KEY", str(path))
    return path


@pytest.mark.parametrize("board", ["esp32_devkit", "rp2_pico_w"])
def test_the_package_of_a_board_has_an_image_that_fits_and_what_starts_it(
    board: str, tmp_path: Path, release_key: Path
) -> None:
    sizes = package.make(board, tmp_path)

    made = tmp_path / board
    assert sizes["image"] == (made / f"{board}.romfs").stat().st_size < sizes["slot"]
    assert (made / "mpy" / "firmware" / "gateway.mpy").is_file()
    assert {path.name for path in (made / "files").iterdir()} == {"main.py", "rom_start.py"}
    assert (made / "source" / "release_key.py").read_text() == f"RELEASE_PUBLIC = {bytes([0x5A] * 32)!r}\n"
    for name in ("board.py", "main.py", "release_key.py", "shared", "firmware", "umqtt"):
        assert f'"{name}"' in (made / "manifest.py").read_text() and (made / "source" / name).exists()


def test_a_micropython_runs_the_gateway_from_the_image(tmp_path: Path, release_key: Path) -> None:
    package.make("esp32_devkit", tmp_path, architecture="x64")
    script = tmp_path / "import.py"
    script.write_text(_IMPORT)
    image = tmp_path / "esp32_devkit" / "esp32_devkit.romfs"

    told = subprocess.run([MICROPYTHON, script, image], capture_output=True, text=True, check=False)

    assert told.stdout.split() == ["esp32_devkit", "/rom/firmware/gateway.mpy", "32"], told.stderr


def test_an_image_that_does_not_fit_its_half_is_not_made(
    tmp_path: Path, release_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards = tmp_path / "root" / "boards"
    boards.mkdir(parents=True)
    text = (package.ROOT / "boards" / "rp2_pico_w.py").read_text()
    (boards / "rp2_small.py").write_text(text + "SLOT_BYTES = 4096\n")
    for name in ("shared", "firmware"):
        (tmp_path / "root" / name).symlink_to(package.ROOT / name)
    monkeypatch.setattr(package, "ROOT", tmp_path / "root")

    with pytest.raises(package.PackageError, match="SLOT_BYTES of rp2_small is 4096"):
        package.make("rp2_small", tmp_path)
    assert not (tmp_path / "rp2_small").exists()


@pytest.mark.parametrize(
    ("board", "says"), [("no_board", "there is no board no_board"), ("rp2_pico_ppp", "has an image of its own")]
)
def test_what_is_no_board_of_that_kind_is_said(board: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(package.PackageError, match=says):
        package.make(board, tmp_path)


def test_a_key_that_is_none_is_said(tmp_path: Path, release_key: Path) -> None:
    release_key.write_text("5a" * 31)

    with pytest.raises(package.PackageError, match="has 31 bytes and a public key 32"):
        package.make("esp32_devkit", tmp_path)


def test_a_package_that_takes_releases_by_the_key_of_everybody_says_so(
    release_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = package.make("esp32_devkit", tmp_path)
    own = package.said("esp32_devkit", tmp_path, made)
    monkeypatch.setenv("PENSTOCK_RELEASE_KEY", str(package.ROOT / "boards" / "development_release_key.hex"))
    everybodys = package.said("esp32_devkit", tmp_path, made)

    assert len(own) == 1 and "development key, which everybody has" in everybodys[1]
