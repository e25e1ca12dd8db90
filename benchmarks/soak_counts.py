"""What a soak counts: every sample by tag and time, and the rows that its faults called for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text

from benchmarks.soak_plant import EMITTED, ROW, catalogue_of
from optria.core.tag import to_micros
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Database
from optria.db.work import NotificationRow, WorkOrderRow

if TYPE_CHECKING:
    from benchmarks.soak_run import Soak, Tally

FOUND_WITHIN: Final = timedelta(seconds=90)
STORED = text(
    "SELECT tag_id, t0, dt FROM history_chunks"
    " WHERE t0 BETWEEN :begin AND :end AND tag_id BETWEEN :low AND :high"
)
TAGS_A_TIME: Final = 200

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Expected:
    """An injected fault."""

    kind: str
    asset: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Samples:
    emitted: int
    stored: int
    lost: int
    doubled: int
    worst: Mapping[str, int]
    """Samples lost, of the tags that lost most."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``calling`` incidents have a severity that calls for an order by the default policy, or have one."""

    incidents: int
    others: int
    calling: int
    orders: int
    notifications: int
    doubled: int
    detected: Sequence[Expected]
    missed: Sequence[Expected]

    def holds(self) -> bool:
        return self.calling == self.orders <= self.notifications and not self.doubled


async def emitted_and_stored(soak: "Soak", tally: "Tally", within_s: float) -> Samples:
    """Compared again and again until nothing is missing, or for so long."""
    deadline = monotonic() + within_s
    while True:
        found = await _compared(soak, tally)
        if not found.lost or monotonic() > deadline:
            return found
        print(f"       {found.lost:,} of {found.emitted:,} samples are not stored yet", flush=True)
        await asyncio.sleep(5)


async def _compared(soak: "Soak", tally: "Tally") -> Samples:
    begin, end = to_micros(tally.begun), to_micros(tally.ended) - 2_000_000
    given = await asyncio.to_thread(_emitted, soak.plant_home / EMITTED, begin, end)
    ids = await _ids(soak.database, soak.tenant_id)
    names = [tag.name for tag in catalogue_of(soak.copies).tags]
    kept = await _stored(soak.database, soak.tenant_id, tally, begin, end)
    emitted = stored = lost = doubled = 0
    worst: dict[str, int] = {}
    for index, name in enumerate(names):
        mine, theirs = given.get(index, np.empty(0, np.int64)), kept.get(ids[name], np.empty(0, np.int64))
        once = np.unique(theirs)
        missing = len(np.setdiff1d(mine, once, assume_unique=True))
        emitted, stored, lost = emitted + len(mine), stored + len(once), lost + missing
        doubled += len(theirs) - len(once)
        if missing:
            worst[name] = missing
    most = sorted(worst.items(), key=lambda item: -item[1])[:10]
    return Samples(emitted, stored, lost, doubled, dict(most))


def _emitted(file: Path, begin: int, end: int) -> dict[int, Times]:
    raw = file.read_bytes()
    rows = np.frombuffer(raw[: len(raw) // ROW.itemsize * ROW.itemsize], ROW)
    rows = rows[(rows["time_us"] >= begin) & (rows["time_us"] <= end)]
    rows = rows[np.argsort(rows["tag"], kind="stable")]
    tags, starts = np.unique(rows["tag"], return_index=True)
    parts = np.split(rows["time_us"], starts[1:])
    return {int(tag): np.unique(part) for tag, part in zip(tags, parts, strict=True)}


async def _ids(database: Database, tenant_id: int) -> dict[str, int]:
    async with database.transaction(tenant_id) as tx:
        rows = await tx.session.execute(select(MappingRow.external_tag, MappingRow.id))
        return {str(name): int(number) for name, number in rows}


async def _stored(
    database: Database, tenant_id: int, tally: "Tally", begin: int, end: int
) -> dict[int, Times]:
    """The stored times of each tag in the span, those stored twice twice."""
    parts: dict[int, list[Times]] = {}
    span = {"begin": tally.begun - timedelta(minutes=2), "end": tally.ended}
    ids = sorted((await _ids(database, tenant_id)).values())
    for low in range(ids[0], ids[-1] + 1, TAGS_A_TIME):
        async with database.transaction(tenant_id) as tx:
            rows = await tx.session.execute(STORED, span | {"low": low, "high": low + TAGS_A_TIME - 1})
            for tag, t0, dt in rows:
                parts.setdefault(tag, []).append(to_micros(t0) + np.asarray(dt, np.int64))
    joined = {tag: np.sort(np.concatenate(times)) for tag, times in parts.items()}
    return {tag: times[(times >= begin) & (times <= end)] for tag, times in joined.items()}


async def counted_rows(soak: "Soak", tally: "Tally") -> Rows:
    async with soak.database.transaction(soak.tenant_id) as tx:
        since = IncidentRow.start_time >= tally.begun
        incidents = (await tx.session.scalars(select(IncidentRow).where(since))).all()
        named = await tx.session.execute(select(AssetRow.id, AssetRow.code))
        codes = {int(number): str(code) for number, code in named}
        wanted = [str(incident.id) for incident in incidents]
        orders = (
            await tx.session.scalars(select(WorkOrderRow).where(WorkOrderRow.incident_id.in_(wanted)))
        ).all()
        told = await tx.session.execute(
            select(NotificationRow.entity_id, NotificationRow.user_id, func.count())
            .where(
                NotificationRow.entity_type == "work_order",
                NotificationRow.entity_id.in_([str(order.id) for order in orders]),
            )
            .group_by(NotificationRow.entity_id, NotificationRow.user_id)
        )
        notified = [(order, number) for order, _, number in told]
    detected = [fault for fault in tally.faults if any(_is_of(i, fault, codes) for i in incidents)]
    ours = sum(any(_is_of(incident, fault, codes) for fault in tally.faults) for incident in incidents)
    return Rows(
        incidents=len(incidents),
        others=len(incidents) - ours,
        calling=sum(_calls(incident) for incident in incidents),
        orders=len({order.incident_id for order in orders}),
        notifications=len({order for order, _ in notified}),
        doubled=len(orders)
        - len({order.incident_id for order in orders})
        + sum(number - 1 for _, number in notified),
        detected=detected,
        missed=[fault for fault in tally.faults if fault not in detected],
    )


def _calls(incident: IncidentRow) -> bool:
    return incident.severity in ("MAJOR", "CRITICAL") or incident.auto_work_order_id is not None


def _is_of(incident: IncidentRow, fault: Expected, codes: Mapping[int, str]) -> bool:
    """Whether an incident reached the broken asset while it was broken."""
    reached = {*(incident.impact_scope or {}).get("assets", ()), incident.root_asset_id}
    in_time = fault.at - timedelta(seconds=5) <= incident.start_time <= fault.at + FOUND_WITHIN
    return in_time and fault.asset in {codes.get(number or 0) for number in reached}
