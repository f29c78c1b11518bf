"""Who may import whom. The tables are the architecture; an arrow that is not in them fails here."""

import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.tidy import sources

OURS = {"boards", "cloud", "firmware", "shared", "tests", "tools"}
BOTH_SIDES = {"hashlib", "struct", "binascii"}  # alike in MicroPython and CPython
ON_BOARDS = BOTH_SIDES | {"array", "asyncio", "errno", "gc", "io", "json", "micropython", "os", "random", "sys", "time"}
NETWORK = {"network", "select", "socket", "ssl", "tls", "umqtt"}
HARDWARE = {"_slots", "dht", "esp", "esp32", "machine", "neopixel", "onewire", "rp2"}
SIMULATED = "tools/sim/device"
LOGIC = {"firmware.ledger", "firmware.meter", "firmware.panel", "firmware.update"}
# gateway.py and the files it is made of: the whole gateway without hardware.
_PARTS = "gateway core tokens management meter_tests supply flow commands messages readings readings_post settings"
_PARTS += " answers customer sounds status"
GATEWAY = {
    "firmware.account",
    "firmware.answers",
    "firmware.charges",
    "firmware.commands",
    "firmware.controls",
    "firmware.core",
    "firmware.customer",
    "firmware.document_commands",
    "firmware.documents",
    "firmware.epoch",
    "firmware.faults",
    "firmware.flow",
    "firmware.gateway",
    "firmware.last_resort",
    "firmware.management",
    "firmware.messages",
    "firmware.meter_commands",
    "firmware.meter_tests",
    "firmware.opening",
    "firmware.readings",
    "firmware.readings_post",
    "firmware.resets",
    "firmware.safe_mode",
    "firmware.settings",
    "firmware.sounds",
    "firmware.starts",
    "firmware.status",
    "firmware.supply",
    "firmware.tokens",
    "firmware.updates",
    "firmware.valves",
}
PURE_GATEWAY = {"shared"} | GATEWAY | LOGIC | BOTH_SIDES

# Path of a file or folder on a device -> all that it may import. The longest path that fits decides.
DEVICE = {
    "shared": {"shared"} | BOTH_SIDES,
    # The one file that tells the interpreters apart, so it may name what only one of them has.
    "shared/compat.py": {"shared", "cryptolib", "cryptography", "micropython"} | BOTH_SIDES,
    "boards": set(),
    "firmware": {"shared", "firmware", "board", "release_key"} | ON_BOARDS,
    "firmware/meter": {"shared", "firmware.meter"} | BOTH_SIDES,
    "firmware/panel": {"shared", "firmware.panel"} | BOTH_SIDES,
    "firmware/ledger": {"shared", "firmware.ledger"} | BOTH_SIDES,
    "firmware/update": {"shared", "firmware.update"} | BOTH_SIDES,
    **{part.replace(".", "/") + ".py": PURE_GATEWAY for part in GATEWAY},
    "firmware/drivers": {"shared", "firmware.drivers"} | ON_BOARDS | HARDWARE,
    "firmware/net": {"shared", "firmware.net"} | ON_BOARDS | NETWORK,
    "firmware/manifest.py": set(),
    # What an image of our own freezes beside the firmware: it finds the flash before there is a file system.
    "firmware/image": {"os", "rp2", "vfs"},
    # It stands on the file system of a board with a ROMFS, and is there before the firmware can be found.
    "firmware/image/rom_start.py": {"os", "sys", "vfs", "machine", "firmware.main"},
    "firmware/drivers/rom_slots.py": {"shared", "esp32", "rom_start", "vfs"} | ON_BOARDS,
    # The simulated board: it stands for the hardware under the unix port, and starts the firmware.
    SIMULATED: {SIMULATED.replace("/", "."), "shared", "firmware", "boards", "board", "ffi", "vfs"}
    | ON_BOARDS
    | NETWORK
    | HARDWARE,
}
# Of the project's own folders, what the others may import. They may use any library that pyproject.toml declares.
SERVER = {
    "cloud": {"cloud", "shared"},
    "tools": {"tools", "shared", "boards"},
    "tests": OURS | {"board"},
}
RULES_ARE_PURE = {
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncio",
    "asyncpg",
    "nats",
    "random",
    "secrets",
    "sqlalchemy",
    "time",
}


def test_device_code_imports_only_what_its_folder_may() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in sources.python_files("shared", "boards", "firmware", SIMULATED)
        for line, name in sources.imports(path)
        if not sources.within(name, DEVICE[_longest_fit(path)])
    ]

    assert not wrong, _message(wrong)


def test_server_code_imports_only_the_folders_that_it_may() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for folder, allowed in SERVER.items()
        for path in _server_files(folder)
        for line, name in sources.imports(path)
        if sources.within(name, OURS) and not sources.within(name, allowed)
    ]

    assert not wrong, _message(wrong)


def test_rules_decide_without_database_network_or_clock() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in sources.python_files("cloud")
        if path.endswith("/rules.py")
        for line, name in sources.imports(path)
        if sources.within(name, RULES_ARE_PURE)
    ]

    assert not wrong, _message(wrong)


def test_every_library_that_is_imported_is_declared() -> None:
    declared = {folder: _declared(folder != "cloud") for folder in ("cloud", "tools")}

    wrong = [
        f"{path}:{line}: {name}"
        for folder, libraries in declared.items()
        for path in _server_files(folder)
        for line, name in sources.imports(path)
        if not sources.within(name, OURS | set(sys.stdlib_module_names) | libraries)
    ]

    assert not wrong, "add to pyproject.toml what is imported:\n" + "\n".join(wrong)


def test_no_file_imports_itself_by_way_of_others() -> None:
    files = {_module(path): path for path in sources.python_files("shared", "firmware", "cloud", "tools")}
    arrows = {module: _top_level_arrows(path, set(files)) for module, path in files.items()}

    while leaves := [module for module, targets in arrows.items() if not targets]:
        for leaf in leaves:
            del arrows[leaf]
        arrows = {module: targets - set(leaves) for module, targets in arrows.items()}

    assert not arrows, "in a circle of imports, or above one: " + ", ".join(sorted(arrows))


def _server_files(folder: str) -> list[str]:
    return [path for path in sources.python_files(folder) if not path.startswith(SIMULATED + "/")]


def _longest_fit(path: str) -> str:
    return max((rule for rule in DEVICE if path == rule or path.startswith(rule + "/")), key=len)


def _message(wrong: list[str]) -> str:
    return "imports that the table in this file does not have:\n" + "\n".join(wrong)


def _declared(with_development: bool) -> set[str]:
    """Module names of the distributions that pyproject.toml names itself, not of those that they bring along."""
    project = tomllib.loads(sources.text("pyproject.toml"))
    lines = list(project["project"]["dependencies"])
    if with_development:
        lines += project["dependency-groups"]["dev"]
    wanted = {line.split("[")[0].split(">")[0].split("=")[0].strip() for line in lines}
    return {
        module
        for module, distributions in packages_distributions().items()
        if {name.lower().replace("_", "-") for name in distributions} & wanted
    }


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _top_level_arrows(path: str, modules: set[str]) -> set[str]:
    """Modules that importing this file imports at once. A package's own __init__ is no arrow: it is empty by custom."""
    found = set()
    for node in sources.tree(path).body:
        for name in sources.imported_names(node, path):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != _module(path):
                found.add(target)
    return found
