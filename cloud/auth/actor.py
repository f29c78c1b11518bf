"""The caller of an operation, as services see it."""

from dataclasses import dataclass

from cloud.errors import Forbidden


@dataclass(frozen=True)
class Actor:
    """Who calls, what for, and for which utility; utility_id is None for those who work for all."""

    label: str
    utility_id: int | None
    scopes: frozenset[str]
    role: str | None = None

    def require_scope(self, scope: str) -> None:
        """Raise Forbidden unless the caller has this scope."""
        if scope not in self.scopes:
            raise Forbidden("scope_missing", f"This needs the scope {scope}; ask an administrator for it.")

    def require_utility(self, utility_id: int) -> None:
        """Raise Forbidden unless the caller works for this utility."""
        if not self.may_see(utility_id):
            raise Forbidden("utility_denied", f"You do not work for utility {utility_id}.")

    def require_all_utilities(self) -> None:
        """Raise Forbidden unless the caller works for all utilities."""
        if self.utility_id is not None:
            raise Forbidden("utility_denied", "Only an operator of all utilities may do this.")

    def may_see(self, utility_id: int) -> bool:
        """Tell whether things of this utility exist for the caller."""
        return self.utility_id is None or self.utility_id == utility_id


def system(part: str) -> Actor:
    """Return the actor for what a part of the cloud does by itself, e.g. "outbox"."""
    return Actor(label=f"system:{part}", utility_id=None, scopes=frozenset())
