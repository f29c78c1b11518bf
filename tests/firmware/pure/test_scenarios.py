"""Every file of tests/scenarios is a test: a rule of metering, carried out on a real gateway."""

import sys

from tests.scenarios import runner


def _test_of(path):
    return lambda: runner.run_file(path)


for _path in runner.files():  # setattr: MicroPython's dir() shows no name that came into globals() as a plain string
    setattr(sys.modules[__name__], "test_" + _path.split("/")[-1][:-4], _test_of(_path))
