"""The release tool: keys that only their owner reads, signatures over images, and what is refused."""

import stat
from pathlib import Path

import pytest

from shared.documents import split_signature
from shared.ed25519 import verify
from shared.update import decode_manifest
from tools import release, slot_image

IMAGES = {"a": b"first image" * 100, "b": b"second image" * 100}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a key pair and two images."""
    assert release.main(["keys", str(tmp_path / "private"), str(tmp_path / "public")]) == 0
    for name, data in IMAGES.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def sign(folder: Path, *more: str) -> int:
    options = ["--board", "rp2_pico_ppp", "--version", "1.2.3", "--a", f"{folder}/a", "--b", f"{folder}/b", *more]
    return release.main(["sign", f"{folder}/manifest", "--key", f"{folder}/private", *options])


def test_only_the_owner_reads_the_private_key_and_it_is_never_overwritten(folder: Path) -> None:
    before = (folder / "private").read_text()

    again = release.main(["keys", str(folder / "private"), str(folder / "public")])

    assert stat.S_IMODE((folder / "private").stat().st_mode) == 0o600
    assert again == 1 and (folder / "private").read_text() == before


def test_a_manifest_is_what_a_gateway_verifies(folder: Path) -> None:
    assert sign(folder, "--minimum", "1.0.0") == 0

    document, signature = split_signature((folder / "manifest").read_bytes())

    assert verify(bytes.fromhex((folder / "public").read_text()), document, signature)
    manifest = decode_manifest(document)
    assert (manifest.version, manifest.minimum) == (0x01020003, 0x01000000)
    assert [image.size for image in manifest.images] == [len(data) for data in IMAGES.values()]


def test_show_says_what_is_signed_and_finds_another_image(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sign(folder, "--gateway", "7", "--boot-nonce", "0102030405060708")
    show = ["show", f"{folder}/public", f"{folder}/manifest", "--a", f"{folder}/a", "--b"]

    good, bad = release.main([*show, f"{folder}/b"]), release.main([*show, f"{folder}/a"])

    said = capsys.readouterr()
    assert (good, bad) == (0, 1)
    assert "version  1.2.3" in said.out and "gateway 7 to go back, in its start 0102030405060708" in said.out
    assert "is not image b" in said.err


def test_a_manifest_by_another_key_is_not_shown(folder: Path) -> None:
    assert (
        release.main(
            ["sign", f"{folder}/m", "--development", "--board", "x", "--version", "1.0.0", "--a", f"{folder}/a"]
        )
        == 0
    )

    assert release.main(["show", f"{folder}/public", f"{folder}/m"]) == 1
    assert release.main(["show", "boards/development_release_key.hex", f"{folder}/m"]) == 0


def test_a_private_key_that_others_can_read_signs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "private").chmod(0o644)

    assert sign(folder) == 1
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--version", "1.2"), ("--minimum", "9.0.0"), ("--board", "no board")])
def test_what_no_gateway_would_take_is_not_signed(folder: Path, more: tuple[str, str]) -> None:
    assert sign(folder, *more) == 1
    assert not (folder / "manifest").exists()


def test_the_module_of_an_image_holds_the_key_as_a_constant(folder: Path) -> None:
    assert release.main(["module", f"{folder}/public", f"{folder}/release_key.py"]) == 0

    found: dict[str, bytes] = {}
    exec((folder / "release_key.py").read_text(), found)
    assert found["RELEASE_PUBLIC"].hex() == (folder / "public").read_text().strip()


@pytest.mark.parametrize(
    "more",
    [
        ("--gateway", "7", "--boot-nonce", "no hex"),
        ("--gateway", "7", "--boot-nonce", "0102"),
        ("--gateway", "7"),
        ("--boot-nonce", "0102030405060708"),
        ("--gateway", "-1", "--boot-nonce", "0102030405060708"),
    ],
)
def test_a_permit_that_permits_nothing_is_refused_in_a_line(
    folder: Path, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign(folder, *more) == 1
    assert capsys.readouterr().err.count("\n") == 1 and not (folder / "manifest").exists()


@pytest.mark.parametrize(
    ("swapped", "version", "says"),
    [
        (False, "1.2.4", "is version 1.2.3"),
        (True, "1.2.3", "is linked for the other slot"),
    ],
)
def test_an_image_of_another_version_or_slot_is_not_signed(
    folder: Path, swapped: bool, version: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = slot_image.FLASH_START + slot_image.SLOTS_OFFSET, slot_image.FLASH_START + 0x100000
    for name, address in zip("ba" if swapped else "ab", places, strict=True):
        (folder / name).write_bytes(slot_image.slot_image(bytes(1000), address, 0x01020003))

    assert sign(folder, "--version", version) == 1
    assert says in capsys.readouterr().err


def test_images_of_both_slots_are_signed_where_they_belong(folder: Path) -> None:
    places = slot_image.FLASH_START + slot_image.SLOTS_OFFSET, slot_image.FLASH_START + 0x100000
    for name, address in zip("ab", places, strict=True):
        (folder / name).write_bytes(slot_image.slot_image(bytes(1000), address, 0x01020003))

    assert sign(folder) == 0
    assert sign(folder, "--b", f"{folder}/a") == 1
