"""Result codes of signed commands, in the low byte of the detail of COMMAND: numbers are added, never changed.

Below 0x20 they are the results of STS tokens, which a command of kind TOKEN passes on.
"""

from shared.compat import const

DONE = const(1)
UNKNOWN_KIND = const(0x20)
BAD_PAYLOAD = const(0x21)
BAD_SIGNATURE = const(0x22)
OLD_VERSION = const(0x23)
NO_METER = const(0x24)
OTHER_KEY = const(0x25)
OTHER_UTILITY = const(0x26)
TOO_MANY_GROUPS = const(0x27)
NO_POLICY = const(0x28)
NO_TARIFF = const(0x29)
NOT_EMPTY = const(0x2A)
OVER_LIMIT = const(0x2B)
BELOW_ZERO = const(0x2C)
BAD_TIME = const(0x2D)
OF_CUSTOMER = const(0x2E)
NO_SLOTS = const(0x2F)
OTHER_BOARD = const(0x30)
OLD_FIRMWARE = const(0x31)
TOO_LARGE = const(0x32)
UPDATE_RUNS = const(0x33)

# code, name, the sentence for the operator
RESULTS = (
    (DONE, "done", "carried out"),
    (UNKNOWN_KIND, "unknown_kind", "the gateway's firmware does not know this kind of command: update it first"),
    (BAD_PAYLOAD, "bad_payload", "the command's content cannot be read or holds a value that there is not"),
    (BAD_SIGNATURE, "bad_signature", "the document in the command is not signed by the key that it needs"),
    (OLD_VERSION, "old_version", "a document of this or a newer version is there already"),
    (NO_METER, "no_meter", "the gateway has no meter on this channel"),
    (OTHER_KEY, "other_key", "the token was made for another decoder key than the meter's"),
    (OTHER_UTILITY, "other_utility", "the document is another utility's"),
    (TOO_MANY_GROUPS, "too_many_groups", "the gateway can hold no more meter groups"),
    (NO_POLICY, "no_policy", "the gateway has no policy for this meter group, nor one of group 0"),
    (NO_TARIFF, "no_tariff", "the gateway has no tariff of this meter group in effect: send it first"),
    (NOT_EMPTY, "not_empty", "between volume and money only an account changes whose balances are all 0"),
    (OVER_LIMIT, "over_limit", "the balance would go above what it may hold"),
    (BELOW_ZERO, "below_zero", "the balance would go below 0"),
    (BAD_TIME, "bad_time", "the end is past, more than 31 days ahead, or given where there is none"),
    (OF_CUSTOMER, "of_customer", "this is for the customer to do, at the keypad"),
    (NO_SLOTS, "no_slots", "the gateway has no second slot to update itself into: use the installer's tool"),
    (OTHER_BOARD, "other_board", "the release is for another kind of board"),
    (
        OLD_FIRMWARE,
        "old_firmware",
        "this or a newer firmware runs, or this one is below the minimum; nothing permits it",
    ),
    (TOO_LARGE, "too_large", "the image is larger than a slot of the gateway"),
    (UPDATE_RUNS, "update_runs", "another firmware is about to start, or on trial: wait for its end"),
)


def name_of(code: int) -> str:
    """The name of a result code for programs; "token_<code>" for a result of STS."""
    for number, name, _sentence in RESULTS:
        if number == code:
            return name
    return f"token_{code}"


def sentence_of(code: int) -> str:
    """The sentence for a result code."""
    for number, _name, sentence in RESULTS:
        if number == code:
            return sentence
    return f"the token gave the STS result {code}"
