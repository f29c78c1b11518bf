"""The API of logins and API keys."""

from pydantic import Field

from cloud.api.fields import TIME_MAX, Body, Done, Email, Name, Page, PageQuery, SecondFactorCode, UtilityId, View
from cloud.api.route import Call, Cookie, Route
from cloud.auth import account_routes, operator_routes, rules, service, sessions
from cloud.auth.identify import SESSION_COOKIE
from cloud.auth.passwords import PASSWORD_LENGTH_MAX
from cloud.errors import Forbidden, NotFound, Refused, Unauthenticated, Unavailable
from cloud.keys import DATABASE, KEYRING, LOGIN_FAILURES, LOGIN_LIMITER, PASSWORDS
from cloud.rows import page

_LOGIN_BODY_LIMIT = 4096


class Login(Body):
    """An operator's address and password; `code` of the authenticator, or a recovery code, where one is in use."""

    email: Email
    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    code: SecondFactorCode | None = None


class LoggedIn(View):
    """The session is in the cookie; changes need `csrf_token` in the header X-CSRF-Token."""

    csrf_token: str
    expires_in_s: int


class Me(View):
    """The caller, as the service knows it."""

    name: str
    utility_id: int | None
    role: str | None
    agent_id: int | None
    scopes: list[str]
    csrf_token: str | None


class NewApiKey(Body):
    """A key to be made, for one utility, or for all when utility_id is left out by an operator of all.

    It belongs to whoever makes it, ends with them, and at `expires_at` if that is given.
    """

    name: Name
    scopes: list[str] = Field(min_length=1, max_length=len(rules.SCOPES))
    utility_id: UtilityId | None = None
    expires_at: int | None = Field(None, ge=1, le=TIME_MAX)


class ApiKeyView(View):
    """What may be known of an API key."""

    id: int
    utility_id: int | None
    name: str
    scopes: list[str]
    operator_id: int | None
    agent_id: int | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class ApiKeyOnce(ApiKeyView):
    """An API key with the key itself, which is shown this once."""

    key: str


async def login(call: Call[Login, None]) -> LoggedIn:
    """Sign in."""
    call.app[LOGIN_LIMITER].count(call.remote, call.now)
    body = call.body
    parts = (call.app[DATABASE], call.app[PASSWORDS], call.app[KEYRING], call.app[LOGIN_FAILURES])
    token = await sessions.login(*parts, body.email, body.password, body.code, call.remote, call.now)
    call.cookies.append(Cookie(SESSION_COOKIE, token, rules.SESSION_LIFE_S))
    return LoggedIn(csrf_token=rules.csrf_token(token), expires_in_s=rules.SESSION_LIFE_S)


async def logout(call: Call[None, None]) -> Done:
    """Sign out; the session ends at once."""
    if call.session_token is None:
        raise Refused("no_session", "An API key has no session to end; revoke the key with DELETE /api-keys/{id}.")
    async with call.begin() as session:
        await sessions.logout(session, call.actor, call.session_token, call.now)
    call.cookies.append(Cookie(SESSION_COOKIE, "", 0))
    return Done()


async def me(call: Call[None, None]) -> Me:
    """Say who calls and what they may do."""
    token = call.session_token
    return Me(
        name=call.actor.label,
        utility_id=call.actor.utility_id,
        role=call.actor.role,
        agent_id=call.actor.agent_id,
        scopes=sorted(call.actor.scopes),
        csrf_token=None if token is None else rules.csrf_token(token),
    )


async def add_key(call: Call[NewApiKey, None]) -> ApiKeyOnce:
    """Make an API key with scopes that the caller has."""
    body = call.body
    async with call.begin() as session:
        row, key = await service.add_api_key(
            session,
            call.actor,
            body.name,
            frozenset(body.scopes),
            body.utility_id,
            call.now,
            expires_at=body.expires_at,
        )
        return ApiKeyOnce(**ApiKeyView.model_validate(row).model_dump(), key=key)


async def list_keys(call: Call[None, PageQuery]) -> Page[ApiKeyView]:
    """List API keys, without the keys."""
    async with call.read() as session:
        return page(await service.list_api_keys(session, call.actor, call.query), ApiKeyView, call.query)


async def revoke_key(call: Call[None, None]) -> Done:
    """End an API key at once."""
    async with call.begin() as session:
        await service.revoke_api_key(session, call.actor, call.path["key"], call.now)
    return Done()


ROUTES = [
    Route(
        "POST",
        "/login",
        login,
        None,
        LoggedIn,
        request=Login,
        errors=(Unauthenticated, Unavailable),
        body_limit=_LOGIN_BODY_LIMIT,
        tag="auth",
    ),
    Route("POST", "/logout", logout, None, Done, errors=(Refused,), signed_in=True, tag="auth"),
    Route("GET", "/me", me, None, Me, signed_in=True, tag="auth"),
    Route(
        "POST",
        "/api-keys",
        add_key,
        "api-keys:write",
        ApiKeyOnce,
        request=NewApiKey,
        errors=(Forbidden, NotFound, Refused),
        status=201,
        keyless="the key is shown once and stored nowhere",
        tag="auth",
    ),
    Route("GET", "/api-keys", list_keys, "api-keys:write", Page[ApiKeyView], query=PageQuery, tag="auth"),
    Route("DELETE", "/api-keys/{key}", revoke_key, "api-keys:write", Done, errors=(NotFound,), tag="auth"),
    *account_routes.ROUTES,
    *operator_routes.ROUTES,
]
