"""What is done about a purchase that its meter does not show, as pure functions of what is known of it."""

from dataclasses import dataclass

from cloud.config import Config

HELD, VENDED, DELIVERED, APPLIED, VOID = "held", "vended", "delivered", "applied", "void"
DELIVER_S = 900
"""How long a message may take before the token goes out another way."""
APPLY_S = 3 * 86_400
"""How long a token may be out before a person looks: customers key them in late, gateways are away for days."""
HEARD_WITHIN_S = 86_400
"""A gateway that was heard so lately takes a command within its life."""
COMMANDS_MAX = 5
LOOK_AGAIN_S = 900
LOOK_LATER_S = 6 * 3600
SOON_S = 2 * 86_400
WATCH_LONGEST_S = 400 * 86_400
_BY_THEMSELVES = ("system:payments",)

END, WAIT, TELL, COMMAND, ALARM = "end", "wait", "tell", "command", "alarm"


@dataclass(frozen=True)
class Limits:
    """Settings: when a token goes out another way, when the network brings it, when a person is told; in seconds."""

    deliver_s: int = DELIVER_S
    network_s: int = 6 * 3600
    apply_s: int = APPLY_S

    @classmethod
    def of(cls, config: Config) -> "Limits":
        """Return what is configured."""
        return cls(config.watch_deliver_s, config.watch_network_s, config.watch_apply_s)


@dataclass(frozen=True)
class Facts:
    """What is known of a purchase `age_s` after its sale.

    `heard_s` is how long ago its gateway was heard, None: never. `can_tell`: there is a way to the customer that was
    not used. `too_old`: the gateway was enrolled anew since. `result` is what the gateway said to the last command.
    """

    age_s: int
    stage: str
    voiding: bool
    remote: bool
    messages_open: bool
    can_tell: bool
    commanded: int
    command_out: bool
    heard_s: int | None
    key_fits: bool
    too_old: bool = False
    result: str | None = None


@dataclass(frozen=True)
class Step:
    """What is done now, and for an alarm what a person has to know: a code, and a reason with the remedy."""

    what: str
    code: str = ""
    reason: str = ""


def decide(facts: Facts, limits: Limits) -> Step:
    """Return the next step; each is safe to repeat, since a meter takes a token once."""
    if facts.stage in (APPLIED, VOID):
        return Step(END)
    if facts.voiding or facts.stage == HELD:
        return Step(WAIT)
    return _lost(facts) or _next(facts, limits)


def _lost(facts: Facts) -> Step | None:
    """The alarm for a token that its meter can take no more, whatever is done."""
    if not facts.key_fits:
        return Step(ALARM, "key_changed", "The meter has another key since the sale: void the token and sell it again.")
    if facts.too_old:
        said = "Its gateway was enrolled anew since the sale and takes no older token: void it and sell it again."
        return Step(ALARM, "enrolled_anew", said)
    return None


def _next(facts: Facts, limits: Limits) -> Step:
    if facts.stage == VENDED and facts.age_s >= limits.deliver_s and facts.can_tell:
        return Step(TELL)
    if _network_may_bring(facts, limits):
        return Step(COMMAND)
    return _alarm(facts, limits)


def _network_may_bring(facts: Facts, limits: Limits) -> bool:
    due = facts.age_s >= (limits.deliver_s if facts.remote or facts.stage == VENDED else limits.network_s)
    there = facts.heard_s is not None and facts.heard_s <= HEARD_WITHIN_S
    return due and there and not facts.command_out and facts.commanded < COMMANDS_MAX


def _alarm(facts: Facts, limits: Limits) -> Step:
    if facts.stage == VENDED and facts.age_s >= limits.deliver_s and not (facts.messages_open or facts.command_out):
        return Step(ALARM, "not_delivered", "No message reached the customer: call them, and reprint the receipt.")
    if facts.age_s < limits.apply_s:
        return Step(WAIT)
    if facts.result is not None:
        return Step(ALARM, "meter_refuses", f"The meter refuses the token: {facts.result} Read its return code.")
    if facts.heard_s is None or facts.heard_s > HEARD_WITHIN_S:
        away = "was never heard" if facts.heard_s is None else f"was last heard {facts.heard_s // 3600} h ago"
        said = f"Its gateway {away}: ask the customer to key the token in and to read out the return code."
        return Step(ALARM, "gateway_away", said)
    return Step(ALARM, "not_applied", "The token was not keyed in: ask the customer, or void it.")


def next_look_s(facts: Facts) -> int:
    """Return in how many seconds to look again: often in the first two days, then a few times a day."""
    return LOOK_AGAIN_S if facts.age_s < SOON_S else LOOK_LATER_S


def stuck_s(stage: str, vended_at: int, now: int) -> int:
    """Return for how many seconds a purchase is past the limit of its stage; 0 in time or at its end."""
    limit = {VENDED: DELIVER_S, DELIVERED: APPLY_S}.get(stage)
    waited = now - vended_at
    return waited if limit is not None and waited > limit else 0


def is_counter(actor: str) -> bool:
    """Tell whether a sale was made by somebody who got its tokens in the answer and hands the receipt over."""
    return actor not in _BY_THEMSELVES
