"""A client of the cloud's HTTP interface, for the tools: one method per verb, and errors that say what to do."""

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class ApiError(Exception):
    """The cloud refused or could not be reached; `status` is 0 for the latter. One line, no secrets."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Api:
    """`async with Api(url, key, ca) as api: await api.post("/vends", {...})`; paths are below /api/v1."""

    def __init__(self, url: str, key: str, ca: Path | None) -> None:
        self._url = url.rstrip("/") + "/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._tls = ssl.create_default_context(cafile=str(ca)) if ca else ssl.create_default_context()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._tls)
        self._session = aiohttp.ClientSession(headers=self._headers, connector=connector, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str | int) -> Any:
        """The JSON of a GET."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer to a POST of JSON."""
        return await self._call("POST", path, json=body)

    async def items(self, path: str, **query: str | int) -> list[Any]:
        """All items of a list, page after page."""
        found: list[Any] = []
        while True:
            page = await self.get(path, **query)
            found += page["items"]
            if page.get("next") is None:
                return found
            query["after"] = page["next"]

    async def _call(self, method: str, path: str, **what: Any) -> Any:
        try:
            async with self._session.request(method, self._url + path, **what) as answer:
                data = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, "unreachable", f"{self._url}: {error or 'timed out'}; is the cloud running?") from error
        if answer.status >= 400:
            told = data or {}
            message = f"{method} {path}: {told.get('detail', answer.reason)}"
            raise ApiError(answer.status, told.get("code", "error"), message)
        return data
