"""Every area's tables, imported once, so that migrations and tests see the whole of Base.metadata."""

from cloud.accounts import change_models as account_changes
from cloud.accounts import models as accounts
from cloud.agents import models as agents
from cloud.api import models as api
from cloud.audit import models as audit
from cloud.auth import models as auth
from cloud.billing import models as billing
from cloud.billing import switch_models
from cloud.books import models as books
from cloud.commands import models as commands
from cloud.db import Base
from cloud.ledger import models as ledger
from cloud.meters import models as meters
from cloud.notify import models as notify
from cloud.payments import models as payments
from cloud.payments import voucher_models as vouchers
from cloud.readings import models as readings
from cloud.reports import models as reports
from cloud.tariffs import models as tariffs
from cloud.vending import hold_models as holds
from cloud.vending import models as vending
from cloud.vending import sale_models as sales
from cloud.vending import token_request_models as token_requests
from cloud.watchdog import models as watchdog

AREAS = (
    account_changes,
    accounts,
    agents,
    api,
    audit,
    auth,
    billing,
    switch_models,
    books,
    commands,
    holds,
    ledger,
    meters,
    notify,
    payments,
    readings,
    reports,
    sales,
    tariffs,
    token_requests,
    vending,
    vouchers,
    watchdog,
)
METADATA = Base.metadata
