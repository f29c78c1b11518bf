"""Schemathesis asks the served API for all that its document declares, well-formed and malformed.

Nothing may be an internal error, every answer must be declared and fit its schema, every error is a problem document,
and what the document forbids must be refused. PENSTOCK_LONG=1 asks more.
"""

import asyncio
import os
import threading
import warnings
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cloud.api.openapi import document
from cloud.app import ROUTES, build_app
from tests.cloud import conftest
from tests.cloud.served import Api, HandClock, Town
from tools.authority import Paths

with warnings.catch_warnings():  # what it imports warns about what it will do differently one day
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        negative_data_rejection,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

_LONG = os.environ.get("PENSTOCK_LONG") == "1"
EXAMPLES = {"sqlite": 60 if _LONG else 8, "postgres": 60 if _LONG else 3}
"""How much is asked of each route by the kind of database; the second finds what only its types and texts refuse."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
"""What may answer malformed data: what is its default, and 413, for it may be too long as well."""
_CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": _REFUSED}}})
_SCHEMA = schemathesis.openapi.from_dict(document(ROUTES, "test"), config=_CONFIG)
_OPERATIONS = {(f"{route.method} {route.path}"): _SCHEMA[route.path][route.method] for route in ROUTES}
_PLAIN = {"Connection": "close"}


class HurriedClock(HandClock):
    """Five seconds pass whenever somebody looks, so that no limit of requests is met."""

    def now(self) -> int:
        self.time += 5
        return self.time


class Served:
    """A cloud in a thread of its own, with a town in it."""

    def __init__(self, config: Any, examples: int) -> None:
        self.examples = examples
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._people = 0
        self.run(self._start(config))

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _start(self, config: Any) -> None:
        clock = HurriedClock()
        self._client = TestClient(TestServer(build_app(config, clock, services=())))
        await self._client.start_server()
        self.api: Api = await conftest.admin_api(self._client, clock)
        self.town: Town = await self.api.town()
        self.url = str(self._client.make_url("/api/v1"))
        sold = await self.api.made("/vends", self.town.vend())
        self.known = {
            "utility": self.town.utility,
            "customer": self.town.customer,
            "gateway": self.town.gateway,
            "drn": self.town.drn,
            "purchase_id": sold["purchase_id"],
        }

    def key_of_somebody(self) -> str:
        """Return the key of a new person with every scope: the one before may have ended by now."""
        self._people += 1
        person = self.run(self.api.person(f"{self._people}@penstock.example"))
        assert person.key is not None
        return str(person.key)

    def stop(self) -> None:
        self.run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def sqlite(migrated_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database."""
    path = tmp_path_factory.mktemp("schemathesis") / "cloud.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def postgres(postgresql: str, migrated_postgresql: str) -> str:
    """A PostgreSQL database."""
    return conftest.new_postgresql(postgresql, "schemathesis", migrated_postgresql)


@pytest.fixture(scope="module", params=EXAMPLES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificates: Paths
) -> Iterator[Served]:
    """A cloud over a database of each kind in turn."""
    folder = tmp_path_factory.mktemp("served")
    config = conftest.settings(request.getfixturevalue(request.param), folder, certificates)
    cloud = Served(config, EXAMPLES[request.param])
    yield cloud
    cloud.stop()


@pytest.mark.parametrize("name", _OPERATIONS)
def test_the_api_does_what_its_document_says(served: Served, name: str) -> None:
    operation = _OPERATIONS[name]
    key = served.key_of_somebody()
    modes = (
        [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
        if _can_be_malformed(operation)
        else [GenerationMode.POSITIVE]
    )

    for mode in modes:
        checks = [*CHECKS, negative_data_rejection] if mode == GenerationMode.NEGATIVE else CHECKS

        @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
        @settings(
            max_examples=served.examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any, known: bool) -> None:
            if known and mode == GenerationMode.POSITIVE:
                for parameter in set(case.path_parameters or {}) & set(served.known):
                    case.path_parameters[parameter] = served.known[parameter]
            response = case.call(base_url=served.url, headers={"Authorization": f"Bearer {key}", **_PLAIN})
            case.validate_response(response, checks=checks)
            if response.status_code >= 400:
                problem = response.json()
                assert response.headers["content-type"][0].startswith("application/problem+json")
                assert problem["status"] == response.status_code and problem["detail"] and "\n" not in problem["detail"]

        ask()


def _can_be_malformed(operation: Any) -> bool:
    return bool(operation.body) or bool(operation.query) or bool(operation.path_parameters)
