"""Every text the display can show: one row each, one column a language. The display folds accents itself.

A row is a constant, so a frozen image keeps the table in flash. Labels, which may stand behind "M1 ", have at most 13
characters; what fills a line has 16. A third language is one more name in LANGUAGES and one more column.
"""

LANGUAGES = ("en", "fr")

# Name, English, French; {} takes a number, a time or an amount.
_TEXTS = (
    # Results of a token.
    ("accepted", "ACCEPTED", "ACCEPTÉ"),
    ("rejected", "REJECTED", "REJETÉ"),
    ("used", "USED", "DÉJÀ UTILISÉ"),
    ("old", "OLD", "TROP ANCIEN"),
    ("full", "FULL", "PLEIN"),
    ("expired", "EXPIRED", "EXPIRÉ"),
    ("locked", "LOCKED {} s", "BLOQUÉ {} s"),
    ("error", "Err {:02d}", "Err {:02d}"),
    ("section", "KEY PART {} OK", "CLÉ: PARTIE {} OK"),
    # Typing.
    ("meter", "METER {}", "COMPTEUR {}"),
    ("short_meter", "M{}", "C{}"),
    ("which", "METER {}?", "COMPTEUR {} ?"),
    ("cancel", "* = cancel", "* = annuler"),
    ("token", "TOKEN", "CODE"),
    ("query", "QUERY #{}", "DEMANDE #{}"),
    ("pin", "PIN {}", "PIN {}"),
    ("pin_wrong", "WRONG PIN", "PIN FAUX"),
    ("pin_locked", "PIN LOCKED", "PIN BLOQUÉ"),
    ("unknown", "No such query", "Inconnu"),
    ("type_token", "Type your token", "Tapez votre code"),
    ("any_key", "Press any key", "Touche au choix"),
    ("not_enrolled", "NOT ENROLLED", "NON INSTALLÉ"),
    # The state of supply.
    ("on", "ON", "OUVERT"),
    ("off", "OFF", "FERMÉ"),
    ("lifeline_on", "LIFELINE", "MINIMUM"),
    ("drip_on", "DRIP", "FILET"),
    ("moving", "VALVE MOVES", "VANNE BOUGE"),
    ("valve_fault", "VALVE FAULT", "DÉFAUT VANNE"),
    ("left", "Left", "Reste"),
    ("days", "{} days left", "{} jours"),
    # What else is to be known, in turn.
    ("recovery", "SERVICE NEEDED", "À DÉPANNER"),
    ("safe_mode", "SAFE MODE", "MODE SECOURS"),
    ("low", "LOW CREDIT", "CRÉDIT FAIBLE"),
    ("none", "NO CREDIT", "CRÉDIT ÉPUISÉ"),
    ("fault_0", "LEAK", "FUITE"),
    ("fault_1", "BURST", "RUPTURE"),
    ("fault_2", "DRIPPING", "GOUTTE À GOUTTE"),
    ("fault_3", "REVERSE FLOW", "FLUX INVERSE"),
    ("fault_4", "NO PULSES", "SANS IMPULSIONS"),
    ("fault_5", "FLOW WHEN SHUT", "VANNE QUI FUIT"),
    ("fault_6", "VALVE FAULT", "DÉFAUT VANNE"),
    ("fault_7", "MAGNET", "AIMANT"),
    ("fault_8", "CALENDAR OLD", "CALENDRIER PASSÉ"),
    ("lid_open", "LID OPEN", "CAPOT OUVERT"),
    ("key_stuck", "KEY {} STUCK", "TOUCHE {} BLOQUÉE"),
    ("ready", "READY: PRESS ##", "PRÊT: TAPEZ ##"),
    ("lifeline_left", "LIFELINE", "MINIMUM"),
    ("emergency_left", "EMERG.", "SECOURS"),
    ("owed_now", "OWED", "DÛ"),
    ("offer_60", "#60# EMERGENCY", "#60# SECOURS"),
    ("offer_61", "#61# RESERVED", "#61# RÉSERVE"),
    ("friendly", "FRIENDLY - {}", "TRÊVE - {}"),
    ("critical", "CRITICAL NEED", "BESOIN CRITIQUE"),
    ("clock", "CLOCK NOT SET", "HEURE INCONNUE"),
    # Why: rule_N for each rule of shared/kinds.py that closes, limits or keeps open.
    ("rule_2", "CREDIT LOADED", "CRÉDIT CHARGÉ"),
    ("rule_3", "CREDIT USED UP", "CRÉDIT ÉPUISÉ"),
    ("rule_4", "TOP UP MORE", "CHARGEZ PLUS"),
    ("rule_5", "GUARANTEED", "GARANTI"),
    ("rule_6", "CLOCK NOT SET", "HEURE INCONNUE"),
    ("rule_16", "FLOW TOO HIGH", "DÉBIT TROP FORT"),
    ("rule_18", "BULK METER", "COMPTEUR GÉNÉRAL"),
    ("rule_19", "BILLED LATER", "SUR FACTURE"),
    ("rule_20", "FRIENDLY HOURS", "HEURES DE TRÊVE"),
    ("rule_21", "CALENDAR OLD", "CALENDRIER PASSÉ"),
    ("rule_22", "LIFELINE", "SERVICE MINIMUM"),
    ("rule_23", "LIFELINE DRAWN", "MINIMUM ÉPUISÉ"),
    ("rule_24", "DRIP: NO CREDIT", "FILET: ÉPUISÉ"),
    ("rule_25", "BILL OVERDUE", "FACTURE IMPAYÉE"),
    ("rule_26", "BILL OVERDUE", "FACTURE IMPAYÉE"),
    ("rule_27", "BY THE UTILITY", "PAR LE SERVICE"),
    ("rule_28", "FOR SAFETY", "PAR SÉCURITÉ"),
    ("rule_29", "LOCKED BY YOU", "FERMÉ PAR VOUS"),
    ("rule_30", "EMERGENCY OPEN", "OUVERT: URGENCE"),
    ("rule_31", "OPENED FOR ALL", "OUVERT POUR TOUS"),
    ("rule_32", "CRITICAL NEED", "BESOIN CRITIQUE"),
    ("rule_33", "PRESS ## TO OPEN", "## POUR OUVRIR"),
    ("rule_34", "VALVE FAILED", "DÉFAUT VANNE"),
    ("rule_53", "CLOCK NOT SET", "HEURE INCONNUE"),
    # After a top-up.
    ("added", "Added", "Ajouté"),
    ("to_debt", "For debt", "Pour dette"),
    ("to_emergency", "For emergency", "Pour secours"),
    ("to_credit", "To credit", "Au crédit"),
    ("balance", "Balance", "Solde"),
    ("return_code", "Return code", "Code retour"),
    # Answers to queries.
    ("number", "Meter number", "No compteur"),
    ("credit", "Credit", "Crédit"),
    ("reserved", "Reserved", "Réserve"),
    ("emergency_used", "Emerg. used", "Secours pris"),
    ("owed", "Owed", "Dû"),
    ("price", "Price", "Prix"),
    ("block", "Block", "Tranche"),
    ("next_price", "Next price", "Prix suivant"),
    ("last_closed", "Last closed", "Dern. coupure"),
    ("never", "never", "jamais"),
    ("days_left", "Days left", "Jours restant"),
    ("emergency", "Emergency", "Secours"),
    ("limit", "Limit", "Plafond"),
    ("status_0", "not offered", "pas offert"),
    ("status_1", "not yet", "pas encore"),
    ("status_2", "type #60#", "tapez #60#"),
    ("status_3", "ready", "prêt"),
    ("status_4", "in use", "en cours"),
    ("status_5", "used up", "épuisé"),
    ("lifeline", "Lifeline left", "Minimum reste"),
    ("used_today", "Used today", "Aujourd'hui"),
    ("used_month", "This month", "Ce mois"),
    ("average", "Average a day", "Moyenne/jour"),
    ("register", "Register", "Index"),
    ("total_used", "Total used", "Consommé"),
    ("loaded", "Total loaded", "Total chargé"),
    ("charged_month", "Spent (month)", "Payé ce mois"),
    ("token_at", "Token of", "Code du"),
    ("no_token", "No token", "Aucun code"),
    ("result", "Result", "Résultat"),
    # What became of a customer's key; the values come from firmware/controls.py.
    ("lock_on", "VALVE LOCKED", "VANNE FERMÉE"),
    ("lock_off", "VALVE FREE", "VANNE LIBRE"),
    ("emergency_on", "EMERGENCY ON", "SECOURS PRÊT"),
    ("reserved_on", "RESERVE ON", "RÉSERVE PRÊTE"),
    ("reconnected", "CONNECTED", "RACCORDÉ"),
    ("open_until", "OPEN UNTIL", "OUVERT À"),
    ("not_now", "NOT NOW", "PAS ENCORE"),
    ("not_offered", "NOT OFFERED", "PAS OFFERT"),
    ("nothing_to_do", "NOTHING TO DO", "RIEN À FAIRE"),
    # Management and test tokens.
    ("sections_left", "Parts missing", "Manquent"),
    ("new_key", "New key", "Nouvelle clé"),
    ("voided", "Voided", "Annulé"),
    ("valve_test", "Valve test", "Essai vanne"),
    ("display_test", "#############", "#############"),
    ("keypad_test", "Keypad", "Clavier"),
    ("key", "Key", "Clé"),
    ("tariff_index", "Tariff index", "Indice tarif."),
    ("flow_limit", "Flow limit", "Débit maximal"),
    ("flow", "Flow", "Débit"),
    ("tamper", "Tamper", "Fraude"),
    ("version", "Version", "Version"),
)


class Texts:
    """The texts of one language; an unknown one is English."""

    def __init__(self, language: str) -> None:
        self._column = LANGUAGES.index(language) + 1 if language in LANGUAGES else 1

    def __call__(self, name: str, *values) -> str:
        """The text with its values filled in; the name must be one of the table."""
        for row in _TEXTS:
            if row[0] == name:
                text = row[self._column]
                return text.format(*values) if values else text
        raise KeyError(name)
