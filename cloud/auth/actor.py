"""The caller of an operation, as services see it."""

from dataclasses import dataclass

from cloud.errors import Forbidden


@dataclass(frozen=True)
class Actor:
    """Who calls, what for, and for which utility; utility_id is None for those who work for all.

    `person_id` is the operator who answers for it: also that of the owner of an API key; a program may have none.
    `agent_id` is the point of sale whose float pays what they sell, and whose sales alone they see.
    """

    label: str
    utility_id: int | None
    scopes: frozenset[str]
    role: str | None = None
    person_id: int | None = None
    agent_id: int | None = None

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

    def require_person(self) -> int:
        """Return the operator who answers for the caller; Forbidden for a program that belongs to nobody."""
        if self.person_id is None:
            raise Forbidden("no_person", "This needs a person: sign in, or use an API key that belongs to an operator.")
        return self.person_id

    def may_see(self, utility_id: int) -> bool:
        """Tell whether things of this utility exist for the caller."""
        return self.utility_id is None or self.utility_id == utility_id


def require_another_person(actor: Actor, asked_person_id: int | None) -> int:
    """Return the second person; Forbidden unless both are known and are two. Whose session or key it was is nothing.

    A request whose maker is not known was made before keys had owners: it can only be declined and made again.
    """
    person_id = actor.require_person()
    if asked_person_id is None:
        raise Forbidden(
            "maker_unknown", "It is not known which person made this request; decline it, and make it again."
        )
    if person_id == asked_person_id:
        raise Forbidden("own_request", "You have made this request yourself; another person must approve it.")
    return person_id


def system(part: str) -> Actor:
    """Return the actor for what a part of the cloud does by itself, e.g. "outbox"."""
    return Actor(label=f"system:{part}", utility_id=None, scopes=frozenset())
