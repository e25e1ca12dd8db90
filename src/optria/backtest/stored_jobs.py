"""Back-tests that people asked for: one at a time, in the memory of this process, kept for an hour."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.backtest.stored import Asked, Outcome, Phase, back_test
from optria.core.asset import PlantModel
from optria.core.errors import Busy, Conflict, NotFound, OptriaError
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=1)
MOST_WAITING = 8
MOST_KEPT = 20


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Job:
    """One back-test from its asking to its end. ``progress`` is 0 to 1 of all of it."""

    asked: Asked
    changes: tuple[tuple[str, str], ...]
    """What the draft changes, as (kind, words): ``("limit", "high 6.3 mm/s (CRITICAL)")``."""
    asked_by: int
    id: UUID = field(default_factory=uuid4)
    state: JobState = JobState.WAITING
    phase: Phase = "samples"
    progress: float = 0.0
    created_at: datetime = field(default_factory=clock.now)
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    problem: str | None = None
    task: asyncio.Task[Outcome] | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in (JobState.WAITING, JobState.RUNNING)

    def tell(self, phase: Phase, part: float) -> None:
        """Hear how far it is; the samples are most of the work."""
        self.phase = phase
        self.progress = {"samples": 0.9 * part, "causes": 0.9 + 0.1 * part}.get(phase, 1.0)

    def end(self, state: JobState, problem: str | None = None) -> None:
        self.state, self.problem, self.ended_at = state, problem, clock.now()


class BackTests:
    """The queue and its results. ``run`` is the one worker; whoever serves runs it."""

    def __init__(self, database: Database, settings: Settings, plants: Callable[[int], PlantModel]) -> None:
        self._database, self._settings, self._plants = database, settings, plants
        self._jobs: dict[UUID, Job] = {}
        self._waiting: deque[Job] = deque()
        self._work = asyncio.Event()

    def start(self, asked: Asked, changes: tuple[tuple[str, str], ...], user_id: int) -> Job:
        """Queue a back-test.

        Raises:
            Conflict: the tenant has one that is not over.
            Busy: too many tenants wait.
        """
        self._forget()
        if any(not job.is_over for job in self.of(asked.tenant_id)):
            raise Conflict("A back-test of this tenant is running. Wait for it, or cancel it first.")
        if len(self._waiting) >= MOST_WAITING:
            raise Busy("Many back-tests are waiting already. Try again in some minutes.")
        job = Job(asked, changes, user_id)
        self._jobs[job.id] = job
        self._waiting.append(job)
        self._work.set()
        return job

    def find(self, tenant_id: int | None, job_id: UUID) -> Job:
        """A tenant's back-test; every tenant's for None. Raises NotFound."""
        self._forget()
        job = self._jobs.get(job_id)
        if job is None or tenant_id not in (None, job.asked.tenant_id):
            raise NotFound(
                "There is no such back-test. Results are kept in memory for an hour, and not over a restart."
            )
        return job

    def of(self, tenant_id: int | None) -> list[Job]:
        """The back-tests of a tenant, the latest first; every tenant's for None."""
        self._forget()
        mine = (job for job in self._jobs.values() if tenant_id in (None, job.asked.tenant_id))
        return sorted(mine, key=lambda job: job.created_at, reverse=True)

    def cancel(self, job: Job) -> None:
        """Stop a back-test; one that is over is forgotten."""
        if job.is_over:
            self._jobs.pop(job.id, None)
        elif job.task is not None:
            job.task.cancel()
        if job in self._waiting:
            self._waiting.remove(job)
        if not job.is_over:
            job.end(JobState.CANCELLED)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._work.clear()
            while self._waiting:
                await self._do(self._waiting.popleft())
            await self._work.wait()

    async def _do(self, job: Job) -> None:
        job.state = JobState.RUNNING
        plant = self._plants(job.asked.tenant_id)
        try:
            async with asyncio.TaskGroup() as group:
                work = back_test(self._database, self._settings, plant, job.asked, job.tell)
                job.task = group.create_task(work, name=f"back-test {job.id}")
        except* OptriaError as failures:
            job.end(JobState.FAILED, str(failures.exceptions[0]))
        except* (SQLAlchemyError, OSError, TimeoutError) as failures:
            log.warning("back_test_failed", error=str(failures.exceptions[0]))
            job.end(JobState.FAILED, "The database could not be read. Try again shortly.")
        finally:
            self._close(job)

    def _close(self, job: Job) -> None:
        task, job.task = job.task, None
        if job.is_over:
            return
        if task is None or not task.done() or task.cancelled():
            job.end(JobState.CANCELLED)
        elif task.exception() is None:
            job.outcome = task.result()
            job.end(JobState.DONE)
        else:
            job.end(JobState.FAILED, "Something went wrong on our side; it has been logged.")

    def _forget(self) -> None:
        """Drop results that are an hour old, and the oldest beyond the number that is kept."""
        over = sorted((job for job in self._jobs.values() if job.is_over), key=lambda job: job.created_at)
        spare = max(0, len(over) - MOST_KEPT)
        for place, job in enumerate(over):
            if place < spare or clock.now() - (job.ended_at or job.created_at) > KEPT:
                del self._jobs[job.id]
