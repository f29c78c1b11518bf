"""What one genuine message does to its ledger: a hello is answered, a batch continues the chain or is refused."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.commands import service as commands
from cloud.ledger import cases, notices, rules, store, verdicts, words
from cloud.ledger.inquiry import Finding, Inquiry
from cloud.ledger.messages import Author, Hello, Readings, SignedBatch, acknowledgement, readings_stored
from cloud.ledger.rules import CONTRADICTED, UNEXPLAINED, Claim, Position
from cloud.readings import service as readings_service
from cloud.updates import progress
from cloud.vending.store import COMMAND, KeyStore
from shared import kinds
from shared.documents import TIME
from shared.entries import BODY_SIZE
from shared.in_force import InForce

_BEHIND = "cloud behind"
_FLOW = "flow while closed"
_OPENED = "opened, not closed"
_FAULT = "fault"
_SAFE_MODE = "safe mode"


@dataclass(frozen=True)
class Desk:
    """What a message is worked on with: the transaction, the keys, the ledger's position and the documents in force."""

    session: AsyncSession
    key_store: KeyStore
    position: Position
    known: InForce
    now: int


async def hello(desk: Desk, said: Hello) -> list[bytes]:
    """Compare what the gateway has with what is held; answer signed time, then the acknowledgement."""
    author, position = said.author, desk.position
    held = await store.hash_at(desk.session, position, author, said.number("sequence"))
    if held is not None and held != said.octets("head"):
        await store.freeze(desk.session, position, desk.now)
        raise rules.conflict(said.number("sequence"))
    if said.number("acknowledged") > position.sequence:
        await _case_behind(desk, said.number("acknowledged"))
    await commands.hear(
        desk.session,
        gateway_id=author.gateway,
        epoch=author.epoch,
        boot_nonce=said.octets("boot_nonce"),
        carried_out=said.number("command_counter"),
        now=desk.now,
    )
    version = said.number("firmware")
    who = {"gateway_id": author.gateway, "utility_id": author.utility}
    await progress.heard(desk.session, **who, version=version, now=desk.now)
    time = await _signed_time(desk, author, said.octets("boot_nonce"), said.octets("nonce"))
    return [time, acknowledgement(author, position.sequence, position.head, said.octets("nonce"))]


async def _signed_time(desk: Desk, author: Author, boot_nonce: bytes, nonce: bytes) -> bytes:
    document = TIME.encode(
        utility=author.utility,
        gateway=author.gateway,
        epoch=author.epoch,
        boot_nonce=boot_nonce,
        nonce=nonce,
        time_s=desk.now,
    )
    return document + await desk.key_store.sign(desk.session, author.utility, COMMAND, document)


async def _case_behind(desk: Desk, acknowledged: int) -> None:
    position = desk.position
    await cases.open_case(
        desk.session,
        utility_id=position.utility,
        gateway_id=position.gateway,
        kind=_BEHIND,
        detail=f"the gateway was told that {acknowledged} is held, but {position.sequence} is: was the cloud restored?",
        now=desk.now,
        epoch=position.epoch,
    )


async def batch(desk: Desk, signed: SignedBatch, arrived_at: int) -> list[bytes]:
    """Take in what is new of a batch and acknowledge all that is held; a gap is answered by what is held before it."""
    position, fields = desk.position, signed.batch.fields
    links = rules.hashes(fields["previous_head"], signed.batch.bodies, fields["head"])
    if fields["first"] <= position.sequence + 1:
        held = await _agreeing(desk, signed, links)
        fresh = signed.entries[held:]
        if fresh:
            bodies = signed.batch.bodies[held * BODY_SIZE :]
            claims = rules.extend(position, fresh, bodies, links[held:], desk.known, arrived_at)
            await _judge(desk, claims, arrived_at)
            days = [entry for entry in fresh if entry.kind == kinds.DAY]
            if days:
                await readings_service.note_days(desk.session, signed.author, days, desk.now)
    return [acknowledgement(signed.author, position.sequence, position.head, fields["nonce"])]


async def readings(desk: Desk, said: Readings) -> list[bytes]:
    """Store hourly readings and say so."""
    await readings_service.take_in(desk.session, said.author, said.records, desk.now)
    return [readings_stored(said)]


async def _agreeing(desk: Desk, signed: SignedBatch, links: list[bytes]) -> int:
    """How many entries at the front of the batch are held already; Refusal, and the epoch frozen, if they differ."""
    position, fields = desk.position, signed.batch.fields
    held: int = min(position.sequence - fields["first"] + 1, len(links))
    before = await store.hash_at(desk.session, position, signed.author, fields["first"] - 1)
    if before != fields["previous_head"]:
        await store.freeze(desk.session, position, desk.now)
        raise rules.conflict(fields["first"])
    if (
        held
        and await store.hash_at(desk.session, position, signed.author, fields["first"] + held - 1) != links[held - 1]
    ):
        await store.freeze(desk.session, position, desk.now)
        raise rules.conflict(fields["first"] + held - 1)
    return held


async def _judge(desk: Desk, claims: list[Claim], arrived_at: int) -> None:
    for claim in claims:
        inquiry = Inquiry(desk.session, desk.position, claim, desk.known, arrived_at, desk.now)
        finding = await verdicts.find(inquiry)
        if finding is not None:
            await verdicts.record(inquiry, finding)
            if finding.verdict in (UNEXPLAINED, CONTRADICTED):
                await _case_about(desk, claim, finding)
        elif claim.entry.kind == kinds.CHARGE:
            await _case_flow(desk, claim)
        elif claim.entry.kind == kinds.FAULT:
            await _case_fault(desk, claim)
        elif claim.entry.kind == kinds.BOOT and claim.entry.detail & kinds.BOOT_SAFE_MODE:
            await _case_safe_mode(desk, claim)
        if claim.entry.kind in (kinds.UPDATE, kinds.BOOT):
            await progress.note(desk.session, desk.position.gateway, claim.entry, desk.now)
        await notices.tell(inquiry, finding)


async def _case_about(desk: Desk, claim: Claim, finding: Finding) -> None:
    position, entry = desk.position, claim.entry
    await cases.open_case(
        desk.session,
        utility_id=position.utility,
        gateway_id=position.gateway,
        kind=finding.verdict,
        detail=f"{kinds.KIND_NAMES[entry.kind]}: {finding.reason}",
        now=desk.now,
        epoch=position.epoch,
        sequence=entry.sequence,
        channel=entry.meter if entry.meter != kinds.GATEWAY else None,
    )


async def _case_flow(desk: Desk, claim: Claim) -> None:
    position, entry = desk.position, claim.entry
    opened = claim.outcome == kinds.VALVE_OPENED
    valve = "the valve, opened although it is to be closed," if opened else "the closed valve"
    await cases.open_case(
        desk.session,
        utility_id=position.utility,
        gateway_id=position.gateway,
        kind=_OPENED if opened else _FLOW,
        detail=f"entry {entry.sequence}: {claim.volume_ml} ml through {valve} of channel {entry.meter}",
        now=desk.now,
        epoch=position.epoch,
        channel=entry.meter,
    )


async def _case_fault(desk: Desk, claim: Claim) -> None:
    position, entry = desk.position, claim.entry
    await cases.open_of_meter(
        desk.session,
        utility_id=position.utility,
        gateway_id=position.gateway,
        kind=_FAULT,
        detail=kinds.FAULT_NAMES[entry.detail >> 8],
        now=desk.now,
        epoch=position.epoch,
        sequence=entry.sequence,
        channel=entry.meter,
    )


async def _case_safe_mode(desk: Desk, claim: Claim) -> None:
    position = desk.position
    await cases.open_case(
        desk.session,
        utility_id=position.utility,
        gateway_id=position.gateway,
        kind=_SAFE_MODE,
        detail=words.of(claim.entry),
        now=desk.now,
        epoch=position.epoch,
        sequence=claim.entry.sequence,
    )
