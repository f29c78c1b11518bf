"""The one error of the link: the world is not there right now. It is a normal path; the caller tries again later."""

import errno


class LinkDown(Exception):
    """The link is down; the message is one line that says why and holds no secret. After it, connect() starts anew."""


class NoMemory(LinkDown):
    """The heap has no room for a connection. It may be scattered for good, which only a restart heals."""


def down(error: Exception, words: str) -> LinkDown:
    """The LinkDown that tells of an error in so many words."""
    starved = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return NoMemory(words) if starved else LinkDown(words)
