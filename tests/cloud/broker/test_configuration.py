"""The broker's files: only their owner reads them, credentials stay, and what is missing is named."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud.broker.cli import listeners
from cloud.broker.nkeys import AccountKey, NkeyError
from cloud.broker.server import BrokerFileError, Credentials, write
from cloud.cli import app
from cloud.config import Config, ConfigError
from tools.authority import Paths


def settings(certificates: Paths) -> Config:
    return Config(nats_url="tls://localhost:4222", broker_cert=certificates.broker, broker_key=certificates.broker_key)


def test_the_files_are_for_their_owner_only(tmp_path: Path, certificates: Paths) -> None:
    write(tmp_path / "broker", listeners(settings(certificates), tmp_path, "127.0.0.1"))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "broker").iterdir()}
    assert modes == {"nats.conf": 0o600, "cloud.json": 0o600}


def test_credentials_stay_when_the_configuration_is_made_anew(tmp_path: Path, certificates: Paths) -> None:
    given = listeners(settings(certificates), tmp_path, "127.0.0.1")
    write(tmp_path, given)
    before = Credentials.load(tmp_path / "cloud.json")

    write(tmp_path, given)

    assert Credentials.load(tmp_path / "cloud.json") == before


def test_two_brokers_have_nothing_in_common() -> None:
    one, other = Credentials.generate(), Credentials.generate()

    assert not set(vars(one).values()) & set(vars(other).values())


def test_damaged_credentials_are_named_and_not_overwritten(tmp_path: Path, certificates: Paths) -> None:
    (tmp_path / "cloud.json").write_text("{}")

    with pytest.raises(BrokerFileError, match=r"cloud\.json"):
        write(tmp_path, listeners(settings(certificates), tmp_path, "127.0.0.1"))

    assert (tmp_path / "cloud.json").read_text() == "{}"


def test_a_missing_certificate_is_named() -> None:
    with pytest.raises(ConfigError, match="PENSTOCK_BROKER_CERT"):
        listeners(Config(nats_url="tls://localhost:4222"), Path(), "127.0.0.1")


def test_a_broker_without_tls_is_not_configured(certificates: Paths) -> None:
    clear = settings(certificates).model_copy(update={"nats_url": "nats://localhost:4222"})

    with pytest.raises(ConfigError, match="tls://HOST:PORT"):
        listeners(clear, Path(), "127.0.0.1")


def test_the_command_line_prints_the_path_and_no_secret(
    tmp_path: Path, certificates: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_NATS_URL", "tls://localhost:4222")
    monkeypatch.setenv("PENSTOCK_BROKER_CERT", str(certificates.broker))
    monkeypatch.setenv("PENSTOCK_BROKER_KEY", str(certificates.broker_key))

    result = CliRunner().invoke(app, ["broker", "configure", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert result.output.replace("\n", "") == str(tmp_path / "nats.conf")


def test_an_account_seed_comes_back_as_the_same_account() -> None:
    key = AccountKey.generate()

    assert AccountKey(key.seed).public == key.public
    assert key.seed.startswith("SA") and key.public.startswith("A") and len(key.public) == 56


@pytest.mark.parametrize("seed", ["", "SA", "x" * 58, "SUAM"])
def test_what_is_no_account_seed_is_refused(seed: str) -> None:
    with pytest.raises(NkeyError):
        AccountKey(seed)


def test_a_seed_with_one_wrong_letter_is_refused() -> None:
    seed = AccountKey.generate().seed
    wrong = seed[:20] + ("A" if seed[20] != "A" else "B") + seed[21:]

    with pytest.raises(NkeyError):
        AccountKey(wrong)
