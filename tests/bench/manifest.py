"""The image that is measured: all that a board's has, and the scripts that measure with what they need of tests/.

Frozen like the rest, those scripts take no heap for their code, so what is measured is the gateway's need.
"""

import ast
from pathlib import Path

_ROOT = Path("../..")  # the manifest's folder is the working folder
_SCRIPTS = ("heap_device", "imports_device", "burst_device")  # each is tests/bench/NAME.py
_FOLDERS = ("tests", "tools/sim/device", "boards")


def _needed(name, found):
    """Paths of a module and of all that it imports from the folders above, from the project's root."""
    path = name.replace(".", "/")
    for file in (path + ".py", path + "/__init__.py"):
        if file in found or not path.startswith(_FOLDERS) or not (_ROOT / file).exists():
            continue
        found.append(file)
        for node in ast.walk(ast.parse((_ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for inner in [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]:
                    _needed(inner, found)
    return found


include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821  freezing gives these names
include("../../firmware/manifest.py")  # noqa: F821
_files = []
for _script in _SCRIPTS:
    _needed("tests.bench." + _script, _files)
for _file in _files:
    module(_file, base_path="../..", opt=0)  # noqa: F821
