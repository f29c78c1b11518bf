"""The names that gateway, broker and cloud share: subjects, users, the stream and its consumer."""

import re

STREAM = "UP"
CONSUMER = "ingest"
UPLINK = "gw.*.up"
DOWNLINK = "gw.*.down"
ACCOUNT = "APP"

_GATEWAY_MAX = 0x7FFFFFFF
_USER = re.compile(r"gw-([1-9][0-9]{0,9})")
_UPLINK = re.compile(r"gw\.([1-9][0-9]{0,9})\.up")


def up(gateway: int) -> str:
    """The subject that a gateway publishes to; over MQTT the dots are slashes."""
    return f"gw.{gateway}.up"


def down(gateway: int) -> str:
    """The subject that a gateway subscribes to."""
    return f"gw.{gateway}.down"


def user(gateway: int) -> str:
    """A gateway's user name and MQTT client id."""
    return f"gw-{gateway}"


def gateway_of_user(name: str) -> int | None:
    """The gateway behind a user name; None for any other name."""
    return _gateway(_USER.fullmatch(name))


def gateway_of_uplink(subject: str) -> int | None:
    """The gateway behind an uplink subject; None for a subject of another form."""
    return _gateway(_UPLINK.fullmatch(subject))


def _gateway(found: re.Match[str] | None) -> int | None:
    return int(found[1]) if found is not None and int(found[1]) <= _GATEWAY_MAX else None
