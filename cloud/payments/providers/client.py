"""Asking a provider over HTTPS: JSON in and out, one time limit, and no secret in any error."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp

from cloud.payments.providers.interface import ProviderDown

_TIMEOUT_S = 15
_ANSWER_MAX = 1 << 20


class JsonClient:
    """Requests below one base address. `get` and `post` return status and JSON; ProviderDown if there is none."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Ask for something."""
        return await self._ask("GET", path, headers, None)

    async def post(self, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        """Send something."""
        return await self._ask("POST", path, headers, body)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        try:
            async with self._session.request(
                method, self._base_url + path, headers=headers, json=body, allow_redirects=False
            ) as response:
                raw = await response.content.read(_ANSWER_MAX)
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProviderDown(f"the provider did not answer: {type(error).__name__}") from None
        try:
            answer = json.loads(raw, parse_float=Decimal)
        except ValueError:
            raise ProviderDown(f"the provider answered {status} without JSON") from None
        if not isinstance(answer, dict):
            raise ProviderDown(f"the provider answered {status} with JSON that is no object")
        return status, answer
