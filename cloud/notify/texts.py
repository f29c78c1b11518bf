"""Every text that a customer can receive, by language. `{token}` stays as it is until the moment of delivery."""

from cloud.vending.tokens import Sale
from shared import kinds

_ML_PER_LITRE = 1000
_MWH_PER_TENTH = 100_000
_ACCOUNT_DIGITS = 5

_VENDED = {
    "en": {
        "keypad": "Meter {drn}: {volume} for {amount} {currency}. Token: {{token}}",
        "remote": "Meter {drn}: {volume} for {amount} {currency}. It is being loaded. If not, key in: {{token}}",
    },
    "fr": {
        "keypad": "Compteur {drn} : {volume} pour {amount} {currency}. Jeton : {{token}}",
        "remote": "Compteur {drn} : {volume} pour {amount} {currency}. Chargement en cours. Sinon, tapez : {{token}}",
    },
}
_KEPT = {
    "en": "Meter {drn}: {amount} {currency} came in, too little for a token. It waits for your next purchase.",
    "fr": "Compteur {drn} : {amount} {currency} reçus, trop peu pour un jeton. Le montant attend votre prochain achat.",
}
_KEPT_SHARE = {
    "en": "Meter {drn}: {amount} {currency} came in, too little for a token. Your debt takes {debt}; the rest waits.",
    "fr": "Compteur {drn} : {amount} {currency} reçus, trop peu pour un jeton. Dette : {debt}, le reste attend.",
}
_DOUBLE = {
    "en": "Meter {drn}: {amount} {currency} came twice in {minutes} min. Both buy credit; call if one was a mistake.",
    "fr": "Compteur {drn} : {amount} {currency} reçus deux fois en {minutes} min. Les deux valent ; sinon, appelez.",
}
STAGES: dict[str, dict[str, str]] = {
    "en": {
        "vended": "Meter {drn}: paid and sold; the token is on its way to you.",
        "delivered": "Meter {drn}: the token was given out and waits for the meter. Key it in if you have not.",
        "held": "Meter {drn}: sold; the token is given out when the point of sale confirms the purchase.",
        "loading": "Meter {drn}: the token was given out and is being loaded over the network.",
        "applied": "Meter {drn}: the meter has taken the credit in.",
        "void": "Meter {drn}: the token was taken back; its price is on the account.",
    },
    "fr": {
        "vended": "Compteur {drn} : payé et vendu ; le jeton est en route vers vous.",
        "delivered": "Compteur {drn} : le jeton a été remis et attend le compteur. Tapez-le si ce n'est pas fait.",
        "held": "Compteur {drn} : vendu ; le jeton est remis quand le point de vente confirme l'achat.",
        "loading": "Compteur {drn} : le jeton a été remis et se charge par le réseau.",
        "applied": "Compteur {drn} : le compteur a pris le crédit.",
        "void": "Compteur {drn} : le jeton a été repris ; son prix est sur le compte.",
    },
}
_ACCEPTED = {
    "en": "Meter {drn}: credit of {added} accepted. Balance: {balance}.",
    "fr": "Compteur {drn} : crédit de {added} accepté. Solde : {balance}.",
}
WARNINGS = {
    kinds.WARN_LOW_CREDIT: "low_credit",
    kinds.WARN_VERY_LOW: "very_low_credit",
    kinds.WARN_DAYS_LEFT: "few_days_left",
    kinds.WARN_EMERGENCY_OFFERED: "emergency_offered",
    kinds.WARN_WINDOW_ENDS: "window_ends",
    kinds.WARN_LIFELINE_LOW: "lifeline_low",
}
_WARNING = {
    "en": {
        "low_credit": "Meter {drn}: {balance} of credit left. Buy credit now so that supply goes on.",
        "very_low_credit": "Meter {drn}: only {balance} of credit left. Supply ends soon unless you buy credit.",
        "few_days_left": "Meter {drn}: {balance} of credit left, at your use for a few days only. Buy credit in time.",
        "emergency_offered": "Meter {drn}: credit is used up. Emergency credit is offered: choose it at the keypad.",
        "window_ends": "Meter {drn}: credit is used up, and the hours without closing end soon. Buy credit now.",
        "lifeline_low": "Meter {drn}: today's lifeline is nearly drawn. The next begins by itself.",
    },
    "fr": {
        "low_credit": "Compteur {drn} : il reste {balance} de crédit. Rechargez maintenant pour garder l'eau.",
        "very_low_credit": "Compteur {drn} : plus que {balance} de crédit. L'eau s'arrête bientôt sans recharge.",
        "few_days_left": "Compteur {drn} : il reste {balance}, soit quelques jours à votre usage. Rechargez à temps.",
        "emergency_offered": "Compteur {drn} : crédit épuisé. Un crédit de secours est offert au clavier.",
        "window_ends": "Compteur {drn} : crédit épuisé, et les heures sans coupure finissent bientôt. Rechargez.",
        "lifeline_low": "Compteur {drn} : le minimum vital du jour est presque pris. Le prochain vient de lui-même.",
    },
}
_EMERGENCY = {
    "en": "Meter {drn}: emergency credit of up to {limit} is on. What you use of it comes off your next top-up.",
    "fr": "Compteur {drn} : crédit de secours jusqu'à {limit} activé. Il sera repris sur votre prochaine recharge.",
}
CLOSURES = {
    kinds.RULE_CREDIT_EXHAUSTED: {
        "en": "the credit is used up and the valve is closed. Buy credit to open it.",
        "fr": "le crédit est épuisé et la vanne est fermée. Rechargez pour l'ouvrir.",
    },
    kinds.RULE_BELOW_RECONNECT: {
        "en": "the valve is closed, as the credit is below what is needed to open it. Buy more credit.",
        "fr": "la vanne est fermée, car le crédit est sous le seuil d'ouverture. Rechargez davantage.",
    },
    kinds.RULE_FLOW_LIMIT: {
        "en": "the valve is closed for a while, as more flowed than the limit allows. Close some taps.",
        "fr": "la vanne est fermée un moment, car le débit dépassait la limite. Fermez des robinets.",
    },
    kinds.RULE_ARREARS: {
        "en": "the valve is closed, as a bill is overdue. Pay it or call your supplier.",
        "fr": "la vanne est fermée, car une facture est impayée. Payez-la ou appelez votre fournisseur.",
    },
    kinds.RULE_OPERATOR: {
        "en": "your supplier has closed the valve. Call them if you do not know why.",
        "fr": "votre fournisseur a fermé la vanne. Appelez-le si vous ignorez pourquoi.",
    },
    kinds.RULE_SAFETY: {
        "en": "the valve is closed for safety, for a limited time. Look for a leak or a burst pipe.",
        "fr": "la vanne est fermée par sécurité, pour un temps limité. Cherchez une fuite ou un tuyau rompu.",
    },
    kinds.RULE_ARMED: {
        "en": "supply may be opened again: confirm it at the keypad, and see that no tap is open.",
        "fr": "l'eau peut être rouverte : confirmez au clavier, robinets fermés.",
    },
}
"""What the customer is told when the valve closes, by the rule; a rule that is not here is told at the meter only."""
LIMITS = {
    kinds.RULE_LIFELINE: {
        "en": "the credit is used up. A lifeline quantity comes each day; buy credit for full supply.",
        "fr": "le crédit est épuisé. Un minimum vital vient chaque jour ; rechargez pour l'alimentation entière.",
    },
    kinds.RULE_LIFELINE_UNTRUSTED: {
        "en": "the credit is used up and the meter's clock is not sure. A lifeline quantity comes until it is set.",
        "fr": "le crédit est épuisé et l'horloge du compteur n'est pas sûre. Un minimum vital reste jusqu'au réglage.",
    },
    kinds.RULE_DRIP: {
        "en": "the credit is used up and supply is limited to a trickle. Buy credit for full supply.",
        "fr": "le crédit est épuisé et le débit est réduit à un filet. Rechargez pour le débit entier.",
    },
    kinds.RULE_TRICKLE: {
        "en": "supply is limited, as a bill is overdue. Pay it or call your supplier.",
        "fr": "le débit est réduit, car une facture est impayée. Payez-la ou appelez votre fournisseur.",
    },
    kinds.RULE_CRITICAL: {
        "en": "a lifeline quantity stays open for your need. Buy credit or call your supplier for full supply.",
        "fr": "un minimum vital reste ouvert pour votre besoin. Rechargez ou appelez votre fournisseur.",
    },
}
_BILL = {
    "en": "Bill {number}: {amount} {currency}, of it {left} {currency} to pay by {due}.",
    "fr": "Facture {number} : {amount} {currency}, dont {left} {currency} à payer avant le {due}.",
}
_REMINDER = {
    "en": "Bill {number}: {left} {currency} are due on {due}. Thank you if you have paid already.",
    "fr": "Facture {number} : {left} {currency} à payer le {due}. Merci si c'est déjà fait.",
}
_OVERDUE = {
    "en": "Bill {number}: {left} {currency} were due on {due}. Please pay, or call your supplier: supply may be "
    "limited.",
    "fr": "Facture {number} : {left} {currency} étaient dus le {due}. Payez ou appelez votre fournisseur : le débit "
    "peut être réduit.",
}
_SUPPLY = {"en": "Meter {drn}: {sentence}", "fr": "Compteur {drn} : {sentence}"}
_MINOR_DIGITS = {"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0}
_MINOR_DIGITS |= {"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3}
_MINOR_DIGITS |= {"OMR": 3, "TND": 3}  # ISO 4217; every other currency in use has two


def vended(language: str, sale: Sale, drn: str) -> str:
    """Return the message of a sale, with `{token}` where the tokens go, in the order to enter them."""
    first = sale.vend
    return _VENDED[language][first.delivery].format(
        drn=drn,
        volume=amount(sale.credit, None if sale.money is None else first.currency, sale.meter.commodity),
        amount=money(sale.amount_minor, first.currency),
        currency=first.currency,
    )


def kept(language: str, drn: str, amount_minor: int, currency: str, debt_minor: int = 0) -> str:
    """Return the message of a payment that buys no token by itself; a debt may have taken its share."""
    shown = {"drn": drn, "amount": money(amount_minor, currency), "currency": currency}
    if debt_minor:
        return _KEPT_SHARE[language].format(debt=money(debt_minor, currency), **shown)
    return _KEPT[language].format(**shown)


def double(language: str, drn: str, amount_minor: int, currency: str, minutes: int) -> str:
    """Return the message of a payment that looks like a double of one before it."""
    shown = money(amount_minor, currency)
    return _DOUBLE[language].format(drn=drn, amount=shown, currency=currency, minutes=minutes)


def stage(language: str, drn: str, name: str) -> str:
    """Return the sentence about a stage of STAGES."""
    return STAGES[language][name].format(drn=drn)


def credit_accepted(language: str, drn: str, added: str, balance: str) -> str:
    """Return the message that says that a meter took credit in."""
    return _ACCEPTED[language].format(drn=drn, added=added, balance=balance)


def warning(language: str, drn: str, kind: str, balance: str) -> str:
    """Return a warning of WARNINGS."""
    return _WARNING[language][kind].format(drn=drn, balance=balance)


def emergency_credit(language: str, drn: str, limit: str) -> str:
    """Return the message that says that emergency credit is on."""
    return _EMERGENCY[language].format(drn=drn, limit=limit)


def supply(language: str, drn: str, rule: int) -> str:
    """Return the message that says why a meter closes or limits supply; the rule is one of CLOSURES or LIMITS."""
    return _SUPPLY[language].format(drn=drn, sentence=(CLOSURES.get(rule) or LIMITS[rule])[language])


def bill(language: str, number: int, total_minor: int, left_minor: int, currency: str, due: str) -> str:
    """Return the message of a new bill; `due` is a date."""
    amounts = {"amount": money(total_minor, currency), "left": money(left_minor, currency), "currency": currency}
    return _BILL[language].format(number=number, due=due, **amounts)


def reminder(language: str, number: int, left_minor: int, currency: str, due: str) -> str:
    """Return the message that a bill is due soon."""
    return _REMINDER[language].format(number=number, left=money(left_minor, currency), currency=currency, due=due)


def overdue(language: str, number: int, left_minor: int, currency: str, due: str) -> str:
    """Return the message that a bill is late."""
    return _OVERDUE[language].format(number=number, left=money(left_minor, currency), currency=currency, due=due)


def amount(value: int, currency: str | None, commodity: str = "water") -> str:
    """Return an amount of a meter's account: a quantity, or money in 1/100000 of the currency's unit."""
    if currency is None:
        return quantity(value, commodity)
    digits = _MINOR_DIGITS.get(currency, 2)
    minor = abs(value) // 10 ** (_ACCOUNT_DIGITS - digits)
    return f"{'-' if value < 0 and minor else ''}{money(minor, currency)} {currency}"


def quantity(value: int, commodity: str) -> str:
    """Return a quantity as people read it, never more than it is: whole litres, or of mWh kWh with one decimal."""
    if commodity != "electricity":
        return litres(value)
    tenths = abs(value) // _MWH_PER_TENTH
    return f"{'-' if value < 0 and tenths else ''}{tenths // 10}.{tenths % 10} kWh"


def litres(volume_ml: int) -> str:
    """Return a volume as people read it, in whole litres; less than a litre is not shown."""
    whole = abs(volume_ml) // _ML_PER_LITRE
    return f"{'-' if volume_ml < 0 and whole else ''}{whole} L"


def minor_digits(currency: str) -> int:
    """Return how many decimals a currency has (ISO 4217)."""
    return _MINOR_DIGITS.get(currency, 2)


def money(amount_minor: int, currency: str) -> str:
    """Return an amount in major units with the currency's own number of decimals."""
    digits = _MINOR_DIGITS.get(currency, 2)
    if digits == 0:
        return str(amount_minor)
    return f"{amount_minor // 10**digits}.{amount_minor % 10**digits:0{digits}d}"


def grouped(digits: str) -> str:
    """Return a token in fours, as it is typed."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
