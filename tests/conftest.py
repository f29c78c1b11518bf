"""What all tests share: the path to the fakes, one board map at a time, certificates, and the browser."""

import importlib
import os
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

from tests.chance import chance_of
from tools import authority

ROOT = Path(__file__).resolve().parents[1]
FAKES = ROOT / "tests/fakes"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Modules that only a board has (machine, network, umqtt) are found among the fakes.
sys.path.append(str(FAKES))

# A failure prints what reproduces it. On a busy machine the time of one example says nothing.
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What is random in this test."""
    return chance_of(request.node.nodeid)


def board_names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "boards").glob("*.py") if path.stem != "__init__")


@pytest.fixture(params=board_names())
def board(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Each board map in turn, as the module `board` that firmware imports."""
    module = importlib.import_module(f"boards.{request.param}")
    monkeypatch.setitem(sys.modules, "board", module)
    return module


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> authority.Paths:
    """A certificate authority for this run, with certificates for the cloud and the broker on localhost."""
    return authority.ensure(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium, for playwright's `executable_path`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "no Chromium on PATH: run 'make browser'"
    return found
