"""The passes that are due: every incident is analysed anew until its window is over and its fault is gone."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from optria.blackbox import incidents
from optria.blackbox.case_loader import SensorReader
from optria.blackbox.failing import record_failure
from optria.blackbox.late import is_pending
from optria.blackbox.passes import WATCH_EVERY, run_pass
from optria.blackbox.poison import BAD_DATA, words_of
from optria.blackbox.watch import Watch
from optria.core.asset import PlantModel
from optria.core.incident import severity_of
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.session import Database, Tx
from optria.kit import clock

log = structlog.get_logger(__name__)

PASS_WITHIN_S: Final = 25.0
"""Less than a transaction may be idle: who takes longer has failed, and is not cut off by the database."""


class DuePasses:
    """Runs them. The row is the queue: a restart finds what waits."""

    def __init__(
        self,
        database: Database,
        plants: Callable[[int], PlantModel],
        sensors: SensorReader,
        watch: Watch,
    ) -> None:
        self._database = database
        self._plants = plants
        self._sensors = sensors
        self._watch = watch
        self.within_s = PASS_WITHIN_S

    async def run(self) -> None:
        """Run every pass that is due, over all tenants."""
        async with self._database.platform("incidents due") as tx:
            statement = (
                select(IncidentRow.tenant_id, IncidentRow.id)
                .where(IncidentRow.next_pass_at <= clock.now())
                .order_by(IncidentRow.next_pass_at)
                .limit(500)
            )
            due = (await tx.session.execute(statement)).all()
        for tenant_id, incident_id in due:
            await self._pass_safely(tenant_id, incident_id)

    async def _pass_safely(self, tenant_id: int, incident_id: UUID) -> None:
        """One incident that cannot be analysed must not keep the others waiting.

        Whether the work is at fault or the database is away shows when the failure is to be written down.
        """
        try:
            async with asyncio.timeout(self.within_s):
                await self._claim_and_run(tenant_id, incident_id)
        except (*BAD_DATA, OSError) as error:
            why = words_of(error) if not isinstance(error, TimeoutError) else self._too_long()
            attempts = await record_failure(self._database, tenant_id, incident_id, why)
            log.warning("pass_failed", incident=str(incident_id), attempts=attempts, error=why)

    def _too_long(self) -> str:
        return f"The analysis or the database took longer than {self.within_s:g} s."

    async def _claim_and_run(self, tenant_id: int, incident_id: UUID) -> None:
        async with self._database.transaction(tenant_id) as tx:
            incident = await self._claim(tx, incident_id)
            if incident is None:
                return
            if not is_pending(incident) and await self._is_final(tx, incident):
                self._look_after(tx, incident)
                return
            going_on = incident.status in incidents.GOING_ON
            if going_on:
                self._lift(tx, incident)
            plant = self._plants(tenant_id)
            done = await run_pass(tx, incident, plant, self._sensors, order=going_on)
            if not done.analysis.provisional:
                self._look_after(tx, incident)

    def _lift(self, tx: Tx, incident: IncidentRow) -> None:
        """A fault that has grown surer since its anchor is graver; one that fades stays what it was."""
        asset_id = incident.root_asset_id or 0
        asset = self._plants(incident.tenant_id).asset(asset_id)
        if asset is not None:
            probability = self._watch.probability(incident.tenant_id, asset_id)
            incidents.lift(tx, incident, severity_of(probability, asset.criticality_rank))

    async def _claim(self, tx: Tx, incident_id: UUID) -> IncidentRow | None:
        statement = (
            select(IncidentRow)
            .where(IncidentRow.id == incident_id, IncidentRow.next_pass_at <= clock.now())
            .with_for_update(skip_locked=True)
        )
        return (await tx.session.execute(statement)).scalar_one_or_none()

    async def _is_final(self, tx: Tx, incident: IncidentRow) -> bool:
        statement = select(AnalysisRow.id).where(AnalysisRow.incident_id == incident.id, AnalysisRow.is_final)
        return (await tx.session.execute(statement.limit(1))).scalar_one_or_none() is not None

    def _look_after(self, tx: Tx, incident: IncidentRow) -> None:
        """After the window: end the episode once the asset is back to normal, else look again later."""
        if self._watch.is_active(incident.tenant_id, incident.root_asset_id or 0):
            incident.next_pass_at = clock.now() + WATCH_EVERY
            return
        incidents.end_episode(incident, clock.now())
        incident.next_pass_at = None
        incidents.announce(tx, incident, "episode_ended")
