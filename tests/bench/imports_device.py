"""Runs under MicroPython: prints what each module keeps of the heap after its import, without those that it imports.

Then what each part of a gateway of eight meters keeps when it is made, again without the parts inside it. Argument: the
folder of the flash.
"""

import builtins
import gc
import sys

_lines = []  # (name, bytes)
_inner = [0]  # per import or part under way: what those inside it took


def _measured(name, make, *arguments, **named):
    """Call make(), note what it keeps beyond what was measured inside it."""
    gc.collect()
    before = gc.mem_alloc()
    _inner.append(0)
    made = make(*arguments, **named)
    gc.collect()
    taken = gc.mem_alloc() - before
    own = taken - _inner.pop()
    _inner[-1] += taken
    _lines.append((name, own))
    return made


def _import(name, *arguments):
    if name in sys.modules:
        return _plain_import(name, *arguments)
    return _measured(name, _plain_import, name, *arguments)


_plain_import = builtins.__import__
# (module, name that it uses, what to call it): each is measured where it is made.
_PARTS = (
    ("firmware.epoch", "start", "settings"),
    ("firmware.gateway", "Core", "core"),
    ("firmware.core", "Store", "store"),
    ("firmware.core", "KeySlots", "key-slots"),
    ("firmware.core", "GroupDocuments", "documents"),
    ("firmware.gateway", "ReadingsDesk", "readings"),
    ("firmware.gateway", "AccountDesk", "account"),
    ("firmware.gateway", "Valves", "valves"),
    ("firmware.gateway", "SupplyDesk", "supply"),
    ("firmware.gateway", "FlowDesk", "flow"),
    ("firmware.gateway", "FaultDesk", "faults"),
    ("firmware.gateway", "TokenDesk", "tokens"),
    ("firmware.gateway", "Messages", "messages"),
    ("firmware.gateway", "CustomerDesk", "customer"),
)


def _watch(module, attribute, label):
    make = getattr(sys.modules[module], attribute)
    setattr(sys.modules[module], attribute, lambda *args, **named: _measured(label, make, *args, **named))


def main(folder):
    """Import the gateway, make one, print."""
    builtins.__import__ = _import
    import firmware.gateway  # noqa: F401
    from firmware.drivers.flash import Flash
    from tests.bench import rig

    builtins.__import__ = _plain_import
    for part in _PARTS:
        _watch(*part)
    made = _measured("rest-of-gateway", rig.Rig, Flash(folder, 1 << 20))
    for name in {name for name, _ in _lines}:
        print(name, sum([own for label, own in _lines if label == name]))
    assert made.gateway.recovery == ""


if __name__ == "__main__":
    main(*sys.argv[1:])
