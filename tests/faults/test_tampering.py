"""What is stored about the detectors, and what people did, cannot be altered unseen."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from optria.app.plants import load_plants
from optria.app.streams import Streams
from optria.core.tag import SampleBatch, to_micros
from optria.db.audit_check import check_chain
from optria.db.identity import AuditLog
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from tests import factories
from tests.faults.figures import Figures, Scale


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


async def plant_of(database: Database, tags: int) -> int:
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        asset = await factories.asset(tx, await factories.site(tx, tenant_id))
        integration = await factories.integration(tx, tenant_id)
        for _ in range(tags):
            await factories.mapping(tx, integration, asset)
        await ensure_partitions(tx.session, clock.now().date() - timedelta(days=1), 3)
    return tenant_id


async def streams_of(database: Database, settings: Settings) -> Streams:
    streams = Streams(await load_plants(database), database, settings)
    await streams.restore()
    return streams


def feed(streams: Streams, tenant_id: int, end_us: int, seconds: int, seed: int) -> None:
    """A sample a second of every tag, the last at ``end_us``."""
    tags = [mapping.id for mapping in streams[tenant_id].plant.mappings]
    times = end_us - 1_000_000 * np.arange(seconds, dtype=np.int64)[::-1]
    values = 2.0 + 0.05 * np.random.default_rng(seed).standard_normal((seconds, len(tags)))
    size = seconds * len(tags)
    streams[tenant_id].ingest(
        SampleBatch(
            np.tile(np.array(tags, np.int32), seconds),
            np.repeat(times, len(tags)),
            values.ravel(),
            np.zeros(size, np.uint8),
        )
    )


TAMPERED = {
    "a value in it is changed": (
        "UPDATE detector_checkpoints SET state = jsonb_set(state, '{content}', to_jsonb("
        "overlay(state->>'content' placing 'AAAA' from 200))) WHERE tenant_id = $1"
    ),
    "its position is changed": "UPDATE detector_checkpoints SET position = 7 WHERE tenant_id = $1",
    "it is the one of another tenant": (
        "UPDATE detector_checkpoints AS mine SET state = theirs.state, seal = theirs.seal, "
        "generation = theirs.generation, epoch = theirs.epoch FROM detector_checkpoints AS theirs "
        "WHERE mine.tenant_id = $1 AND theirs.tenant_id <> $1"
    ),
    "it is an older one": (
        "UPDATE detector_checkpoints AS now SET state = old.state, seal = old.seal, "
        "generation = old.generation, epoch = old.epoch, position = old.position, saved_at = old.saved_at "
        "FROM older AS old WHERE now.tenant_id = $1 AND old.tenant_id = $1"
    ),
    "its seal is gone": "UPDATE detector_checkpoints SET seal = NULL WHERE tenant_id = $1",
    "it is gone": "DELETE FROM detector_checkpoints WHERE tenant_id = $1",
}


@pytest.mark.clause("N2")
async def test_checkpoints(
    fresh_database: str, database: Database, settings: Settings, scale: Scale, figures: Figures
) -> None:
    """Whatever is done to the row: it is refused, noted, and the state learned anew from what is stored."""
    tags = scale.of(50, 3)
    mine, other = await plant_of(database, tags), await plant_of(database, tags)
    streams, end_us = await streams_of(database, settings), to_micros(clock.now())
    for tenant_id in (mine, other):
        feed(streams, tenant_id, end_us - 10_000_000, 700, tenant_id)
    await streams.save()
    owner = await asyncpg.connect(fresh_database)
    try:
        await owner.execute("CREATE TABLE older AS SELECT * FROM detector_checkpoints")
        for tenant_id in (mine, other):
            feed(streams, tenant_id, end_us, 10, tenant_id + 100)
        await streams.save()
        known = streams[mine].expected(streams[mine].plant.mappings[0].id)
        whole = await streams_of(database, settings)
        assert whole[mine].state() == streams[mine].state()
        assert not whole[mine].errors["state_refused"]
        await owner.execute("CREATE TABLE sound AS SELECT * FROM detector_checkpoints")
        for how, statement in TAMPERED.items():
            await owner.execute(statement, mine)
            again = await streams_of(database, settings)
            assert again[mine].errors["state_refused"] == 1, how
            assert again[mine].expected(again[mine].plant.mappings[0].id) == pytest.approx(known, rel=0.3), (
                how
            )
            assert not again[other].errors["state_refused"], how
            await owner.execute("DELETE FROM detector_checkpoints WHERE tenant_id = $1", mine)
            await owner.execute(
                "INSERT INTO detector_checkpoints SELECT * FROM sound WHERE tenant_id = $1", mine
            )
        noted = "SELECT count(*) FROM audit_logs WHERE tenant_id = $1 AND action = 'checkpoint_refused'"
        assert await owner.fetchval(noted, mine) == len(TAMPERED)
    finally:
        await owner.close()
    figures.load = f"{len(TAMPERED)} ways to alter the checkpoint of {tags} tags"
    figures.lost = figures.duplicated = 0
    figures.notes.append(f"{len(TAMPERED)} of {len(TAMPERED)} refused and noted, state learned anew")


async def test_audit_rows(fresh_database: str, database: Database, figures: Figures) -> None:
    """An altered row of the audit log is named by the verification."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    for number in range(20):
        async with database.transaction(tenant_id) as tx:
            tx.session.add(AuditLog(tenant_id=tenant_id, action="test", entity_type="x", entity_id=number))
    async with database.transaction(tenant_id) as tx:
        assert (await check_chain(tx, tenant_id)).first_bad is None
    owner = await asyncpg.connect(fresh_database)
    try:
        sequence = await owner.fetchval(
            "UPDATE audit_logs SET action = 'x' WHERE entity_id = 7 AND tenant_id = $1 RETURNING sequence",
            tenant_id,
        )
    finally:
        await owner.close()
    async with database.transaction(tenant_id) as tx:
        found = await check_chain(tx, tenant_id)
    assert found.first_bad is not None
    assert found.first_bad.sequence == sequence
    figures.load = "1 of 20 rows of the audit log"
    figures.notes.append("the verification names it")
