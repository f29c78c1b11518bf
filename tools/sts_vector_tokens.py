"""The kinds of STS vectors that are whole tokens: each is made from its values, read back, and its key derived.

Each function takes a vector's input and expectation and the loaded tables, and returns what the code works out.
"""

from shared.sts import fields
from shared.sts.amounts import field_to_currency, field_to_units
from shared.sts.digits import split
from shared.sts.errors import TokenError
from shared.sts.key_change import NewKey, Set1stSection, sections_of
from shared.sts.keys import dkga02, dkga04
from shared.sts.tables import Tables
from shared.sts.time_id import tid_at
from shared.sts.token import clear_block, decode, encode, read_block
from shared.sts.value import TokenValue
from tools.sts_vector_blocks import cipher_of, currency_units, hex_of, seconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared.sts.cipher import Cipher

    Fields = dict[str, Any]

_RND = 5  # what every published token has where the vector does not say
_SECTIONS = ("Set1st", "Set2nd", "Set3rd", "Set4th")
_EA = {"STA": 7, "DEA": 9, "MISTY1": 11}
_BASE_YEARS = {"93": 1993, "14": 2014, "35": 2035}
_NO_KEY = "00" * 16


def _worked_out(value: TokenValue, cipher: "Cipher | None") -> "Fields":
    """Return block, enc, token and the token in hexadecimal of a value, and check that decoding gives it back."""
    token = encode(value, cipher)
    back = encode(decode(token, cipher, None), cipher)
    return {
        "block": clear_block(value).hex(),
        "enc": split(token)[1].hex(),
        "token": token,
        "token66_hex": hex_of(int(token), 17),
        "given token read back": (token, back),
    }


def _check_inputs(got: "Fields", given: "Fields", value: TokenValue) -> "Fields":
    """Add what a vector gives although the code can work it out: the field, the identifier, the decoder key."""
    if "field_hex" in given:
        got["given field_hex"] = (given["field_hex"], hex_of(int.from_bytes(value.body()[4:], "big"), 4))
    if "issue_time" in given and "tid" in given:
        got["given tid"] = (given["tid"], tid_at(seconds_of(given["issue_time"]), given["base_year"]))
    derived = _derived_key(given)
    if derived is not None:
        got["given decoder_key"] = (given["decoder_key"], derived.hex())
    return got


def _derived_key(given: "Fields") -> bytes | None:
    """Return the decoder key that the vector's own vending key makes, if it names one."""
    if "key_inputs" in given:
        return _key_of_inputs(_present_inputs(given))
    if "vk" in given and "dkga" in given:
        return _derive(given["dkga"], given, given["ea"], given["meter_pan"])
    if "old" in given:
        return _derive(given.get("dkga", 4), given["old"], given["ea"], given["meter_pan"])
    return None


def _present_inputs(given: "Fields") -> "Fields":
    """Return the key inputs of the key in force; a vector lists those of a whole test step, oldest first."""
    for inputs in given["key_inputs"]:
        key = _key_of_inputs(inputs)
        if key is not None and key.hex() == given["decoder_key"].lower():
            return inputs  # type: ignore[no-any-return]
    return given["key_inputs"][0]  # type: ignore[no-any-return]


def _key_of_inputs(inputs: "Fields") -> bytes | None:
    names = dict(inputs)
    names["base_year"] = _BASE_YEARS[inputs["bd"]] if "bd" in inputs else inputs.get("base_year")
    ea: Any = inputs.get("ea", 11)
    return _derive(inputs.get("dkga", 4), names, _EA.get(ea, ea), inputs["pan"])


def _derive(dkga: int, names: "Fields", ea: int, pan: str) -> bytes | None:
    vending_key = bytes.fromhex(names["vk"])
    ti, sgc, kt, krn = int(names["ti"]), names["sgc"], int(names["kt"]), int(names["krn"])
    if dkga == 4:
        return dkga04(vending_key, names["base_year"], ea, ti, sgc, kt, krn, pan)
    if dkga == 2:
        return dkga02(vending_key, ti, sgc, kt, krn, pan)
    return None


def _token(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    value = _timed_value(given)
    return _check_inputs(_worked_out(value, cipher_of(given, tables)), given, value)


def _timed_value(given: "Fields") -> TokenValue:
    kind = (given["class"], given["subclass"])
    rnd, tid = given.get("rnd", _RND), given["tid"]
    if kind[0] == 0:
        return fields.TransferCredit(kind[1], rnd, tid, _units(given))
    if kind == (2, 0):
        return fields.SetMaximumPowerLimit(rnd, tid, _units(given))
    if kind == (2, 6):
        return fields.SetMaximumPhasePowerUnbalanceLimit(rnd, tid, _units(given))
    if kind == (2, 1):
        return fields.ClearCredit(rnd, tid, given.get("field_value", int(given["field_hex"], 16)))
    if kind == (2, 5):
        return fields.ClearTamperCondition(rnd, tid)
    if kind == (2, 10):
        return _extended_set(given)
    raise ValueError("class {} subclass {} is not a token with a field".format(kind[0], kind[1]))


def _units(given: "Fields") -> int:
    for name in ("base_units", "field_value"):
        if name in given:
            return int(given[name])
    return field_to_units(int(given["field_hex"], 16))


def _token_currency(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    if "value_currency_units" in given:
        amount = currency_units(given["value_currency_units"])
    else:
        amount = field_to_currency(given["s_and_e"], int(given["field_hex"], 16))
    value = fields.CurrencyCredit(given["subclass"], given["tid"], amount)
    got = _check_inputs(_worked_out(value, cipher_of(given, tables)), given, value)
    if "s_and_e" in given:
        got["given s_and_e"] = (given["s_and_e"], value.rnd)
    return got


def _token_class1(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    if "body48_hex" in given:
        value = read_block(1, bytes.fromhex(expected["block"]), True)
        got = _worked_out(value, None)
        got["given body48_hex"] = (given["body48_hex"], value.body().hex())
        return got
    control = int(given["control_hex"], 16)
    return _worked_out(fields.MeterTest(given["subclass"], control, int(given["mfr_code"])), None)


def _extended_set(given: "Fields") -> fields.ExtendedSet:
    field = int(given["field_hex"], 16)
    return fields.ExtendedSet(given.get("rnd", _RND), given["tid"], given.get("index", field >> 10), field & 0x3FF)


def _token_extended(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    value = _extended_set(given)
    return _check_inputs(_worked_out(value, cipher_of(given, tables)), given, value)


def _token_kct(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    cipher = cipher_of(given, tables)
    new = _new_key(given, expected)
    if len(new.decoder_key) == 8 and not _third_follows(given, expected, cipher):
        new.sgc = None
    section = given["section"] if "section" in given else _SECTIONS.index(given["kind"][:6]) + 1
    value = sections_of(new)[section - 1]
    got = _check_inputs(_worked_out(value, cipher), given, value)
    if "new_decoder_key" in given:
        got["given new_decoder_key"] = (given["new_decoder_key"], new.decoder_key.hex())
    return got


def _new_key(given: "Fields", expected: "Fields") -> NewKey:
    if "new" in given:
        new, old = given["new"], given["old"]
        key = _derive(given.get("dkga", 4), new, given["ea"], given["meter_pan"])
        ken = new.get("ken", 255)
        roll_over = given.get("ro", int(new["base_year"] != old["base_year"]))
    else:
        new, old = given["key_inputs"][-1], _present_inputs(given)
        key = _key_of_inputs(new)
        ken = 17 * int(expected["block"][1], 16)  # these vectors do not give KEN, whose half is the second nibble
        roll_over = given.get("ro", int(new.get("bd") != old.get("bd")))
    assert key is not None, "the derivation of the new key is not supported"
    return NewKey(key, ken, int(new["krn"]), int(new["kt"]), int(new["ti"]), new["sgc"], bool(roll_over))


def _third_follows(given: "Fields", expected: "Fields", cipher: "Cipher") -> bool:
    """Tell whether a 64-bit set has three tokens; where the vector does not say, its first section's flag does."""
    if "of" in given:
        return bool(given["of"] == 3)
    if not given["kind"].startswith(_SECTIONS[0]):
        return bool(given["kind"].startswith(_SECTIONS[2]))
    first = decode(expected["token"], cipher)
    return isinstance(first, Set1stSection) and bool(first.third_follows)


def _token_reject(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    keyed = {"ea": 11, "decoder_key": _NO_KEY}
    keyed.update(given)
    try:
        decode(given["token"], cipher_of(keyed, tables), given.get("mfr_code", 0))
    except TokenError as error:
        return {"result": error.result, "code": error.code}
    return {"result": "Accept", "code": 1}


TOKEN_KINDS = {
    "token": _token,
    "token_currency": _token_currency,
    "token_class1": _token_class1,
    "token_extended": _token_extended,
    "token_kct": _token_kct,
    "token_reject": _token_reject,
}
