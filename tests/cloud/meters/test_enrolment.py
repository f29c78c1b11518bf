"""Enrolment: proof before keys, a challenge once, a device for one gateway, and a bundle that one device can read."""

import asyncio

from cloud.keys import DATABASE
from cloud.meters import enrolment
from shared import documents
from shared.policy import decode_policy
from tests.cloud.served import Answer, Api, KeyedDevice, Town
from tools.authority import Paths


async def prove(town: Town, device: KeyedDevice, asked: Answer) -> Answer:
    body = asked.body
    signature = device.answer(body["utility"], body["gateway"], bytes.fromhex(body["challenge"]))
    return await town.api.post(f"/gateways/{town.gateway}/enrolment/proof", {"signature": signature.hex()})


async def test_the_bundle_carries_what_the_gateway_needs(api: Api, certificates: Paths) -> None:
    town = await api.town(enrol=False)
    opened: dict[str, object] = {}

    class Reading(KeyedDevice):
        def start(self, bundle: dict) -> None:  # type: ignore[type-arg]
            opened.update(bundle)
            super().start(bundle)

    device = Reading()
    answer = await town.enrol(device)

    assert (opened["utility"], opened["gateway"], opened["epoch"]) == (town.utility, town.gateway, 1)
    assert opened["broker_user"] == f"gw-{town.gateway}".encode()
    assert opened["broker_ca"] == certificates.ca_der.read_bytes()
    assert (opened["broker_host"], opened["broker_port"]) == (b"localhost", 8883)
    assert decode_policy(opened["policy"][: -documents.SIGNATURE_SIZE]).version == 1  # type: ignore[index]
    assert device.decoder_keys.keys() == {0} and len(device.decoder_keys[0]) == 16
    assert answer["epoch"] == 1


async def test_the_password_of_the_bundle_opens_the_broker_for_this_gateway_alone(api: Api) -> None:
    town, other = await api.town(), await api.town()
    app = api.client.app
    assert app is not None

    async with app[DATABASE].read() as session:
        assert await enrolment.mqtt_password_fits(session, town.gateway, town.device.password)
        assert not await enrolment.mqtt_password_fits(session, other.gateway, town.device.password)
        assert not await enrolment.mqtt_password_fits(session, town.gateway, "")


async def test_a_proof_with_another_key_is_refused_and_opens_nothing(api: Api) -> None:
    town = await api.town(enrol=False)
    asked = await town.challenge(KeyedDevice())

    answer = await prove(town, KeyedDevice(), asked)

    assert (answer.status, answer.code) == (422, "proof_wrong")
    assert (await api.get(f"/gateways/{town.gateway}")).body["epoch"] == 0


async def test_a_challenge_is_answered_once(any_api: Api) -> None:
    town = await any_api.town(enrol=False)
    device = KeyedDevice()
    asked = await town.challenge(device)

    answers = await asyncio.gather(*(prove(town, device, asked) for _ in range(5)))

    assert sorted(answer.status for answer in answers)[0] == 200
    assert all(answer.status in (409, 422) for answer in answers if answer.status != 200)
    assert [answer.status for answer in answers].count(200) == 1


async def test_a_challenge_expires(api: Api) -> None:
    town = await api.town(enrol=False)
    device = KeyedDevice()
    asked = await town.challenge(device)
    api.clock.time += enrolment.CHALLENGE_LIFE_S

    answer = await prove(town, device, asked)

    assert (answer.status, answer.code) == (422, "no_challenge")


async def test_a_new_challenge_takes_the_place_of_the_old_one(api: Api) -> None:
    town = await api.town(enrol=False)
    device = KeyedDevice()
    old = await town.challenge(device)
    await town.challenge(device)

    answer = await prove(town, device, old)

    assert (answer.status, answer.code) == (422, "proof_wrong")


async def test_a_device_key_of_another_gateway_is_refused(api: Api) -> None:
    town, other = await api.town(), await api.town(enrol=False)

    answer = await other.challenge(town.device)

    assert (answer.status, answer.code) == (409, "device_key_enrolled")


async def test_hardware_of_another_gateway_is_refused(api: Api) -> None:
    town, other = await api.town(), await api.town(enrol=False)
    device = KeyedDevice()
    device.hardware_id = town.device.hardware_id

    answer = await other.challenge(device)

    assert (answer.status, answer.code) == (409, "hardware_enrolled")


async def test_a_new_device_opens_the_next_epoch_and_the_old_password_dies(api: Api) -> None:
    town = await api.town()
    old = town.device
    app = api.client.app
    assert app is not None

    bundle = await town.enrol(KeyedDevice())

    assert bundle["epoch"] == 2
    async with app[DATABASE].read() as session:
        assert not await enrolment.mqtt_password_fits(session, town.gateway, old.password)


async def test_a_device_whose_bundle_was_lost_gets_another_for_the_same_epoch(api: Api) -> None:
    town = await api.town()
    first_password = town.device.password

    bundle = await town.enrol(town.device)

    assert bundle["epoch"] == 1
    assert town.device.password != first_password


async def test_the_key_of_an_earlier_epoch_never_comes_back(api: Api) -> None:
    town = await api.town()
    await town.enrol(KeyedDevice())

    answer = await town.challenge(town.device)

    assert (answer.status, answer.code) == (409, "device_key_enrolled")


async def test_tokens_sold_after_enrolment_are_above_the_meters_minimum(api: Api) -> None:
    town = await api.town()

    sold = await api.made("/vends", town.vend())

    assert sold["tid"] > town.device.state.meters[0].tids.minimum


async def test_a_gateway_without_meters_is_not_enrolled(api: Api) -> None:
    town = await api.town(enrol=False)
    town.gateway = (await api.made("/gateways", {"utility_id": town.utility, "name": "empty"}))["id"]
    device = KeyedDevice()

    answer = await prove(town, device, await town.challenge(device))

    assert (answer.status, answer.code) == (422, "no_meters")


async def test_a_weak_seal_key_is_refused(api: Api) -> None:
    town = await api.town(enrol=False)
    device = KeyedDevice()
    device.seal_public = bytes(32)

    answer = await prove(town, device, await town.challenge(device))

    assert (answer.status, answer.code) == (422, "seal_key_weak")


async def test_a_device_key_that_fits_every_signature_is_refused(api: Api) -> None:
    town = await api.town(enrol=False)
    device = KeyedDevice()
    device.device_public = b"\x01" + bytes(31)  # the neutral point: S times the base point signs anything
    asked = await town.challenge(device)
    forged = b"\x58" + b"\x66" * 31 + b"\x01" + bytes(31)

    answer = await api.post(f"/gateways/{town.gateway}/enrolment/proof", {"signature": forged.hex()})

    assert asked.status == 201
    assert (answer.status, answer.code) == (422, "proof_wrong")
