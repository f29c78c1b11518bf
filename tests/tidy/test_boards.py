"""A board map is data: every map has the same names, and no pin does two things unless the map says so."""

import ast
from collections import Counter
from collections.abc import Iterator

from tests.tidy import sources

# A map may name pins that several devices share on purpose, as a tuple of numbers.
SHARED = "SHARED_PINS"
OPTIONAL = {SHARED}
PER_CHANNEL = ("PULSE_PINS", "VALVE_KINDS", "VALVE_OPEN_PINS", "VALVE_CLOSE_PINS")
PER_CHANNEL_OR_NONE = ("REVERSE_PINS", "VALVE_OPENED_PINS", "VALVE_CLOSED_PINS", "BYPASS_PINS")
DISPLAYS = ("hd44780", "ssd1306", "")
OLED_ROWS = 4
VALVE_KINDS = {"motor", "latch"}
NETWORKS = ("wifi", "lan", "ppp", "")
PULSE_BACKENDS = ("pio", "hard_irq", "counter", "irq")
KEYPAD_BACKENDS = ("dma", "timer", "poll")
PULSE_MS_MAX = 250
COUNTERS = 8  # state machines of an RP2040, counters of an ESP32
# Pins of expanders: 100 + 16 * (address - 0x20) + bit; only what is driven or polled can be one.
EXPANDERS = range(100, 228)
ON_EXPANDERS = ("VALVE_", "BYPASS_", "TAMPER_", "MAGNET_", "LED_")
OUTPUTS_ONLY = (7, 15)  # bits; MCP23017 data sheet, revision D of 2022
DRIVEN = ("VALVE_OPEN_PINS", "VALVE_CLOSE_PINS", "BYPASS_PINS", "LED_PIN")
PIN_ENDINGS = (
    "_PIN",
    "_PINS",
    "_SDA",
    "_SCL",
    "_TX",
    "_RX",
    "_RTS",
    "_CTS",
    "_SCK",
    "_MOSI",
    "_MISO",
    "_MDC",
    "_MDIO",
    "KEYPAD_ROWS",
    "KEYPAD_COLS",
)


def maps() -> list[str]:
    return [path for path in sources.python_files("boards") if not path.endswith("__init__.py")]


def test_a_map_holds_constants_and_nothing_else() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in maps()
        for node in sources.tree(path).body
        if not (_is_docstring(node) or (isinstance(node, ast.Assign) and _is_constant(node)))
    ]

    assert not wrong, "not NAME = constant: " + ", ".join(wrong)


def test_every_map_has_the_same_names() -> None:
    names = {path: set(_values(path)) - OPTIONAL for path in maps()}
    every = set().union(*names.values())

    missing = {path: sorted(every - found) for path, found in names.items() if found != every}

    assert not missing, f"names that a map lacks: {missing}"


def test_what_is_there_for_each_channel_is_there_for_all_of_them() -> None:
    wrong = []
    for path in maps():
        values = _values(path)
        count = values["MAX_METERS"]
        wrong += [
            f"{path}: {name}"
            for name in (*PER_CHANNEL, *PER_CHANNEL_OR_NONE)
            if _length(values[name]) != count and not (name in PER_CHANNEL_OR_NONE and values[name] == ())
        ]

    assert not wrong, "not one entry per channel: " + ", ".join(wrong)


def test_a_map_names_only_what_the_drivers_know() -> None:
    for path in maps():
        values = _values(path)
        keys = _length(values["KEYPAD_ROWS"]) * _length(values["KEYPAD_COLS"])

        assert values["DISPLAY"] in DISPLAYS, path
        assert set(_pins(values["VALVE_KINDS"])) <= VALVE_KINDS, path
        assert len(str(values["KEYPAD_KEYS"])) == keys, path
        assert values["NETWORK"] in NETWORKS, path
        assert (values["MODEM_DIAL"] in ("at", "direct")) == (values["NETWORK"] == "ppp"), path
        assert (values["LAN_PHY"] != "") == (values["NETWORK"] == "lan"), path
        assert values["DISPLAY"] != "ssd1306" or values["LCD_ROWS"] == OLED_ROWS, path
        assert 0 < int(str(values["VALVE_PULSE_MS"])) <= PULSE_MS_MAX, f"{path}: everything waits for a pulse"


def test_hardware_counts_only_as_many_inputs_as_it_can() -> None:
    for path in maps():
        values = _values(path)
        inputs = _length(values["PULSE_PINS"]) + _length(values["REVERSE_PINS"])

        assert values["PULSE_BACKEND"] in PULSE_BACKENDS, path
        assert values["KEYPAD_BACKEND"] in KEYPAD_BACKENDS, path
        assert inputs <= COUNTERS or values["PULSE_BACKEND"] not in ("pio", "counter"), path


def test_an_expander_has_only_lines_that_need_no_interrupt_and_no_input_where_it_has_none() -> None:
    for path in maps():
        for name, value in _values(path).items():
            numbers = [int(str(pin)) for pin in _pins(value) if _names_pins(name)]
            expanded = [number for number in numbers if number >= EXPANDERS.start]

            assert all(number in EXPANDERS for number in expanded), f"{path}: {name} names no expander"
            assert not expanded or name.startswith(ON_EXPANDERS), f"{path}: {name} must be on the chip itself"
            assert name in DRIVEN or not any((pin - 100) % 16 in OUTPUTS_ONLY for pin in expanded), f"{path}: {name}"


def test_no_pin_is_used_twice_unless_the_map_shares_it() -> None:
    twice = {}
    for path in maps():
        values = _values(path)
        shared = set(_pins(values.get(SHARED, ())))
        used = Counter(pin for name, value in values.items() if _names_pins(name) for pin in _pins(value))
        doubles = sorted(str(pin) for pin, count in used.items() if count > 1 and pin not in shared)
        if doubles:
            twice[path] = doubles

    assert not twice, f"pins used twice: {twice}"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_constant(node: ast.Assign) -> bool:
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return all(isinstance(target, ast.Name) and target.id == target.id.upper() for target in node.targets)


def _values(path: str) -> dict[str, object]:
    return {
        target.id: ast.literal_eval(node.value)
        for node in sources.tree(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _length(value: object) -> int:
    return len(value) if isinstance(value, tuple) else 0


def _names_pins(name: str) -> bool:
    return name != SHARED and name.endswith(PIN_ENDINGS)


def _pins(value: object) -> Iterator[object]:
    """Pins in a number, a name or nested tuples of them; None and -1 stand for "not there"."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from _pins(item)
    elif value is not None and value != -1 and not isinstance(value, bool):
        yield value
