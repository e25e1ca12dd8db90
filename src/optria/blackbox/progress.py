"""How far the analyses that people asked for have come: read by whoever looks, told once one takes long."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from optria.core.errors import Conflict
from optria.core.messages import Message
from optria.kit import clock
from optria.kit.bus import Bus

TOLD_AFTER_S = 0.5
"""An analysis that is over by then is not announced: its result says it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An analysis that runs. ``stage``: "reading" (history, events, past incidents), "weighing" or "storing".

    ``samples`` and ``events`` are known once they have been read.
    """

    stage: str
    started_at: datetime
    user_id: int | None
    samples: int | None = None
    events: int | None = None


@dataclass(slots=True)
class _Run:
    progress: Progress
    task: asyncio.Task[None]
    is_told: bool = False


class Runs:
    """The analyses that run now; of two of one incident, the one that began last."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._runs: dict[UUID, _Run] = {}

    def of(self, incident_id: UUID) -> Progress | None:
        """How far the analysis of an incident has come; None where none runs."""
        run = self._runs.get(incident_id)
        return run.progress if run else None

    def cancel(self, incident_id: UUID) -> bool:
        """Stop an analysis: nothing of it is stored. False where none runs."""
        run = self._runs.get(incident_id)
        return run is not None and run.task.cancel()

    async def follow(
        self, tenant_id: int, incident_id: UUID, user_id: int | None, work: Coroutine[None, None, None]
    ) -> None:
        """Await an analysis as one that others may watch and cancel. Raises Conflict when they do."""
        task = asyncio.get_running_loop().create_task(work)
        run = self._runs[incident_id] = _Run(Progress("reading", clock.now(), user_id), task)
        late = asyncio.get_running_loop().call_later(TOLD_AFTER_S, self._tell, tenant_id, incident_id)
        try:
            await asyncio.wait([task])
        finally:
            late.cancel()
            if self._runs.get(incident_id) is run:
                del self._runs[incident_id]
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        if task.cancelled():
            if run.is_told:
                self._say(tenant_id, incident_id, "analysis_cancelled")
            raise Conflict("The analysis was cancelled. Nothing of it was stored.")
        task.result()

    def reached(self, tenant_id: int, incident_id: UUID) -> Callable[[str, int | None, int | None], None]:
        """Called by the analysis at each stage."""

        def tell(stage: str, samples: int | None = None, events: int | None = None) -> None:
            run = self._runs.get(incident_id)
            if run is not None:
                known = run.progress
                run.progress = replace(
                    known, stage=stage, samples=samples or known.samples, events=events or known.events
                )
                if run.is_told:
                    self._say(tenant_id, incident_id, "analysis_moved")

        return tell

    def _tell(self, tenant_id: int, incident_id: UUID) -> None:
        run = self._runs.get(incident_id)
        if run is not None:
            run.is_told = True
            self._say(tenant_id, incident_id, "analysis_started")

    def _say(self, tenant_id: int, incident_id: UUID, kind: str) -> None:
        self._bus.publish(Message(tenant_id, "rca", kind, str(incident_id)))
