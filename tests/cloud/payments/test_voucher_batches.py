"""Batches of vouchers: one person makes them up to a limit, above it with another who approves, and gets no codes."""

from typing import Any

from tests.cloud.payments.paying import Paying
from tests.cloud.served import START, Api

LIMIT_MINOR = 10_000_000
"""What the served cloud of tests lets one person make in a day."""
LARGE = {"count": 201, "amount_minor": 50_000, "currency": "KES", "expires_at": START + 30 * 86_400}


async def ask(paying: Paying, **changes: Any) -> Any:
    return await paying.api.made("/voucher-batches", {"utility_id": 1, "reason": "for the shop", **LARGE, **changes})


async def approver(paying: Paying) -> Api:
    return await paying.api.person("approver@penstock.example", scopes=["payments:approve", "vouchers:write"])


async def test_a_batch_above_the_limit_has_no_codes_until_another_person_approved_it(any_paying: Paying) -> None:
    asked = await ask(any_paying)
    path = f"/voucher-batches/{asked['batch']['id']}"
    other = await approver(any_paying)

    early = await any_paying.api.post(f"{path}/codes")
    unsold = await any_paying.api.post(
        f"{path}/sale", {"sold_to": "Shop", "paid_by": "bank", "price_minor": 1, "reference": "r"}
    )
    own = await any_paying.api.post(f"{path}/approve", LARGE)
    approved = await other.made(f"{path}/approve", LARGE)
    theirs = await other.post(f"{path}/codes")
    made = await any_paying.api.made(f"{path}/codes", None)
    again = await any_paying.api.post(f"{path}/codes")
    redeemed = await any_paying.api.post(
        "/vouchers/redeem", {"code": made["vouchers"][200]["code"], "drn": any_paying.town.drn}
    )

    assert (asked["batch"]["state"], asked["vouchers"]) == ("waiting", [])
    assert [(one.status, one.code) for one in (early, unsold, own, theirs, again)] == [
        (409, "batch_state"),
        (422, "batch_not_made"),
        (403, "own_request"),
        (403, "own_request"),
        (409, "batch_state"),
    ]
    assert (approved["state"], made["batch"]["state"], len(made["vouchers"])) == ("approved", "done", 201)
    assert redeemed.status == 200


async def test_the_limit_counts_for_all_that_nobody_else_approved_in_a_day(any_paying: Paying) -> None:
    small = {"count": 100}  # half of the limit
    first, second, third = [(await ask(any_paying, **small))["batch"] for _ in range(3)]
    any_paying.api.clock.time += 86_400 + 1
    later = (await ask(any_paying, **small))["batch"]

    assert [one["state"] for one in (first, second, third, later)] == ["done", "done", "waiting", "done"]


async def test_an_approval_names_what_was_seen(paying: Paying) -> None:
    number = (await ask(paying))["batch"]["id"]
    other = await approver(paying)

    for wrong in ({"count": 1}, {"amount_minor": 1}, {"expires_at": START + 86_400}, {"currency": "USD"}):
        answer = await other.post(f"/voucher-batches/{number}/approve", {**LARGE, **wrong})
        assert (answer.status, answer.code) == (409, "seen_differs")
        assert "201 vouchers of 50000 KES" in answer.body["detail"]


async def test_a_batch_that_was_declined_or_stopped_is_never_made(paying: Paying) -> None:
    declined, stopped = [(await ask(paying))["batch"]["id"] for _ in range(2)]
    other = await approver(paying)
    await other.made(f"/voucher-batches/{declined}/decline", None)
    await paying.api.made(f"/voucher-batches/{stopped}/stop", None)

    answers = [
        await other.post(f"/voucher-batches/{declined}/approve", LARGE),
        await paying.api.post(f"/voucher-batches/{declined}/codes"),
        await other.post(f"/voucher-batches/{stopped}/approve", LARGE),
    ]

    assert [(one.status, one.code) for one in answers] == [
        (409, "decided"),
        (409, "batch_state"),
        (422, "batch_stopped"),
    ]
