"""From bytes and strings to the declared models; what does not fit is a BadRequest that names the field."""

import functools
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from cloud.api.fields import PATH_TYPES
from cloud.api.route import Route
from cloud.errors import BadRequest, NotFound, TooLarge, UnsupportedMedia

_NAME_SHOWN_MAX = 60


async def body(request: web.Request, route: Route) -> BaseModel | None:
    """Return the validated body, None for a route that takes none."""
    if route.request is None:
        return None
    if request.content_type != "application/json":  # also keeps out forms that another site sends
        raise UnsupportedMedia("content_type", "Send the body as JSON, with Content-Type: application/json.")
    raw = await _read(request, route.body_limit)
    try:
        return route.request.model_validate_json(raw)
    except ValidationError as error:
        raise BadRequest("invalid_body", _sentence(error, "body")) from None


async def _read(request: web.Request, limit: int) -> bytes:
    too_large = TooLarge("body_too_large", f"The body may have {limit} bytes.")
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    if len(raw) > limit:
        raise too_large
    return raw


def query(request: web.Request, route: Route) -> BaseModel | None:
    """Return the validated query parameters, None for a route that takes none."""
    given = dict(request.query)
    if len(given) != len(request.query):
        raise BadRequest("invalid_query", "query: a parameter is given twice")
    if route.query is None:
        if given:
            raise BadRequest("invalid_query", "query: this takes no parameters")
        return None
    try:
        return route.query.model_validate(given)
    except ValidationError as error:
        raise BadRequest("invalid_query", _sentence(error, "query")) from None


def path(request: web.Request) -> dict[str, Any]:
    """Return the path parameters, each as the type of its name; one that cannot exist is a NotFound."""
    values: dict[str, Any] = {}
    for name, text in request.match_info.items():
        try:
            values[name] = _adapter(name).validate_strings(text)
        except ValidationError as error:
            raise NotFound("not_found", _sentence(error, f"path.{name}")) from None
    return values


@functools.cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(PATH_TYPES[name])


def _sentence(error: ValidationError, root: str) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join([root, *(_shown(part) for part in problem["loc"])])
    return f"{where}: {_printable(str(problem['msg']).removeprefix('Value error, '))}"


def _printable(text: str) -> str:
    """Return text on one line: a sentence may quote what the caller sent."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _shown(part: str | int) -> str:
    """Return a name for a sentence: one that the caller made up may be long and hold anything."""
    printable = _printable(str(part)[: _NAME_SHOWN_MAX + 1])
    return printable if len(printable) <= _NAME_SHOWN_MAX else printable[:_NAME_SHOWN_MAX] + "..."
