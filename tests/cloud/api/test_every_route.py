"""Every route answers with success as it declares, writes to the audit if it changes something, and is documented."""

from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from cloud.app import ROUTES
from cloud.audit.models import AuditEntry
from cloud.keys import DATABASE
from tests.cloud.api import story
from tests.cloud.served import Answer, Api, answered, template_of

# What changes nothing that anybody must answer for.
NOT_AUDITED: dict[tuple[str, str], str] = {
    ("POST", "/tariffs/{tariff}/preview"): "only asks",
    ("POST", "/trial-vends"): "only asks",
    ("POST", "/vends/search"): "only asks; a telephone number belongs into no address",
}


class Watched(Api):
    """A caller who looks after each request what it wrote to the audit."""

    audited: set[tuple[str, str]]
    silent: set[tuple[str, str]]

    def as_key(self, key: str | None) -> "Watched":
        other = Watched(self.client, self.clock, key)
        other.audited, other.silent = self.audited, self.silent
        return other

    async def call(self, method: str, path: str, headers: dict[str, str] | None = None, **kwargs: Any) -> Answer:
        before = await self._entries()
        answer = await super().call(method, path, headers, **kwargs)
        template = template_of(path)
        if answer.status < 300 and template is not None:
            (self.audited if await self._entries() > before else self.silent).add((method, template))
        return answer

    async def _entries(self) -> int:
        app = self.client.app
        assert app is not None
        async with app[DATABASE].read() as session:
            return (await session.scalar(select(func.count()).select_from(AuditEntry))) or 0


async def test_every_route_answers_as_declared_and_every_change_stands_in_the_audit(api: Api) -> None:
    answered.clear()
    watched = Watched(api.client, api.clock, api.key)
    watched.audited, watched.silent = set(), set()

    await story.walk(watched)

    succeeded = {(method, path) for method, path, status in answered if status < 300}
    assert {(route.method, route.path) for route in ROUTES} - succeeded == set()
    changes = {(route.method, route.path) for route in ROUTES if route.method != "GET"}
    assert changes & watched.silent == NOT_AUDITED.keys(), "write audit.record(...) in the change's transaction"
    assert changes - NOT_AUDITED.keys() <= watched.audited


def test_every_route_stands_in_the_document_with_its_scope() -> None:
    document = (Path(__file__).parents[3] / "docs/api.md").read_text()

    for route in ROUTES:
        scope = f"`{route.scope}`" if route.scope else ("any caller" if route.signed_in else "anybody")
        assert f"| `{route.method} {route.path}` | {scope} | {route.summary} |" in document
