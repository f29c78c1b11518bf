"""Does an entry tell the truth? Judged against the state before it; an empty answer means nothing contradicts it.

The device runs it on what it is about to write, the cloud on what it receives (decisions in shared/FORMAT.md).
"""

from shared import kinds
from shared.entries import Entry
from shared.in_force import InForce, Laws
from shared.meter_checks import JUDGES
from shared.state import GatewayState, MeterState

COMMAND_JUMP_MAX = 1000
_MOVING = (
    kinds.CHARGE,
    kinds.TOKEN,
    kinds.GRANT,
    kinds.CLEAR,
    kinds.FIXED,
    kinds.REPAY,
)
_OF_TOKEN_CREDIT = (kinds.TOKEN, kinds.REPAY)
_OF_THE_GATEWAY = (
    kinds.OPEN,
    kinds.CHECKPOINT,
    kinds.COMMAND,
    kinds.POLICY,
    kinds.FLOOR,
    kinds.TIME,
    kinds.BOOT,
    kinds.TAMPER,
    kinds.UPDATE,
)
_OF_EITHER = (kinds.EVENT,)


def contradiction(state: GatewayState, entry: Entry, known: "InForce | None") -> str:
    """One line that says what is wrong with `entry` after `state`, or "". `known` has the documents that entries are
    judged by; None, or one that it lacks, leaves out what depends on them."""
    if entry.sequence != state.sequence + 1:
        return f"sequence {entry.sequence} does not follow {state.sequence}"
    if state.group_left and entry.group_left != state.group_left - 1:
        return f"the counted group before it has {state.group_left} entries to come"
    misplaced = _misplaced(entry)
    if misplaced or entry.meter == kinds.GATEWAY:
        return misplaced or _gateway(state, entry)
    if entry.kind == kinds.METER:
        return _opening(state, entry)
    meter = state.meters.get(entry.meter)
    if meter is None:
        return f"meter {entry.meter} was never opened"
    return _figures(meter, entry) or _meaning(state, meter, entry, known)


def _misplaced(entry: Entry) -> str:
    name = kinds.KIND_NAMES[entry.kind]
    of_gateway = entry.kind in _OF_THE_GATEWAY
    if entry.meter == kinds.GATEWAY and not of_gateway and entry.kind not in _OF_EITHER:
        return f"a {name} belongs to a meter"
    if entry.meter != kinds.GATEWAY and of_gateway:
        return f"a {name} belongs to the gateway, not to meter {entry.meter}"
    if entry.kind in _OF_TOKEN_CREDIT and entry.pot != kinds.TOKEN_CREDIT:
        return f"a {name} moves token credit, not pot {entry.pot}"
    return ""


def _gateway(state: GatewayState, entry: Entry) -> str:
    if entry.pot or entry.delta or entry.balance or entry.register:
        return "an entry of the gateway carries a meter's figures"
    if entry.kind == kinds.CHECKPOINT and entry.digest != state.digest():
        return "the checkpoint's hash is not that of the state"
    if entry.kind == kinds.COMMAND and not 0 < entry.reference_a - state.command_counter <= COMMAND_JUMP_MAX:
        return f"command {entry.reference_a} after command {state.command_counter}"
    before = state.policies.get(entry.detail, (0, 0))[0]
    if entry.kind == kinds.POLICY and entry.reference_a < before:
        return f"policy version {entry.reference_a} after {before}"
    if entry.kind == kinds.FLOOR and entry.reference_a < state.floor_version:
        return f"floor version {entry.reference_a} after {state.floor_version}"
    return _update(state, entry) if entry.kind == kinds.UPDATE else ""


def _update(state: GatewayState, entry: Entry) -> str:
    stage, version = entry.detail & 0xFF, entry.reference_a
    if not 0 < stage <= kinds.UPDATE_STAGES:
        return f"an update has no stage {stage}"
    if stage == kinds.UPDATE_TRIAL and state.firmware_trial not in (0, version):
        return f"firmware {version} is tried while {state.firmware_trial} is on trial"
    if stage in (kinds.UPDATE_KEPT, kinds.UPDATE_ROLLED_BACK) and version != state.firmware_trial:
        return f"firmware {version} was not on trial"
    if stage == kinds.UPDATE_KEPT and entry.reference_b > version:
        return f"firmware {version} is below its own minimum {entry.reference_b}"
    return ""


def _opening(state: GatewayState, entry: Entry) -> str:
    if entry.meter in state.meters:
        return f"meter {entry.meter} is open already"
    if entry.pot not in (kinds.TOKEN_CREDIT, kinds.ACCUMULATED_DEBT) or entry.delta != entry.balance:
        return "a meter opens with its balance as delta"
    if entry.balance < 0:
        return "a meter opens with a credit or with a debt, and neither is below 0"
    return ""


def _figures(meter: MeterState, entry: Entry) -> str:
    if entry.pot == kinds.NO_POT and (entry.delta or entry.balance):
        return "a balance without a pot"
    if entry.pot != kinds.NO_POT and entry.balance != meter.pots[entry.pot] + entry.delta:
        return f"balance {entry.balance} is not {meter.pots[entry.pot]} {entry.delta:+d}"
    consumed = entry.register - meter.register
    if consumed < 0:
        return f"the register went back by {-consumed}"
    if consumed and entry.kind != kinds.CHARGE:
        return f"the register moved by {consumed} without a charge"
    return ""


def _meaning(state: GatewayState, meter: MeterState, entry: Entry, known: "InForce | None") -> str:
    if entry.pot != kinds.NO_POT and entry.delta and entry.kind not in _MOVING:
        return f"a {kinds.KIND_NAMES[entry.kind]} moves no balance"
    judge = JUDGES.get(entry.kind)
    if judge is None:
        return ""
    return judge(meter, entry, known.laws(state, meter) if known is not None else _NO_LAWS)


_NO_LAWS = Laws(None, None, None)
