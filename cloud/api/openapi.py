"""The OpenAPI 3.1 document, made from the route table; nothing in it is written by hand."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from cloud.api import idempotency
from cloud.api.dispatch import API_ROOT
from cloud.api.fields import PATH_TYPES, Problem
from cloud.api.files import media_types
from cloud.api.middleware import PROBLEM_MEDIA
from cloud.api.route import Route
from cloud.auth.identify import CSRF_HEADER, SESSION_COOKIE
from cloud.errors import (
    BadRequest,
    CloudError,
    Conflict,
    Forbidden,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
)

_REFERENCES = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")
_JSON = "application/json"
_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": idempotency.KEY_PATTERN},
    "description": "The same key with the same request gets the first answer again, and creates nothing",
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}}}

Models = list[tuple[type[BaseModel], JsonSchemaMode]]
References = Mapping[tuple[Any, JsonSchemaMode], Any]


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the document for these routes."""
    references, definitions = models_json_schema(
        _models(routes), ref_template=_REFERENCES, schema_generator=GenerateJsonSchema
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": API_ROOT}],
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": _security_schemes()},
    }


def _models(routes: Sequence[Route]) -> Models:
    models: Models = [(Problem, "serialization")]
    for route in routes:
        models.append((route.response, "serialization"))
        if route.request is not None:
            models.append((route.request, "validation"))
    return list(dict.fromkeys(models))


def _operation(route: Route, references: References) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route, references),
        "security": [] if route.public else [{"apiKey": []}, {"session": [], "csrf": []}],
    }
    if route.scope is not None:
        operation["x-scope"] = route.scope
    if route.idempotency is not None:
        operation["x-idempotency-key"] = route.idempotency
    if route.takes_key:
        operation["parameters"].append(_KEY)
    if route.request is not None:
        schema = references[route.request, "validation"]
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    return operation


def _operation_id(route: Route) -> str:
    words = [part for part in re.split(r"[^A-Za-z0-9]+", route.path) if part]
    return "_".join([route.method.lower(), *words])


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": TypeAdapter(PATH_TYPES[name]).json_schema()}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": properties}
        for name, properties in schema["properties"].items()
    ]


def _responses(route: Route, references: References) -> dict[str, Any]:
    content: dict[str, Any] = {_JSON: {"schema": references[route.response, "serialization"]}}
    content |= {media: {} for media in media_types(route.files)}  # the bytes of a file have no schema
    success = {"description": "Success", "content": content}
    failure = {PROBLEM_MEDIA: {"schema": references[Problem, "serialization"]}}
    responses: dict[str, Any] = {str(route.status): success}
    for error in sorted(_errors(route), key=lambda kind: kind.status):
        responses[str(error.status)] = {"description": _meaning(error), "content": failure}
    responses[str(TooManyRequests.status)]["headers"] = _RETRY_AFTER
    return responses


def _errors(route: Route) -> set[type[CloudError]]:
    errors: set[type[CloudError]] = {CloudError, BadRequest, TooManyRequests, *route.errors}
    if route.takes_key:
        errors.add(Conflict)
    if not route.public:
        errors |= {Unauthenticated, Forbidden}
    if route.request is not None:
        errors |= {TooLarge, UnsupportedMedia}
    if "{" in route.path:
        errors.add(NotFound)
    return errors


def _meaning(error: type[CloudError]) -> str:
    if error is CloudError:
        return "The service failed."
    text = (error.__doc__ or "").split(": ", 1)[-1].strip()
    return text[0].upper() + text[1:]


def _security_schemes() -> dict[str, Any]:
    return {
        "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER, "description": "For changes in a session"},
    }
