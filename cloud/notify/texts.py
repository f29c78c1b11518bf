"""Every text that a customer can receive, by language. `{token}` stays as it is until the moment of delivery."""

from cloud.vending.tokens import Sale

_ML_PER_LITRE = 1000

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
_ACCEPTED = {
    "en": "Meter {drn}: credit of {volume} accepted. Balance: {balance}.",
    "fr": "Compteur {drn} : crédit de {volume} accepté. Solde : {balance}.",
}
_LOW_CREDIT = {
    "en": "Meter {drn}: {balance} of credit left. Buy credit now so that supply goes on.",
    "fr": "Compteur {drn} : il reste {balance} de crédit. Rechargez maintenant pour garder l'eau.",
}
_SUPPLY_CLOSED = {
    "en": "Meter {drn}: the credit is used up and the valve is closed. Buy credit to open it.",
    "fr": "Compteur {drn} : le crédit est épuisé et la vanne est fermée. Rechargez pour l'ouvrir.",
}
_MINOR_DIGITS = {"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0}
_MINOR_DIGITS |= {"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3}
_MINOR_DIGITS |= {"OMR": 3, "TND": 3}  # ISO 4217; every other currency in use has two


def vended(language: str, sale: Sale, drn: str) -> str:
    """Return the message of a sale, with `{token}` where the tokens go, in the order to enter them."""
    first = sale.vend
    return _VENDED[language][first.delivery].format(
        drn=drn,
        volume=litres(sale.volume_ml),
        amount=money(sale.amount_minor, first.currency),
        currency=first.currency,
    )


def credit_accepted(language: str, drn: str, volume_ml: int, balance_ml: int) -> str:
    """Return the message that says that a meter took credit in."""
    return _ACCEPTED[language].format(drn=drn, volume=litres(volume_ml), balance=litres(balance_ml))


def low_credit(language: str, drn: str, balance_ml: int) -> str:
    """Return the warning that credit is running out."""
    return _LOW_CREDIT[language].format(drn=drn, balance=litres(balance_ml))


def supply_closed(language: str, drn: str) -> str:
    """Return the message that says that a meter closes for lack of credit."""
    return _SUPPLY_CLOSED[language].format(drn=drn)


def litres(volume_ml: int) -> str:
    """Return a volume as people read it, in whole litres; less than a litre is not shown."""
    whole = abs(volume_ml) // _ML_PER_LITRE
    return f"{'-' if volume_ml < 0 and whole else ''}{whole} L"


def money(amount_minor: int, currency: str) -> str:
    """Return an amount in major units with the currency's own number of decimals."""
    digits = _MINOR_DIGITS.get(currency, 2)
    if digits == 0:
        return str(amount_minor)
    return f"{amount_minor // 10**digits}.{amount_minor % 10**digits:0{digits}d}"


def grouped(digits: str) -> str:
    """Return a token in fours, as it is typed."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
