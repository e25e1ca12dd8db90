"""What the web layer is given by the composition root, in the smallest words it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from optria.blackbox.progress import Progress
from optria.core.asset import PlantModel
from optria.db.retention import Upkeep
from optria.db.session import Database
from optria.kit.bus import Bus
from optria.kit.loop_watch import LoopWatch
from optria.kit.settings import Settings
from optria.kit.supervise import TaskState
from optria.rca.rules import CausalRule
from optria.rca.trial import RuleTrial
from optria.rca.what_if import Changes, WhatIf
from optria.streams.live import Live
from optria.streams.quarantine import Refused
from optria.streams.recent import Recent
from optria.streams.vitals import StreamVitals


class AssetScores(Protocol):
    def scores(self) -> Mapping[int, tuple[float, float]]:
        """Asset id to its fused detector score over its limit (1.0 = at the limit) and P(fault)."""
        ...


class Pipeline(Protocol):
    """The stream of one tenant, as far as the screens look into it."""

    @property
    def live(self) -> Live: ...
    @property
    def recent(self) -> Recent: ...
    @property
    def anchoring(self) -> AssetScores: ...
    def expected(self, tag: int) -> tuple[float, float] | None:
        """The band that the tag's detector expects now, None while it learns."""
        ...

    def scored_until(self, tag: int) -> datetime | None:
        """The time of the newest sample that the detectors have taken in, None for none yet."""
        ...

    def blind_assets(self) -> frozenset[int]:
        """Assets of which no signal says anything that can be believed."""
        ...

    def clock_ahead_s(self, integration_id: int) -> float:
        """By how much the times of a connection are corrected."""
        ...

    def refused(self, most: int, tags: frozenset[int]) -> list[Refused]:
        """The newest ``most`` samples of ``tags`` that were refused, of each reason."""
        ...


class SourceState(Protocol):
    """One connection to a plant source and how it does; ``rate`` is samples a second."""

    @property
    def integration_id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def rate(self) -> float: ...
    @property
    def lag_s(self) -> float | None: ...
    @property
    def last_error(self) -> str | None: ...
    @property
    def warning(self) -> str | None:
        """What a connected source does not deliver, as a sentence."""

    @property
    def tags(self) -> int: ...
    @property
    def since(self) -> datetime | None:
        """When ``state`` began."""

    @property
    def missing(self) -> Sequence[str]:
        """Mapped tags that the source does not know."""

    @property
    def received(self) -> int:
        """Live samples since this process connected."""

    @property
    def backfilled(self) -> int:
        """Samples of history since then."""

    @property
    def backfill_progress(self) -> float:
        """0 to 1, of the tags whose gap is being filled."""

    @property
    def backfill_from(self) -> datetime | None:
        """Where the gap that is being filled, or was filled last, begins."""

    @property
    def rejected(self) -> Mapping[str, int]:
        """Rows that could not be taken, by reason."""


class Recorder(Protocol):
    """The loop that turns anchors into incidents, and incidents into analyses and orders."""

    async def run_for_asset(
        self, tenant_id: int, asset_id: int, user_id: int, *, asked_at: datetime | None = None
    ) -> UUID:
        """Analyse an asset as it is now; the id of the incident that holds the result."""
        ...

    async def run_for_incident(
        self,
        tenant_id: int,
        incident_id: UUID,
        user_id: int,
        *,
        order: bool = True,
        asked_at: datetime | None = None,
    ) -> None:
        """Analyse an incident again; ``order`` False makes no work order of it.

        An analysis that was stored after ``asked_at`` (None: now) is the one that was asked for.
        """
        ...

    def progress_of(self, incident_id: UUID) -> Progress | None:
        """How far an analysis that somebody asked for has come; None where none runs."""
        ...

    def cancel(self, incident_id: UUID) -> bool:
        """Stop an analysis that somebody asked for; False where none runs."""
        ...

    async def try_rule(self, tenant_id: int, incident_id: UUID, rule: CausalRule) -> RuleTrial:
        """How far a rule would be met by an incident, and what the analysis would say; nothing is stored."""
        ...

    async def what_if(self, tenant_id: int, incident_id: UUID, changes: Changes) -> WhatIf:
        """The analysis of an incident as it is now and as it would be; nothing is stored."""
        ...

    def wake(self) -> None:
        """Look for incidents that want an analysis now, not at the next poll."""
        ...


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the parts of the process do that are no task: streams by tenant, and the inbox of the Black Box.

    ``inbox`` is what waits there by kind, ``inbox_bound`` how many events it holds at most, ``inbox_counts``
    what came and what was shed or refused.
    """

    streams: Mapping[int, StreamVitals] = field(default_factory=dict)
    inbox: Mapping[str, int] = field(default_factory=dict)
    inbox_bound: int = 0
    inbox_counts: Mapping[str, int] = field(default_factory=dict)


def no_upkeep() -> Upkeep | None:
    return None


def no_tasks() -> Mapping[str, TaskState]:
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that routes and the hub work with.

    ``plants`` gives the current configuration of a tenant (an empty one where there is none), ``links``
    the state of its connections, ``health`` the supervised tasks, ``upkeep`` the latest upkeep of what is
    stored. ``demo_control_url`` is the simulated
    plant's control address; None reads it from the settings.
    """

    database: Database
    settings: Settings
    bus: Bus
    pipelines: Mapping[int, Pipeline]
    plants: Callable[[int], PlantModel]
    links: Callable[[int], Sequence[SourceState]]
    recorder: Recorder
    health: Callable[[], Mapping[str, TaskState]] = field(default=no_tasks)
    vitals: Callable[[], Vitals] = field(default=Vitals)
    upkeep: Callable[[], Upkeep | None] = field(default=no_upkeep)
    loop: LoopWatch = field(default_factory=LoopWatch)
    demo_control_url: str | None = None
    version: str = "0.1.0"
