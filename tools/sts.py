"""STS tokens on the command line: encode, decode, derive a decoder key, run test vectors.

Keys and tokens come from files or prompts, never from arguments, so that none stands in a process list or a history.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import SharedError
from shared.sts.cipher import make_cipher
from shared.sts.digits import grouped, ungrouped
from shared.sts.identity import meter_pan
from shared.sts.keys import dkga02, dkga04
from shared.sts.sample_tables import sample_tables
from shared.sts.tables import Tables
from shared.sts.time_id import time_of
from shared.sts.token import decode, encode
from shared.sts.value import TokenValue
from tools import sts_values, sts_vectors

if TYPE_CHECKING:
    from shared.sts.cipher import Cipher

ROOT = Path(__file__).resolve().parents[1]
MICROPYTHON = ROOT / "build/micropython/micropython"
_VECTOR_HEAP = "64M"  # a whole file of vectors is held in memory


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (SharedError, OSError, json.JSONDecodeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.sts", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    kinds = _command(commands, "encode", "make the digits of a token").add_subparsers(required=True, metavar="KIND")
    for name, (help_text, add_options, make) in sts_values.KINDS.items():
        kind = kinds.add_parser(name, help=help_text, description=help_text)
        add_options(kind)
        _add_cipher(kind)
        kind.set_defaults(run=_encode, make=make, clear=name in sts_values.CLEAR_KINDS)
    _add_decode(_command(commands, "decode", "show what a token says"))
    _add_derive(_command(commands, "derive", "make a decoder key from a vending key"))
    _add_vectors(_command(commands, "vectors", "run a file of test vectors"))
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=help_text, description=help_text)


def _add_cipher(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ea", type=int, choices=(7, 11), default=11, help="encryption algorithm (default 11)")
    parser.add_argument("--key-file", type=Path, help="decoder key in hexadecimal; asked for if absent")
    parser.add_argument("--tables", type=Path, help="EA07 tables as JSON; the standard's sample tables if absent")


def _add_decode(parser: argparse.ArgumentParser) -> None:
    _add_cipher(parser)
    parser.add_argument("--token-file", type=Path, help="tokens, one a line; one is asked for if absent")
    parser.add_argument("--base-year", type=int, choices=(1993, 2014, 2035), default=2014, help="for showing the time")
    parser.set_defaults(run=_decode)


def _add_derive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dkga", type=int, choices=(2, 4), default=4, help="derivation (default 4)")
    parser.add_argument("--ea", type=int, choices=(7, 11), default=11, help="encryption algorithm (default 11)")
    parser.add_argument("--key-file", type=Path, help="vending key in hexadecimal; asked for if absent")
    parser.add_argument("--base-year", type=int, choices=(1993, 2014, 2035), default=2014)
    parser.add_argument("--drn", required=True, help="meter number, 11 or 13 digits")
    parser.add_argument("--sgc", required=True, help="supply group code, six digits")
    parser.add_argument("--ti", type=int, default=1, help="tariff index")
    parser.add_argument("--kt", type=int, choices=(0, 1, 2), default=2, help="key type; 2 is unique to the meter")
    parser.add_argument("--krn", type=int, default=1, help="key revision number")
    parser.add_argument("--out", type=Path, help="file for the decoder key, made readable for its owner only")
    parser.set_defaults(run=_derive)


def _add_vectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="test vectors as JSON")
    parser.add_argument("--tables", type=Path, help='EA07 tables as JSON, for vectors whose tables are "file"')
    parser.add_argument("--micropython", action="store_true", help="run them under MicroPython")
    parser.set_defaults(run=_vectors)


def _encode(options: argparse.Namespace) -> int:
    cipher = None if options.clear else _cipher(options)
    for value in options.make(options):
        print(grouped(encode(value, cipher)))
    return 0


def _decode(options: argparse.Namespace) -> int:
    text = options.token_file.read_text() if options.token_file else input("Token: ")
    tokens = [ungrouped(line.strip()) for line in text.splitlines() if line.strip()]
    cipher = _cipher(options)
    refused = 0
    for token in tokens:
        try:
            print(_described(decode(token, cipher, None), options.base_year))
        except SharedError as error:
            refused += 1
            print(f"{type(error).__name__}: {error}")
    return 1 if refused else 0


def _described(value: TokenValue, base_year: int) -> str:
    if value.tid is None:
        return repr(value)
    return f"{value!r} made {sts_values.utc_text(time_of(value.tid, base_year))}"


def _derive(options: argparse.Namespace) -> int:
    vending_key = _key(options.key_file, "Vending key (hexadecimal): ")
    pan = meter_pan(options.drn)
    if options.dkga == 4:
        ti, kt, krn = options.ti, options.kt, options.krn
        key = dkga04(vending_key, options.base_year, options.ea, ti, options.sgc, kt, krn, pan)
    else:
        key = dkga02(vending_key, options.ti, options.sgc, options.kt, options.krn, pan)
    if options.out is None:
        print(key.hex().upper())
    else:
        descriptor = os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key.hex().upper() + "\n")
    return 0


def _vectors(options: argparse.Namespace) -> int:
    arguments = [str(path.resolve()) for path in (options.file, options.tables) if path]
    if not options.micropython:
        return sts_vectors.main(arguments)
    interpreter = os.environ.get("MICROPYTHON", str(MICROPYTHON))
    command = [interpreter, "-X", f"heapsize={_VECTOR_HEAP}", "-m", "tools.sts_vectors", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except FileNotFoundError:
        print(f'no MicroPython at {interpreter}: run "make setup" or set MICROPYTHON', file=sys.stderr)
        return 2


def _cipher(options: argparse.Namespace) -> "Cipher":
    tables: Tables | None = None
    if options.ea == 7:
        tables = sts_vectors.load_tables(str(options.tables)) if options.tables else sample_tables()
    return make_cipher(options.ea, _key(options.key_file, "Decoder key (hexadecimal): "), tables)


def _key(path: Path | None, prompt: str) -> bytes:
    return sts_values.key_bytes(path.read_text() if path else getpass.getpass(prompt))


if __name__ == "__main__":
    sys.exit(main())
