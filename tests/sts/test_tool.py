"""The command line tool: keys from files and prompts only, vectors counted by kind, exit codes that tell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.sts.sample_tables import SAMPLE_P, SAMPLE_S1, SAMPLE_S2
from tools import sts

VECTORS = Path("tests/vectors/sts.json")
DECODER_KEY = "929BD3A415C9420A05EC5EE9F3CE91C3"
VENDING_KEY = "ABABABABABABABAB949494949494949401234567"
TOKEN = "5862 5789 9869 9135 7486"


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.write_text(DECODER_KEY + "\n")
    return str(path)


@pytest.fixture
def tables_file(tmp_path: Path) -> Path:
    path = tmp_path / "tables.json"
    path.write_text(json.dumps({"s1": list(SAMPLE_S1), "s2": list(SAMPLE_S2), "p": list(SAMPLE_P)}))
    return path


def test_encode_prints_the_published_token(key_file, capsys) -> None:
    arguments = ["electricity", "1", "--time", "2014-03-01 13:00", "--rnd", "5", "--key-file", key_file]

    assert sts.main(["encode", "credit", *arguments]) == 0
    assert capsys.readouterr().out == TOKEN + "\n"


def test_decode_shows_fields_and_time_of_a_token_from_the_prompt(key_file, capsys, monkeypatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: TOKEN)

    assert sts.main(["decode", "--key-file", key_file]) == 0
    shown = "TransferCredit(subclass=0, rnd=5, tid=85740, amount=1) made 2014-03-01 13:00 UTC\n"
    assert capsys.readouterr().out == shown


def test_decode_names_the_error_of_each_bad_token(key_file, tmp_path, capsys) -> None:
    (tmp_path / "tokens").write_text("5862 5789 9869 9135 7487\n\n99999999999999999999\n")

    assert sts.main(["decode", "--key-file", key_file, "--token-file", str(tmp_path / "tokens")]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("CRCError: ") and second.startswith("FormatError: ")


def test_derive_asks_for_the_vending_key_and_writes_a_file_for_its_owner_only(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: VENDING_KEY)
    out = tmp_path / "decoder"
    arguments = ["derive", "--drn", "00000000000", "--sgc", "201457", "--out", str(out)]

    assert sts.main(arguments) == 0
    assert out.read_text() == DECODER_KEY + "\n"
    assert out.stat().st_mode & 0o077 == 0
    assert sts.main(arguments) == 1, "an existing key file is not overwritten"
    assert DECODER_KEY not in "".join(capsys.readouterr())


def test_every_kind_of_token_can_be_made_and_read_back(tmp_path, key_file, capsys) -> None:
    new_key = tmp_path / "new"
    new_key.write_text("39FA45A353CB729549DC515A68A25C98")
    key = ["--key-file", key_file]
    change = ["--new-key-file", str(new_key), "--sgc", "203557", "--krn", "6", "--ti", "2", "--roll-over"]
    for arguments, count in (
        (["currency", "water", "-100000", *key], 1),
        (["test"], 1),
        (["test", "--long-mfr-code", "--control", "4", "--mfr-code", "1234"], 1),
        (["extended-read", "63"], 1),
        (["power-limit", "5000", *key], 1),
        (["unbalance-limit", "500", *key], 1),
        (["clear-credit", *key], 1),
        (["clear-tamper", *key], 1),
        (["extended-set", "63", "1", *key], 1),
        (["key-change", *change, *key], 4),
    ):
        assert sts.main(["encode", *arguments]) == 0
        tokens = capsys.readouterr().out
        assert len(tokens.splitlines()) == count
        (tmp_path / "tokens").write_text(tokens)
        assert sts.main(["decode", *key, "--token-file", str(tmp_path / "tokens")]) == 0
        assert "39FA" not in capsys.readouterr().out.upper()


def test_a_key_that_is_not_hexadecimal_is_refused_without_being_shown(tmp_path, capsys) -> None:
    (tmp_path / "key").write_text("open sesame")

    assert sts.main(["encode", "clear-tamper", "--key-file", str(tmp_path / "key")]) == 1
    shown = capsys.readouterr()
    assert shown.err == "KeyDataError: a key is written in hexadecimal digits\n" and shown.out == ""


@pytest.mark.parametrize("interpreter", [[], ["--micropython"]])
def test_vectors_counts_by_kind_and_ends_with_the_total(interpreter, capfd) -> None:
    assert sts.main(["vectors", str(VECTORS), *interpreter]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "266 passed, 0 failed"
    assert "token: 116 passed, 0 failed" in lines and len(lines) == 19


@pytest.mark.parametrize("interpreter", [[], ["--micropython"]])
def test_a_wrong_or_unknown_vector_fails_and_is_named(interpreter, tmp_path, tables_file, capfd) -> None:
    vectors = json.loads(VECTORS.read_text())["vectors"]
    sta = next(vector for vector in vectors if vector["kind"] == "sta_block")
    sta["input"]["tables"] = "file"
    luhn = {"id": "bad", "kind": "luhn", "input": {"digits": "0"}, "expected": {"check_digit": "1"}}
    unknown = {"id": "odd", "kind": "sha0", "input": {}, "expected": {}}
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"vectors": [sta, luhn, unknown]}))

    assert sts.main(["vectors", str(path), "--tables", str(tables_file), *interpreter]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "FAILED bad (luhn): check_digit: expected 1, got 0"
    assert lines[1] == "FAILED odd (sha0): unknown kind 'sha0'"
    assert lines[-1] == "1 passed, 2 failed"
    assert sts.main(["vectors", str(path), *interpreter]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 3 failed", "the tables were not given"


def test_vectors_says_which_line_of_the_tables_is_wrong(tmp_path, capsys) -> None:
    path = tmp_path / "tables.json"
    path.write_text(json.dumps({"s1": list(SAMPLE_S1), "s2": [0] * 16, "p": list(SAMPLE_P)}))

    assert sts.main(["vectors", str(VECTORS), "--tables", str(path)]) == 2
    assert "s2 holds 0 twice" in capsys.readouterr().out


def test_a_missing_micropython_is_said_plainly(monkeypatch, capsys) -> None:
    monkeypatch.setenv("MICROPYTHON", "no-such-interpreter")

    assert sts.main(["vectors", str(VECTORS), "--micropython"]) == 2
    assert "no MicroPython at no-such-interpreter" in capsys.readouterr().err


def test_the_tool_runs_as_a_module_and_takes_no_key_as_an_argument() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tools.sts", "encode", "test"], capture_output=True, text=True, check=True
    )
    refused = subprocess.run(
        [sys.executable, "-m", "tools.sts", "decode", TOKEN], capture_output=True, text=True, check=False
    )

    assert run.stdout == "5649 3153 7254 5031 3471\n"
    assert refused.returncode == 2
