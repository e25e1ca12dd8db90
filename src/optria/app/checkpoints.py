"""What the detectors know, stored so that a restart (or another server) goes on exactly where it was.

A checkpoint is stored after everything that it rests on: the samples up to its positions are in the database
and the anchors and events that came of them are committed. So whoever takes it back scores just what is
stored after those positions, and nothing is missing or done twice: an anchor that comes again is known.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np
import structlog

from optria.blackbox.inbox import Inbox
from optria.core.errors import DatabaseUnavailable, Invalid
from optria.core.tag import SampleBatch, to_micros
from optria.db.leases import Lease
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.kit.secrets import Signer, signer_of
from optria.kit.settings import Settings
from optria.streams import sealed
from optria.streams.history import read_window
from optria.streams.moment import positions_in, resume, snapshot
from optria.streams.pipeline import Pipeline
from optria.streams.replay import replay
from optria.streams.sealed import Checkpoint

log = structlog.get_logger(__name__)

COMMITTED_WITHIN_S: Final = 5.0
LOOK_S: Final = 0.05
PART_US: Final = 60_000_000
"""Stored samples are replayed a minute at a time; others get their turn between."""


class Checkpoints:
    """Checkpoints of the streams of one process, by ``name``."""

    def __init__(self, database: Database, settings: Settings, name: str) -> None:
        self._database, self._settings, self.name = database, settings, name
        self._signer: Signer | None = None
        self._memory = timedelta(minutes=settings.ring_minutes)
        self._anew = timedelta(minutes=settings.backfill_minutes)
        self._saving = asyncio.Lock()

    async def save(
        self, tenant_id: int, pipeline: Pipeline, inbox: Inbox | None, lease: Lease | None, position: int = 0
    ) -> bool:
        """Store what is known now, once all it rests on is stored; whether it could be.

        Raises:
            Fenced: another server holds the lease.
        """
        async with self._saving:  # what was learned earlier never takes the place of what was stored later
            content = await asyncio.to_thread(snapshot(pipeline))
            if not await _is_committed(pipeline, inbox):
                return False
            signer = await self._sign()
            async with self._database.transaction(tenant_id) as tx:
                await sealed.keep(tx, signer, Checkpoint(self.name, content, position), lease)
            return True

    async def restore(self, tenant_id: int, pipeline: Pipeline) -> int:
        """Take back what was stored and score what came after it; the position in the log.

        State that is not what was sealed is not used: the detectors learn anew from the stored history.
        Without any nothing is taken back: the sources are asked for history to learn from.
        """
        signer = await self._sign()
        await _despool(pipeline)
        async with self._database.transaction(tenant_id) as tx:
            found = await self._take(tx, signer, pipeline)
            if found is None:
                return 0
            stored = await self._stored(tx, pipeline)
        if found.position:
            stored = _before(pipeline, stored)  # what comes after it is read from the log, as it came
        again = await _replayed(pipeline, stored)
        log.info("stream_restored", tenant=tenant_id, checkpoint=self.name, replayed=again)
        return found.position

    async def _take(self, tx: Tx, signer: Signer, pipeline: Pipeline) -> Checkpoint | None:
        """What is to go on from; an empty one where the stored one was refused."""
        try:
            found = await sealed.take(tx, signer, self.name)
            if found is None or not _taken(pipeline, found):
                return None
        except (Invalid, KeyError, TypeError, ValueError) as error:
            why = str(error)
            log.warning("checkpoint_refused", tenant=tx.tenant_id, checkpoint=self.name, reason=why)
            pipeline.errors["state_refused"] += 1
            sealed.refusal(tx, self.name, why)
            _begin_at(pipeline, to_micros(clock.now() - self._anew))
            return Checkpoint(self.name, "")
        return found

    async def _stored(self, tx: Tx, pipeline: Pipeline) -> SampleBatch:
        """Stored samples of every tag, as far back as memory reaches."""
        now = clock.now()
        tags = [mapping.id for mapping in pipeline.plant.mappings]
        stored = await read_window(tx, tags, now - self._memory, now)
        return SampleBatch.concat(
            [
                SampleBatch(np.full(len(s), tag, np.int32), s.time, s.value, s.quality)
                for tag, s in stored.items()
            ]
        )

    async def _sign(self) -> Signer:
        if self._signer is None:
            self._signer = await asyncio.to_thread(signer_of, self._settings, "checkpoints")
        return self._signer


def _taken(pipeline: Pipeline, found: Checkpoint) -> bool:
    """Whether stored state could be taken back. Raises KeyError, TypeError or ValueError for none."""
    known = json.loads(found.content)
    learned, moment = _part(known, "learned"), _part(known, "moment")
    if not pipeline.restore(learned):
        return False
    fitting = frozenset(m.id for m in pipeline.roster.mappings if pipeline.scored_until(m.id) is not None)
    resume(pipeline, moment, fitting & positions_in(moment).keys())
    return True


def _part(known: object, name: str) -> Mapping[str, object]:
    part = known[name] if isinstance(known, dict) else None
    if not isinstance(part, dict):
        raise TypeError(f"a checkpoint without {name}")
    return part


def _begin_at(pipeline: Pipeline, micros: int) -> None:
    """Learn anew from samples after this time."""
    pipeline.gate.last_time = np.maximum(pipeline.gate.last_time, micros)


def _before(pipeline: Pipeline, stored: SampleBatch) -> SampleBatch:
    """What is not after the positions of its tags."""
    row = pipeline.roster.find(stored.tag)
    return stored.select((row >= 0) & (stored.source_time <= pipeline.gate.last_time[row]))


async def _replayed(pipeline: Pipeline, stored: SampleBatch) -> int:
    """How many samples were scored again."""
    order = np.argsort(stored.source_time, kind="stable")
    ordered, again = stored.select(order), 0
    if not len(ordered):
        return 0
    first, last = int(ordered.source_time[0]), int(ordered.source_time[-1])
    for start in range(first, last + 1, PART_US):
        low, high = np.searchsorted(ordered.source_time, [start, start + PART_US])
        again += replay(pipeline, ordered.select(np.arange(low, high)))
        await asyncio.sleep(0)
    return again


async def _despool(pipeline: Pipeline) -> None:
    """What waits on disk from the last time belongs to the stored samples, too."""
    history = pipeline.history
    if history.spool is not None:
        await history.spool.take_up()
        if history.spool.figures.samples:
            await history.flush()


async def _is_committed(pipeline: Pipeline, inbox: Inbox | None) -> bool:
    """Whether the samples and anchors so far are in the database, which is waited for some seconds."""
    try:
        async with asyncio.timeout(COMMITTED_WITHIN_S):
            await pipeline.history.flush()
    except (DatabaseUnavailable, TimeoutError):
        return False
    for _ in range(int(COMMITTED_WITHIN_S / LOOK_S)):
        if not inbox:
            return True
        await asyncio.sleep(LOOK_S)
    return False
