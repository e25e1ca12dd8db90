"""What keeps an alarm quiet: somebody has shelved it, or its asset is in maintenance. Nothing is thrown away.

ISA-18.2-2016 knows three ways (clause 11): shelved by a person, for a limited time, with a reason; suppressed
by design; out of service, for maintenance. Shelving takes the second highest priority and below aside: what
is CRITICAL comes through, unless an administrator has shelved it too. In maintenance people are at the asset
and its trips are part of the work, so a window holds everything back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from optria.core.asset import Asset, PlantModel
from optria.core.event import Severity
from optria.core.incident import Anchor, severity_of
from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.blackbox import EventRow
from optria.db.session import Tx
from optria.kit import clock

LATE: Final = timedelta(days=1)
"""Windows that ended this long ago still hold back what reaches us late from their time."""
LOWEST: Final = Severity.WARNING
"""What is less than this (a return, an information) opens nothing and needs no keeping quiet."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What wants to be heard: of which asset, by which of its signals (if it says so), how grave, when."""

    asset_id: int
    site_id: int | None
    severity: Severity
    time: datetime
    mode: str = "process"
    mapping_id: int | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """The shelvings and windows of a tenant that hold something back now."""

    shelvings: Sequence[Shelving] = ()
    windows: Sequence[MaintenanceWindow] = ()

    def keeper_of(self, subject: Subject) -> str | None:
        """``maintenance:7`` or ``shelving:7``, whatever holds the subject back; None: it is heard."""
        if subject.severity < LOWEST:
            return None
        window = next((one for one in self.windows if holds_in_window(one, subject)), None)
        if window is not None:
            return f"maintenance:{window.id}"
        shelving = next((one for one in self.shelvings if holds_shelved(one, subject)), None)
        return f"shelving:{shelving.id}" if shelving else None


def holds_shelved(shelving: Shelving, subject: Subject) -> bool:
    """Whether a shelving, while it lasts, holds back what ``subject`` says."""
    if subject.severity is Severity.CRITICAL and not shelving.includes_critical:
        return False
    return (
        shelving.asset_id == subject.asset_id
        and shelving.mapping_id in (None, subject.mapping_id)
        and shelving.mode in (None, subject.mode)
    )


def holds_in_window(window: MaintenanceWindow, subject: Subject) -> bool:
    """Whether ``subject`` speaks of the time and the assets of a window."""
    if not window.starts_at <= subject.time < (window.ended_at or window.ends_at):
        return False
    return covers(window, subject.asset_id, subject.site_id)


def covers(window: MaintenanceWindow, asset_id: int, site_id: int | None) -> bool:
    return window.site_id == site_id and (not window.asset_ids or asset_id in window.asset_ids)


async def quiet_now(tx: Tx, tenant_id: int) -> Quiet:
    """What holds something back now, or held back what is only now heard of."""
    now = clock.now()
    shelved = select(Shelving).where(
        Shelving.tenant_id == tenant_id, Shelving.ended_at.is_(None), Shelving.until > now
    )
    over_at = func.coalesce(MaintenanceWindow.ended_at, MaintenanceWindow.ends_at)
    windows = select(MaintenanceWindow).where(
        MaintenanceWindow.tenant_id == tenant_id,
        MaintenanceWindow.starts_at <= now,
        MaintenanceWindow.ends_at > now - LATE,
        over_at > now - LATE,
    )
    return Quiet(
        (await tx.session.scalars(shelved.order_by(Shelving.id))).all(),
        (await tx.session.scalars(windows.order_by(MaintenanceWindow.id))).all(),
    )


def subject_of_event(plant: PlantModel, asset: Asset, event: EventRow) -> Subject:
    return Subject(
        asset.id,
        asset.site_id,
        Severity.parse(event.severity),
        event.event_time,
        mapping_id=_signal_of(plant, asset.id, event.payload or {}),
    )


def subject_of_anchor(asset: Asset, anchor: Anchor) -> Subject:
    """An anchor speaks by its strongest tag."""
    return Subject(
        asset.id,
        asset.site_id,
        max(severity_of(anchor.probability, asset.criticality_rank), LOWEST),
        anchor.time,
        anchor.mode,
        anchor.contributions[0].tag if anchor.contributions else None,
    )


def _signal_of(plant: PlantModel, asset_id: int, payload: Mapping[str, object]) -> int | None:
    """The mapping that the payload of an event names, by its id or by the tag of its source."""
    names = {payload.get("tag_id"), payload.get("external_tag"), payload.get("tag")} - {None}
    return next(
        (
            one.id
            for one in plant.mappings
            if one.asset_id == asset_id and _is(one.id, one.external_tag, names)
        ),
        None,
    )


def _is(mapping_id: int, external_tag: str, names: Collection[object]) -> bool:
    return mapping_id in names or external_tag in names
