"""The stream of each tenant: its pipeline with state that survives a restart, and what it has seen."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.checkpoints import Checkpoints
from optria.app.fence import Fence
from optria.app.historians import Historians
from optria.app.listener import Listener
from optria.app.plants import Plants
from optria.app.series import read_series
from optria.app.standby import follow
from optria.core.asset import PlantModel
from optria.core.errors import Fenced, NotFound
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping
from optria.db.leases import Lease
from optria.db.session import Database, Tx
from optria.kit.bus import Bus
from optria.kit.settings import Settings
from optria.rca.case import Series
from optria.streams.handover import hand_over
from optria.streams.historian import Historian
from optria.streams.late import Late
from optria.streams.pipeline import Pipeline

log = structlog.get_logger(__name__)

CHECKPOINT = "stream"
CHECKPOINT_EVERY_S = 30.0
"""What comes after the last one is replayed: more often would only make a restart shorter."""
CHECKPOINT_SHARE = 0.02
"""Part of the time that may go into checkpoints, however large the plant."""
RELEASE_EVERY_S = 0.5


class Streams(Mapping[int, Pipeline]):
    """Pipelines by tenant, and what their detectors think right now."""

    def __init__(
        self,
        plants: Plants,
        database: Database,
        settings: Settings,
        name: str = CHECKPOINT,
        *,
        is_spooled: bool = True,
    ) -> None:
        self._database = database
        self._anchors: dict[tuple[int, int], Anchor] = {}
        self._recorder: Listener | None = None
        self._settings = settings
        self.historians = Historians(database, settings, is_spooled=is_spooled)
        self._is_spooled = is_spooled
        self._checkpoints = Checkpoints(database, settings, name)
        self.positions: dict[int, int] = {}
        """Of each tenant: the message of the log that the streams have come to (0: without a log)."""
        self.fence = Fence()
        self._pipelines = {plant.tenant_id: self._pipeline(plant) for plant in plants if plant.mappings}

    def __getitem__(self, tenant_id: int) -> Pipeline:
        return self._pipelines[tenant_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._pipelines)

    def __len__(self) -> int:
        return len(self._pipelines)

    def _pipeline(self, plant: PlantModel, history: Historian | None = None) -> Pipeline:
        def on_anchor(anchor: Anchor) -> None:
            self._anchors[plant.tenant_id, anchor.asset_id] = anchor
            if self._recorder:
                self._recorder.anchor(plant.tenant_id, anchor, once=True)

        def on_event(event: Event) -> None:
            if self._recorder:
                self._recorder.event(plant.tenant_id, event)

        def on_cleared(asset_id: int) -> None:
            self._anchors.pop((plant.tenant_id, asset_id), None)

        def on_late(late: Late) -> None:
            if self._recorder:
                self._recorder.late(plant.tenant_id, late)

        history = history or self.historians.of(plant.tenant_id)
        history.is_ours = self.fence.is_ours if self._is_spooled else self.fence.must_be_ours
        return Pipeline(
            plant,
            self._settings,
            on_anchor,
            on_event,
            on_cleared,
            history=history,
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

    def tell(self, recorder: Listener) -> None:
        """From now on anchors and events go to ``recorder``."""
        self._recorder = recorder

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        if not self.fence.is_on_duty:
            return True  # not for this server to say that it is over: it is asked again later
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
        return await read_series(tx, self._pipelines.get(tx.tenant_id or 0), mappings, start, end)

    async def restore(self) -> None:
        """Go on where the last checkpoint was stored, and score what was stored after it."""
        for tenant_id, pipeline in list(self._pipelines.items()):
            self.positions[tenant_id] = await self._checkpoints.restore(tenant_id, pipeline)

    async def take_over(self, lease: Lease) -> None:
        """From now on these streams run here: begun anew from what was stored last."""
        self.fence.lease = lease
        for tenant_id, running in list(self._pipelines.items()):
            successor = self._pipeline(running.plant, running.history)
            successor.live.continue_after(running.live)
            self.positions[tenant_id] = await self._checkpoints.restore(tenant_id, successor)
            self._pipelines[tenant_id] = successor
        self.fence.is_on_duty = True

    def stand_by(self) -> None:
        """From now on another server runs these streams: nothing that is learned here is stored."""
        self.fence.is_on_duty, self.fence.lease = False, None
        self._anchors.clear()

    async def follow_stored(self) -> None:
        """Show what another server has stored since the last look."""
        for tenant_id, pipeline in list(self._pipelines.items()):
            async with self._database.transaction(tenant_id) as tx:
                await follow(tx, pipeline)

    async def checkpoint(self) -> None:
        """Store what the detectors have learned, again and again."""
        loop, pause_s = asyncio.get_running_loop(), CHECKPOINT_EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            begun = loop.time()
            await self.save()
            pause_s = max(CHECKPOINT_EVERY_S, (loop.time() - begun) / CHECKPOINT_SHARE)

    async def save(self) -> None:
        for tenant_id, pipeline in list(self._pipelines.items()):
            await self._save_one(tenant_id, pipeline)

    async def _save_one(self, tenant_id: int, pipeline: Pipeline) -> None:
        """Nothing while another server runs the streams."""
        if not self.fence.is_on_duty:
            return
        inbox = self._recorder.inbox if self._recorder else None
        position = self.positions.get(tenant_id, 0)
        try:
            await self._checkpoints.save(tenant_id, pipeline, inbox, self.fence.lease, position)
        except Fenced as error:
            log.warning("checkpoint_fenced", tenant=tenant_id, reason=str(error))
            self.stand_by()
