"""What a scenario says of its gateway before it has power: meters, policy, floor, tariffs, the time; as a bundle."""

from shared import documents, ed25519, kinds
from shared.civil import Zone
from shared.policy import FLOOR, FLOOR_FIELDS, encode_fields
from shared.sts.time_id import tid_at
from shared.tariff import encode_tariff
from shared.wire import Reader
from tests.fakes import house
from tests.fakes.house import COMMAND_SEED, FLOOR_SEED, START_S, UTILITY
from tests.scenarios.policy_words import floor_fields, policy_fields, tariff_fields

BASE_YEAR = 2014
COMMODITIES = {"electricity": 0, "water": 1, "gas": 2}


class Plan:
    """Filled by the Givens. `meters` are the fields of each meter in the bundle."""

    def __init__(self):
        self.meters = []
        self.bypass = []
        self.panel = (16, 2, "en")
        self.opened_policy = {}
        self.floor = None
        self.tariffs = []  # (version, moment or None, fields)
        self.begins = None  # (day, minute) local

    def add_meter(self, commodity, balance=0):
        """One more meter, on the next channel."""
        self.meters.append({"commodity": COMMODITIES[commodity], "opening_balance": balance, "mode": 0})
        self.bypass.append(False)

    def set_mode(self, channel, bit):
        self.meters[channel]["mode"] |= bit

    def set_policy(self, words):
        self.opened_policy = policy_fields(words)

    def set_floor(self, words):
        self.floor = floor_fields(words)

    def add_tariff(self, version, words, moment=None):
        self.tariffs.append((version, moment, tariff_fields(words)))

    def start_s(self):
        """When the scenario begins: seconds since 1970 (UTC)."""
        return self.zone().instant(self.begins[0], self.begins[1]) if self.begins else START_S

    def zone(self):
        return Zone(self.opened_policy.get("zone", b""))

    def bundle(self):
        """The bundle that a gateway is enrolled by."""
        opened = house.bundle(
            len(self.meters), policy=house.signed_policy(**self.opened_policy), floor=signed_floor(1, self.floor)
        )
        fields = documents.BUNDLE.decode(opened)
        fields["issued_s"] = self.start_s()
        fields["more"] = b"".join([_sized(self._signed_tariff(*row)) for row in self.tariffs])
        fields["meters"] = self._meter_rows(fields["meters"])
        return documents.BUNDLE.encode(**fields)

    def _signed_tariff(self, version, moment, fields):
        from_s = self.zone().instant(moment[0], moment[1]) if moment else 0
        return signed_tariff(version, from_s, fields)

    def _meter_rows(self, data):
        reader = Reader(data)
        rows = []
        for changes in self.meters:
            row = documents.BUNDLE_METER.read(reader)
            row.update(changes)
            row["tid_minimum"] = tid_at(min(self.start_s(), START_S) - 86400 * 30, BASE_YEAR)
            rows.append(documents.BUNDLE_METER.encode(**row))
        return b"".join(rows)


def signed_floor(version, fields):
    """A floor of these fields; b"" for none."""
    if fields is None:
        return b""
    document = FLOOR.encode(utility=UTILITY, version=version, fields=encode_fields(FLOOR_FIELDS, fields))
    return document + ed25519.sign(FLOOR_SEED, document)


def signed_tariff(version, from_s, fields):
    """A tariff that comes into force at a time."""
    document = encode_tariff(UTILITY, 0, version, from_s, **fields)
    return document + ed25519.sign(COMMAND_SEED, document)


def _sized(document):
    return len(document).to_bytes(2, "big") + document


MODES = {
    "in credit mode": kinds.MODE_CREDIT,
    "charged in money": kinds.MODE_CURRENCY,
    "a bulk meter": kinds.MODE_BULK,
    "of critical need": kinds.MODE_CRITICAL,
    "with a bypass": kinds.MODE_BYPASS,
    "limited for arrears": kinds.MODE_TRICKLE,
    "disconnected for arrears": kinds.MODE_ARREARS,
}
