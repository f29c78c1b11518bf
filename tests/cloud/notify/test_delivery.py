"""Messages: written with the sale, handed over with the token, retried, and given up in the end."""

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cloud.config import Config
from cloud.keys import CLOCK, DATABASE, KEY_STORE
from cloud.notify import delivery, texts
from cloud.notify.delivery import Outbox
from cloud.notify.provider import DeliveryFailed, FileProvider, HttpProvider, NoProvider, Outgoing, Provider
from tests.cloud.served import SGC, Api


class Carrier:
    """A provider that remembers what it took, and refuses as often as it is told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.taken: list[Outgoing] = []

    async def send(self, message: Outgoing) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeliveryFailed("busy")
        self.taken.append(message)

    async def close(self) -> None:
        pass


def outbox(api: Api, carrier: Provider) -> Outbox:
    app = api.client.app
    assert app is not None
    return Outbox(app[DATABASE], app[KEY_STORE], carrier, app[CLOCK])


async def messages(api: Api) -> list[dict[str, object]]:
    return list((await api.get("/messages")).body["items"])


async def test_a_sale_sends_its_token_in_the_customers_language(api: Api) -> None:
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    carrier = Carrier()

    await outbox(api, carrier).deliver_due()

    assert [message.address for message in carrier.taken] == ["+254700000001"]
    assert carrier.taken[0].text == (
        f"Compteur {town.drn} : 5000 L pour 500.00 KES. Jeton : {texts.grouped(sold['token'])}"
    )


async def test_one_message_carries_every_token_of_a_sale_in_the_order_to_enter_them(api: Api) -> None:
    town = await api.town()
    await api.made("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 2})
    await api.made("/key-changes", {"drn": town.drn, "to": {"sgc": SGC, "krn": 2}})
    await api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 3_000_000})
    sold = await api.made("/vends", town.vend())
    carrier = Carrier()

    await outbox(api, carrier).deliver_due()

    digits = [texts.grouped(token["digits"]) for token in sold["tokens"]]
    assert len(digits) == 4 + 2
    assert carrier.taken[0].text == f"Compteur {town.drn} : 5000 L pour 500.00 KES. Jeton : {', '.join(digits)}"


async def test_the_database_and_the_api_hold_the_message_without_its_token(api: Api, config: Config) -> None:
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    await outbox(api, Carrier()).deliver_due()

    shown = await messages(api)
    stored = b"".join(path.read_bytes() for path in Path(str(config.kek_file)).parent.glob("cloud.db*"))

    assert shown[0]["state"] == "delivered" and "{token}" in str(shown[0]["text"])
    for digits in (sold["token"], texts.grouped(sold["token"])):
        assert digits.encode() not in stored


async def test_a_delivered_message_is_not_sent_again(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())
    carrier = Carrier()

    await outbox(api, carrier).deliver_due()
    api.clock.time += 3600
    await outbox(api, carrier).deliver_due()

    assert len(carrier.taken) == 1


async def test_a_repeat_of_a_sale_adds_no_message(api: Api) -> None:
    town = await api.town()
    order = town.vend()

    await api.made("/vends", order)
    await api.made("/vends", order)

    assert len(await messages(api)) == 1


async def test_a_refused_message_is_tried_again_after_a_growing_wait(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())
    carrier = Carrier(refusals=2)

    tries = []
    for _ in range(40):
        tries.append(await outbox(api, carrier).deliver_due())
        api.clock.time += 1

    assert [second for second, count in enumerate(tries) if count] == [0, 10, 30]
    assert (await messages(api))[0]["state"] == "delivered"


async def test_a_message_that_nobody_takes_is_given_up_and_says_why(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())
    carrier = Carrier(refusals=100)

    for _ in range(delivery.ATTEMPTS_MAX):
        await outbox(api, carrier).deliver_due()
        api.clock.time += 3600

    message = (await messages(api))[0]
    assert (message["state"], message["attempts"], message["last_error"]) == ("failed", delivery.ATTEMPTS_MAX, "busy")
    assert await outbox(api, carrier).deliver_due() == 0


async def test_two_outboxes_side_by_side_send_each_message_once(any_api: Api) -> None:
    import asyncio

    town = await any_api.town()
    for _ in range(10):
        await any_api.made("/vends", town.vend())
    carrier = Carrier()

    await asyncio.gather(*(outbox(any_api, carrier).deliver_due() for _ in range(4)))

    assert len({message.id for message in carrier.taken}) == len(carrier.taken) == 10


async def test_a_message_whose_sender_died_is_taken_up_after_its_lease(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())

    class Died(BaseException):
        pass

    class Dying(Carrier):
        async def send(self, message: Outgoing) -> None:
            raise Died

    with pytest.raises(Died):
        await outbox(api, Dying()).deliver_due()
    carrier = Carrier()
    at_once = await outbox(api, carrier).deliver_due()
    api.clock.time += 300
    later = await outbox(api, carrier).deliver_due()

    assert (at_once, later) == (0, 1)


async def test_the_file_provider_appends_lines_of_json(tmp_path: Path) -> None:
    provider = FileProvider(tmp_path / "sink")

    for number in (1, 2):
        await provider.send(Outgoing(number, "token", "+254700000001", "é"))

    lines = (tmp_path / "sink").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]


async def test_the_http_provider_posts_and_refuses_what_is_not_taken() -> None:
    seen: list[tuple[str, dict[str, object]]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=202 if len(seen) == 1 else 500)

    app = web.Application()
    app.router.add_post("/send", take)
    async with TestServer(app) as server:
        provider = HttpProvider(str(server.make_url("/send")), "secret")
        message = Outgoing(1, "token", "+254700000001", "text")
        await provider.send(message)
        with pytest.raises(DeliveryFailed, match="answered 500"):
            await provider.send(message)
        await provider.close()

    body = {"id": 1, "kind": "token", "address": "+254700000001", "text": "text"}
    assert seen == [("Bearer secret", body)] * 2


async def test_an_http_provider_that_is_away_is_a_failed_delivery() -> None:
    provider = HttpProvider("http://127.0.0.1:9/", None)

    with pytest.raises(DeliveryFailed, match="did not answer"):
        await provider.send(Outgoing(1, "token", "+254700000001", "text"))
    await provider.close()


async def test_without_a_provider_messages_wait(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())

    await outbox(api, NoProvider()).deliver_due()

    message = (await messages(api))[0]
    assert message["state"] == "queued" and "PENSTOCK_SMS_URL" in str(message["last_error"])


def test_money_is_shown_with_the_decimals_of_its_currency() -> None:
    assert texts.money(123456, "KES") == "1234.56"
    assert texts.money(5, "KES") == "0.05"
    assert texts.money(1500, "UGX") == "1500"
    assert texts.money(1500, "TND") == "1.500"


async def test_a_message_that_breaks_its_provider_does_not_hold_up_those_behind_it(api: Api) -> None:
    town = await api.town()
    for _ in range(3):
        await api.made("/vends", town.vend())
    carrier = Carrier()
    send, first = carrier.send, []

    async def breaks_on_the_first(message: Outgoing) -> None:
        if not first or message.id == first[0]:
            first[:] = [message.id]
            raise ValueError("no such header")
        await send(message)

    carrier.send = breaks_on_the_first  # type: ignore[method-assign]

    await outbox(api, carrier).deliver_due()

    assert [message["state"] for message in await messages(api)] == ["queued", "delivered", "delivered"]
    assert "ValueError" in str((await messages(api))[0]["last_error"])


async def test_no_message_is_given_up_for_want_of_a_provider(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())

    for _ in range(delivery.ATTEMPTS_MAX + 3):
        await outbox(api, NoProvider()).deliver_due()
        api.clock.time += 4000
    carrier = Carrier()
    await outbox(api, carrier).deliver_due()

    assert [message["state"] for message in await messages(api)] == ["delivered"]
