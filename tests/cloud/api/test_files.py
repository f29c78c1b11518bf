"""Answers that are files: declared with their media types, named, kept by no cache, never of a creation with a key."""

import pytest

from cloud.api.fields import Done
from cloud.api.files import MEDIA, FileAnswer, file_response
from cloud.api.route import Call, Route
from cloud.app import ROUTES
from tests.cloud.served import Api


async def nothing(call: Call[None, None]) -> Done:
    """Do nothing."""
    return Done()


async def test_the_document_lists_the_media_types_of_every_route_with_files(api: Api) -> None:
    paths = (await api.get("/openapi.json")).body["paths"]

    with_files = [route for route in ROUTES if route.files]
    assert with_files
    for route in with_files:
        content = paths[route.path][route.method.lower()]["responses"][str(route.status)]["content"]
        assert set(content) == {"application/json", *(MEDIA[form].split(";")[0] for form in route.files)}


async def test_a_file_is_named_and_kept_by_no_cache(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.get(f"/books/{town.utility}", format="csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="trial-balance-{town.utility}.csv"'
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_format_that_a_route_does_not_have_is_refused_by_name(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.get(f"/books/{town.utility}", format="docx")

    assert (answer.status, answer.code) == (400, "invalid_query")
    assert answer.message.startswith("query.format: ")


@pytest.mark.parametrize("stem", ["", "../etc", 'a"b', "a\r\nb", "ä", "x" * 101])
def test_a_name_that_could_leave_its_header_is_our_bug(stem: str) -> None:
    with pytest.raises(AssertionError):
        file_response(FileAnswer(content=b"", format="csv", stem=stem), 200)


def test_a_creation_that_takes_a_key_cannot_answer_a_file() -> None:
    with pytest.raises(AssertionError, match="POST /x: a creation answers no file"):
        Route("POST", "/x", nothing, "vend", Done, status=201, files=("pdf",))
