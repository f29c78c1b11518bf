"""HMAC-SHA-256 inside a PKCS#11 token (OASIS PKCS #11 2.40), with secret keys that are made there and stay there.

All calls run on one thread of their own: a session of PKCS#11 does one thing at a time, and a token may be slow.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, SignMixin

from cloud.config import Config, ConfigError

_UNFINISHED = "penstock unfinished"  # a key that has no name yet, and never gets one if the power fails now
_KEY_BITS = (160, 256)  # DKGA04's own; the second where a token refuses shorter keys for this hash, as SoftHSM does
_PIN_ERRORS = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired, pkcs11.PinLocked)


class TokenUnusable(Exception):
    """The token cannot be used. The message says why, and `setting` which setting to look at."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class KeyNotThere(Exception):
    """The token has no key of this label."""


class Pkcs11Token:
    """One token of a PKCS#11 module, with its user logged in. Keys are found by their labels.

    A call that fails is tried once more in a new session. A PIN that was refused is never sent again: a few wrong ones
    lock a token for good.
    """

    def __init__(self, module: Path, label: str, pin: str) -> None:
        self._module = module
        self._label = label
        self._pin = pin
        self._refused: TokenUnusable | None = None
        self._session: pkcs11.Session | None = None
        self._keys: dict[str, SignMixin] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pkcs11")

    def open(self) -> None:
        """Log in now, so that a wrong setting shows at the start; TokenUnusable names it."""
        self._thread.submit(self._opened).result()

    def close(self) -> None:
        """Log out and end the thread."""
        self._thread.submit(self._drop).result()
        self._thread.shutdown()

    async def make(self, text: bytes, label_for: Callable[[bytes], str]) -> bytes:
        """Make a random key, and give it the label that label_for makes of its HMAC of text; return that HMAC."""
        return await self._run(lambda: self._make(text, label_for))

    async def hmac_sha256(self, label: str, data: bytes) -> bytes:
        """Return the 32-byte HMAC-SHA-256 of data under the key of a label; KeyNotThere if there is none."""
        return await self._run(lambda: _mac(self._key(label), data))

    async def _run(self, work: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._tried_twice, work)

    def _tried_twice(self, work: Callable[[], bytes]) -> bytes:
        try:
            return work()
        except pkcs11.PKCS11Error:
            self._drop()
        try:
            return work()
        except pkcs11.PKCS11Error as error:
            self._drop()
            raise TokenUnusable("PENSTOCK_PKCS11_TOKEN", f"token {self._label}: {_told(error)}") from None

    def _make(self, text: bytes, label_for: Callable[[bytes], str]) -> bytes:
        for bits in _KEY_BITS:
            key = self._generated(bits)
            try:
                mac = _mac(key, text)
                key[Attribute.LABEL] = label_for(mac)
                return mac
            except pkcs11.PKCS11Error as error:
                with contextlib.suppress(pkcs11.PKCS11Error):
                    key.destroy()
                if not isinstance(error, pkcs11.KeySizeRange):
                    raise
        refused = f"token {self._label} takes no key of {_KEY_BITS[-1]} bits for HMAC-SHA-256"
        raise TokenUnusable("PENSTOCK_PKCS11_TOKEN", refused)

    def _generated(self, bits: int) -> SignMixin:
        key = self._opened().generate_key(
            KeyType.GENERIC_SECRET,
            bits,
            label=_UNFINISHED,
            store=True,
            mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
            capabilities=MechanismFlag.SIGN,
            template={Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )
        assert isinstance(key, SignMixin), "it was made to sign"
        return key

    def _key(self, label: str) -> SignMixin:
        if label not in self._keys:
            try:
                key = self._opened().get_key(object_class=ObjectClass.SECRET_KEY, label=label)
            except pkcs11.NoSuchKey:
                raise KeyNotThere(label) from None
            assert isinstance(key, SignMixin), "the keys of this label were made to sign"
            self._keys[label] = key
        return self._keys[label]

    def _opened(self) -> pkcs11.Session:
        if self._session is None:
            self._session = self._logged_in(self._found())
        return self._session

    def _found(self) -> pkcs11.Token:
        try:
            module = pkcs11.lib(str(self._module))
        except pkcs11.PKCS11Error as error:
            raise TokenUnusable("PENSTOCK_PKCS11_MODULE", _told(error)) from None
        try:
            return module.get_token(token_label=self._label)
        except pkcs11.NoSuchToken:
            missing = f"{self._module} has no token called {self._label}"
            raise TokenUnusable("PENSTOCK_PKCS11_TOKEN", missing) from None

    def _logged_in(self, token: pkcs11.Token) -> pkcs11.Session:
        if self._refused is not None:
            raise self._refused
        try:
            return token.open(rw=True, user_pin=self._pin)
        except pkcs11.UserAlreadyLoggedIn:  # a login counts for the whole process
            return token.open(rw=True)
        except _PIN_ERRORS as error:
            told = f"token {self._label} refuses the PIN ({_told(error)}); correct it before the token locks itself"
            self._refused = TokenUnusable("PENSTOCK_PKCS11_PIN_FILE", told)
            raise self._refused from None

    def _drop(self) -> None:
        self._keys.clear()
        if self._session is not None:
            with contextlib.suppress(pkcs11.PKCS11Error):
                self._session.close()
            self._session = None


def pkcs11_token(config: Config) -> Pkcs11Token | None:
    """Return the configured token, opened; None when there is none. ConfigError names the setting that is wrong."""
    if config.pkcs11_module is None or config.pkcs11_token is None or config.pkcs11_pin_file is None:
        return None
    token = Pkcs11Token(config.pkcs11_module, config.pkcs11_token, _pin(config.pkcs11_pin_file))
    try:
        token.open()
    except (TokenUnusable, pkcs11.PKCS11Error) as error:
        setting = error.setting if isinstance(error, TokenUnusable) else "PENSTOCK_PKCS11_TOKEN"
        raise ConfigError(f"{setting}: {_told(error)}") from None
    return token


def _pin(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"PENSTOCK_PKCS11_PIN_FILE: cannot read {path}: {reason}") from None


def _mac(key: SignMixin, data: bytes) -> bytes:
    return key.sign(data, mechanism=Mechanism.SHA256_HMAC)


def _told(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
