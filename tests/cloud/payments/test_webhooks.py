"""Messages of providers: checked on the raw bytes, kept once, and read as their documentation says."""

import json
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from cloud.errors import BadRequest, CloudError
from cloud.payments.channels import channels
from cloud.payments.providers import stripe
from cloud.payments.providers.interface import Answered, Delivery, Ended, Message
from cloud.payments.rules import PAID, REVERSED, Notice
from tests.cloud.conftest import settings
from tests.cloud.payments.paying import Paying
from tests.fakes import provider as fake
from tools.authority import Paths

VECTORS = Path(__file__).parents[2] / "vectors/payments"
NOW = 1_750_000_000
DRN = "04123456784"


@pytest.fixture
def read(tmp_path: Path, certificates: Paths) -> Any:
    """Reads a message with the channel of a name."""
    file = tmp_path / "payments.json"
    file.write_text(json.dumps(fake.channels("http://127.0.0.1:1", 1)))
    config = settings("sqlite://", tmp_path, certificates).model_copy(update={"payments_file": file})
    made = channels(config, lambda: NOW)

    def read(
        channel: str, body: bytes, headers: dict[str, str], tail: str = "", remote: str = "127.0.0.1"
    ) -> list[Message]:
        provider = made[channel].provider
        assert provider is not None
        return provider.read(Delivery(CIMultiDict(headers), body, remote, tail, NOW))

    read.channels = made  # type: ignore[attr-defined]
    return read


def sample(name: str) -> bytes:
    return (VECTORS / f"{name}.json").read_bytes()


def refused(error: "pytest.ExceptionInfo[CloudError]") -> tuple[int, str]:
    return error.value.status, error.value.code


def test_a_sample_of_stripe_is_read_as_a_payment(read: Any) -> None:
    body = sample("stripe_payment_intent_succeeded")

    messages = read("cards", body, stripe.sign(body, fake.STRIPE_SECRET, NOW))

    assert messages == [Notice(PAID, "pi_3QxKf2LkdIwHu7ix1mXwZJbA", 50_000, "KES", DRN, 1_749_999_980)]


def test_a_refund_at_stripe_names_the_payment_that_it_takes_back(read: Any) -> None:
    body = sample("stripe_charge_refunded")

    (notice,) = read("cards", body, stripe.sign(body, fake.STRIPE_SECRET, NOW))

    assert (notice.kind, notice.reference, notice.amount_minor) == (REVERSED, "pi_3QxKf2LkdIwHu7ix1mXwZJbA", 50_000)


def test_the_signature_of_stripe_is_the_one_of_its_documentation(read: Any) -> None:
    # As `openssl dgst -sha256 -hmac` has it over "1750000000.{}".
    expected = "629b2445cd6d2a3d332b7ab4549bd70a3e1b86967af739d3794f6bc7b9fb673e"

    assert stripe.sign(b"{}", "whsec_first_0123456789", NOW) == {"Stripe-Signature": f"t=1750000000,v1={expected}"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda h: {}, "signature_missing"),
        (lambda h: {"Stripe-Signature": h.replace("v1=", "v0=")}, "signature_wrong"),
        (lambda h: {"Stripe-Signature": h[:-1] + ("0" if h[-1] != "0" else "1")}, "signature_wrong"),
        (lambda h: {"Stripe-Signature": h.replace(f"t={NOW}", f"t={NOW + 1}")}, "signature_wrong"),
        (lambda h: {"Stripe-Signature": h + ",t=1"}, "signature_missing"),
        (lambda h: {"Stripe-Signature": "t=²,v1=é"}, "signature_missing"),
        (lambda h: {"Stripe-Signature": f"t={NOW},v1=é"}, "signature_wrong"),
    ],
)
def test_stripe_without_its_signature_is_refused(read: Any, change: Any, code: str) -> None:
    body = sample("stripe_payment_intent_succeeded")
    header = stripe.sign(body, fake.STRIPE_SECRET, NOW)["Stripe-Signature"]

    with pytest.raises(CloudError) as error:
        read("cards", body, change(header))

    assert refused(error) == (401, code)


def test_one_good_signature_of_several_is_enough_while_a_secret_is_rolled(read: Any) -> None:
    body = sample("stripe_payment_intent_succeeded")
    header = stripe.sign(body, fake.STRIPE_SECRET, NOW)["Stripe-Signature"]
    wrong = "0" * 64

    assert read("cards", body, {"Stripe-Signature": header.replace("v1=", f"v1={wrong},v1=")})


@pytest.mark.parametrize("age_s", [301, -301])
def test_an_old_signature_is_refused(read: Any, age_s: int) -> None:
    body = sample("stripe_payment_intent_succeeded")

    with pytest.raises(CloudError) as error:
        read("cards", body, stripe.sign(body, fake.STRIPE_SECRET, NOW - age_s))

    assert refused(error) == (401, "signature_old")


def test_one_changed_byte_of_the_body_is_refused(read: Any) -> None:
    body = sample("stripe_payment_intent_succeeded")
    headers = stripe.sign(body, fake.STRIPE_SECRET, NOW)

    with pytest.raises(CloudError) as error:
        read("cards", body.replace(b"50000", b"90000"), headers)

    assert refused(error) == (401, "signature_wrong")


def test_a_test_payment_buys_nothing_where_real_ones_do(read: Any) -> None:
    body = sample("stripe_payment_intent_succeeded").replace(b'"livemode": false', b'"livemode": true')

    with pytest.raises(BadRequest) as error:
        read("cards", body, stripe.sign(body, fake.STRIPE_SECRET, NOW))

    assert refused(error) == (400, "wrong_mode")


def test_what_is_no_payment_is_taken_and_says_nothing(read: Any) -> None:
    body = json.dumps({"type": "customer.created", "livemode": False}).encode()

    assert read("cards", body, stripe.sign(body, fake.STRIPE_SECRET, NOW)) == []


def test_a_sample_of_flutterwave_is_read_with_either_credential(read: Any) -> None:
    body = sample("flutterwave_charge_completed")
    expected = [Notice(PAID, "285959875", 10_050, "KES", DRN, NOW - 20)]

    assert read("flw", body, {"verif-hash": fake.FLUTTERWAVE_HASH}) == expected
    assert read("flw", body, {"flutterwave-signature": fake.flutterwave_signature(body)}) == expected


@pytest.mark.parametrize("header", ["verif-hash", "flutterwave-signature"])
def test_flutterwave_with_a_wrong_credential_is_refused(read: Any, header: str) -> None:
    good = {"verif-hash": fake.FLUTTERWAVE_HASH} if header != "verif-hash" else {}

    with pytest.raises(CloudError) as error:
        read("flw", sample("flutterwave_charge_completed"), {**good, header: "wrong"})

    assert refused(error) == (401, "signature_wrong")


def test_a_sample_of_m_pesa_is_read_as_a_payment(read: Any) -> None:
    tail = f"{fake.PATH_SECRET}/confirmation"

    messages = read("paybill", sample("mpesa_confirmation"), {}, tail)

    assert messages == [Notice(PAID, "TFF6M1X7QZ", 50_000, "KES", "0412 345 6784", NOW - 20)]


@pytest.mark.parametrize(
    ("tail", "remote", "code"),
    [
        ("wrong/confirmation", "127.0.0.1", "address_wrong"),
        ("confirmation", "127.0.0.1", "address_wrong"),
        (f"{fake.PATH_SECRET}/other", "127.0.0.1", "address_wrong"),
        (f"{fake.PATH_SECRET}/status/TFF6M1X7QZ/{'0' * 40}", "127.0.0.1", "address_wrong"),
        (f"{fake.PATH_SECRET}/push/1/{DRN}/{'0' * 40}", "127.0.0.1", "address_wrong"),
        (f"{fake.PATH_SECRET}/confirmation", "10.0.0.1", "sender_unknown"),
        (f"{fake.PATH_SECRET}/confirmation", "", "sender_unknown"),
    ],
)
def test_m_pesa_from_elsewhere_or_to_another_address_is_refused(read: Any, tail: str, remote: str, code: str) -> None:
    with pytest.raises(CloudError) as error:
        read("paybill", sample("mpesa_confirmation"), {}, tail, remote)

    assert refused(error) == (401, code)


def test_a_confirmation_for_another_short_code_is_refused(read: Any) -> None:
    body = sample("mpesa_confirmation").replace(b"600610", b"600611")

    with pytest.raises(BadRequest) as error:
        read("paybill", body, {}, f"{fake.PATH_SECRET}/confirmation")

    assert refused(error) == (400, "wrong_short_code")


def address(read: Any, *parts: str) -> str:
    daraja = read.channels["paybill"].provider.daraja
    return str(daraja._address(*parts)).partition("/paybill/")[2]


def test_the_samples_of_a_push_end_it_with_a_payment_or_without(read: Any) -> None:
    tail = address(read, "push", "7", DRN)

    paid = read("paybill", sample("mpesa_stk_callback"), {}, tail)
    cancelled = read("paybill", sample("mpesa_stk_cancelled"), {}, tail)

    assert paid == [Ended(7, "TFF6M1X7QZ"), Notice(PAID, "TFF6M1X7QZ", 50_000, "KES", DRN, NOW - 20)]
    assert cancelled == [Ended(7, None)]


def test_the_sample_of_a_transaction_status_confirms_only_what_was_asked(read: Any) -> None:
    body = sample("mpesa_status_result")

    answered = read("paybill", body, {}, address(read, "status", "TFF6M1X7QZ"))
    other = read("paybill", body, {}, address(read, "status", "TFF6M1X7QA"))

    assert answered == [Answered("TFF6M1X7QZ", Notice(PAID, "TFF6M1X7QZ", 50_000, "KES", "", NOW - 20))]
    assert other == [Answered("TFF6M1X7QA", None)]


def test_a_real_payment_to_somebody_else_confirms_nothing(read: Any) -> None:
    body = sample("mpesa_status_result").replace(b"600610 - ", b"600611 - ")

    assert read("paybill", body, {}, address(read, "status", "TFF6M1X7QZ")) == [Answered("TFF6M1X7QZ", None)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"TransID": 1}'])
async def test_a_message_of_another_form_is_refused_and_nothing_is_kept(paying: Paying, body: bytes) -> None:
    path = f"/webhooks/paybill/{fake.PATH_SECRET}/confirmation"

    async with paying.api.client.post(path, data=body) as response:
        status = response.status

    assert status == 400
    assert await paying.payments() == []


async def test_an_unknown_channel_and_a_bank_take_no_messages(paying: Paying) -> None:
    for path in ("/webhooks/other", "/webhooks/bank"):
        async with paying.api.client.post(path, data=b"{}") as response:
            assert response.status == 404


async def test_a_large_message_is_refused(paying: Paying) -> None:
    async with paying.api.client.post("/webhooks/cards", data=b"x" * 70_000) as response:
        assert response.status == 413
