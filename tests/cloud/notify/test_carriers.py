"""Several providers: the next brings what the first does not; receipts count; the last letter is a case."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cloud.app import build_app
from cloud.config import Config, ConfigError
from cloud.keys import CARRIERS, CLOCK, DATABASE, KEY_STORE
from cloud.notify import receipts
from cloud.notify.carriers import Carrier, Carriers, carriers
from cloud.notify.delivery import ATTEMPTS_MAX, RECEIPT_WAIT_S, Outbox
from cloud.notify.provider import DeliveryFailed, Outgoing, ProviderAway
from tests.cloud.conftest import admin_api, settings
from tests.cloud.served import Api, HandClock, Town
from tools.authority import Paths

KEY = b"receipt-key-of-the-second"


class Fake:
    """A provider that remembers what it took, and fails as it is told to."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.asked = 0
        self.error: DeliveryFailed | None = None

    async def send(self, message: Outgoing) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.taken.append(message)

    async def close(self) -> None:
        pass


class Post:
    """A cloud with two providers of text messages, the second with receipts, and one of e-mail."""

    def __init__(self, api: Api, town: Town, fakes: list[Fake], outbox: Outbox) -> None:
        self.api = api
        self.town = town
        self.first, self.second, self.mail = fakes
        self.outbox = outbox

    async def round(self, wait_s: int = 0) -> None:
        self.api.clock.time += wait_s
        await self.outbox.deliver_due()

    async def messages(self) -> list[dict[str, Any]]:
        return list((await self.api.get("/messages")).body["items"])

    async def receipt(
        self, status: str, number: int = 1, *, name: str = "second", key: bytes = KEY, age_s: int = 0
    ) -> int:
        body = json.dumps({"id": number, "status": status, "reason": "no such number"}).encode()
        time = self.api.clock.now() - age_s
        headers = {receipts.HEADER: f"t={time},v1={receipts.sign(body, key, time)}"}
        async with self.api.client.post(f"/message-receipts/{name}", data=body, headers=headers) as response:
            return int(response.status)


@pytest.fixture
async def post(any_url: str, tmp_path: Path, certificates: Paths, clock: HandClock) -> AsyncIterator[Post]:
    fakes = [Fake(), Fake(), Fake()]
    sms, email = frozenset({"sms"}), frozenset({"email"})
    three = [Carrier("first", fakes[0], sms), Carrier("second", fakes[1], sms, KEY), Carrier("mail", fakes[2], email)]
    app = build_app(settings(any_url, tmp_path, certificates), clock, services=(), messages=Carriers(three))
    async with TestClient(TestServer(app)) as client:
        api = await admin_api(client, clock)
        town = await api.town()
        await _with_email(api, town)
        await api.made("/vends", town.vend())
        yield Post(api, town, fakes, Outbox(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK]))


async def _with_email(api: Api, town: Town) -> None:
    """A second meter's customer with both ways becomes the buyer."""
    from tests.cloud.served import new_drn

    customer = {
        "utility_id": town.utility,
        "name": "W",
        "phone": "+254700000009",
        "email": "w@b.example",
        "language": "en",
    }
    number = (await api.made("/customers", customer))["id"]
    town.drn = new_drn()
    town.customer = number
    await api.made("/meters", town.meter(channel=1))
    await town.enrol(town.device)


async def test_a_message_goes_to_the_first_provider(post: Post) -> None:
    await post.round()

    assert (len(post.first.taken), len(post.second.taken)) == (1, 0)
    assert [(one["state"], one["provider"]) for one in await post.messages()] == [("delivered", "first")]


async def test_the_second_provider_takes_what_the_first_does_not_and_the_first_rests(post: Post) -> None:
    post.first.error = ProviderAway("away")
    await post.round()
    await post.api.made("/vends", post.town.vend())

    await post.round(10)
    await post.api.made("/vends", post.town.vend())
    await post.round(60)

    assert len(post.second.taken) == 3
    assert post.first.asked == 2


async def test_a_message_is_delivered_when_its_receipt_says_so(post: Post) -> None:
    post.first.error = DeliveryFailed("no")
    await post.round()
    before = (await post.messages())[0]

    status = await post.receipt("delivered")

    after = (await post.messages())[0]
    assert (before["state"], before["delivered_at"], status) == ("sent", None, 200)
    assert (after["state"], after["delivered_at"]) == ("delivered", post.api.clock.now())


async def test_a_receipt_of_failure_brings_the_next_provider(post: Post) -> None:
    post.first.error = DeliveryFailed("no")
    await post.round()
    post.first.error = None

    await post.receipt("failed")
    await post.round()

    assert (len(post.first.taken), len(post.second.taken)) == (1, 1)
    assert (await post.messages())[0]["state"] == "delivered"


async def test_a_receipt_that_does_not_come_brings_the_next_provider(post: Post) -> None:
    post.first.error = DeliveryFailed("no")
    await post.round()
    post.first.error = None

    await post.round(RECEIPT_WAIT_S)

    assert len(post.first.taken) == 1


async def test_what_no_provider_of_text_messages_brings_goes_by_e_mail(post: Post) -> None:
    post.first.error = post.second.error = DeliveryFailed("no such number")

    for _ in range(ATTEMPTS_MAX + 1):
        await post.round(3600)

    dead, again = await post.messages()
    assert (dead["state"], again["state"], again["channel"]) == ("failed", "delivered", "email")
    assert [one.address for one in post.mail.taken] == ["w@b.example"]
    assert (await post.api.get("/cases", state="open")).body["items"] == []


async def test_a_token_that_reaches_nobody_is_a_case(post: Post) -> None:
    post.first.error = post.second.error = post.mail.error = DeliveryFailed("no")

    for _ in range(2 * ATTEMPTS_MAX + 2):
        await post.round(3600)

    (case,) = (await post.api.get("/cases", state="open")).body["items"]
    assert case["kind"] == "message_dead" and "reprint" in case["detail"]
    assert [one["state"] for one in await post.messages()] == ["failed", "failed"]


async def test_a_late_receipt_revives_a_dead_letter(post: Post) -> None:
    post.first.error = DeliveryFailed("no")
    await post.round()
    post.second.error = post.mail.error = DeliveryFailed("no")
    for _ in range(2 * ATTEMPTS_MAX + 2):
        await post.round(3600)
    before = (await post.api.get("/cases", state="open")).body["items"]

    await post.receipt("delivered", number=before[0]["sequence"])

    assert (await post.messages())[before[0]["sequence"] - 1]["state"] == "delivered"
    assert (await post.api.get("/cases", state="open")).body["items"] == []


async def test_a_receipt_without_the_right_signature_changes_nothing(post: Post) -> None:
    post.first.error = DeliveryFailed("no")
    await post.round()

    assert await post.receipt("delivered", key=b"another key") == 401
    assert await post.receipt("delivered", age_s=301) == 401
    assert await post.receipt("delivered", name="first") == 404
    assert await post.receipt("delivered", number=99) == 404
    assert await post.receipt("lost") == 400
    assert (await post.messages())[0]["state"] == "sent"


def test_the_file_names_providers_in_their_order(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    one = {"name": "a", "url": "https://a.example/send", "key": "k", "channels": ["sms"]}
    file.write_text(json.dumps({"providers": [one, {**one, "name": "b", "receipt_key": "0123456789abcdef"}]}))

    found = carriers(config.model_copy(update={"messages_file": file}))

    assert (found.count("sms"), found.carry("email")) == (2, False)
    second = found.named("b")
    assert second is not None and second.receipt_key == b"0123456789abcdef"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "providers: Field required"),
        ('{"providers": [{"name": "a", "url": "http://a.example"}]}', "providers.0.url"),
        ('{"providers": [{"name": "a", "url": "https://a"}, {"name": "a", "url": "https://a"}]}', "one name"),
    ],
)
def test_a_wrong_file_stops_the_start_with_one_line(config: Config, tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "messages.json"
    file.write_text(content)

    with pytest.raises(ConfigError, match=says):
        carriers(config.model_copy(update={"messages_file": file}))


def test_a_file_that_is_not_there_stops_the_start(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        carriers(config.model_copy(update={"messages_file": tmp_path / "none.json"}))
