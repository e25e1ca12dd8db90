"""Alerts of the existing application as events: each once, and a CRITICAL one opens its incident."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, cast, exists, select

from optria.blackbox.events import store_event
from optria.blackbox.incidents import Opened
from optria.blackbox.triggers import open_for_event
from optria.core.asset import PlantModel
from optria.core.event import Event, EventCategory, Severity
from optria.db.asset_details import AlertRow
from optria.db.blackbox import EventRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.kit import clock

SOURCE: Final = "OPTRIA_ALERT"
COLLECTED_AT_ONCE: Final = 1_000
OVER: Final = ("resolved", "closed", "dismissed", "cancelled")
"""Statuses of an alert that calls for nothing any more."""
OTHER_WORDS: Final = {
    "EMERGENCY": Severity.CRITICAL,
    "HIGH": Severity.MAJOR,
    "ERROR": Severity.MAJOR,
    "MEDIUM": Severity.MINOR,
    "MODERATE": Severity.MINOR,
    "LOW": Severity.WARNING,
}


@dataclass(frozen=True, slots=True)
class Collected:
    """How many alerts became events, and the incidents that CRITICAL ones opened or joined."""

    alerts: int
    incidents: Sequence[Opened]


def severity_of(word: str | None) -> Severity:
    """The severity of an alert, whose words are free text; unknown ones count as INFO."""
    return OTHER_WORDS.get((word or "").strip().upper(), Severity.parse(word))


async def collect_alerts(tx: Tx, plant: PlantModel) -> Collected:
    """Store the alerts that are no events yet, the oldest first, at most 1,000 at a time."""
    known = exists().where(
        EventRow.tenant_id == AlertRow.tenant_id,
        EventRow.source_system == SOURCE,
        EventRow.source_id == cast(AlertRow.id, String),
    )
    same_tenant = (AssetRow.id == AlertRow.asset_id) & (AssetRow.tenant_id == AlertRow.tenant_id)
    query = (
        select(AlertRow, AssetRow)
        .join(AssetRow, same_tenant, isouter=True)
        .where(AlertRow.tenant_id == plant.tenant_id, ~known)
        .order_by(AlertRow.created_at, AlertRow.id)
        .limit(COLLECTED_AT_ONCE)
        .with_for_update(of=AlertRow, skip_locked=True)
    )
    count, opened = 0, []
    for alert, asset in (await tx.session.execute(query)).all():
        row = await store_event(tx, plant.tenant_id, _event(alert, asset), _site_of(asset))
        count += row is not None
        if row is not None and _is_over(alert):
            row.is_processed = True
        elif row is not None:
            opened.append(await open_for_event(tx, plant, row))
    return Collected(count, [one for one in opened if one is not None])


def _site_of(asset: AssetRow | None) -> int | None:
    return asset.site_id if asset else None


def _is_over(alert: AlertRow) -> bool:
    return alert.resolved_at is not None or (alert.status or "").lower() in OVER


def _event(alert: AlertRow, asset: AssetRow | None) -> Event:
    return Event(
        time=alert.created_at or clock.now(),
        severity=severity_of(alert.severity),
        category=EventCategory.ALERT,
        summary=alert.title,
        asset_id=asset.id if asset else None,
        source_system=SOURCE,
        source_type="ALERT",
        source_id=str(alert.id),
        payload={
            "alert_type": alert.alert_type,
            "status": alert.status,
            "description": alert.description,
            "title_ar": alert.title_ar,
        },
    )
