"""Rows for tests, one function each: every field has a plausible default and may be named.

The transaction must see the tenant of the row: ``database.transaction(tenant_id)``, or
``database.platform("test")`` for tenants and users.
"""

from datetime import timedelta
from itertools import count
from typing import Any

from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.identity import Tenant, User
from optria.db.plant import (
    AssetLink,
    AssetRow,
    AssetScore,
    Integration,
    MappingRow,
    SiteRow,
    ThresholdRow,
)
from optria.db.session import Tx
from optria.db.twin import TwinLayout
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock

PASSWORD = "Correct horse 1"
PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$ASljOhq8pLZWt65esniFMg$rcQW9waPHQ8FKyfXGz3fLd4FGKoY0omV4ruDFKyS3rY"
)
"""The hash of :data:`PASSWORD` (made once: hashing takes 50 ms)."""

_numbers = count(1)


async def _stored(tx: Tx, row: Any) -> Any:
    tx.session.add(row)
    await tx.session.flush()
    return row


async def tenant(tx: Tx, **values: Any) -> Tenant:
    number = next(_numbers)
    row = Tenant(**{"code": f"TENANT_{number}", "name": f"Tenant {number}", "settings": {}} | values)
    stored: Tenant = await _stored(tx, row)
    return stored


async def user(tx: Tx, tenant_id: int | None, role: Role = Role.ENGINEER, **values: Any) -> User:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "tenant_id": tenant_id,
        "email": f"user{number}@example.com",
        "username": f"user{number}",
        "full_name": f"User {number}",
        "full_name_ar": "مستخدم",
        "role": role.value,
        "password_hash": PASSWORD_HASH,
    }
    stored: User = await _stored(tx, User(**defaults | values))
    return stored


async def site(tx: Tx, tenant_id: int, **values: Any) -> SiteRow:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "tenant_id": tenant_id,
        "code": f"SITE-{number}",
        "name": f"Site {number}",
        "name_ar": "موقع",
        "time_zone": "Asia/Riyadh",
    }
    stored: SiteRow = await _stored(tx, SiteRow(**defaults | values))
    return stored


async def asset(tx: Tx, site_row: SiteRow, **values: Any) -> AssetRow:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "tenant_id": site_row.tenant_id,
        "site_id": site_row.id,
        "code": f"P-{number}",
        "name": f"Pump {number}",
        "name_ar": "مضخة",
        "asset_type": "Pump",
        "criticality": "high",
    }
    stored: AssetRow = await _stored(tx, AssetRow(**defaults | values))
    return stored


async def link(tx: Tx, source: AssetRow, target: AssetRow) -> AssetLink:
    row = AssetLink(tenant_id=source.tenant_id, source_asset_id=source.id, target_asset_id=target.id)
    stored: AssetLink = await _stored(tx, row)
    return stored


async def integration(tx: Tx, tenant_id: int, **values: Any) -> Integration:
    defaults: dict[str, Any] = {
        "tenant_id": tenant_id,
        "name": f"Source {next(_numbers)}",
        "integration_type": "opcua",
        "config": {"endpoint_url": "opc.tcp://127.0.0.1:4840"},
        "status": "active",
    }
    stored: Integration = await _stored(tx, Integration(**defaults | values))
    return stored


async def mapping(tx: Tx, integration_row: Integration, asset_row: AssetRow, **values: Any) -> MappingRow:
    metric = values.get("internal_metric_name", "vibration")
    defaults: dict[str, Any] = {
        "tenant_id": asset_row.tenant_id,
        "integration_id": integration_row.id,
        "asset_id": asset_row.id,
        "external_tag": f"{asset_row.code}.{metric}",
        "internal_metric_name": metric,
        "unit": "mm/s",
        "range_low": 0.0,
        "range_high": 20.0,
        "normal_low": 1.0,
        "normal_high": 4.0,
        "decimals": 2,
        "scan_s": 1.0,
    }
    stored: MappingRow = await _stored(tx, MappingRow(**defaults | values))
    return stored


async def threshold(tx: Tx, tenant_id: int, **values: Any) -> ThresholdRow:
    defaults: dict[str, Any] = {
        "tenant_id": tenant_id,
        "asset_type": "Pump",
        "metric": "vibration",
        "direction": "high",
        "limit_value": 7.1,
        "unit": "mm/s",
        "severity": "CRITICAL",
    }
    stored: ThresholdRow = await _stored(tx, ThresholdRow(**defaults | values))
    return stored


async def score(tx: Tx, asset_row: AssetRow, **values: Any) -> AssetScore:
    defaults: dict[str, Any] = {
        "tenant_id": asset_row.tenant_id,
        "asset_id": asset_row.id,
        "health_score": 91.5,
        "failure_probability": 0.04,
        "remaining_useful_life_days": 240,
        "production_risk_index": 8.5,
    }
    stored: AssetScore = await _stored(tx, AssetScore(**defaults | values))
    return stored


async def layout(tx: Tx, site_row: SiteRow, **values: Any) -> TwinLayout:
    defaults: dict[str, Any] = {
        "tenant_id": site_row.tenant_id,
        "site_id": site_row.id,
        "name": f"Drawing {next(_numbers)}",
        "config": {"units": []},
        "is_default": True,
    }
    stored: TwinLayout = await _stored(tx, TwinLayout(**defaults | values))
    return stored


async def event(tx: Tx, asset_row: AssetRow, **values: Any) -> EventRow:
    defaults: dict[str, Any] = {
        "tenant_id": asset_row.tenant_id,
        "asset_id": asset_row.id,
        "site_id": asset_row.site_id,
        "source_system": "SCADA",
        "source_type": "ALARM",
        "event_time": clock.now(),
        "severity": "WARNING",
        "event_category": "ALERT",
        "summary": "Vibration high",
        "payload": {},
    }
    stored: EventRow = await _stored(tx, EventRow(**defaults | values))
    return stored


async def incident(tx: Tx, asset_row: AssetRow, **values: Any) -> IncidentRow:
    start = clock.now() - timedelta(minutes=5)
    defaults: dict[str, Any] = {
        "tenant_id": asset_row.tenant_id,
        "incident_number": f"INC-TEST-{next(_numbers):05d}",
        "incident_type": "ANOMALY",
        "status": "OPEN",
        "severity": "MAJOR",
        "title": f"Anomaly on {asset_row.code}",
        "root_asset_id": asset_row.id,
        "site_id": asset_row.site_id,
        "start_time": start,
        "anchored_at": start,
        "window_start": start - timedelta(minutes=30),
        "window_end": start + timedelta(minutes=30),
    }
    stored: IncidentRow = await _stored(tx, IncidentRow(**defaults | values))
    return stored


async def order(tx: Tx, asset_row: AssetRow, **values: Any) -> WorkOrderRow:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "tenant_id": asset_row.tenant_id,
        "asset_id": asset_row.id,
        "code": f"WO-TEST-{number:05d}",
        "work_order_number": f"WO-TEST-{number:05d}",
        "title": f"Look at {asset_row.code}",
        "status": "open",
        "priority": "high",
    }
    stored: WorkOrderRow = await _stored(tx, WorkOrderRow(**defaults | values))
    return stored


async def notification(tx: Tx, user_row: User, **values: Any) -> NotificationRow:
    defaults: dict[str, Any] = {
        "tenant_id": user_row.tenant_id,
        "user_id": user_row.id,
        "notification_type": "WORK_ORDER_CREATED",
        "title": "A work order is yours",
        "title_ar": "أمر عمل",
        "body": "Look at the pump.",
        "body_ar": "",
        "severity": "MAJOR",
        "entity_type": "work_order",
        "entity_id": "1",
        "action_url": "/work-orders/1",
    }
    stored: NotificationRow = await _stored(tx, NotificationRow(**defaults | values))
    return stored
