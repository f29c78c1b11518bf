"""Why a token, a key or a number of the STS family was refused: one class for each result the standard names.

The codes are those that meters show for the last token; 1 means accepted, so an error never carries it.
"""

from shared.errors import SharedError


class TokenError(SharedError):
    """A token was refused. `code` is the standard's result code, `result` the standard's name for it."""

    code = 0
    result = "TokenError"


class CreditOverflowError(TokenError):
    """The credit register would overflow; the token stays unused. The standard calls it OverflowError."""

    code = 4
    result = "OverflowError"


class KeyTypeError(TokenError):
    """A key change asks for a key type that cannot follow the present one."""

    code = 5
    result = "KeyTypeError"


class FormatError(TokenError):
    """Not 20 decimal digits, or a number of more than 66 bits."""

    code = 6
    result = "FormatError"


class RangeError(TokenError):
    """A field holds a value that has no meaning, or a value does not fit its field."""

    code = 7
    result = "RangeError"


class FunctionError(TokenError):
    """A class or subclass that is reserved, foreign, or not supported by this meter."""

    code = 8
    result = "FunctionError"


class OldError(TokenError):
    """The token identifier is smaller than every one remembered."""

    code = 9
    result = "OldError"


class UsedError(TokenError):
    """The token identifier was accepted before."""

    code = 10
    result = "UsedError"


class KeyExpiredError(TokenError):
    """The token was made after the decoder key expired."""

    code = 11
    result = "KeyExpiredError"


class DDTKError(TokenError):
    """Credit under a default key, which may carry none."""

    code = 12
    result = "DDTKError"


class CRCError(TokenError):
    """The checksum does not match: mistyped, or made for another meter or key."""

    code = 13
    result = "CRCError"


class MfrCodeError(TokenError):
    """A test token of another manufacturer."""

    code = 14
    result = "MfrCodeError"


class TokenLockout(TokenError):
    """Entry is locked after too many refused tokens."""

    code = 15
    result = "TokenLockout"


class IdentityError(SharedError):
    """A meter number, issuer number, supply group or the like is malformed, or its check digit is wrong."""


class KeyDataError(SharedError):
    """A vending or decoder key has the wrong length or parity, or may not be used as asked."""


class TablesError(SharedError):
    """The substitution and permutation tables of EA07 are missing or malformed."""
