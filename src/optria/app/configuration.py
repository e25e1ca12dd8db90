"""Keeps the running plants as they are configured: read anew after a change, and once a minute anyway.

While the database is away they go on as they were last read.
"""

import asyncio
import contextlib
from collections.abc import Iterable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.known_plants import KnownPlants, KnownTenant
from optria.app.plants import Plants, read_plant, tenants
from optria.app.sources import Sources, connections
from optria.app.streams import Streams
from optria.core.asset import PlantModel
from optria.core.errors import DatabaseUnavailable
from optria.db.fingerprint import fingerprint
from optria.db.session import Database
from optria.kit.bus import Bus, Subscription
from optria.kit.supervise import Supervisor

log = structlog.get_logger(__name__)

EVERY_S = 60.0
"""Changes that another process made are seen after this long."""
AGAIN_S = 2.0
"""A database that was away is asked again after this long."""
TOGETHER_S = 0.2
"""Changes within this time are taken over together."""
AWAY = (SQLAlchemyError, OSError, TimeoutError, DatabaseUnavailable)


class Configuration:
    """Takes changes of the configuration over into plants, streams and connections without a restart."""

    def __init__(
        self,
        database: Database,
        plants: Plants,
        streams: Streams,
        sources: Sources,
        supervisor: Supervisor,
        known: KnownPlants | None = None,
    ) -> None:
        self._database, self._plants = database, plants
        self._streams, self._sources, self._supervisor = streams, sources, supervisor
        self._known = known
        self._read: dict[int, KnownTenant] = {}
        self._histories: dict[int, asyncio.Task[None]] = {}
        self._is_away = False

    async def begin(self, tenants: Iterable[KnownTenant], group: asyncio.TaskGroup) -> None:
        """Run what was known before, in ``group``, until the database says what is."""
        for tenant in tenants:
            self._read[tenant.plant.tenant_id] = tenant
            await self._run(tenant, group)

    async def follow(self, bus: Bus, group: asyncio.TaskGroup) -> None:
        """Run what is configured in ``group``, for ever."""
        async with bus.subscribe() as changes:
            changed: set[int] = set()
            while True:
                is_read = await self._read_anew(changed, group)
                changed = await _changed(changes, EVERY_S if is_read else AGAIN_S)
                if not is_read:
                    changed = set()

    async def _read_anew(self, changed: set[int], group: asyncio.TaskGroup) -> bool:
        """Take over what the database says; False while it is away."""
        try:
            watched = set(await tenants(self._database))
            await self._refresh(changed & watched if changed else watched, group)
            for closed in self._sources.tenants - watched:
                await self._sources.follow(PlantModel(closed), group)
            await self._keep_known(watched)
        except AWAY as error:
            if not self._is_away:
                log.warning("configuration_not_read", error=str(error) or type(error).__name__)
            self._is_away = True
            return False
        self._is_away = False
        return True

    async def _refresh(self, tenant_ids: Iterable[int], group: asyncio.TaskGroup) -> None:
        for tenant_id in sorted(tenant_ids):
            plant = await read_plant(self._database, tenant_id)
            self._read[tenant_id] = KnownTenant(plant, tuple(await connections(self._database, plant)))
            await self._run(self._read[tenant_id], group)

    async def _run(self, tenant: KnownTenant, group: asyncio.TaskGroup) -> None:
        tenant_id = tenant.plant.tenant_id
        self._take_over(tenant.plant)
        if tenant_id in self._streams:
            self._keep_history(tenant_id, group)
            await self._sources.run_exactly(tenant_id, tenant.connections, group)

    async def _keep_known(self, watched: set[int]) -> None:
        self._read = {each: tenant for each, tenant in sorted(self._read.items()) if each in watched}
        if self._known is not None:
            async with self._database.engine.connect() as connection:
                which = await fingerprint(connection)
            await self._known.keep(which, tuple(self._read.values()))

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


async def _changed(changes: Subscription, within_s: float) -> set[int]:
    """Tenants whose configuration changed, some moments after the first change; none when time is up."""
    tenant_ids: set[int] = set()
    deadline = asyncio.get_running_loop().time() + within_s
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout_at(deadline):
                message = await changes.get()
            if message.topic == "configuration":
                if not tenant_ids:
                    deadline = asyncio.get_running_loop().time() + TOGETHER_S
                tenant_ids.add(message.tenant_id)
    return set() if changes.take_overflow() else tenant_ids
