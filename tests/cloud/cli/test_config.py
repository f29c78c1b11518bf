"""Settings: a wrong one stops the start and is named."""

from pathlib import Path

import pytest

from cloud import config


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("PENSTOCK_"):
            monkeypatch.delenv(name)


def test_without_any_setting_the_cloud_listens_on_loopback_over_sqlite() -> None:
    found = config.load()

    assert (found.http_host, found.database_url) == ("127.0.0.1", "sqlite:///penstock.db")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PENSTOCK_HTTP_PORT", "x", "PENSTOCK_HTTP_PORT: "),
        ("PENSTOCK_HTTP_PORT", "70000", "PENSTOCK_HTTP_PORT: "),
        ("PENSTOCK_LOG_LEVEL", "loud", "PENSTOCK_LOG_LEVEL: "),
        ("PENSTOCK_TLS_CERT", "/a.pem", "PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY together"),
        ("PENSTOCK_HTTP_HOST", "0.0.0.0", "PENSTOCK_HTTP_HOST must be 127.0.0.1"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(config.ConfigError) as caught:
        config.load()

    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_settings_are_frozen(tmp_path: Path) -> None:
    found = config.load()

    with pytest.raises(ValueError, match="frozen"):
        found.http_port = 1
