"""A labelled recording played through OPC UA: where are its anchors, and did an order follow?"""

import asyncio
import csv
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from optria.cli.demo import child_plant, seed
from optria.cli.running import UserClient, running, signed_in
from optria.cli.scenario import Player, Report, Say, StopError
from optria.core.errors import SimulatorError
from optria.db.installation import ready_database
from optria.db.plant import HistoryChunk
from optria.db.seed import PEOPLE
from optria.db.session import Database
from optria.kit.settings import Settings
from optria.simulator.recording import parse_time, read_csv
from optria.simulator.replay import recording_catalogue

BACKFILL_MINUTES = 24 * 60.0
SETTLE_S = 8.0
"""After the last row: the history is flushed every five seconds, the last order is written."""
UNLABELLED = ("anomaly", "changepoint", "label")
ASSET_TYPE = "Pump"

Span = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True)
class Labels:
    """When a recording is known to be faulty, as spans from its first row, and how long it is."""

    spans: tuple[Span, ...]
    length: timedelta

    def around(self, offset: timedelta) -> Span | None:
        return next((span for span in self.spans if span[0] <= offset <= span[1]), None)


def read_labels(path: Path, column: str) -> Labels:
    """Raises SimulatorError for a file without that column or without a readable time."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        dialect = csv.Sniffer().sniff(file.readline(), ";,")
        file.seek(0)
        rows = list(csv.DictReader(file, dialect=dialect))
    if not rows or column not in rows[0]:
        raise SimulatorError(f"{path.name} has no column {column!r}. Name it with --label-column.")
    time_column = next(name for name in rows[0] if parse_time(rows[0][name]) is not None)
    timed = sorted(
        (time, float(row[column] or 0) > 0) for row in rows if (time := parse_time(row[time_column]))
    )
    first = timed[0][0]
    return Labels(_spans([(time - first, faulty) for time, faulty in timed]), timed[-1][0] - first)


def _spans(rows: list[tuple[timedelta, bool]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    before = False
    for offset, faulty in rows:
        if faulty:
            spans.append((offset if not before else spans.pop()[0], offset))
        before = faulty
    return tuple(spans)


async def play_recording(settings: Settings, path: Path, label_column: str, speed: float, say: Say) -> Report:
    """Replay a recording through OPC UA into the product; anchors compared with its labels."""
    player = Player(say)
    settings = settings.model_copy(update={"backfill_minutes": BACKFILL_MINUTES})
    async with AsyncExitStack() as stack:
        try:
            await _play(player, settings, path, label_column, speed, stack)
        except StopError:
            return player.report
    return player.report


async def _play(
    player: Player, settings: Settings, path: Path, label_column: str, speed: float, stack: AsyncExitStack
) -> None:
    async with player.step("recording, database and server start") as detail:
        labels = read_labels(path, label_column)
        ignored = {label_column, *UNLABELLED}
        catalogue = recording_catalogue(
            read_csv(path, None, frozenset(ignored)), path.stem.upper(), ASSET_TYPE
        )
        addresses = await stack.enter_async_context(
            child_plant(settings, _command(settings, path, speed, ignored))
        )
        url = await stack.enter_async_context(ready_database(settings))
        tenant_id = await seed(url, catalogue, addresses)
        base = await stack.enter_async_context(running(settings, url))
        admin = await stack.enter_async_context(signed_in(base, PEOPLE[0].email, PEOPLE[0].password))
        detail.append(f"{len(catalogue.tags)} tags, {labels.length} at {speed:g}x")
    async with player.step("the recording is played to its end") as detail:
        await asyncio.sleep(labels.length.total_seconds() / speed + SETTLE_S)
        first = await _first_sample(url, tenant_id)
        found = await _found(admin, labels, first)
        player.report.recording = {"file": path.name, **found}
        detail.append(f"{len(found['anchors'])} anchors, {found['false_anchors']} of them false")
    await _judge(player, found)


async def _judge(player: Player, found: dict[str, Any]) -> None:
    async with player.step("an incident is anchored inside the labelled fault, with its order") as detail:
        inside = [i for i in found["incidents"] if i["inside"]]
        assert inside, f"no incident lies inside the labelled fault: {found['incidents']}"
        assert inside[0]["work_order"], f"incident {inside[0]['number']} has no work order"
        detail.append(
            f"{inside[0]['number']}, {inside[0]['delay_s']:.0f} s after the fault's begin, "
            f"{inside[0]['work_order']}, {inside[0]['cause']}"
        )


def _command(settings: Settings, path: Path, speed: float, ignored: set[str]) -> list[str]:
    command = [sys.executable, "-m", "optria", "replay", str(path), "--speed", str(speed)]
    command += ["--home", str(settings.home_folder), "--asset-type", ASSET_TYPE, "--with-parent"]
    for column in sorted(ignored):
        command += ["--ignore", column]
    return command


async def _first_sample(url: str, tenant_id: int) -> datetime:
    """The source time of the recording's first row."""
    database = Database(url)
    try:
        async with database.transaction(tenant_id) as tx:
            first = (await tx.session.execute(select(func.min(HistoryChunk.t0)))).scalar_one_or_none()
    finally:
        await database.dispose()
    if first is None:
        raise SimulatorError("No sample of the recording was stored.")
    return first


async def _found(admin: UserClient, labels: Labels, first: datetime) -> dict[str, Any]:
    events = (await admin.get("/api/blackbox/events", source_system="AI_ENGINE", limit=200))["events"]
    anchors = sorted(datetime.fromisoformat(event["event_time"]) - first for event in events)
    listed = (await admin.get("/api/blackbox/incidents", limit=50))["incidents"]
    incidents = [await _incident(admin, labels, first, incident) for incident in listed]
    return {
        "faulty_s": [[start.total_seconds(), end.total_seconds()] for start, end in labels.spans],
        "anchors": [anchor.total_seconds() for anchor in anchors],
        "false_anchors": sum(labels.around(anchor) is None for anchor in anchors),
        "incidents": sorted(incidents, key=lambda incident: float(incident["at_s"])),
    }


async def _incident(
    admin: UserClient, labels: Labels, first: datetime, incident: dict[str, Any]
) -> dict[str, Any]:
    offset = datetime.fromisoformat(incident["start_time"]) - first
    span = labels.around(offset)
    order_id = incident["auto_work_order_id"]
    order = await admin.get(f"/api/work-orders/{order_id}") if order_id else None
    scores = incident["root_cause_scores"] or {"?": 0.0}
    return {
        "number": incident["incident_number"],
        "at_s": offset.total_seconds(),
        "inside": span is not None,
        "delay_s": (offset - span[0]).total_seconds() if span else None,
        "work_order": order["code"] if order else None,
        "cause": max(scores, key=lambda cause: float(scores[cause])),
    }
