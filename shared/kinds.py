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
REPAY = const(27)
FIXED = const(28)
CONTROL = const(29)
FAULT = const(30)
UPDATE = const(31)

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
    "repay",
    "fixed charge",
    "control",
    "fault",
    "update",
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
POT_NAMES = ("none", "token credit", "emergency credit", "reserved credit", "accumulated debt")

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

# Warnings, in the detail of WARNING; each once per top-up. Bit `1 << (detail - 1)` of the meter's `warned`.
WARN_LOW_CREDIT = const(1)
WARN_VERY_LOW = const(2)
WARN_DAYS_LEFT = const(3)
WARN_EMERGENCY_OFFERED = const(4)
WARN_WINDOW_ENDS = const(5)
WARN_LIFELINE_LOW = const(6)
WARNINGS = const(6)

# Delivery method of a token (DLMS TokenGateway, class 115), in the high byte of a TOKEN's detail.
REMOTE = const(0)
LOCAL = const(1)
MANUAL = const(2)

# What happened, in the detail of EVENT.
EVENT_STUCK_KEY = const(1)
EVENT_VALVE_TEST = const(2)
EVENT_FLOW_OVER = const(3)
EVENT_FLOW_PAUSE_OVER = const(4)
EVENT_EXERCISE = const(5)
EVENT_OWN_RESET = const(6)
EVENTS = const(6)

# Why the board started, in the low byte of the detail of BOOT (words: shared/starts.py); bits above say how it runs.
RESET_POWER = const(0)
RESET_WATCHDOG = const(1)
RESET_OWN = const(2)
RESET_BROWN_OUT = const(3)
RESET_EXTERNAL = const(4)
RESET_TOOL = const(5)
BOOT_SAFE_MODE = const(256)
BOOT_TRIAL = const(512)

# How a meter is charged and what it may lose, in the detail of MODE.
MODE_CREDIT = const(1)  # post-paid: metered, not enforced
MODE_CURRENCY = const(2)  # the balance is money, the tariff is applied on the device
MODE_BULK = const(4)  # a bulk meter without an account
MODE_CRITICAL = const(8)  # critical need: never below LIFELINE
MODE_BYPASS = const(16)  # the valve has a bypass: DRIP is possible
MODE_TRICKLE = const(32)  # arrears in credit mode: limited
MODE_ARREARS = const(64)  # arrears in credit mode: to be disconnected
MODE_BITS = const(127)

# What was given, in the detail of GRANT.
GRANT_EMERGENCY = const(1)  # emergency credit invoked; references: its limit, 64 bits
GRANT_ALLOWANCE = const(2)  # free allowance into reserved credit; reference_a: local day
GRANT_ADJUSTMENT = const(3)  # by command into any pot; reference_a: command counter
GRANT_LIFELINE = const(4)  # the quota of a slot; reference_a: slot, reference_b: ml to draw
GRANT_RESERVED = const(5)  # reserved credit released
GRANTS = const(5)

# Who wanted what of the valve, in the detail of CONTROL; reference_a: until when, where there is an end.
CONTROL_DISCONNECT = const(1)  # the operator's
CONTROL_CONNECT = const(2)
CONTROL_ARM = const(3)  # connected once the customer confirms
CONTROL_CONFIRM = const(4)  # the customer's key
CONTROL_SAFETY = const(5)  # a time-boxed closure below every floor
CONTROL_SAFETY_OVER = const(6)
CONTROL_LOCK = const(7)  # the customer's own valve lock
CONTROL_UNLOCK = const(8)
CONTROL_EMERGENCY_OPEN = const(9)  # at the keypad, time-boxed
CONTROL_OPEN_ALL = const(10)  # the operator's, time-boxed
CONTROLS = const(10)

# Metering faults: detail of FAULT is fault * 256 + 1 (began) or 0 (over). Bit `1 << fault` of the meter's `faults`.
FAULT_LEAK = const(0)
FAULT_BURST = const(1)
FAULT_DRIP = const(2)
FAULT_REVERSE = const(3)
FAULT_STUCK = const(4)
FAULT_CLOSED_FLOW = const(5)
FAULT_VALVE = const(6)
FAULT_MAGNET = const(7)
FAULT_CALENDAR = const(8)
FAULT_NAMES = (
    "leak",
    "burst",
    "drip",
    "reverse flow",
    "pulse stuck",
    "flow while closed",
    "valve failed",
    "magnet",
    "calendar expired",
)

# What becomes of the block counter when a tariff comes into force, in the low byte of the detail of TARIFF.
COUNTER_CONTINUE = const(0)
COUNTER_RESET = const(1)
COUNTER_PRORATE = const(2)

# How far an update of the firmware is, in the low byte of the detail of UPDATE; above it why it ended so.
UPDATE_TRIAL = const(1)  # the other slot is started, on trial
UPDATE_KEPT = const(2)
UPDATE_ROLLED_BACK = const(3)
UPDATE_FAILED = const(4)  # given up before its trial
UPDATE_STAGES = const(4)
UPDATE_WRONG_HASH = const(1)
UPDATE_FLASH_REFUSED = const(2)
UPDATE_TOO_LATE = const(3)
UPDATE_STOPPED = const(4)
UPDATE_DID_NOT_RUN = const(5)
UPDATE_SELF_CHECK = const(6)
UPDATE_NO_SYNC = const(7)
UPDATE_REASONS = (
    "",
    "the image's hash is wrong",
    "the flash refused the image",
    "the image did not arrive in time",
    "stopped by a command",
    "it did not run: the board started the old one again",
    "it found itself not fit to meter",
    "the cloud acknowledged nothing within the trial",
)

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
RULE_BULK = const(18)
RULE_CREDIT_MODE = const(19)
RULE_FRIENDLY = const(20)
RULE_CALENDAR_EXPIRED = const(21)
RULE_LIFELINE = const(22)
RULE_LIFELINE_DRAWN = const(23)
RULE_DRIP = const(24)
RULE_TRICKLE = const(25)
RULE_ARREARS = const(26)
RULE_OPERATOR = const(27)
RULE_SAFETY = const(28)
RULE_CUSTOMER_LOCK = const(29)
RULE_EMERGENCY_OPEN = const(30)
RULE_OPEN_ALL = const(31)
RULE_CRITICAL = const(32)
RULE_ARMED = const(33)
RULE_VALVE_FAILED = const(34)
RULE_EMERGENCY_CREDIT = const(35)
RULE_RESERVED_CREDIT = const(36)
RULE_OUT_OF_CREDIT = const(37)
RULE_FLOW_WHILE_CLOSED = const(38)
RULE_NOT_COLLECTED = const(39)
RULE_FREE_ALLOWANCE = const(40)
RULE_FIXED_CHARGE = const(41)
RULE_DEBT_SHARE = const(42)
RULE_EMERGENCY_REPAID = const(43)
RULE_DAY = const(44)
RULE_TARIFF_IN_FORCE = const(45)
RULE_KEYPAD = const(46)
RULE_AUTOMATIC = const(47)
RULE_DAYS_LEFT = const(48)
RULE_WINDOW_ENDS = const(49)
RULE_EXERCISE = const(50)
RULE_MEASURED = const(51)
RULE_VERY_LOW = const(52)
RULE_LIFELINE_UNTRUSTED = const(53)
RULE_UPDATE = const(54)

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
    "open: a bulk meter has no account",
    "open: billed afterwards",
    "open: no closing in friendly hours",
    "open: the calendar has expired",
    "lifeline: the quota of this period",
    "lifeline: the quota of this period is drawn",
    "drip: credit is used up",
    "limited: a bill is overdue",
    "closed: a bill is overdue",
    "closed by the operator",
    "closed for safety",
    "closed by the customer's lock",
    "open: emergency opening at the keypad",
    "open: the operator opened all",
    "lifeline: critical need is never closed",
    "closed until the customer confirms",
    "open: the valve failed to close too often",
    "emergency credit is used",
    "reserved credit is used",
    "owed: credit is used up",
    "not charged: it flowed while closed",
    "not charged: the policy does not collect it now",
    "free allowance of the day",
    "fixed charge by the day",
    "taken for what was owed",
    "taken for the emergency credit used",
    "the day was closed",
    "a new tariff is in force",
    "by a key of the customer",
    "given automatically",
    "credit lasts for few more days",
    "friendly hours end soon, and credit is used up",
    "the valve was exercised",
    "measured",
    "credit is nearly used up",
    "lifeline: the clock is not trusted and its volume is drawn",
    "update of the firmware",
)
