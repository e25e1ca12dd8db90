"""Every table of a tenant is guarded by the database, whatever a query forgets."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from optria.core.errors import ConfigurationError
from optria.db.identity import AuditLog, Tenant, User
from optria.db.plant import AssetRow, Integration, MappingRow, SiteRow
from optria.db.session import Database
from optria.db.tables import TABLES
from optria.db.upgrade import require_current
from optria.db.work import NotificationRow, WorkOrderRow

GUARDED = """
SELECT relname FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname = ANY($1)
"""


@dataclass
class Two:
    """Two tenants with a site, an asset, a user and a connection each."""

    database: Database
    ours: int
    theirs: int
    our_asset: int
    their_asset: int
    their_user: int
    their_site: int
    their_integration: int


@pytest.fixture
async def two(rolled_back: Database) -> Two:
    made: list[tuple[int, int, int, int, int]] = []
    for code in ("OURS", "THEIRS"):
        async with rolled_back.platform("test") as tx:
            tenant = Tenant(code=code, name=code)
            tx.session.add(tenant)
            await tx.session.flush()
            site = SiteRow(tenant_id=tenant.id, code="S", name="Site")
            user = User(
                tenant_id=tenant.id, email=f"{code}@x", username=code, password_hash="-", role="engineer"
            )
            integration = Integration(tenant_id=tenant.id, name="i", integration_type="opcua", config={})
            tx.session.add_all([site, user, integration])
            await tx.session.flush()
            asset = AssetRow(tenant_id=tenant.id, site_id=site.id, code="P-1", name="Pump")
            tx.session.add(asset)
            await tx.session.flush()
            made.append((tenant.id, asset.id, user.id, site.id, integration.id))
    ours, theirs = made
    return Two(rolled_back, ours[0], theirs[0], ours[1], theirs[1], theirs[2], theirs[3], theirs[4])


@pytest.fixture
async def owner(shared_database: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(shared_database)
    yield connection
    await connection.close()


async def unguarded(owner: asyncpg.Connection, tables: list[str]) -> set[str]:
    guarded = await owner.fetch(
        """SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
           WHERE relrowsecurity AND NOT relforcerowsecurity AND polpermissive AND polcmd = '*'
             AND pg_get_expr(polqual, polrelid) LIKE '%app.tenant_id%'
             AND pg_get_expr(polwithcheck, polrelid) LIKE '%app.tenant_id%'"""
    )
    wanted = {row["relname"] for row in await owner.fetch(GUARDED, tables)} | {"tenants"} & set(tables)
    return wanted - {row["relname"] for row in guarded}


async def test_every_table_of_a_tenant_has_a_policy(owner: asyncpg.Connection) -> None:
    assert len(await owner.fetch(GUARDED, list(TABLES))) == len(TABLES) - 1
    assert await unguarded(owner, list(TABLES)) == set()


async def test_a_new_table_without_a_policy_is_found(owner: asyncpg.Connection) -> None:
    async with owner.transaction():
        await owner.execute("CREATE TABLE forgotten (tenant_id int)")
        assert await unguarded(owner, ["forgotten"]) == {"forgotten"}
        await owner.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
        assert await unguarded(owner, list(TABLES)) == {"users"}
        await owner.execute("DROP TABLE forgotten; ALTER TABLE users ENABLE ROW LEVEL SECURITY")


async def test_partitions_are_closed_to_the_serving_role(database: Database) -> None:
    async with database.transaction(1) as tx:
        parts = text(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'history_chunks'::regclass"
        )
        part = (await tx.session.scalars(parts)).first()
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.transaction(1) as tx:
            await tx.session.execute(text(f"SELECT * FROM {part}"))


async def test_forgotten_filter_shows_our_rows_only(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        assert list(await tx.session.scalars(select(AssetRow.id))) == [two.our_asset]
        assert list(await tx.session.scalars(text("SELECT id FROM assets"))) == [two.our_asset]
        assert list(await tx.session.scalars(text("SELECT id FROM tenants"))) == [two.ours]
        joined = text("SELECT count(*) FROM users, sites, tenant_integrations")
        assert await tx.session.scalar(joined) == 1


async def test_our_tenant_cannot_change_or_delete_their_rows(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        changed = await tx.session.execute(text("UPDATE assets SET name = 'ours now' RETURNING id"))
        assert list(changed.scalars()) == [two.our_asset]
        deleted = await tx.session.execute(text("DELETE FROM users RETURNING tenant_id"))
        assert list(deleted.scalars()) == [two.ours]


async def refused(two: Two, table: Table, **values: object) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(insert(table).values(**values))


async def test_insert_for_another_tenant_is_refused(two: Two) -> None:
    await refused(two, TABLES["assets"], tenant_id=two.theirs, code="X", name="x")
    await refused(two, TABLES["tenants"], id=999, code="X", name="x")


async def test_moving_a_row_to_another_tenant_is_refused(two: Two) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(text("UPDATE assets SET tenant_id = :t"), {"t": two.theirs})


async def test_reference_into_another_tenant_is_refused(two: Two) -> None:
    ours = {"tenant_id": two.ours}
    await refused(two, TABLES["assets"], code="X", name="x", site_id=two.their_site, **ours)
    await refused(two, TABLES["work_orders"], code="X", title="x", asset_id=two.their_asset, **ours)
    await refused(two, TABLES["work_orders"], code="X", title="x", assigned_to=two.their_user, **ours)
    await refused(
        two, TABLES["notifications"], user_id=two.their_user, notification_type="X", title="x", **ours
    )
    await refused(
        two,
        TABLES["external_signal_mappings"],
        integration_id=two.their_integration,
        external_tag="x",
        internal_metric_name="x",
        **ours,
    )
    with pytest.raises(DBAPIError, match="violates foreign key"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(
                insert(TABLES["asset_links"]).values(
                    source_asset_id=two.our_asset, target_asset_id=two.their_asset, **ours
                )
            )


async def test_references_within_the_tenant_are_accepted(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        site, user = await tx.session.scalar(select(SiteRow.id)), await tx.session.scalar(select(User.id))
        integration = await tx.session.scalar(select(Integration.id))
        assert user is not None
        assert integration is not None
        tx.session.add_all(
            [
                AssetRow(tenant_id=two.ours, site_id=site, code="P-2", name="Pump"),
                WorkOrderRow(
                    tenant_id=two.ours, code="W", title="w", asset_id=two.our_asset, assigned_to=user
                ),
                NotificationRow(tenant_id=two.ours, user_id=user, notification_type="X", title="x"),
                MappingRow(
                    tenant_id=two.ours, integration_id=integration, external_tag="x", internal_metric_name="x"
                ),
            ]
        )


@pytest.mark.parametrize("setting", ["", "DROP", "0"])
async def test_without_a_tenant_nothing_is_seen(two: Two, setting: str) -> None:
    async with two.database.transaction(two.ours) as tx:
        if setting == "DROP":
            await tx.session.execute(text("RESET app.tenant_id"))
        else:
            await tx.session.execute(text("SELECT set_config('app.tenant_id', :s, true)"), {"s": setting})
        for table in ("assets", "tenants", "users"):
            assert await tx.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_a_session_without_a_scope_does_not_begin(two: Two) -> None:
    async with two.database.sessions() as session:
        with pytest.raises(LookupError):
            await session.execute(select(AssetRow))


async def test_platform_scope_spans_tenants_and_people_without_one(two: Two) -> None:
    async with two.database.platform("test") as tx:
        tx.session.add(User(email="admin@x", username="a", password_hash="-", role="platform_owner"))
        tx.session.add(AuditLog(action="login"))
        await tx.session.flush()
        assert len(set(await tx.session.scalars(select(AssetRow.tenant_id)))) == 2
    async with two.database.transaction(two.ours) as tx:
        assert "admin@x" not in set(await tx.session.scalars(select(User.email)))


async def test_system_rules_are_seen_by_all_and_written_by_none(two: Two) -> None:
    rule = {"name": "r", "pattern": {}, "root_cause_category": "x"}
    async with two.database.platform("test") as tx:
        await tx.session.execute(insert(TABLES["blackbox_rca_rules"]).values(tenant_id=None, **rule))
    async with two.database.transaction(two.ours) as tx:
        assert await tx.session.scalar(text("SELECT count(*) FROM blackbox_rca_rules")) == 1
        changed = await tx.session.execute(text("UPDATE blackbox_rca_rules SET name = 'mine' RETURNING id"))
        assert changed.all() == []
    await refused(two, TABLES["blackbox_rca_rules"], tenant_id=None, **rule)


async def test_audit_log_is_append_only(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        tx.session.add(AuditLog(tenant_id=two.ours, action="login"))
    for statement in ("UPDATE audit_logs SET action = 'nothing'", "DELETE FROM audit_logs"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with two.database.transaction(two.ours) as tx:
                await tx.session.execute(text(statement))


async def test_owner_who_could_bypass_is_refused_as_server(fresh_database: str) -> None:
    with pytest.raises(ConfigurationError, match="superuser"):
        await require_current(fresh_database)


@pytest.mark.parametrize(
    ("make", "undo", "says"),
    [
        ("ALTER ROLE optria_app BYPASSRLS", "ALTER ROLE optria_app NOBYPASSRLS", "BYPASSRLS"),
        ("ALTER TABLE assets OWNER TO optria_app", "ALTER TABLE assets OWNER TO optria_owner", "owns tables"),
        ("GRANT optria_owner TO optria_app", "REVOKE optria_owner FROM optria_app", "owns tables"),
    ],
)
async def test_serving_role_that_can_bypass_is_refused(
    fresh_database: str, serving: Callable[[str], str], make: str, undo: str, says: str
) -> None:
    owner = await asyncpg.connect(fresh_database)
    try:
        await owner.execute(make)
        with pytest.raises(ConfigurationError, match=says):
            await require_current(serving(fresh_database))
    finally:
        await owner.execute(undo)
        await owner.close()
    await require_current(serving(fresh_database))


async def test_the_policy_is_served_by_an_index(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        await tx.session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = text("EXPLAIN SELECT * FROM blackbox_events ORDER BY event_time DESC LIMIT 20")
        plan = "\n".join(await tx.session.scalars(asked))
    assert "Index Cond: ((tenant_id >=" in plan
