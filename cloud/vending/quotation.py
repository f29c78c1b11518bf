"""A purchase that is not made: what its tokens would carry, what they would cost, and where the money would go."""

from cloud.api.fields import View
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.vending.money_plan import MoneyBuyer, MoneyPlan
from cloud.vending.purchase import Plan, Standing
from cloud.vending.statement import DeviceSplit, Statement, statement


class Quotation(View):
    """What a purchase would come to. `tender_minor` is the money that was asked about, or that the volume needs.

    tender_minor + from_account_minor = volume_minor + fixed_taxed_minor + payment_debt_minor (in the statement) +
    to_account_minor + change_minor. `tokens_ml` is what each token would carry; for a meter that holds money it is
    empty, `volume_ml` 0, and `tokens_money` says it in 1/100000 of the currency.
    """

    currency: str
    volume_ml: int
    tokens_ml: list[int]
    tokens_money: list[int]
    tender_minor: int
    from_account_minor: int
    to_account_minor: int
    change_minor: int
    statement: Statement


def quotation(
    tariff: Tariff, version: TariffVersion, standing: Standing, planned: Plan, split: DeviceSplit | None
) -> Quotation:
    """Return a plan as it is shown."""
    settled = planned.settled
    return Quotation(
        currency=tariff.currency,
        volume_ml=planned.quote.volume_ml,
        tokens_ml=[part.volume_ml for part in planned.quote.parts],
        tokens_money=[],
        tender_minor=planned.tender_minor,
        from_account_minor=settled.from_account_minor,
        to_account_minor=settled.to_account_minor,
        change_minor=settled.change_minor,
        statement=statement(tariff, version, standing, planned, split),
    )


def of_money(found: MoneyBuyer, planned: MoneyPlan, said: Statement) -> Quotation:
    """Return a plan of a meter that holds money as it is shown."""
    settled = planned.settled
    return Quotation(
        currency=found.tariff.currency,
        volume_ml=0,
        tokens_ml=[],
        tokens_money=[part.money for part in planned.parts],
        tender_minor=planned.tender_minor,
        from_account_minor=settled.from_account_minor,
        to_account_minor=settled.to_account_minor,
        change_minor=settled.change_minor,
        statement=said,
    )
