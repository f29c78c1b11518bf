"""The API of operators, for those who manage them."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import Field

from cloud.api.fields import Body, Email, Page, PageQuery, UtilityId, View
from cloud.api.route import Call, Route
from cloud.auth import operators
from cloud.auth.models import Operator
from cloud.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from cloud.errors import Conflict, Forbidden, NotFound
from cloud.keys import PASSWORDS
from cloud.rows import page

Role = Literal[
    "administrator",
    "operator",
    "cashier",
    "agent",
    "tariff_manager",
    "approver",
    "auditor",
    "installer",
    "support",
]


class NewOperator(Body):
    """An operator to be made, of one utility, or of all when utility_id is left out by an operator of all."""

    email: Email
    password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    role: Role
    utility_id: UtilityId | None = None


class RoleChange(Body):
    """The role from now on."""

    role: Role


class OperatorView(View):
    """An operator; one with an `agent_id` sells for that agent alone."""

    id: int
    utility_id: int | None
    email: str
    role: str
    active: bool
    agent_id: int | None
    created_at: int


async def add(call: Call[NewOperator, None]) -> OperatorView:
    """Make an operator."""
    password_hash = await call.app[PASSWORDS].hash(call.body.password)
    async with call.begin() as session:
        operator = await operators.add_operator(
            session,
            call.actor,
            email=call.body.email,
            password_hash=password_hash,
            role=call.body.role,
            utility_id=call.body.utility_id,
            now=call.now,
        )
        return OperatorView.model_validate(operator)


async def listed(call: Call[None, PageQuery]) -> Page[OperatorView]:
    """List operators."""
    async with call.read() as session:
        return page(await operators.list_operators(session, call.actor, call.query), OperatorView, call.query)


async def deactivate(call: Call[None, None]) -> OperatorView:
    """End an operator: sessions and API keys die at once."""
    return await _changed(call, operators.deactivate)


async def activate(call: Call[None, None]) -> OperatorView:
    """Let an operator sign in again; API keys that ended stay ended."""
    return await _changed(call, operators.activate)


async def remove_second_factor(call: Call[None, None]) -> OperatorView:
    """Take the second factor of an operator who has lost it."""
    return await _changed(call, operators.remove_second_factor)


async def set_role(call: Call[RoleChange, None]) -> OperatorView:
    """Give an operator another role."""
    async with call.begin() as session:
        operator_id, role = call.path["operator"], call.body.role
        return OperatorView.model_validate(await operators.set_role(session, call.actor, operator_id, role, call.now))


async def _changed(call: Call[None, None], change: Callable[..., Awaitable[Operator]]) -> OperatorView:
    async with call.begin() as session:
        return OperatorView.model_validate(await change(session, call.actor, call.path["operator"], call.now))


_ONE = "/operators/{operator}"
_COMMON: dict[str, Any] = {"errors": (Forbidden, NotFound), "tag": "auth"}
ROUTES = [
    Route(
        "POST", "/operators", add, "operators:write", OperatorView,
        request=NewOperator, errors=(Conflict, Forbidden, NotFound), status=201,
        keyless="the address is unique, and no hash of a password is stored beside argon2id", tag="auth",
    ),
    Route("GET", "/operators", listed, "operators:read", Page[OperatorView], query=PageQuery, tag="auth"),
    Route("POST", _ONE + "/deactivate", deactivate, "operators:write", OperatorView, **_COMMON),
    Route("POST", _ONE + "/activate", activate, "operators:write", OperatorView, **_COMMON),
    Route(
        "PUT", _ONE + "/role", set_role, "operators:write", OperatorView,
        request=RoleChange, errors=(Conflict, Forbidden, NotFound), tag="auth",
    ),
    Route("DELETE", _ONE + "/totp", remove_second_factor, "operators:write", OperatorView, **_COMMON),
]  # fmt: skip
