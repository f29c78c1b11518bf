"""The documents that a ledger's entries are judged by: found by the version and check value that the state names.

What is not here leaves out the checks that need it: a cloud that does not know a document says so elsewhere.
"""

from shared.policy import Floor, Policy
from shared.tariff import Tariff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.state import GatewayState, MeterState


class Laws:
    """What applies to one meter; None where the document is not known."""

    __slots__ = ("floor", "policy", "tariff")

    def __init__(self, policy: "Policy | None", floor: "Floor | None", tariff: "Tariff | None"):
        self.policy = policy
        self.floor = floor
        self.tariff = tariff


class InForce:
    """Policies, floors and tariffs by (version, check value)."""

    def __init__(self) -> None:
        self.policies: dict[tuple[int, int], Policy] = {}
        self.floors: dict[tuple[int, int], Floor] = {(0, 0): Floor()}
        self.tariffs: dict[tuple[int, int], Tariff] = {}

    def add(self, document: "Policy | Floor | Tariff") -> None:
        """Take a document in."""
        key = (document.version, document.check)
        if isinstance(document, Policy):
            self.policies[key] = document
        elif isinstance(document, Floor):
            self.floors[key] = document
        else:
            self.tariffs[key] = document

    def laws(self, state: "GatewayState", meter: "MeterState") -> Laws:
        """What applies to a meter in a state."""
        policy = self.policies.get(state.policy_of(meter.group))
        floor = self.floors.get((state.floor_version, state.floor_check))
        return Laws(policy, floor, self.tariffs.get((meter.tariff_version, meter.tariff_check)))
