"""Every text the display can show, by language. At most 16 characters each; the display folds accents itself."""

LANGUAGES = ("en", "fr")

# name: (English, French); {} takes a number or an amount.
_TEXTS = {
    "accepted": ("ACCEPTED", "ACCEPTÉ"),
    "rejected": ("REJECTED", "REJETÉ"),
    "used": ("USED", "DÉJÀ UTILISÉ"),
    "old": ("OLD", "TROP ANCIEN"),
    "full": ("FULL", "PLEIN"),
    "expired": ("EXPIRED", "EXPIRÉ"),
    "locked": ("LOCKED {} s", "BLOQUÉ {} s"),
    "error": ("Err {:02d}", "Err {:02d}"),
    "meter": ("METER {}", "COMPTEUR {}"),
    "which": ("METER {}?", "COMPTEUR {} ?"),
    "cancel": ("* = cancel", "* = annuler"),
    "token": ("TOKEN", "CODE"),
    "query": ("QUERY #{}", "DEMANDE #{}"),
    "unknown": ("no such query", "demande inconnue"),
    "on": ("ON", "OUVERT"),
    "off": ("OFF", "FERMÉ"),
    "moving": ("VALVE MOVES", "VANNE BOUGE"),
    "valve_fault": ("VALVE FAULT", "DÉFAUT VANNE"),
    "left": ("Left", "Reste"),
    "low": ("LOW CREDIT", "CRÉDIT FAIBLE"),
    "none": ("NO CREDIT", "CRÉDIT ÉPUISÉ"),
    "recovery": ("SERVICE NEEDED", "À DÉPANNER"),
    "credit": ("Credit", "Crédit"),
    "added": ("Added", "Ajouté"),
    "balance": ("Balance", "Solde"),
    "number": ("Meter number", "No du compteur"),
    "register": ("Register", "Index"),
    "loaded": ("Loaded to date", "Total chargé"),
    "total_used": ("Total used", "Total consommé"),
    "section": ("KEY PART {} OK", "CLÉ: PARTIE {} OK"),
    "sections_left": ("Parts missing", "Parties à taper"),
    "new_key": ("New key", "Nouvelle clé"),
    "voided": ("Voided", "Annulé"),
    "valve_test": ("Valve test", "Essai de vanne"),
    "display_test": ("##############", "##############"),
    "keypad_test": ("Keypad", "Clavier"),
    "key": ("Key", "Clé"),
    "tariff_index": ("Tariff index", "Indice tarifaire"),
    "flow_limit": ("Flow limit", "Débit maximal"),
    "flow": ("Flow", "Débit"),
    "tamper": ("Tamper", "Fraude"),
    "version": ("Version", "Version"),
    "type_token": ("Type your token", "Tapez votre code"),
    "any_key": ("Press any key", "Touche au choix"),
    "not_enrolled": ("NOT ENROLLED", "NON INSTALLÉ"),
}


class Texts:
    """The texts of one language; an unknown one is English."""

    def __init__(self, language: str) -> None:
        self._index = LANGUAGES.index(language) if language in LANGUAGES else 0

    def __call__(self, name: str, *values) -> str:
        return _TEXTS[name][self._index].format(*values)
