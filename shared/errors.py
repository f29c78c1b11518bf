"""The root of every error that shared code raises on purpose, so that a caller can catch them in one place."""


class SharedError(Exception):
    """Bad input that shared code refused; the message is one line and holds no secret."""


class WireError(SharedError):
    """Bytes that are not the document they claim to be, or a value that does not fit its field."""


class ChainError(SharedError):
    """Entries that do not follow on from the head they were said to follow."""
