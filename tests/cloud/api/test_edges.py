"""Values at the edge of what a type holds are answered alike on both databases, and never by an internal error."""

import asyncio

import pytest

from cloud.api.fields import PageQuery
from cloud.app import ROUTES
from cloud.keys import DATABASE
from cloud.ledger.models import Case
from tests.cloud.served import Api

_PAGED = [route for route in ROUTES if route.query is not None and issubclass(route.query, PageQuery)]
_LISTS = [route.path for route in _PAGED if "{" not in route.path]


@pytest.mark.parametrize("path", _LISTS)
@pytest.mark.parametrize("after", [(1 << 31) - 1, 1 << 31, (1 << 63) - 1])
async def test_a_list_after_the_last_row_there_can_be_is_empty(any_api: Api, path: str, after: int) -> None:
    answer = await any_api.get(f"{path}?after={after}")

    assert (answer.status, answer.body["items"]) == (200, [])


async def test_a_note_with_what_a_database_cannot_hold_is_refused_by_name(any_api: Api) -> None:
    town = await any_api.town()
    app = any_api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        case = Case(gateway_id=town.gateway, kind="conflict", detail="", opened_at=1)
        session.add(case)

    answer = await any_api.post(f"/cases/{case.id}/close", {"note": "a\x00b"})

    assert (answer.status, answer.code) == (400, "invalid_body")


@pytest.mark.parametrize(
    "header", [b"Authorization: Bearer \xff\xfe", b"Cookie: __Host-penstock_session=\xff\xfe"], ids=["key", "cookie"]
)
async def test_a_secret_that_is_no_text_is_not_known(api: Api, header: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.port)
    writer.write(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")

    status = (await reader.readline()).split()[1]
    writer.close()

    assert status == b"401"
