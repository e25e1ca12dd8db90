"""Every table of a tenant is guarded by the database, whatever a query forgets.

What this does not hold back is SQL of an attacker's own making: whoever can call ``set_config`` in a
transaction of the serving role can name another tenant, or the platform. Values are therefore bound, never
written into a statement, and the driver takes one statement at a time.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from optria.core.errors import ConfigurationError
from optria.db.blackbox import RcaRule, RuleRevision
from optria.db.identity import AuditLog, Tenant, User
from optria.db.plant import AssetRow, Integration, MappingRow, SiteRow
from optria.db.roles import APPEND_ONLY
from optria.db.session import Database
from optria.db.tables import TABLES
from optria.db.upgrade import require_current
from optria.db.url import normalise
from optria.db.work import NotificationRow, WorkOrderRow
from tests import factories
from tests.db.references import Reference, furnish, loose, protected, unprotected

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


OF_NO_TENANT = {"tenants", "stream_leases"}
"""The tenants themselves, and what belongs to the installation and names nobody."""


async def test_every_table_of_a_tenant_has_a_policy(owner: asyncpg.Connection) -> None:
    tables = {row["relname"] for row in await owner.fetch(GUARDED, list(TABLES))}
    assert set(TABLES) - tables == OF_NO_TENANT
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


async def test_forgotten_filter_by_orm_join_and_count_shows_our_rows_only(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        assert [row.id for row in await tx.session.scalars(select(AssetRow))] == [two.our_asset]
        joined = select(AssetRow.tenant_id).join(SiteRow, SiteRow.id == AssetRow.site_id)
        assert list(await tx.session.scalars(joined)) == [two.ours]
        assert await tx.session.scalar(select(func.count()).select_from(User)) == 1
        assert await tx.session.get(AssetRow, two.their_asset) is None
        assert await tx.session.scalar(select(AssetRow.id).where(AssetRow.id == two.their_asset)) is None


async def test_a_filter_for_another_tenant_shows_nothing(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        for table in ("assets", "users", "sites", "tenant_integrations"):
            asked = text(f"SELECT count(*) FROM {table} WHERE tenant_id = :t OR true AND tenant_id <> :o")
            assert await tx.session.scalar(asked, {"t": two.theirs, "o": two.ours}) == 0


async def test_their_row_is_not_locked_or_overwritten(two: Two) -> None:
    async with two.database.transaction(two.ours) as tx:
        locked = select(AssetRow.id).where(AssetRow.id == two.their_asset).with_for_update()
        assert (await tx.session.scalars(locked)).all() == []
    taken = {"id": two.their_asset, "tenant_id": two.ours, "code": "X", "name": "ours now"}
    upsert = postgresql.insert(AssetRow).values(taken)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(
                upsert.on_conflict_do_update(index_elements=[AssetRow.id], set_={"name": "ours now"})
            )


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
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            tx.session.add(AssetRow(tenant_id=two.theirs, code="X", name="x"))


async def test_a_session_for_a_person_of_another_tenant_is_refused(two: Two) -> None:
    forged = {"token_sha256": "a" * 64, "expires_at": datetime(2099, 1, 1, tzinfo=UTC)}
    await refused(two, TABLES["user_sessions"], tenant_id=two.ours, user_id=two.their_user, **forged)
    await refused(two, TABLES["user_sessions"], tenant_id=None, user_id=two.their_user, **forged)


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


async def test_every_reference_of_the_catalogue_is_held_within_the_tenant(owner: asyncpg.Connection) -> None:
    assert await unprotected(owner) == set()
    assert len(await protected(owner)) > 30


async def test_a_new_reference_without_protection_is_found(owner: asyncpg.Connection) -> None:
    async with owner.transaction():
        await owner.execute("ALTER TABLE sites ADD COLUMN main_asset_id int REFERENCES assets (id)")
        assert await unprotected(owner) == {Reference("sites", "main_asset_id", "assets")}
        await owner.execute("ALTER TABLE sites DROP COLUMN main_asset_id")


UNPROBED = {"history_chunks", "audit_logs", "audit_heads"} | OF_NO_TENANT
"""Tables without a reference that the serving role may set."""


async def test_no_reference_accepts_a_row_of_another_tenant(two: Two, owner: asyncpg.Connection) -> None:
    """Every reference of the catalogue: pointing to our own row goes, to theirs is refused.

    What is only added to cannot be pointed elsewhere; whoever adds such a table tests its adding.
    """
    references = await protected(owner)
    made = {}
    for tenant_id in (two.ours, two.theirs):
        async with two.database.transaction(tenant_id) as tx:
            made[tenant_id] = await furnish(tx, tenant_id, references, set(TABLES) - UNPROBED)
    accepted = []
    for reference in sorted(one for one in references if one.table not in APPEND_ONLY):
        own, foreign = (made[tenant_id][reference.target]["id"] for tenant_id in (two.ours, two.theirs))
        assert await points_to(two, reference, own), f"{reference} refuses our own row"
        if await points_to(two, reference, foreign):
            accepted.append(str(reference))
    assert accepted == []


async def points_to(two: Two, reference: Reference, row_id: object) -> bool:
    """Whether our rows of a table may point to a row; nothing but the tenant's guards may refuse it."""
    table = TABLES[reference.table]
    try:
        async with two.database.transaction(two.ours) as tx:
            pointed = table.update().values({reference.column: row_id}).returning(table.c.tenant_id)
            return set(await tx.session.scalars(pointed)) == {two.ours}
    except DBAPIError as error:
        if "row-level security" in str(error) or "violates foreign key" in str(error):
            return False
        raise


async def test_the_history_of_a_rule_is_of_the_own_tenants_rules(two: Two) -> None:
    rules = {}
    for tenant_id in (two.ours, two.theirs):
        async with two.database.transaction(tenant_id) as tx:
            rule = RcaRule(tenant_id=tenant_id, name="R", pattern={}, root_cause_category="X")
            tx.session.add(rule)
            await tx.session.flush()
            rules[tenant_id] = rule.id
    step = {"tenant_id": two.ours, "deed": "found", "is_published": True, "content": {}, "version": 1}
    async with two.database.transaction(two.ours) as tx:
        tx.session.add(RuleRevision(rule_id=rules[two.ours], **step))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            tx.session.add(RuleRevision(rule_id=rules[two.theirs], **step))


LOOSE = {
    "alarm_shelvings.ended_by",
    "alarm_shelvings.shelved_by",
    "alerts.acknowledged_by",
    "alerts.component_id",
    "asset_components.parent_component_id",
    "asset_failure_modes.component_id",
    "asset_metrics_snapshot.component_id",
    "assets.parent_asset_id",
    "audit_logs.entity_id",
    "audit_logs.user_id",
    "blackbox_events.source_id",
    "blackbox_events.suppressed_by",
    "blackbox_incident_events.added_by",
    "blackbox_incidents.acknowledged_by",
    "blackbox_incidents.auto_work_order_id",
    "blackbox_incidents.rca_completed_by",
    "blackbox_incidents.resolved_by",
    "blackbox_incidents.trigger_event_id",
    "cause_confirmations.confirmed_by",
    "cost_references.approved_by",
    "cost_references.proposed_by",
    "cost_references.replaces_id",
    "external_signal_mappings.component_id",
    "history_chunks.tag_id",
    "incident_analyses.requested_by",
    "maintenance_windows.ended_by",
    "maintenance_windows.planned_by",
    "notification_deliveries.digest_id",
    "notification_deliveries.user_id",
    "notifications.entity_id",
    "on_call_shifts.site_id",
    "rca_rule_revisions.made_by",
    "request_keys.user_id",
    "thresholds.approved_by",
    "thresholds.proposed_by",
    "thresholds.replaces_id",
    "twin_nodes.parent_node_id",
    "webhooks.created_by",
    "work_order_history.user_id",
    "work_orders.created_by",
    "work_orders.incident_id",
    "work_orders.recommendation_id",
}
"""Numbers that the database does not follow: who did something, or v1's columns. What they name is read under
row-level security, so one of another tenant finds nothing, and nothing is deleted along with it."""


async def test_a_new_column_that_names_a_row_has_a_key_or_is_known_to_be_loose(
    owner: asyncpg.Connection,
) -> None:
    assert await loose(owner) == LOOSE


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


async def test_the_scope_ends_with_its_transaction(
    fresh_database: str, serving: Callable[[str], str]
) -> None:
    address, arguments = normalise(serving(fresh_database))
    engine = create_async_engine(address, connect_args=arguments, pool_size=1, max_overflow=0)
    database = Database(serving(fresh_database), engine=engine)
    async with database.platform("test") as tx:
        ours, theirs = await factories.tenant(tx), await factories.tenant(tx)
    for tenant in (ours, theirs):
        async with database.transaction(tenant.id) as tx:
            assert list(await tx.session.scalars(select(Tenant.id))) == [tenant.id]
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM tenants")) == 0
    await database.dispose()


async def test_a_tenant_is_a_number_and_no_sql(two: Two) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        async with two.database.transaction("1', true), set_config('app.scope', 'platform') --") as tx:  # type: ignore[arg-type]
            await tx.session.execute(select(AssetRow))


async def test_a_second_statement_is_not_taken(two: Two) -> None:
    smuggled = "SELECT 1; SELECT set_config('app.scope', 'platform', true)"
    with pytest.raises(DBAPIError, match="multiple commands"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(text(smuggled))


async def test_a_value_that_looks_like_sql_is_a_value(two: Two) -> None:
    odd = "x' OR set_config('app.scope', 'platform', true) = 'platform' --"
    async with two.database.transaction(two.ours) as tx:
        assert (await tx.session.scalars(select(AssetRow.id).where(AssetRow.code == odd))).all() == []
        assert list(await tx.session.scalars(select(AssetRow.id))) == [two.our_asset]


async def test_rows_of_nobodys_tenant_are_hidden_and_not_made(two: Two) -> None:
    """``tenant_id`` may be NULL in v1's tables of people, rules and deeds: such rows are the platform's."""
    async with two.database.platform("test") as tx:
        await factories.user(tx, None)
        tx.session.add(AuditLog(action="login"))
    async with two.database.transaction(two.ours) as tx:
        for table in ("users", "audit_logs", "user_sessions"):
            asked = text(f"SELECT count(*) FROM {table} WHERE tenant_id IS NULL")
            assert await tx.session.scalar(asked) == 0
        freed = await tx.session.execute(text("UPDATE users SET role = 'x' WHERE tenant_id IS NULL"))
        assert freed.rowcount == 0  # type: ignore[attr-defined]
    person = {"email": "x@x", "username": "x", "password_hash": "-", "role": "platform_owner"}
    await refused(two, TABLES["users"], tenant_id=None, **person)


async def test_a_row_cannot_be_given_to_nobody(two: Two) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with two.database.transaction(two.ours) as tx:
            await tx.session.execute(text("UPDATE users SET tenant_id = NULL"))


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
