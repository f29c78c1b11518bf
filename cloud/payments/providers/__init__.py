"""One interface, one file per provider: the check of its messages first, and then what they say."""
