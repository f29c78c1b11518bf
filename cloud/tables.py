"""Every area's tables, imported once, so that migrations and tests see the whole of Base.metadata."""

from cloud.accounts import models as accounts
from cloud.audit import models as audit
from cloud.auth import models as auth
from cloud.commands import models as commands
from cloud.db import Base
from cloud.ledger import models as ledger
from cloud.meters import models as meters
from cloud.notify import models as notify
from cloud.readings import models as readings
from cloud.tariffs import models as tariffs
from cloud.vending import models as vending

AREAS = (accounts, audit, auth, commands, ledger, meters, notify, readings, tariffs, vending)
METADATA = Base.metadata
