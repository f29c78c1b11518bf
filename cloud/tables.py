"""Every area's tables, imported once, so that migrations and tests see the whole of Base.metadata."""

from cloud.accounts import models as accounts
from cloud.api import models as api
from cloud.audit import models as audit
from cloud.auth import models as auth
from cloud.books import models as books
from cloud.commands import models as commands
from cloud.db import Base
from cloud.ledger import models as ledger
from cloud.meters import models as meters
from cloud.notify import models as notify
from cloud.payments import models as payments
from cloud.payments import voucher_models as vouchers
from cloud.readings import models as readings
from cloud.tariffs import models as tariffs
from cloud.vending import models as vending
from cloud.vending import sale_models as sales

AREAS = (
    accounts,
    api,
    audit,
    auth,
    books,
    commands,
    ledger,
    meters,
    notify,
    payments,
    readings,
    sales,
    tariffs,
    vending,
    vouchers,
)
METADATA = Base.metadata
