"""The analysis of a would-be incident, with no more than was known by then, and the order it called for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import numpy as np

from optria.backtest.stored_draft import Draft
from optria.backtest.stored_incidents import WouldBe
from optria.backtest.stored_reading import StoredSensors
from optria.blackbox.anchors import anchor_to_json
from optria.blackbox.case_loader import load_case
from optria.core.asset import PlantModel
from optria.core.event import Event
from optria.core.incident import Analysis
from optria.core.tag import to_micros
from optria.core.work_order import WorkOrderPolicy, needs_work_order
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.rca.case import Case, RawEntry, Series
from optria.rca.engine import analyse


@dataclass(frozen=True, slots=True)
class Explained:
    """What would have been said of an incident when its window had closed, and when it got its order."""

    would_be: WouldBe
    analysis: Analysis
    ordered: datetime | None


async def explain(
    tx: Tx,
    would_be: WouldBe,
    plant: PlantModel,
    draft: Draft,
    policy: WorkOrderPolicy,
    events: Sequence[tuple[datetime, Event]],
) -> Explained:
    """Analyse a would-be incident as the recorder would have, pass by pass. Reads only.

    ``events`` are the limit events of the run: they take the place of those that were stored.
    """
    row = _as_row(tx, would_be, plant)
    case = as_known(await load_case(tx, row, plant, StoredSensors()), would_be, draft, events)
    return await asyncio.to_thread(explain_passes, case, would_be, policy)


def _as_row(tx: Tx, would_be: WouldBe, plant: PlantModel) -> IncidentRow:
    """The incident as a row of no session: it is never stored."""
    asset = plant.asset(would_be.asset_id)
    return IncidentRow(
        id=uuid4(),
        tenant_id=tx.tenant_id,
        incident_number="",
        severity=would_be.severity_at(would_be.final_pass).name,
        root_asset_id=would_be.asset_id,
        site_id=asset.site_id if asset else None,
        start_time=would_be.anchor.time,
        window_start=would_be.window.start,
        window_end=would_be.window.end,
        anchor=anchor_to_json(would_be.anchor),
    )


def as_known(case: Case, would_be: WouldBe, draft: Draft, events: Sequence[tuple[datetime, Event]]) -> Case:
    """The case without what came after the incident: its own judgement would explain it only too well."""
    began = would_be.anchor.time
    near = {case.asset.id, *case.plant.neighbours(case.asset.id)}
    said = [_entry(event) for _, event in events if event.asset_id in near and event.time in case.window]
    return replace(
        case,
        events=(*(entry for entry in case.events if not _is_limit(entry)), *said),
        history=tuple(
            past for past in case.history if past.occurred_at and past.occurred_at < would_be.window.start
        ),
        maintenance=tuple(log for log in case.maintenance if _before(log.time, began)),
        rules=draft.rules_in_force(case.rules),
    )


def _before(time: object, moment: datetime) -> bool:
    return isinstance(time, datetime) and time < moment


def _is_limit(entry: RawEntry) -> bool:
    """Whether an entry is the stream's own report of a limit."""
    return entry.source == "OPTRIA_ALERT" and {"limit", "direction", "state"} <= set(entry.payload)


def _entry(event: Event) -> RawEntry:
    return RawEntry(
        source=event.source_system,
        time=event.time,
        summary=event.summary,
        severity=event.severity,
        category=event.category,
        asset_id=event.asset_id,
        source_type=event.source_type,
        payload=event.payload,
        id=f"{event.source_id}@{event.time.isoformat()}",
    )


def explain_passes(case: Case, would_be: WouldBe, policy: WorkOrderPolicy) -> Explained:
    """What would have been said when all was known, and the first pass that called for an order."""
    passes = [at for at in would_be.passes if at <= case.now] or would_be.passes[:1]
    ordered = next((at for at in passes if _calls_for_order(case, would_be, policy, at)), None)
    return Explained(would_be, analyse(case), ordered)


def _calls_for_order(case: Case, would_be: WouldBe, policy: WorkOrderPolicy, at: datetime) -> bool:
    severity = would_be.severity_at(at)
    return severity >= policy.min_severity or needs_work_order(severity, analyse(_until(case, at)), policy)


def _until(case: Case, now: datetime) -> Case:
    """What was known at ``now``."""
    if now >= case.window.end:
        return case
    return replace(
        case,
        now=now,
        provisional=True,
        series=tuple(_up_to(series, now) for series in case.series),
        events=tuple(e for e in case.events if not isinstance(e.time, datetime) or e.time <= now),
    )


def _up_to(series: Series, now: datetime) -> Series:
    end = int(np.searchsorted(series.time, to_micros(now), side="right"))
    return replace(series, time=series.time[:end], value=series.value[:end], quality=series.quality[:end])
