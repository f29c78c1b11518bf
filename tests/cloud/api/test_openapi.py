"""The OpenAPI document: valid, complete, and what the routes do is what it says."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from cloud.api.fields import PATH_TYPES
from cloud.app import ROUTES
from tests.cloud.served import Api


async def test_the_document_is_valid_openapi_3_1(api: Api) -> None:
    found = (await api.as_key(None).get("/openapi.json")).body

    assert found["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []


async def test_the_document_names_every_route_with_its_scope(api: Api) -> None:
    paths = (await api.get("/openapi.json")).body["paths"]

    for route in ROUTES:
        operation = paths[route.path][route.method.lower()]
        assert operation.get("x-scope") == route.scope
        assert operation["summary"], route.path
        assert operation["tags"] != [""], route.path


async def test_operations_have_names_of_their_own(api: Api) -> None:
    paths = (await api.get("/openapi.json")).body["paths"]

    names = [operation["operationId"] for path in paths.values() for operation in path.values()]

    assert len(names) == len(set(names)) == len(ROUTES)


async def test_no_schema_knows_a_number_that_is_not_whole(api: Api) -> None:
    assert '"type": "number"' not in str((await api.get("/openapi.json")).body).replace("'", '"')


def test_every_path_parameter_has_a_type() -> None:
    import re

    names = {name for route in ROUTES for name in re.findall(r"{(\w+)}", route.path)}

    assert names <= PATH_TYPES.keys()
