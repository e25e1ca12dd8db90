"""Checkpoints in the database: sealed, numbered, and stored only by whoever holds the lease.

A checkpoint is taken back only when its seal vouches for it: for this tenant, name, epoch, position and
number. Its number stands in a row of its own besides, so that an older one in its place is seen, too. (Both
rows together of an earlier time are what a restored backup looks like, and are taken back.)
"""

import asyncio
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from optria.core.errors import Invalid
from optria.db.identity import AuditLog
from optria.db.leases import CheckpointHead, Lease, confirm
from optria.db.plant import DetectorCheckpoint
from optria.db.session import Tx
from optria.kit import clock
from optria.kit.secrets import Signer

FORMAT = 4
"""Of the row; 1 to 3 were not sealed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was learned (``content``, JSON) up to the message ``position`` of the log (0: without a log)."""

    name: str
    content: str
    position: int = 0


async def keep(tx: Tx, signer: Signer, checkpoint: Checkpoint, lease: Lease | None = None) -> None:
    """Store a checkpoint in place of the one before it, under ``lease``.

    Raises:
        Fenced: another process holds the lease; nothing of this transaction may be stored.
    """
    if lease is not None:
        await confirm(tx, lease)
    epoch = lease.epoch if lease else 0
    generation = await _next_generation(tx, checkpoint.name)
    packed = await asyncio.to_thread(_packed, checkpoint.content)
    context = (tx.tenant_id, checkpoint.name, epoch, checkpoint.position, generation)
    statement = insert(DetectorCheckpoint).values(
        tenant_id=tx.tenant_id,
        name=checkpoint.name,
        state={"version": FORMAT, "content": packed},
        saved_at=clock.now(),
        epoch=epoch,
        position=checkpoint.position,
        generation=generation,
        seal=signer.sign(packed, *context),
    )
    changed = ("state", "saved_at", "epoch", "position", "generation", "seal")
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[DetectorCheckpoint.tenant_id, DetectorCheckpoint.name],
            set_={name: statement.excluded[name] for name in changed},
        )
    )


async def _next_generation(tx: Tx, name: str) -> int:
    statement = insert(CheckpointHead).values(tenant_id=tx.tenant_id, name=name, generation=1)
    statement = statement.on_conflict_do_update(
        index_elements=[CheckpointHead.tenant_id, CheckpointHead.name],
        set_={"generation": CheckpointHead.generation + 1},
    )
    return (await tx.session.execute(statement.returning(CheckpointHead.generation))).scalar_one()


async def take(tx: Tx, signer: Signer, name: str) -> Checkpoint | None:
    """The checkpoint of a name; None where none was ever stored.

    Raises:
        Invalid: it was altered, moved, exchanged for an older one, or never sealed; says which.
    """
    row = await tx.session.get(DetectorCheckpoint, (tx.tenant_id, name))
    head = await tx.session.get(CheckpointHead, (tx.tenant_id, name))
    if row is None:
        if head is not None:
            raise Invalid(f"The stored state of the detectors ({name}) is gone. {ANEW}")
        return None
    content = row.state.get("content")
    if row.seal is None or not isinstance(content, str):
        raise Invalid(f"The stored state of the detectors ({name}) has no seal. {ANEW}")
    context = (row.tenant_id, row.name, row.epoch, row.position, row.generation)
    if not signer.vouches(row.seal, content, *context):
        raise Invalid(f"The stored state of the detectors ({name}) is not what was sealed. {ANEW}")
    if head is None or head.generation != row.generation:
        newest = head.generation if head else 0
        raise Invalid(
            f"The stored state of the detectors ({name}) is number {row.generation}, the newest was "
            f"{newest}: an older one was put in its place. {ANEW}"
        )
    return Checkpoint(name, await asyncio.to_thread(_unpacked, content), row.position)


def _packed(content: str) -> str:
    """JSON as text that the database keeps to the letter: a seal is of letters, JSONB writes numbers anew."""
    return b64encode(zlib.compress(content.encode(), 1)).decode()


def _unpacked(packed: str) -> str:
    """Only of what was sealed: nobody else chooses how large it becomes."""
    return zlib.decompress(b64decode(packed, validate=True)).decode()


ANEW = "It is not used; the detectors learn anew from the stored history."


def refusal(tx: Tx, name: str, why: str) -> None:
    """Note in the audit log that a checkpoint was refused."""
    words = {"checkpoint": name, "reason": why}
    tx.session.add(
        AuditLog(
            tenant_id=tx.tenant_id, action="checkpoint_refused", entity_type="checkpoint", new_values=words
        )
    )
