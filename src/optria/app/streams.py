"""The stream of each tenant: its pipeline with state that survives a restart, and what it has seen."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from optria.app.histories import Histories
from optria.app.plants import Plants
from optria.blackbox.recorder import Recorder
from optria.core.asset import PlantModel
from optria.core.errors import NotFound
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.db.plant import DetectorCheckpoint
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.kit.bus import Bus
from optria.kit.settings import Settings
from optria.rca.case import Series
from optria.streams.handover import hand_over
from optria.streams.historian import History
from optria.streams.history import read_window
from optria.streams.late import Late
from optria.streams.pipeline import Pipeline
from optria.streams.recent import Series as Memory

log = structlog.get_logger(__name__)

CHECKPOINT = "stream"
CHECKPOINT_EVERY_S = 30.0
MEMORY_MARGIN_S = 5.0
RELEASE_EVERY_S = 0.5


class Streams(Mapping[int, Pipeline]):
    """Pipelines by tenant, and what their detectors think right now."""

    def __init__(self, plants: Plants, database: Database, settings: Settings) -> None:
        self._database = database
        self._anchors: dict[tuple[int, int], Anchor] = {}
        self._recorder: Recorder | None = None
        self._settings = settings
        self.histories = Histories(database, settings)
        self._saving = asyncio.Lock()
        self._memory = timedelta(minutes=settings.ring_minutes)
        self._pipelines = {plant.tenant_id: self._pipeline(plant) for plant in plants if plant.mappings}

    def __getitem__(self, tenant_id: int) -> Pipeline:
        return self._pipelines[tenant_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._pipelines)

    def __len__(self) -> int:
        return len(self._pipelines)

    def _pipeline(self, plant: PlantModel, history: History | None = None) -> Pipeline:
        def on_anchor(anchor: Anchor) -> None:
            self._anchors[plant.tenant_id, anchor.asset_id] = anchor
            if self._recorder:
                self._recorder.anchor(plant.tenant_id, anchor)

        def on_event(event: Event) -> None:
            if self._recorder:
                self._recorder.event(plant.tenant_id, event)

        def on_cleared(asset_id: int) -> None:
            self._anchors.pop((plant.tenant_id, asset_id), None)

        def on_late(late: Late) -> None:
            if self._recorder:
                self._recorder.late(plant.tenant_id, late)

        return Pipeline(
            plant,
            self._settings,
            on_anchor,
            on_event,
            on_cleared,
            history=history or self.histories.of(plant.tenant_id),
            on_late=on_late,
        )

    def configure(self, plant: PlantModel) -> None:
        """Go on with the plant as it is configured now; a tenant with its first signals gets a stream."""
        running = self._pipelines.get(plant.tenant_id)
        if running is not None:
            successor = self._pipeline(plant, running.history)
            hand_over(running, successor)
            self._pipelines[plant.tenant_id] = successor
        elif plant.mappings:
            self._pipelines[plant.tenant_id] = self._pipeline(plant)

    async def follow_baselines(self, bus: Bus) -> None:
        """Learn assets anew as people ask for it, for ever."""
        async with bus.subscribe() as messages:
            while True:
                message = await messages.get()
                if message.topic == "baselines" and message.asset_id is not None:
                    await self.rebaseline(message.tenant_id, message.asset_id)

    async def rebaseline(self, tenant_id: int, asset_id: int) -> None:
        """Forget what was learned of an asset; stored at once, so that no restart brings it back.

        Without a database it is forgotten all the same, and stored with the next checkpoint.
        """
        pipeline = self._pipelines.get(tenant_id)
        if pipeline is None:
            return
        try:
            pipeline.rebaseline(asset_id)
        except NotFound:
            return  # an asset without signals has nothing to forget
        log.info("asset_rebaselined", tenant=tenant_id, asset=asset_id)
        try:
            await self._save_one(tenant_id, pipeline)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("checkpoint_postponed", tenant=tenant_id, error=str(error))

    def ingest(self, tenant_id: int, batch: SampleBatch) -> None:
        """Samples for the stream that a tenant has now."""
        self._pipelines[tenant_id].ingest(batch)

    def clock_told(self, tenant_id: int, integration_id: int, ahead_s: float) -> None:
        """The clock of a source was read: so far it is ahead of ours."""
        self._pipelines[tenant_id].clock_told(integration_id, ahead_s)

    async def release(self) -> None:
        """Let samples go on that waited for earlier ones of a source that fell silent, for ever."""
        while True:
            await asyncio.sleep(RELEASE_EVERY_S)
            for pipeline in list(self._pipelines.values()):
                pipeline.release()

    def release_all(self) -> None:
        """Let everything go on that waits: nothing more comes."""
        for pipeline in self._pipelines.values():
            pipeline.release_all()

    def tell(self, recorder: Recorder) -> None:
        """From now on anchors and events go to ``recorder``."""
        self._recorder = recorder

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        pipeline = self._pipelines.get(tenant_id)
        return pipeline is not None and pipeline.anchoring.active(asset_id)

    def probability(self, tenant_id: int, asset_id: int) -> float:
        pipeline = self._pipelines.get(tenant_id)
        return pipeline.anchoring.scores().get(asset_id, (0.0, 0.0))[1] if pipeline else 0.0

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        return self._anchors.get((tenant_id, asset_id)) if self.is_active(tenant_id, asset_id) else None

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]:
        """Samples of a window: from memory, and from stored history where memory does not reach back."""
        pipeline = self._pipelines.get(tx.tenant_id or 0)
        tags = [mapping.id for mapping in mappings]
        recent = pipeline.recent.windows(tags, start, end) if pipeline else {}
        stored = await read_window(tx, tags, start, end) if _reaches_short(recent, tags, start) else {}
        found = {tag: _longer(recent.get(tag), stored.get(tag)) for tag in tags}
        return tuple(
            Series(mapping, series.time, series.value, series.quality)
            for mapping in mappings
            if (series := found[mapping.id]) is not None
        )

    async def restore(self) -> None:
        """Take back what the detectors had learned before the last stop, and the samples of the last hour.

        Without learned state nothing is taken back: the sources are asked for history to learn from.
        """
        for tenant_id, pipeline in self._pipelines.items():
            async with self._database.transaction(tenant_id) as tx:
                statement = select(DetectorCheckpoint.state).where(DetectorCheckpoint.name == CHECKPOINT)
                state = (await tx.session.execute(statement)).scalar_one_or_none()
                if state is not None and _learned(pipeline, tenant_id, state):
                    pipeline.remember(await self._stored(tx, pipeline))

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

    async def checkpoint(self) -> None:
        """Store what the detectors have learned, again and again."""
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            await self.save()

    async def save(self) -> None:
        for tenant_id, pipeline in list(self._pipelines.items()):
            await self._save_one(tenant_id, pipeline)

    async def _save_one(self, tenant_id: int, pipeline: Pipeline) -> None:
        """One at a time: what was learned earlier never takes the place of what was stored later."""
        async with self._saving:
            state = pipeline.state()
            async with self._database.transaction(tenant_id) as tx:
                await _store(tx, tenant_id, state)


def _learned(pipeline: Pipeline, tenant_id: int, state: dict[str, Any]) -> bool:
    """Whether stored state could be taken back."""
    try:
        return pipeline.restore(state) > 0
    except (KeyError, TypeError, ValueError) as error:
        log.warning("checkpoint_refused", tenant=tenant_id, error=str(error))
        return False


async def _store(tx: Tx, tenant_id: int, state: dict[str, Any]) -> None:
    values = {"tenant_id": tenant_id, "name": CHECKPOINT, "state": state, "saved_at": clock.now()}
    statement = insert(DetectorCheckpoint).values(**values)
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[DetectorCheckpoint.tenant_id, DetectorCheckpoint.name],
            set_={"state": statement.excluded.state, "saved_at": statement.excluded.saved_at},
        )
    )


def _reaches_short(recent: Mapping[int, Memory], tags: Sequence[int], start: datetime) -> bool:
    """Whether memory holds nothing of a tag, or begins too late."""
    begin = to_micros(start) + int(MEMORY_MARGIN_S * 1e6)
    return any(tag not in recent or not len(recent[tag]) or recent[tag].time[0] > begin for tag in tags)


def _longer(recent: Memory | None, stored: Memory | None) -> Memory | None:
    """What is stored, continued by what memory has beyond it."""
    if recent is None or not len(recent):
        return stored
    if stored is None or not len(stored) or stored.time[0] >= recent.time[0]:
        return recent
    old = stored.time < recent.time[0]
    return Memory(
        np.concatenate([stored.time[old], recent.time]),
        np.concatenate([stored.value[old], recent.value]),
        np.concatenate([stored.quality[old], recent.quality]),
    )
