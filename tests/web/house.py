"""Two tenants with their people, one asset with signals each, and the application over them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import numpy as np
from fastapi import FastAPI
from starlette.routing import BaseRoute

from optria.blackbox.progress import Progress
from optria.core.asset import PlantModel
from optria.core.roles import Role
from optria.core.tag import Quality, Sample, SampleBatch
from optria.db.configuration import load_plant
from optria.db.identity import Tenant, User
from optria.db.plant import AssetRow, Integration, MappingRow, SiteRow
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.rca.rules import CausalRule
from optria.rca.trial import RuleTrial, trial_of
from optria.rca.what_if import Changes, WhatIf, what_if
from optria.streams.live import Live
from optria.streams.quarantine import Quarantine, Refused
from optria.streams.recent import Recent
from optria.web import sessions
from optria.web.connection import Timing
from optria.web.server import create_app
from optria.web.services import Services
from tests import factories
from tests.rca.cases import case


class Scores:
    """Detector scores that a test sets: asset id to (score over limit, P(fault))."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[float, float]] = {}

    def scores(self) -> dict[int, tuple[float, float]]:
        return self.known


class Stream:
    """A tenant's stream without sources: the test puts the samples."""

    def __init__(self, tags: Sequence[int]) -> None:
        self._row = {tag: row for row, tag in enumerate(tags)}
        self.live = Live(tags)
        self.recent = Recent(tags, 600)
        self.anchoring = Scores()
        self.learned: dict[int, tuple[float, float]] = {}
        self.scored: dict[int, datetime] = {}
        self.blind: set[int] = set()
        self.ahead_s: dict[int, float] = {}
        self.quarantine = Quarantine()

    def expected(self, tag: int) -> tuple[float, float] | None:
        return self.learned.get(tag)

    def scored_until(self, tag: int) -> datetime | None:
        return self.scored.get(tag)

    def blind_assets(self) -> frozenset[int]:
        return frozenset(self.blind)

    def clock_ahead_s(self, integration_id: int) -> float:
        return self.ahead_s.get(integration_id, 0.0)

    def refused(self, most: int, tags: frozenset[int]) -> list[Refused]:
        return self.quarantine.last(most, tags)

    def put(self, *samples: Sample) -> None:
        batch = SampleBatch.of(samples)
        rows = np.array([self._row[sample.tag] for sample in samples], np.intp)
        self.live.put(batch, rows)
        self.recent.add(batch, rows)


class Analyst:
    """Stands for the recorder: remembers what it was asked for."""

    def __init__(self) -> None:
        self.woken = 0

    async def run_for_asset(
        self, tenant_id: int, asset_id: int, user_id: int, *, asked_at: datetime | None = None
    ) -> UUID:
        return uuid4()

    async def run_for_incident(
        self,
        tenant_id: int,
        incident_id: UUID,
        user_id: int,
        *,
        order: bool = True,
        asked_at: datetime | None = None,
    ) -> None:
        return None

    async def try_rule(self, tenant_id: int, incident_id: UUID, rule: CausalRule) -> RuleTrial:
        return trial_of(case(), rule)

    async def what_if(self, tenant_id: int, incident_id: UUID, changes: Changes) -> WhatIf:
        return what_if(case(), changes)

    def progress_of(self, incident_id: UUID) -> Progress | None:
        return None

    def cancel(self, incident_id: UUID) -> bool:
        return False

    def wake(self) -> None:
        self.woken += 1


@dataclass(frozen=True)
class Source:
    """A connection as the health page sees it."""

    integration_id: int
    name: str
    state: str = "connected"
    rate: float = 2.0
    lag_s: float | None = 0.4
    last_error: str | None = None
    warning: str | None = None
    tags: int = 2
    since: datetime | None = None
    missing: tuple[str, ...] = ()
    received: int = 0
    backfilled: int = 0
    backfill_progress: float = 1.0
    backfill_from: datetime | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Household:
    """One tenant."""

    tenant: Tenant
    users: dict[Role, User]
    site: SiteRow
    asset: AssetRow
    integration: Integration
    vibration: MappingRow
    pressure: MappingRow
    stream: Stream
    plant: PlantModel


@dataclass
class House:
    database: Database
    services: Services
    app: FastAPI
    own: Household
    other: Household
    owner: User
    analyst: Analyst
    tokens: dict[int, str] = field(default_factory=dict)

    def user(self, role: Role) -> User:
        return self.owner if role is Role.PLATFORM_OWNER else self.own.users[role]

    async def token(self, user: User) -> str:
        """A session of the user without the cost of a password."""
        if user.id not in self.tokens:
            async with self.database.platform("test") as tx:
                token = await sessions.start(tx, user, self.services.settings, "127.0.0.1", "test")
            self.tokens[user.id] = token
        return self.tokens[user.id]

    @asynccontextmanager
    async def client(self, who: Role | User | None = None) -> AsyncGenerator[httpx.AsyncClient]:
        """A browser of that person (of the own tenant's, when a role is given), or of a stranger."""
        user = self.user(who) if isinstance(who, Role) else who
        cookies = {sessions.COOKIE: await self.token(user)} if user else {}
        transport = httpx.ASGITransport(self.app)
        url = "http://127.0.0.1" if self.services.settings.demo else "http://plant.test"
        async with httpx.AsyncClient(transport=transport, base_url=url, cookies=cookies) as browser:
            yield browser

    def sample(self, value: float = 2.5, age_s: float = 0.2, quality: Quality = Quality.GOOD) -> Sample:
        """A sample of the own asset's vibration."""
        moment = clock.now() - timedelta(seconds=age_s)
        return Sample(self.own.vibration.id, moment, value, quality)


async def build(database: Database, timing: Timing | None = None, **settings: object) -> House:
    """Two tenants, everybody of every role, and the application."""
    async with database.platform("test") as tx:
        owner = await factories.user(tx, None, Role.PLATFORM_OWNER)
    own, other = await _household(database), await _household(database)
    both = {household.tenant.id: household for household in (own, other)}
    analyst = Analyst()
    services = Services(
        database=database,
        settings=Settings.model_validate({"demo": False} | settings),
        bus=database.bus,
        pipelines={tenant_id: household.stream for tenant_id, household in both.items()},
        plants=lambda tenant_id: both[tenant_id].plant,
        links=lambda tenant_id: [Source(both[tenant_id].integration.id, "OPC UA")],
        recorder=analyst,
    )
    return House(database, services, application(services, timing), own, other, owner, analyst)


prepared: list[BaseRoute] = []
"""The routes of the first application of this run."""


def application(services: Services, timing: Timing | None) -> FastAPI:
    """The product's application. FastAPI prepares a route when it is first asked for; all of them take longer
    than most tests, so that is done once for all applications of a run."""
    app = create_app(services, timing)
    if not prepared:
        prepared.extend(app.router.routes)
    app.router.routes[:] = prepared
    return app


async def _household(database: Database) -> Household:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        roles = [role for role in Role if role is not Role.PLATFORM_OWNER]
        users: dict[Role, User] = {role: await factories.user(tx, tenant.id, role) for role in roles}
    async with database.transaction(tenant.id) as tx:
        site = await factories.site(tx, tenant.id)
        asset = await factories.asset(tx, site)
        integration = await factories.integration(tx, tenant.id)
        vibration = await factories.mapping(tx, integration, asset)
        pressure = await factories.mapping(
            tx, integration, asset, internal_metric_name="pressure", unit="bar"
        )
        await factories.threshold(tx, tenant.id)
        plant = await load_plant(tx, tenant.id)
    stream = Stream([vibration.id, pressure.id])
    return Household(tenant, users, site, asset, integration, vibration, pressure, stream, plant)


def fits(shape: object, answer: object, path: str = "") -> list[str]:
    """What of a v1 shape is missing in an answer: every key must be there, known values of the same type."""
    if isinstance(shape, Mapping):
        if not isinstance(answer, Mapping):
            return [f"{path} is no object"]
        missing = [f"{path}.{key} is missing" for key in shape if key not in answer]
        inner = [fits(shape[key], answer[key], f"{path}.{key}") for key in shape if key in answer]
        return missing + [fault for faults in inner for fault in faults]
    if isinstance(shape, list):
        if not isinstance(answer, list):
            return [f"{path} is no list"]
        return [f for entry in answer[:1] for f in (fits(shape[0], entry, f"{path}[]") if shape else [])]
    if answer is None or shape in ("NoneType", "object"):
        return []
    kinds: dict[object, tuple[type, ...]] = {
        "str": (str,),
        "bool": (bool,),
        "int": (int,),
        "float": (int, float),
    }
    return [] if isinstance(answer, kinds[shape]) else [f"{path} is {type(answer).__name__}, not {shape}"]
