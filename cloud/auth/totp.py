"""Time-based one-time passwords (RFC 6238 over RFC 4226): the codes of an authenticator, as pure functions."""

import base64
import hmac
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226, 4, R6: 160 bits
_STEPS_EITHER_WAY = 1  # RFC 6238, 5.2: at most one step for the delay of network and typing


def code_of(secret: bytes, step: int, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """Return the code of one time step (RFC 4226, 5.3); sha1 with 6 digits is what authenticators know."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, now: int, step_used: int) -> int | None:
    """Return the step that a code is of, None if it is wrong or not later than the last one taken."""
    present = now // STEP_S
    found = None
    for step in range(present - _STEPS_EITHER_WAY, present + _STEPS_EITHER_WAY + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and step > step_used:
            found = step
    return found


def enrolment_uri(secret: bytes, email: str) -> str:
    """Return the address that authenticators take from a QR code (Key URI Format)."""
    base32 = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/Penstock:{quote(email, safe='@')}?secret={base32}&issuer=Penstock"
