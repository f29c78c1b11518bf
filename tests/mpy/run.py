"""Runs the plain tests under MicroPython: every test_ function of tests/shared, tests/firmware/pure, tests/littlefs.

Rule: the files are those that pytest runs; this runner finds, calls and counts. A run that finds no test has failed.
Usage, from the project's root: build/micropython/micropython -m tests.mpy.run [words of file or test names]
"""

import asyncio
import gc
import os
import sys

FOLDERS = ("tests/shared", "tests/firmware/pure", "tests/littlefs")
LIBRARY = "build/micropython/lib"


def main(words):
    """Run every test whose "module.function" holds one of `words`, or all; return the process's exit code."""
    sys.path[:] = ["", LIBRARY] + [path for path in sys.path if path not in ("", LIBRARY)]
    passed = failed = 0
    for module_name in find_modules():
        module_passed, module_failed = run_module(module_name, words)
        passed += module_passed
        failed += module_failed
    if passed + failed == 0:
        print("no test found" + (" for: " + " ".join(words) if words else ""))
    print("micropython: {} passed, {} failed".format(passed, failed))
    return 0 if passed and not failed else 1


def find_modules():
    found = []
    for folder in FOLDERS:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found += [folder.replace("/", ".") + "." + n[:-3] for n in names if n.startswith("test_") and n.endswith(".py")]
    return sorted(found)


def run_module(name, words):
    try:
        module = load(name)
    except Exception as error:
        report(name, error)
        return 0, 1
    passed = failed = 0
    for test_name in sorted(dir(module)):
        if test_name.startswith("test_") and wanted(name + "." + test_name, words):
            if run_test(name, test_name, getattr(module, test_name)):
                passed += 1
            else:
                failed += 1
    forget(name)
    return passed, failed


def wanted(name, words):
    return not words or any(word in name for word in words)


def run_test(module_name, test_name, test):
    gc.collect()
    try:
        outcome = test()
        if hasattr(outcome, "send"):  # what an async function returns here is a generator
            asyncio.new_event_loop()
            asyncio.run(outcome)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a cancelled task is no Exception, and a test that ends so has failed
        report(module_name + "." + test_name, error)
        return False
    return True


def report(name, error):
    print("FAILED", name)
    sys.print_exception(error)


def load(name):
    __import__(name)
    return sys.modules[name]


def forget(name):
    """Drop the module, so that the heap holds one test file at a time."""
    folder, leaf = name.rsplit(".", 1)
    del sys.modules[name]
    delattr(sys.modules[folder], leaf)
    gc.collect()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
