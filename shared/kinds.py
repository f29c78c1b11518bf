"""The numbers that stand in ledger entries: kinds, pots, rules, supply states, time qualities, delivery methods.

They are on flash for ever: numbers are added, never changed or used again.
"""

from shared.compat import const

# Kinds of entry. What detail and the references mean for each stands in shared/FORMAT.md.
OPEN = const(1)
METER = const(2)
CHECKPOINT = const(3)
CHARGE = const(4)
TOKEN = const(5)
ATTEMPT = const(6)
REFUSED = const(7)
VALVE_INTENT = const(8)
VALVE_OUTCOME = const(9)
WARNING = const(10)
COMMAND = const(11)
POLICY = const(12)
FLOOR = const(13)
TIME = const(14)
BOOT = const(15)
KEY_CHANGE = const(16)
CLEAR = const(17)
TAMPER = const(18)
DAY = const(19)
MODE = const(20)
TARIFF = const(21)
FACTOR = const(22)
GRANT = const(23)
VOID = const(24)
EVENT = const(25)
LIMIT = const(26)

KIND_NAMES = (
    "",
    "open",
    "meter",
    "checkpoint",
    "charge",
    "token",
    "attempt",
    "refused",
    "valve intent",
    "valve outcome",
    "warning",
    "command",
    "policy",
    "floor",
    "time",
    "boot",
    "key change",
    "clear",
    "tamper",
    "day",
    "mode",
    "tariff",
    "factor",
    "grant",
    "void",
    "event",
    "limit",
)

# Kinds whose payload is a hash instead of numbers.
HASH_KINDS = (OPEN, CHECKPOINT)

GATEWAY = const(255)  # the meter field of an entry that belongs to the gateway as a whole

# Pots (DLMS Credit types); NO_POT: the entry moves no balance.
NO_POT = const(0)
TOKEN_CREDIT = const(1)
EMERGENCY_CREDIT = const(2)
RESERVED_CREDIT = const(3)
ACCUMULATED_DEBT = const(4)
POTS = const(5)

# Time quality.
TIME_UNKNOWN = const(0)
TIME_DRIFTING = const(1)
TIME_TRUSTED = const(2)

# Supply states, least first: the state in force is max(floor, requested).
CLOSED = const(0)
DRIP = const(1)
LIFELINE = const(2)
FULL = const(3)

# Outcome of a valve motion, in the detail of VALVE_OUTCOME.
VALVE_CLOSED = const(0)
VALVE_OPENED = const(1)
VALVE_FAILED = const(2)

# Warnings, in the detail of WARNING.
WARN_LOW_CREDIT = const(1)

# Delivery method of a token (DLMS TokenGateway, class 115), in the high byte of a TOKEN's detail.
REMOTE = const(0)
LOCAL = const(1)
MANUAL = const(2)

# What happened, in the detail of EVENT.
EVENT_STUCK_KEY = const(1)
EVENT_VALVE_TEST = const(2)
EVENT_FLOW_OVER = const(3)
EVENT_FLOW_PAUSE_OVER = const(4)

# What was cleared, in the low byte of the detail of CLEAR.
CLEARED_CREDIT = const(1)
CLEARED_TAMPER = const(2)

# Rule ids: why an entry was written. The sentence for each is in RULE_TEXTS.
RULE_NONE = const(0)
RULE_ENROLMENT = const(1)
RULE_CREDIT_AVAILABLE = const(2)
RULE_CREDIT_EXHAUSTED = const(3)
RULE_BELOW_RECONNECT = const(4)
RULE_FLOOR = const(5)
RULE_CLOCK_UNTRUSTED = const(6)
RULE_CONSUMPTION = const(7)
RULE_TOKEN_ACCEPTED = const(8)
RULE_LOW_CREDIT = const(9)
RULE_BOOT_RESTORE = const(10)
RULE_COMMAND = const(11)
RULE_LOCKOUT = const(12)
RULE_TIME_SIGNED = const(13)
RULE_RETRY = const(14)
RULE_PERIODIC = const(15)
RULE_FLOW_LIMIT = const(16)
RULE_VALVE_TEST = const(17)

RULE_TEXTS = (
    "",
    "set at enrolment",
    "open: credit is available",
    "closed: credit is used up",
    "closed: credit is below the reconnect threshold",
    "open: the floor forbids closing",
    "open: the clock is not trusted",
    "charge for what flowed",
    "token accepted",
    "credit fell below the warning threshold",
    "valve driven back to its recorded state after a restart",
    "by a signed command",
    "counted before the digits were checked",
    "time set by a signed message",
    "valve motion tried again",
    "written periodically",
    "closed: more flowed than the limit allows",
    "test of the valve by a token",
)
