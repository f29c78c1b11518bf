"""Parts that requests about accounts share: contacts, places, and what every change shows of who wanted it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cloud.accounts.contacts import EMAIL, SMS, Way
from cloud.api.fields import Body, Email, Name, Phone, View

Reason = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Language = Literal["en", "fr"]
CONTACTS_MAX = 6


class ContactBody(Body):
    """A phone for SMS or an e-mail address; `consent` false keeps it and sends nothing there."""

    phone: Phone | None = None
    email: Email | None = None
    consent: bool = True

    @model_validator(mode="after")
    def _one_address(self) -> "ContactBody":
        if (self.phone is None) == (self.email is None):
            raise ValueError("give phone or email, one of them")
        return self

    def way(self) -> Way:
        """Return it as the rules see it."""
        return Way(SMS if self.phone else EMAIL, self.phone or self.email or "", self.consent)


Contacts = Annotated[list[ContactBody], Field(max_length=CONTACTS_MAX)]


class ContactView(View):
    """A way to a customer; messages go to the first with consent, and to the next when that fails."""

    kind: Literal["sms", "email"]
    address: str
    consent: bool


class NewPointBody(Body):
    """A place to be made; coordinates in 1/1000000 of a degree."""

    place: Name
    address: Line | None = None
    latitude_e6: int | None = Field(None, ge=-90_000_000, le=90_000_000)
    longitude_e6: int | None = Field(None, ge=-180_000_000, le=180_000_000)


class DecidedView(View):
    """Who asked for a change and who decided: `waiting` for another person, `done`, or `declined`."""

    state: Literal["waiting", "listed", "done", "declined"]
    reason: str
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None


class FinalView(DecidedView):
    """What proves where a meter ended: the signed entry `sequence` of `epoch`, its register, and its balance there.

    `proof`: `ledger`, heard within the hour; `last_verified`; `return_code`. `head` is the hash of the chain, in hex.
    """

    proof: Literal["ledger", "last_verified", "return_code"]
    epoch: int | None
    sequence: int | None
    head: str | None
    register_ml: int | None
    balance: int
