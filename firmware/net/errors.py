"""The one error of the link: the world is not there right now. It is a normal path; the caller tries again later."""


class LinkDown(Exception):
    """The link is down; the message is one line that says why and holds no secret. After it, connect() starts anew."""
