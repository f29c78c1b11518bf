"""The kinds of STS vectors below a whole token: checksum, amounts, identifiers, ciphers and key derivation.

Each function takes a vector's input and expectation and the loaded tables, and returns what the code works out.
"""

from shared.hmac import hmac_sha256
from shared.sts.amounts import (
    CURRENCY_PER_UNIT,
    currency_to_field,
    field_to_currency,
    field_to_units,
    units_to_field,
)
from shared.sts.cipher import make_cipher
from shared.sts.crc import crc16_modbus, token_crc
from shared.sts.des import des_encrypt
from shared.sts.digits import join
from shared.sts.errors import IdentityError, TablesError
from shared.sts.identity import check_drn, control_block, luhn_digit, pan_block
from shared.sts.keys import dkga02_of_blocks, dkga04, dkga04_data_block
from shared.sts.sample_tables import sample_tables
from shared.sts.tables import Tables
from shared.sts.time_id import tid_at, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared.sts.cipher import Cipher

    Fields = dict[str, Any]

_SAMPLE = sample_tables()


def hex_of(number: int, digits: int) -> str:
    """Return a number as that many upper-case hexadecimal digits."""
    return ("{:0" + str(digits) + "X}").format(number)


def cipher_of(given: "Fields", tables: Tables | None) -> "Cipher":
    """Return the cipher of a vector; its tables are "sample" unless it says "file"."""
    chosen = None
    if given["ea"] == 7:
        chosen = tables if given.get("tables") == "file" else _SAMPLE
        if chosen is None:
            raise TablesError('this vector needs the tables of the operator: give them with "--tables FILE"')
    return make_cipher(given["ea"], bytes.fromhex(given["decoder_key"]), chosen)


def seconds_of(issue_time: str) -> int:
    """Return the seconds since 1970 of "YYYY-MM-DD HH:MM" in UTC."""
    year, month, day = [int(part) for part in issue_time[:10].split("-")]
    hour, minute = [int(part) for part in issue_time[11:16].split(":")]
    if month <= 2:  # count years from March, so that the leap day is a year's last
        year, month = year - 1, month + 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
    return days * 86400 + hour * 3600 + minute * 60


def currency_units(text: str) -> int:
    """Return a decimal such as "-1", "0.25" or "1.82044E+20" as whole 1/100000 of the currency."""
    mantissa, _, exponent = text.upper().partition("E")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or 0) - len(fraction)
    number, scale = int(whole + fraction) * CURRENCY_PER_UNIT, int(10 ** abs(power))
    if power >= 0:
        return number * scale
    if number % scale:
        raise ValueError("the amount has more than five decimals")
    return number // scale


def _crc16(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    if "ascii" in given:
        plain = crc16_modbus(given["ascii"].encode())
        return {"crc_unswapped_hex": hex_of(plain, 4), "crc_field_hex": hex_of((plain & 255) << 8 | plain >> 8, 4)}
    data = bytes.fromhex(given["seven_bytes_hex"])
    return {"crc_field_hex": hex_of(token_crc(data[0], data[1:]), 4)}


def _amount(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    field = units_to_field(given["base_units"])
    return {"field_hex": hex_of(field, 4), "decodes_to_base_units": field_to_units(field)}


def _currency(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    nibble, field = currency_to_field(currency_units(given["value_currency_units"]))
    decoded = str(field_to_currency(nibble, field))
    return {"s_and_e_nibble": nibble, "field_hex": hex_of(field, 4), "decodes_to_1e-5_units": decoded}


def _tid(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    seconds = seconds_of(given["issue_time"])
    tid = tid_at(seconds, given["base_year"])
    back = tid_at(time_of(tid, given["base_year"]), given["base_year"])
    return {"tid": tid, "tid_hex": hex_of(tid, 6), "given back": (tid, back)}


def _luhn(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    return {"check_digit": luhn_digit(given["digits"])}


def _luhn_reject(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    drn = given["drn"]
    try:
        check_drn(drn)
        valid = True
    except IdentityError:
        valid = False
    return {"valid": valid, "correct_check_digit": luhn_digit(drn[:-1])}


def _sta_block(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    given = dict(given)
    given["ea"] = 7
    got = _block(given["block"], cipher_of(given, tables))
    aligned = ~int(given["decoder_key"], 16) & 0xFFFFFFFFFFFFFFFF
    got["key_after_complement_rotate"] = hex_of((aligned >> 12 | aligned << 52) & 0xFFFFFFFFFFFFFFFF, 16)
    if "class" in given:
        got["token"] = join(given["class"], bytes.fromhex(got["enc"]))
        got["token66_hex"] = hex_of(int(got["token"]), 17)
    return got


def _misty1(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    return _block(given["block"], make_cipher(11, bytes.fromhex(given["key"])))


def _block(block_hex: str, cipher: "Cipher") -> "Fields":
    encrypted = cipher.encrypt(bytes.fromhex(block_hex))
    return {"enc": encrypted.hex(), "given block": (block_hex, cipher.decrypt(encrypted).hex())}


def _pan_block(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    return {"pan_block": pan_block(given["iin"], given["iain"], given["kt"]).hex()}


def _control_block(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    return {"control_block": control_block(given["kt"], given["sgc"], int(given["ti"]), given["krn"]).hex()}


def _dkga02(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    vending_key = bytes.fromhex(given["vk"])
    pan = pan_block(given["iin"], given["iain"], given["kt"])
    control = control_block(given["kt"], given["sgc"], int(given["ti"]), given["krn"])
    x = bytes([pan[i] ^ control[i] for i in range(8)])
    return {
        "pan_block": pan.hex(),
        "control_block": control.hex(),
        "x": x.hex(),
        "des_vk_x": des_encrypt(vending_key, x).hex(),
        "decoder_key": dkga02_of_blocks(vending_key, pan, control).hex(),
    }


def _dkga04(given: "Fields", expected: "Fields", tables: Tables | None) -> "Fields":
    vending_key = bytes.fromhex(given["vk"])
    year, ea, ti, sgc = given["base_year"], given["ea"], int(given["ti"]), given["sgc"]
    values = (year, ea, ti, sgc, given["kt"], given["krn"], given["meter_pan"])
    block = dkga04_data_block(*values)
    return {
        "data_block": block.hex(),
        "hmac_sha256": hmac_sha256(vending_key, block).hex(),
        "decoder_key": dkga04(vending_key, *values).hex(),
    }


BLOCK_KINDS = {
    "crc16": _crc16,
    "amount_encode": _amount,
    "currency_encode": _currency,
    "tid": _tid,
    "luhn": _luhn,
    "luhn_reject": _luhn_reject,
    "sta_block": _sta_block,
    "misty1": _misty1,
    "pan_block": _pan_block,
    "control_block": _control_block,
    "dkga02": _dkga02,
    "dkga04": _dkga04,
}
