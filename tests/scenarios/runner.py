"""Runs scenario files. Each scenario has a gateway of its own, whose ledger is judged at its end as the cloud does."""

import os
import sys

from tests.fakes.auditor import audit
from tests.scenarios import given, language, then, when
from tests.scenarios.language import ScenarioError
from tests.scenarios.world import World

FOLDER = "tests/scenarios"
_LONG = "a_year_"
_SENTENCES = {"Given": given.SENTENCES, "When": when.SENTENCES, "Then": then.SENTENCES}


def files():
    """The paths of the scenario files; those of a year are for CPython, which has the memory for its ledger."""
    names = sorted(os.listdir(FOLDER))  # noqa: PTH208 MicroPython has no pathlib
    left_out = _LONG if sys.implementation.name == "micropython" else "."
    return [FOLDER + "/" + name for name in names if name.endswith(".txt") and not name.startswith(left_out)]


def run_file(path):
    """Carry out every scenario of a file. ScenarioError: it is wrong; AssertionError: the gateway does otherwise."""
    with open(path) as file:
        _rule, scenarios = language.read(path, file.read())
    for name, lines in scenarios:
        run_scenario(path, name, lines)


def run_scenario(path, name, lines):
    """Carry out the lines of one scenario."""
    world = World()
    before = ""
    for line in lines:
        if line.word != "Given":
            world.start()
        if line.word == "When" and before != "When":
            world.mark()
        before = line.word
        _carry_out(path, world, line)
    if world.house is None or before != "Then":
        raise ScenarioError("{}: {}: a scenario ends with a Then".format(path, name))
    audit(world.house)


def _carry_out(path, world, line):
    where = "{}:{}: {}: ".format(path, line.number, line.spoken())
    try:
        function, values = language.find(_SENTENCES[line.word], line.text)
        function(world, line.channel, *values)
        return
    except ValueError as error:
        wrong = ScenarioError(where + str(error))
    except AssertionError as error:
        wrong = AssertionError(where + str(error))
    raise wrong
