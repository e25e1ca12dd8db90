"""Keeps the running plants as they are configured: read anew after a change, and once a minute anyway."""

import asyncio
import contextlib
from collections.abc import Iterable

import structlog

from optria.app.plants import Plants, read_plant, tenants
from optria.app.sources import Sources
from optria.app.streams import Streams
from optria.core.asset import PlantModel
from optria.db.session import Database
from optria.kit.bus import Bus, Subscription
from optria.kit.supervise import Supervisor

log = structlog.get_logger(__name__)

EVERY_S = 60.0
"""Changes that another process made are seen after this long."""
TOGETHER_S = 0.2
"""Changes within this time are taken over together."""


class Configuration:
    """Takes changes of the configuration over into plants, streams and connections without a restart."""

    def __init__(
        self,
        database: Database,
        plants: Plants,
        streams: Streams,
        sources: Sources,
        supervisor: Supervisor,
    ) -> None:
        self._database, self._plants = database, plants
        self._streams, self._sources, self._supervisor = streams, sources, supervisor
        self._histories: dict[int, asyncio.Task[None]] = {}

    async def follow(self, bus: Bus, group: asyncio.TaskGroup) -> None:
        """Run what is configured in ``group``, for ever."""
        async with bus.subscribe() as changes:
            await self._refresh(await tenants(self._database), group)
            while True:
                changed = await _changed(changes)
                watched = set(await tenants(self._database))
                await self._refresh(changed & watched if changed else watched, group)
                for closed in self._sources.tenants - watched:
                    await self._sources.follow(PlantModel(closed), group)

    async def _refresh(self, tenant_ids: Iterable[int], group: asyncio.TaskGroup) -> None:
        for tenant_id in sorted(tenant_ids):
            plant = await read_plant(self._database, tenant_id)
            self._take_over(plant)
            if tenant_id in self._streams:
                self._keep_history(tenant_id, group)
                await self._sources.follow(plant, group)

    def _take_over(self, plant: PlantModel) -> None:
        if plant == self._plants(plant.tenant_id):
            return
        self._plants.put(plant)
        self._streams.configure(plant)
        log.info("plant_configured", tenant=plant.tenant_id, tags=len(plant.mappings))

    def _keep_history(self, tenant_id: int, group: asyncio.TaskGroup) -> None:
        if tenant_id in self._histories:
            return
        name = f"history of tenant {tenant_id}"
        run = self._streams[tenant_id].history.run
        self._histories[tenant_id] = group.create_task(self._supervisor.keep(name, run), name=name)

    def stop_histories(self) -> None:
        """Have every history write what it holds, and end."""
        for task in self._histories.values():
            task.cancel()


async def _changed(changes: Subscription) -> set[int]:
    """Tenants whose configuration changed, some moments after the first change; none when time is up."""
    tenant_ids: set[int] = set()
    deadline = asyncio.get_running_loop().time() + EVERY_S
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout_at(deadline):
                message = await changes.get()
            if message.topic == "configuration":
                if not tenant_ids:
                    deadline = asyncio.get_running_loop().time() + TOGETHER_S
                tenant_ids.add(message.tenant_id)
    return set() if changes.take_overflow() else tenant_ids
