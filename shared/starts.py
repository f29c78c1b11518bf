"""Why a gateway starts, and what ended a task of it: words for the numbers in BOOT and EVENT.

They are on flash for ever: numbers are added, never changed or used again.
"""

# By kinds.RESET_*: "started by ...".
RESET_TEXTS = (
    "power that came on",
    "its watchdog",
    "its own decision",
    "power that had failed",
    "its reset input",
    "the installer's tool",
)

# In the high half of reference_b of EVENT_OWN_RESET; 0 is something else.
ERROR_NAMES = (
    "",
    "returned",
    "is silent",
    "MemoryError",
    "OSError",
    "ValueError",
    "TypeError",
    "AttributeError",
    "IndexError",
    "KeyError",
    "AssertionError",
    "RuntimeError",
    "ImportError",
    "NameError",
    "ZeroDivisionError",
    "UnicodeError",
    "WireError",
    "ChainError",
    "DamageError",
    "FlashFull",
)
