"""A row of every table for both tenants, so that whatever leaks has something to leak."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Column, Table, Uuid, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from optria.backtest.stored import Asked
from optria.backtest.stored_jobs import Job
from optria.blackbox.analyses import store_analysis
from optria.core.roles import Role
from optria.db.session import Tx
from optria.db.tables import METADATA
from optria.kit import clock
from tests import factories
from tests.analyses import analysis
from tests.web.house import House, Household

WORDS: Final[Mapping[str, object]] = {
    "severity": "MAJOR",
    "min_severity": "MAJOR",
    "status": "open",
    "priority": "high",
    "direction": "high",
    "event_role": "CONTEXT",
    "role": "CONTEXT",
    "currency": "SAR",
    "time_zone": "Asia/Riyadh",
    "metric": "temperature",
    "energy_type": "steam",
    "asset_type": "Valve",
    "cause": "Seal Leak",
    "cause_code": "SEAL_LEAK",
    "root_cause_category": "SEAL_LEAK",
    "initial_status": "open",
    "criticality": "high",
    "node_type": "pump",
    "channel": "email",
    "url": "https://receiver.example/hook",
    "internal_metric_name": "temperature",
    "is_active": True,
    "is_read": False,
    "is_dismissed": False,
    "kind": "note",
    "source": "SCADA",
    "detector": "level",
    "version": 1,
    "shift_days": 7,
    "position": 0,
}
"""Columns whose words the product reads."""
ELSEWHERE: Final = frozenset({"tenants", "history_chunks", "audit_logs", "audit_heads", "counters"})
"""Tables that are filled otherwise, or hold nothing that a screen shows."""


@dataclass
class Furnished:
    """What the tenants have: the value of each path parameter, per tenant, and the texts of the other one."""

    house: House
    own: dict[str, object] = field(default_factory=dict)
    other: dict[str, object] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()


async def furnish(house: House, mark: str = "OWNED") -> Furnished:
    """Fill every table for both tenants."""
    made = Furnished(house)
    for household, things, marker in ((house.own, made.own, mark), (house.other, made.other, "FOREIGN")):
        async with house.database.transaction(household.tenant.id) as tx:
            things.update(await _things(tx, household, marker))
        things["back_test_id"] = _back_test(house, household)
    own, other = await texts(house, house.own.tenant.id), await texts(house, house.other.tenant.id)
    made.foreign = frozenset(text for text in other - own if len(text) > 4)
    return made


def _back_test(house: House, household: Household) -> UUID:
    """One that waits: nobody runs it here."""
    end = clock.now() - timedelta(hours=1)
    asked = Asked(household.tenant.id, end - timedelta(hours=1), end)
    by = household.users[Role.TENANT_ADMIN].id
    job: Job = house.app.state.back_tests.start(asked, (), by)
    return job.id


async def _things(tx: Tx, household: Household, marker: str) -> dict[str, object]:
    asset, site = household.asset, household.site
    engineer = household.users[Role.ENGINEER]
    second = await factories.asset(tx, site, code=f"{marker}-P-2", name=f"{marker} pump 2")
    incident = await factories.incident(tx, asset, title=f"{marker} incident", assigned_to=engineer.id)
    found = replace(analysis(), story=f"{marker} story", story_ar=f"{marker} story in Arabic")
    await store_analysis(tx, incident, found, asset.code)
    order = await factories.order(
        tx,
        asset,
        title=f"{marker} order",
        incident_id=str(incident.id),
        assigned_to=engineer.id,
        checklist=[{"text": "Look", "text_ar": "", "done": False}],
    )
    event = await factories.event(tx, asset, summary=f"{marker} event")
    known: dict[str, object] = {
        "tenant_id": household.tenant.id,
        "site_id": site.id,
        "site_code": site.code,
        "asset_id": second.id,
        "root_asset_id": second.id,
        "source_asset_id": asset.id,
        "target_asset_id": second.id,
        "integration_id": household.integration.id,
        "mapping_id": household.vibration.id,
        "incident_id": incident.id,
        "event_id": event.id,
        "work_order_id": order.id,
        "user_id": engineer.id,
        "assigned_to": engineer.id,
        "proposed_by": household.users[Role.TENANT_ADMIN].id,
        "notification_id": (await factories.notification(tx, engineer, title=f"{marker} notice")).id,
    }
    await factories.score(tx, asset)
    return known | await _one_of_each(tx, known, marker)


async def _one_of_each(tx: Tx, known: dict[str, object], marker: str) -> dict[str, object]:
    """A row of every table that has none yet; ``<table>_id`` for each."""
    keys: dict[str, object] = {}
    for table in METADATA.sorted_tables:
        if table.name in ELSEWHERE or "tenant_id" not in table.c:
            continue
        tenant_is_ours = table.c.tenant_id == known["tenant_id"]
        if not (await tx.session.execute(select(table).where(tenant_is_ours).limit(1))).first():
            await tx.session.execute(insert(table).values(_row(table, known | keys, marker)))
        if "id" in table.c:
            newest = select(table.c.id).where(tenant_is_ours).order_by(table.c.id.desc()).limit(1)
            keys[f"{table.name}.id"] = (await tx.session.execute(newest)).scalar_one()
            keys.setdefault(_reference(table.name), keys[f"{table.name}.id"])
    return keys


NAMED_OTHERWISE: Final = {
    "cost_references": "cost_id",
    "on_call_shifts": "override_id",
}


def _reference(table: str) -> str:
    """What names a row of this table in an address: ``on_call_rotations`` to ``rotation_id``."""
    if table in NAMED_OTHERWISE:
        return NAMED_OTHERWISE[table]
    return table.rpartition("_")[2].removesuffix("s") + "_id"


def _row(table: Table, known: Mapping[str, object], marker: str) -> dict[str, object]:
    return {
        column.name: _value(table, column, known, marker)
        for column in table.columns
        if not (column.name == "id" and not isinstance(column.type, Uuid))
    }


def _value(table: Table, column: Column[Any], known: Mapping[str, object], marker: str) -> object:
    name = column.name
    if name in known:
        value = known[name]
        return str(value) if isinstance(value, UUID) and column.type.python_type is str else value
    if name in WORDS and isinstance(WORDS[name], column.type.python_type):
        return WORDS[name]
    if name.endswith(("_at", "_until")) and column.nullable:
        return None
    if isinstance(column.type, JSONB):
        return {} if "list" not in str(column.type) and name not in ("checklist", "recommendations") else []
    if isinstance(column.type, ARRAY):
        return []
    kind = column.type.python_type
    if kind is str:
        length = getattr(column.type, "length", None) or 80
        return f"{marker} {table.name} {name} {known['tenant_id']}"[:length]
    if column.nullable:
        return None
    plain: dict[type, object] = {
        UUID: uuid4(),
        bool: True,
        datetime: clock.now() + timedelta(seconds=len(name)),
        date: clock.now().date(),
        time: time(8, 0),
    }
    return plain.get(kind, 1)


async def rows_of(house: House, tenant_id: int) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a tenant has, table by table."""
    async with house.database.transaction(tenant_id) as tx:
        return {
            table.name: sorted(
                (tuple(row) for row in (await tx.session.execute(select(table))).all()), key=repr
            )
            for table in METADATA.sorted_tables
            if "tenant_id" in table.c and table.name != "user_sessions"
        }


async def texts(house: House, tenant_id: int) -> set[str]:
    """Every text and UUID that a tenant has stored."""
    return {
        text
        for rows in (await rows_of(house, tenant_id)).values()
        for row in rows
        for cell in row
        for text in _texts(cell)
    }


def _texts(cell: object) -> Iterator[str]:
    if isinstance(cell, str | UUID):
        yield str(cell)
    elif isinstance(cell, Mapping):
        for value in cell.values():
            yield from _texts(value)
    elif isinstance(cell, list):
        for value in cell:
            yield from _texts(value)
