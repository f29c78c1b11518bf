"""The table of what a person asked for in tokens, and another one decides on."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided


class TokenRequest(Decided, Base):
    """Tokens that nobody pays for (`free`), or a token to be taken back (`void`, then `part` names it).

    `state`: waiting, approved or declined. `amount_minor` is the price that a void returns, or the money that is given.
    """

    __tablename__ = "token_request"
    __table_args__ = (
        CheckConstraint("kind IN ('free', 'void')", name="kind"),
        Index(
            "uq_token_request_waiting",
            "kind",
            "purchase_id",
            "part",
            unique=True,
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    kind: Mapped[str] = mapped_column(String(4))
    purchase_id: Mapped[str] = mapped_column(String(36))
    part: Mapped[int] = mapped_column(SmallInteger)
    drn: Mapped[str] = mapped_column(String(13))
    delivery: Mapped[str] = mapped_column(String(10))
    volume_ml: Mapped[int | None] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    requested_person_id: Mapped[int] = mapped_column(BigInteger)
