"""A plant whose samples come by the log, what they make of it in one process, and what is in the database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from sqlalchemy import text

from optria.app.plants import read_plant
from optria.app.workers import name_of
from optria.core.incident import Anchor
from optria.core.roles import Role
from optria.core.tag import SampleBatch, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.plant import IncidentWindow
from optria.db.session import Database
from optria.kit import clock
from optria.kit.log import partition_of
from optria.kit.secrets import signer_of
from optria.kit.settings import Settings
from optria.streams import sealed
from optria.streams.partitions import by_partition, part_of
from optria.streams.pipeline import Pipeline
from optria.streams.wire import from_bytes, to_bytes
from tests import factories

METRICS = ("vibration", "temperature", "flow")
KEYS = "k1:" + "A" * 43 + "="
"""The same on all servers."""
WAIT_S = 240.0


@dataclass(slots=True)
class Site:
    """``messages`` are what the sources say, in order: key and bytes."""

    tenant_id: int
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    emitted: int = 0
    partitions: int = 12


async def site_of(database: Database, assets: int, seconds: int, partitions: int = 12) -> Site:
    """Pumps that run well and then, all of them, vibrate; ten seconds to a message."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
        await factories.user(tx, tenant_id, Role.ENGINEER)
    async with database.transaction(tenant_id) as tx:
        place = await factories.site(tx, tenant_id)
        integration = await factories.integration(tx, tenant_id)
        for _ in range(assets):
            asset = await factories.asset(tx, place, criticality="critical")
            for metric in METRICS:
                await factories.mapping(tx, integration, asset, internal_metric_name=metric)
        tx.session.add(IncidentWindow(tenant_id=tenant_id, before_minutes=1, after_minutes=30))
        await ensure_partitions(tx.session, clock.now().date() - timedelta(days=1), 3)
    site = Site(tenant_id, partitions=partitions)
    plant = await read_plant(database, tenant_id)
    tags = np.array([mapping.id for mapping in plant.mappings], np.int32)
    shakes = np.array([mapping.metric == "vibration" for mapping in plant.mappings])
    values = 2.5 + 0.05 * np.random.default_rng(3).standard_normal((seconds, len(tags)))
    values[-60:, shakes] += 6.0
    begin_us = to_micros(clock.now()) - (seconds + 10) * 1_000_000
    for start in range(0, seconds, 10):
        part = values[start : start + 10]
        times = begin_us + 1_000_000 * np.arange(start, start + len(part), dtype=np.int64)
        batch = SampleBatch(
            np.tile(tags, len(part)),
            np.repeat(times, len(tags)),
            part.ravel(),
            np.zeros(part.size, np.uint8),
        )
        site.emitted += len(batch)
        site.messages += [
            (key, to_bytes(tenant_id, each)) for key, each in by_partition(plant, batch, partitions)
        ]
    return site


async def in_one_process(database: Database, site: Site) -> tuple[dict[int, Pipeline], list[Anchor]]:
    """The same messages without any fault."""
    plant, anchors = await read_plant(database, site.tenant_id), list[Anchor]()
    pipelines = {
        number: Pipeline(
            part_of(plant, number, site.partitions), Settings(), anchors.append, _unheard, _unheard
        )
        for number in range(site.partitions)
    }
    for key, data in site.messages:
        pipelines[partition_of(key, site.partitions)].ingest(from_bytes(data)[1])
    return pipelines, anchors


def _unheard(_: object) -> None:
    """What limits and ends of episodes say is not compared."""


@dataclass(frozen=True, slots=True)
class Stored:
    samples: int
    distinct: int
    anchors: list[tuple[int, int]]
    incidents: int
    orders: int
    doubled_orders: int


SAMPLES = """
SELECT count(*), count(DISTINCT (tag_id, t)) FROM (
  SELECT tag_id, t0 + dt * interval '1 microsecond' AS t
  FROM (SELECT tag_id, t0, unnest(dt) AS dt FROM history_chunks WHERE tenant_id = :tenant) AS each) AS every
"""
ANCHORS = """
SELECT asset_id, (extract(epoch FROM event_time) * 1000000)::bigint FROM blackbox_events
WHERE tenant_id = :tenant AND source_id LIKE 'anchor:%' ORDER BY 1, 2
"""
INCIDENTS = "SELECT count(*) FROM blackbox_incidents WHERE tenant_id = :tenant"
ORDERS = "SELECT count(*), count(DISTINCT incident_id) FROM work_orders WHERE tenant_id = :tenant"


async def stored(database: Database, site: Site) -> Stored:
    """What is in the database of the site."""
    named = {"tenant": site.tenant_id}
    async with database.transaction(site.tenant_id) as tx:
        samples, distinct = (await tx.session.execute(text(SAMPLES), named)).one()
        anchors = [(int(a), int(t)) for a, t in await tx.session.execute(text(ANCHORS), named)]
        incidents = await tx.session.scalar(text(INCIDENTS), named) or 0
        orders, of_incidents = (await tx.session.execute(text(ORDERS), named)).one()
    return Stored(samples, distinct, anchors, incidents, orders, orders - of_incidents)


async def learned(database: Database, site: Site, settings: Settings) -> dict[int, object]:
    """What each partition has learned, by its last checkpoint."""
    signer, known = signer_of(settings, "checkpoints"), dict[int, object]()
    async with database.transaction(site.tenant_id) as tx:
        for number in range(site.partitions):
            found = await sealed.take(tx, signer, name_of(number, site.partitions))
            known[number] = json.loads(found.content)["learned"] if found else None
    return known


def expected(pipelines: dict[int, Pipeline]) -> dict[int, object]:
    """The same, without any fault; nothing where no signal is."""
    return {
        number: json.loads(json.dumps(pipeline.state())) if len(pipeline.roster) else None
        for number, pipeline in pipelines.items()
    }


def anchored(anchors: Sequence[Anchor]) -> list[tuple[int, int]]:
    return sorted((anchor.asset_id, to_micros(anchor.time)) for anchor in anchors)
