"""The books as an auditor sees them: a trial balance that is zero, entries page by page, and nobody else's."""

from tests.cloud.served import Api, Town


def cash(amount_minor: int) -> dict[str, object]:
    return {"kind": "cash", "amount_minor": amount_minor, "currency": "KES"}


async def sold(api: Api) -> Town:
    """A town with a sale that left something over, and one that used it."""
    town = await api.town()
    await api.made("/vends", town.vend(volume_ml=199_999, tender=cash(2_500)))
    await api.made("/vends", town.vend(volume_ml=100_000, tender=cash(1)))
    return town


async def test_the_trial_balance_says_where_the_money_is(any_api: Api) -> None:
    town = await sold(any_api)

    found = (await any_api.get(f"/books/{town.utility}")).body

    assert found["holds"] is True
    assert found["units"] == [{"unit": "KES", "left_over": 0}, {"unit": "ml", "left_over": 0}]
    accounts = {row["code"]: (row["debit"], row["credit"], row["balance"], row["kind"]) for row in found["accounts"]}
    assert accounts == {
        "cash": (2_501, 501, 2_000, "asset"),
        f"customer:{town.customer}": (999, 999, 0, "liability"),
        "revenue:water": (0, 2_000, -2_000, "income"),
        "in_flight:water": (0, 200_000, -200_000, "liability"),
        "issued:water": (200_000, 0, 200_000, "expense"),
    }


async def test_the_trial_balance_is_a_file_with_the_same_figures(any_api: Api) -> None:
    town = await sold(any_api)

    files = {kind: (await any_api.get(f"/books/{town.utility}", format=kind)).body for kind in ("csv", "xlsx", "pdf")}

    lines = files["csv"].decode().splitlines()
    assert lines[0] == "Trial balance: KES"
    assert "cash,asset,25.01,5.01,20.00,yes" in lines
    assert "issued:water,expense,0.2,0,0.2,yes" in lines
    assert files["xlsx"][:2] == b"PK" and files["pdf"][:4] == b"%PDF"


async def test_books_in_which_nothing_stands_are_a_file_too(api: Api) -> None:
    town = await api.town(enrol=False)

    assert (await api.get(f"/books/{town.utility}", format="csv")).body == b"Account\r\n"


async def test_an_entry_shows_who_sold_what_and_each_of_its_postings(api: Api) -> None:
    town = await sold(api)

    first = (await api.get("/books/entries")).body["items"][0]

    sale = (await api.get("/vends")).body["items"][0]
    assert (first["key"], first["kind"], first["subject"]) == (
        f"sale:{sale['purchase_id']}",
        "sale",
        sale["purchase_id"],
    )
    assert (first["utility_id"], first["at"]) == (town.utility, sale["created_at"])
    assert first["actor"] and first["reason"]
    assert [(row["line"], row["account"], row["amount"], row["what"]) for row in first["postings"]] == [
        (1, "cash", 2_500, "tender"),
        (2, "cash", -501, "change"),
        (3, "revenue:water", -1_000, "price"),
        (4, f"customer:{town.customer}", -999, "kept"),
        (5, "issued:water", 100_000, "sale"),
        (6, "in_flight:water", -100_000, "sale"),
    ]


async def test_entries_are_listed_page_by_page_without_a_gap(api: Api) -> None:
    await sold(api)
    every = (await api.get("/books/entries")).body

    pages = [(await api.get("/books/entries", limit=1)).body]
    pages.append((await api.get("/books/entries", limit=1, after=pages[0]["next"])).body)

    assert every["next"] is None and pages[1]["next"] is None
    assert [page["items"][0] for page in pages] == every["items"]


async def test_the_books_of_another_utility_are_not_found(api: Api) -> None:
    town, other = await sold(api), await sold(api)
    key = await api.made("/api-keys", {"name": "one", "scopes": ["books:read"], "utility_id": other.utility})
    reader = api.as_key(key["key"])

    hidden = await reader.get(f"/books/{town.utility}")
    entries = (await reader.get("/books/entries")).body["items"]

    assert (hidden.status, hidden.code) == (404, "not_found")
    assert {entry["utility_id"] for entry in entries} == {other.utility}
    assert (await reader.get(f"/books/{other.utility}")).status == 200
    assert (await api.get("/books/999999")).status == 404


async def test_who_may_not_read_the_books_is_refused(api: Api) -> None:
    town = await sold(api)
    key = await api.made("/api-keys", {"name": "seller", "scopes": ["vend", "vends:read"]})

    for path in (f"/books/{town.utility}", "/books/entries"):
        assert (await api.as_key(key["key"]).get(path)).status == 403


async def test_a_repeat_of_a_sale_posts_nothing_more(api: Api) -> None:
    town = await api.town()
    order = town.vend()
    await api.made("/vends", order)
    before = (await api.get("/books/entries")).body

    await api.made("/vends", order)

    assert (await api.get("/books/entries")).body == before
