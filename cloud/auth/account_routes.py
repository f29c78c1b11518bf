"""The API of one's own account: the password and the second factor. Only a session may, never an API key."""

from typing import Any

from pydantic import Field

from cloud.api.fields import Body, Done, SecondFactorCode, View
from cloud.api.route import Call, Route
from cloud.auth import operators, second_factor, sessions
from cloud.auth.models import Operator
from cloud.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.keys import DATABASE, KEYRING, LOGIN_FAILURES, PASSWORDS

_BODY_LIMIT = 4096


class PasswordChange(Body):
    """The password, and the one to take its place."""

    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    new_password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)


class Enrolment(Body):
    """The password of the account that is to have a second factor."""

    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)


class Enrolled(View):
    """What an authenticator reads from a QR code; it is shown this once, and not in use until it is confirmed."""

    uri: str


class Confirmation(Body):
    """A code of the authenticator."""

    code: SecondFactorCode


class Confirmed(View):
    """Each code stands once for the authenticator; they are shown this once."""

    recovery_codes: list[str]


class Removal(Body):
    """The password, and a code of the authenticator or a recovery code where it is in use."""

    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    code: SecondFactorCode | None = None


async def change_password(call: Call[PasswordChange, None]) -> Done:
    """Change one's own password; every other session ends."""
    operator = await _confirmed(call, call.body.password)
    password_hash = await call.app[PASSWORDS].hash(call.body.new_password)
    async with call.begin() as session:
        await operators.set_password(session, call.actor, operator, password_hash, call.session_token, call.now)
    return Done()


async def enrol(call: Call[Enrolment, None]) -> Enrolled:
    """Make the secret of a second factor; it counts when POST /me/totp/confirm has seen a code."""
    operator = await _confirmed(call, call.body.password)
    async with call.begin() as session:
        uri = await second_factor.enrol(session, call.app[KEYRING], call.actor, operator, call.now)
        await sessions.forgiven(session, operator.id)
    return Enrolled(uri=uri)


async def confirm(call: Call[Confirmation, None]) -> Confirmed:
    """Take the second factor into use with a first code."""
    person = _person(call)
    async with call.begin() as session:
        operator = await session.get_one(Operator, person)
        ring = call.app[KEYRING]
        codes = await second_factor.confirm(session, ring, call.actor, operator, call.body.code, call.now)
    return Confirmed(recovery_codes=codes)


async def remove(call: Call[Removal, None]) -> Done:
    """Take one's own second factor away."""
    operator = await _confirmed(call, call.body.password)
    async with call.begin() as session:
        await second_factor.check(session, call.app[KEYRING], call.actor, operator, call.body.code, call.now)
        await second_factor.remove(session, call.actor, operator, call.now)
        await sessions.forgiven(session, operator.id)
    return Done()


async def _confirmed(call: Call[Any, None], password: str) -> Operator:
    _person(call)
    parts = (call.app[DATABASE], call.app[PASSWORDS], call.app[LOGIN_FAILURES])
    return await sessions.confirm_password(*parts, call.actor, password, call.remote, call.now)


def _person(call: Call[Any, None]) -> int:
    if call.session_token is None:
        raise Refused("no_session", "An API key cannot change an account; sign in with POST /login.")
    return call.actor.require_person()


_COMMON: dict[str, Any] = {"signed_in": True, "body_limit": _BODY_LIMIT, "tag": "auth"}
ROUTES = [
    Route(
        "POST", "/me/password", change_password, None, Done,
        request=PasswordChange, errors=(Refused,), **_COMMON,
    ),
    Route(
        "POST", "/me/totp", enrol, None, Enrolled,
        request=Enrolment, errors=(Conflict, Refused, Unavailable), **_COMMON,
    ),
    Route(
        "POST", "/me/totp/confirm", confirm, None, Confirmed,
        request=Confirmation, errors=(Conflict, Refused, Unavailable), **_COMMON,
    ),
    Route(
        "POST", "/me/totp/remove", remove, None, Done,
        request=Removal, errors=(NotFound, Refused, Unavailable), **_COMMON,
    ),
]  # fmt: skip
