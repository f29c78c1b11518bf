"""An answer that is a file: a route that declares formats in `files` may answer one instead of its JSON model."""

import re
from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel, ConfigDict

MEDIA: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "text": "text/plain; charset=utf-8",
}
"""The media type of each format that a route can declare."""
_ENDINGS = {"text": "txt"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class FileAnswer(BaseModel):
    """The bytes of a file in one of MEDIA's formats. `stem` is its name without ending: letters, digits, - and _."""

    model_config = ConfigDict(frozen=True)

    content: bytes
    format: str
    stem: str


def file_response(answer: FileAnswer, status: int) -> web.Response:
    """Return the response that a browser keeps as a file."""
    assert _NAME.fullmatch(answer.stem), f"no name for a file: {answer.stem!r}"
    name = f"{answer.stem}.{_ENDINGS.get(answer.format, answer.format)}"
    headers = {"Content-Type": MEDIA[answer.format], "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=answer.content, status=status, headers=headers)


def media_types(formats: tuple[str, ...]) -> list[str]:
    """Return the media types of these formats, without parameters."""
    return [MEDIA[one].split(";")[0] for one in formats]
