"""A PKCS#11 token in software (SoftHSM2) in a folder of the test's own, and a way to put a known key into it."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pkcs11
from pkcs11 import Attribute, KeyType, ObjectClass

_FOLDER = Path(__file__).resolve().parents[2] / "build" / "softhsm"
MODULE = _FOLDER / "libsofthsm2.so"


class SoftToken:
    """A token with a random PIN."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.pin = secrets.token_hex(8)

    def put(self, label: str, key: bytes) -> None:
        """Store a key that cannot be read again. SoftHSM wants 32 bytes for HMAC-SHA-256; HMAC itself appends zeros."""
        template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
            Attribute.VALUE: key + bytes(32 - len(key)),
            Attribute.LABEL: label,
            Attribute.TOKEN: True,
            Attribute.SIGN: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
        }
        with self.session() as session:
            session.create_object(template)

    def session(self) -> pkcs11.Session:
        """Return a session of the test's own, beside those of who is tested."""
        token = pkcs11.lib(str(MODULE)).get_token(token_label=self.label)
        try:
            return token.open(rw=True, user_pin=self.pin)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)


@contextmanager
def soft_token(folder: Path, label: str = "penstock") -> Iterator[SoftToken]:
    """Make a token in a folder; the module knows of this folder alone until the end."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    token = SoftToken(label)
    pins = ["--pin", token.pin, "--so-pin", secrets.token_hex(8)]  # of a token that lives as long as the test
    command = [_FOLDER / "softhsm2-util", "--module", MODULE, "--init-token", "--free", "--label", label, *pins]
    subprocess.run(command, check=True, capture_output=True)
    yield token
    pkcs11.lib(str(MODULE)).finalize()  # the next use reads its configuration anew
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before
