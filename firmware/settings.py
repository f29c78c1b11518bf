"""What enrolment gave the gateway, read once from flash: identity, keys, broker, meters, first documents.

Nothing here is changed while the gateway runs; a new enrolment writes the whole file anew.
"""

from firmware.ledger.pair import with_check, without_check
from shared import documents, kinds
from shared.compat import const
from shared.errors import WireError
from shared.policy import POLICY, Floor, Policy, decode_floor, decode_policy
from shared.sts.cipher import make_cipher
from shared.sts.digits import is_decimal
from shared.sts.tables import Tables
from shared.tariff import TARIFF, Tariff, decode_tariff
from shared.wire import Layout, Reader

IDENTITY = Layout(
    b"PSident1",
    (("device_seed", "b32"), ("device_public", "b32"), ("seal_secret", "b32"), ("seal_public", "b32")),
)
_SETTINGS = Layout(
    b"PSsetng1", (("device_public", "b32"), ("previous_epoch", "u2"), ("previous_head", "b26"), ("bundle", "v2"))
)
_IDENTITY_FILES = ("identity", "identity-next")  # in force, and made for the epoch to come
FILE = "settings"
_TABLES_SIZE = const(96)
CHANNELS = const(8)
_TOKEN_UNIT = const(100000)  # ml (energy: mWh) in one unit of a token: 0.1 m3, 0.1 kWh
_MOSTLY_0 = ("opening_balance", "opening_register", "mode", "group")  # they rest in the class where they are


class Identity:
    """The gateway's own key pairs; the private halves never leave it."""

    def __init__(self, device_seed: bytes, device_public: bytes, seal_secret: bytes, seal_public: bytes) -> None:
        self.device_seed = device_seed
        self.device_public = device_public
        self.seal_secret = seal_secret
        self.seal_public = seal_public


class MeterSettings:
    """One meter: `channel`, `drn`, `commodity`, `pulse_volume_ml`, opening figures, the STS key of its enrolment."""

    token_unit = _TOKEN_UNIT
    opening_balance = opening_register = mode = group = 0

    def __init__(self, fields: dict, tables: "Tables | None") -> None:  # type: ignore[type-arg]
        self.channel = fields["channel"]
        self.drn = fields["drn"].decode()
        self.commodity = fields["commodity"]
        self.pulse_volume_ml = fields["pulse_volume_ml"]
        self.krn = fields["krn"]
        self.kt = fields["kt"]
        self.ken = fields["ken"]
        self.ti = fields["ti"]
        self.base_year = fields["base_year"]
        self.tid_minimum = fields["tid_minimum"]
        self.decoder_key = fields["decoder_key"]
        for name in _MOSTLY_0:
            if fields[name]:
                setattr(self, name, fields[name])
        self.return_key = fields["return_key"]
        self.ea = fields["ea"]
        self._tables = tables
        self.make_cipher(self.decoder_key)  # it has to work; it is kept only where it is in force

    @property
    def key_check(self) -> int:
        """What names the key of the enrolment in entries."""
        return documents.key_check(self.decoder_key)

    def make_cipher(self, decoder_key: bytes):
        """The cipher of another key of this meter; KeyDataError when its length is wrong."""
        return make_cipher(self.ea, decoder_key, self._tables)

    def mfr_code(self) -> int:
        """The manufacturer's code: the first four digits of a number of 13, two of one of 11; 0 in a foreign form."""
        digits = self.drn[: 4 if len(self.drn) == 13 else 2]
        return int(digits) if is_decimal(digits) else 0


class Settings:
    """The bundle as installed; `documents` are policies and tariffs, signed. Later ones come by command."""

    def __init__(self, bundle: bytes, previous_epoch: int = 0, previous_head: bytes = bytes(26)) -> None:
        """WireError or the errors of shared.sts: the bundle cannot be used."""
        fields = documents.BUNDLE.decode(bundle)
        self.utility = fields["utility"]
        self.gateway = fields["gateway"]
        self.epoch = fields["epoch"]
        self.issued_s = fields["issued_s"]
        self.command_public = fields["command_public"]
        self.floor_public = fields["floor_public"]
        self.link_key = fields["link_key"]
        self.broker_host = fields["broker_host"].decode()
        self.broker_port = fields["broker_port"]
        self.broker_user = fields["broker_user"].decode()
        self.broker_password = fields["broker_password"].decode()
        self.broker_ca = fields["broker_ca"]
        self.documents = _more(fields["more"])
        if fields["policy"]:
            self.documents.insert(0, fields["policy"])
        self.floor_document = fields["floor"]
        self.previous_epoch = previous_epoch
        self.previous_head = previous_head
        self.meters = _meters(fields["meters"], _tables(fields["tables"]))

    def forget_documents(self) -> None:
        """Let go of what is signed, once it is decoded and kept elsewhere; load() reads it again."""
        self.documents = []
        self.floor_document = b""

    def policies(self) -> "list[Policy]":
        """The first policy of each meter group that has one of its own."""
        return [decode_policy(signed[0]) for signed in self._signed(POLICY.tag)]

    def tariffs(self) -> "list[Tariff]":
        """The first tariffs, and those that were to come at enrolment."""
        return [decode_tariff(signed[0]) for signed in self._signed(TARIFF.tag)]

    def floor(self) -> Floor:
        """The first floor; without one nothing is guaranteed."""
        if not self.floor_document:
            return Floor()
        return decode_floor(documents.split_signature(self.floor_document)[0])

    def _signed(self, tag):
        """(document, signature) of each document with a tag."""
        return [documents.split_signature(data) for data in self.documents if documents.tag_of(data) == tag]


def load(flash) -> "Settings | None":
    """The settings on flash; None before enrolment. WireError: the file is damaged, enrol the gateway again."""
    fields = _read(flash)
    return None if fields is None else Settings(fields["bundle"], fields["previous_epoch"], fields["previous_head"])


def load_identity(flash) -> "Identity | None":
    """The key pairs of the epoch in force; None where the settings name none that is there, or are damaged."""
    fields = _read_good(flash)
    if fields is None:
        return None
    for name in _IDENTITY_FILES:
        identity = _read_identity(flash, name)
        if identity is not None and identity.device_public == fields["device_public"]:
            return identity
    return None


def holds(flash, bundle: bytes) -> bool:
    """Whether this very bundle is in force."""
    fields = _read_good(flash)
    return fields is not None and fields["bundle"] == bundle


def save(flash, bundle: bytes, identity: Identity, previous_epoch: int, previous_head: bytes) -> None:
    """Put a checked bundle and the key pairs that it was sealed to in force, in one step."""
    document = _SETTINGS.encode(
        device_public=identity.device_public,
        previous_epoch=previous_epoch,
        previous_head=previous_head,
        bundle=bundle,
    )
    flash.replace(FILE, with_check(document))


def offered_identity(flash) -> "Identity | None":
    """The key pairs to enrol with: those made last; None before they were made."""
    return _read_identity(flash, _IDENTITY_FILES[1]) or _read_identity(flash, _IDENTITY_FILES[0])


def offer_identity(flash, identity: Identity) -> None:
    """Keep new key pairs beside those in force, in one step."""
    settle_identity(flash)
    name = _IDENTITY_FILES[0 if load_identity(flash) is None else 1]
    document = IDENTITY.encode(
        device_seed=identity.device_seed,
        device_public=identity.device_public,
        seal_secret=identity.seal_secret,
        seal_public=identity.seal_public,
    )
    flash.replace(name, with_check(document))


def settle_identity(flash) -> None:
    """The epoch has begun: what was made for it takes the place of what was in force before."""
    identity = load_identity(flash)
    if not flash.has(_IDENTITY_FILES[1]) or identity is None:
        return
    following = _read_identity(flash, _IDENTITY_FILES[1])
    if following is not None and following.device_public == identity.device_public:
        flash.replace(_IDENTITY_FILES[0], flash.read(_IDENTITY_FILES[1]))
        flash.remove(_IDENTITY_FILES[1])


def _read_identity(flash, name):
    try:
        fields = IDENTITY.decode(without_check(flash.read(name)))
    except (OSError, WireError):
        return None
    return Identity(fields["device_seed"], fields["device_public"], fields["seal_secret"], fields["seal_public"])


def _read(flash):
    try:
        data = flash.read(FILE)
    except OSError:
        return None
    return _SETTINGS.decode(without_check(data))


def _read_good(flash):
    try:
        return _read(flash)
    except WireError:
        return None


def _more(data):
    """Further signed documents, each behind its length."""
    reader = Reader(data)
    found = []
    while not reader.at_end():
        found.append(reader.take(reader.unsigned(2, "document length"), "document"))
    return found


def _tables(data):
    """EA07's three tables laid end to end, or None where there are none."""
    if not data:
        return None
    if len(data) != _TABLES_SIZE:
        raise WireError("tables: expected {} bytes, got {}".format(_TABLES_SIZE, len(data)))
    return Tables(data[:16], data[16:32], data[32:])


def _meters(data, tables):
    """Channel -> MeterSettings."""
    reader = Reader(data)
    meters = {}
    while not reader.at_end():
        meter = MeterSettings(documents.BUNDLE_METER.read(reader), tables)
        if meter.channel in meters or meter.channel >= CHANNELS:
            raise WireError("channel {} is there twice or does not exist".format(meter.channel))
        if meter.commodity >= len(documents.COMMODITIES) or not meter.pulse_volume_ml:
            raise WireError("meter {}: unknown commodity or no pulse volume".format(meter.channel))
        if meter.mode & ~kinds.MODE_BITS:
            raise WireError("meter {}: mode {} has bits that mean nothing".format(meter.channel, meter.mode))
        meters[meter.channel] = meter
    if not meters:
        raise WireError("a gateway without a meter")
    return meters
