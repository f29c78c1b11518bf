"""The measurements run, and every bar that they have is held."""

import json
from pathlib import Path

import pytest

from tests.bench import __main__ as bench


@pytest.mark.parametrize("name", ["burst", "decode", "heap"])
def test_a_measurement_under_micropython_runs_and_holds_its_bars(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "OUTPUT", tmp_path / "bench.json")

    status = bench.main([name])

    rows = json.loads((tmp_path / "bench.json").read_text())
    assert status == 0
    assert rows and all(set(row) == {"name", "value", "unit", "bar", "better", "holds"} for row in rows)


def test_an_unknown_measurement_is_named_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["decoed"]) == 2

    assert "decoed" in capsys.readouterr().out
