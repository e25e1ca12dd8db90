"""Pages of a hand-written plant, for looking at and for the browser tests: no database, no streams."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from optria.core.catalogue import AssetEntry, TagEntry
from optria.core.roles import GRANTS, Role
from optria.kit import clock
from optria.simulator.catalogue import CATALOGUE
from optria.web.rendering import NotificationLine, Shell, SiteLink, now_ms
from optria.web.twin.past_view import Mark, PastView
from optria.web.twin.twin_page_model import (
    AssetView,
    ConnectorView,
    IncidentView,
    OrderView,
    Point,
    SignalView,
    TwinPage,
)

ROOT = Path(__file__).parents[2]
SITES = (
    SiteLink(1, "PLANT-A", "Ras Tanura Refinery", "مصفاة رأس تنورة"),
    SiteLink(2, "PLANT-B", "Abqaiq Processing Plant", "معمل بقيق للمعالجة"),
)
VALUES = {
    "P-102B.VT-1022": 9.8, "P-102B.TT-1023": 96.4, "P-102B.FT-4011": 342.0, "V-102.LT-1021": 58.2,
    "SEP-001.LT-1012": 54.1, "T-201.LIT-2011": 46.0,
}  # fmt: skip
LIMITS = {
    "P-102B.VT-1022": (("major", "high", 4.5), ("critical", "high", 7.1)),
    "P-102B.TT-1023": (("major", "high", 90.0), ("critical", "high", 105.0)),
    "P-102B.FT-4011": (("minor", "low", 350.0),),
}


def tag_ids() -> Mapping[str, int]:
    return {tag.name: index for index, tag in enumerate(CATALOGUE.tags, 1)}


def normal_value(name: str) -> float:
    tag = next(t for t in CATALOGUE.tags if t.name == name)
    return VALUES.get(name, tag.normal_low + 0.45 * (tag.normal_high - tag.normal_low))


def _history(name: str, end: float, low: float, high: float) -> tuple[Point, ...]:
    """An hour: wavering inside the normal range, bending towards ``end`` in the last quarter."""
    start, middle, swing = now_ms() - 3_600_000, (low + high) / 2, (high - low) / 8

    def at(i: int) -> float:
        bend = max(0.0, (i - 90) / 30) ** 2
        return middle + swing * math.sin(i * 0.9 + len(name)) * math.cos(i * 0.37) + bend * (end - middle)

    return tuple((start + i * 30_000, None if 20 < i < 26 and "IT" in name else at(i)) for i in range(121))


def signals(asset: str, with_history: bool) -> tuple[SignalView, ...]:
    ids = tag_ids()

    def view(tag: TagEntry) -> SignalView:
        value, time, quality = normal_value(tag.name), now_ms() - 400, 0
        if tag.name == "T-201.LIT-2011":
            time -= 134_000
        if tag.name == "E-302.FT-3031":
            quality = 2
        if tag.name == "V-102.PT-1020":
            quality = 1
        return SignalView(
            ids[tag.name],
            tag.name,
            tag.description,
            tag.metric,
            tag.unit,
            tag.decimals,
            tag.low,
            tag.high,
            tag.normal_low,
            tag.normal_high,
            LIMITS.get(tag.name, ()),
            1.0,
            value,
            time,
            quality,
            _history(tag.name, value, tag.normal_low, tag.normal_high) if with_history else (),
        )

    return tuple(view(t) for t in CATALOGUE.tags if t.asset == asset)


def incident(summary_only: bool = False) -> IncidentView:
    started = clock.now() - timedelta(minutes=12)
    if summary_only:
        return IncidentView("i-1", "INC-2026-00012", "Bearing Fault on P-102B", "critical", "open", started)
    return IncidentView(
        "i-1",
        "INC-2026-00012",
        "Bearing Fault on P-102B",
        "critical",
        "open",
        started,
        top_cause="Bearing Fault",
        top_probability=0.71,
        financial_impact=Decimal(48600),
        currency="USD",
        carbon_kg=Decimal(170),
        story="At 09:41 vibration left its normal range.",
        causes=(("Bearing Fault", 0.71), ("Pump Cavitation", 0.17), ("Other", 0.12)),
        actions=("Schedule maintenance within 12 hours.",),
        provisional=True,
    )


def asset_view(entry: AssetEntry, chosen: str, order: bool) -> AssetView:
    sick = entry.code == "P-102B"
    orders: tuple[OrderView, ...] = ()
    if sick and order:
        due, title = clock.now() + timedelta(hours=11), "Bearing Fault detected on Pump P-102B"
        orders = (
            OrderView("w-1", "WO-BB-2026-00007", title, "open", "emergency", "Layla Haddad", due, "i-1"),
        )
    if entry.code == "COMP-002":
        orders = (OrderView("w-2", "WO-BB-2026-00003", "Oil sample", "open", "medium"),)
    return AssetView(
        sum(map(ord, entry.code)),
        entry.code,
        entry.name,
        entry.asset_type,
        entry.criticality,
        entry.name_ar,
        "stopped" if entry.code == "P-102A" else "running",
        34.0 if sick else 93.0,
        0.93 if sick else 0.08,
        (incident(),) if sick else (),
        orders,
        signals(entry.code, entry.code == chosen),
    )


def twin_page(
    site: SiteLink, chosen: str = "", order: bool = True, allowed: bool = True, drawn: bool = True
) -> TwinPage:
    file = ROOT / f"src/optria/db/demo/drawing_{site.code.lower().replace('-', '_')}.json"
    assets = tuple(asset_view(a, chosen, order) for a in CATALOGUE.assets if a.site == site.code)
    return TwinPage(
        site, assets,
        (ConnectorView("OPC UA separation train", "live", 79, 79.0, 0.4),
         ConnectorView("PI Web API", "live", 18, 18.0, 1.1),
         ConnectorView("SQL maintenance", "stale", 23, 0.4, 134.0, "the database did not answer in 5 s")),
        json.loads(file.read_text("utf-8")) if drawn else None,
        next((a for a in assets if a.code == chosen), None), allowed, allowed, True, True,
    )  # fmt: skip


def past_view(at: datetime) -> PastView:
    """A moment with two incidents in the day around it."""
    start = at - timedelta(hours=20)
    marks = (
        Mark(at - timedelta(hours=2), "INC-2", "major"),
        Mark(at + timedelta(hours=1), "INC-3", "critical"),
    )
    return PastView(at, start, start + timedelta(hours=24), marks)


def trends(asset: str) -> dict[str, object]:
    """The last hour of an asset's signals as the API answers, with an anchor in it."""
    end = now_ms()
    anchor = clock.now() - timedelta(minutes=12)
    return {
        "from_ms": end - 3_600_000,
        "to_ms": end,
        "marks": [{"kind": "anchor", "time": anchor.isoformat(), "label": "INC-1", "severity": "critical"}],
        "signals": [_trend(signal) for signal in signals(asset, True)],
    }


def _trend(signal: SignalView) -> dict[str, object]:
    return {
        "tag": signal.tag,
        "metric": signal.metric,
        "decimals": signal.decimals,
        "expected": (signal.normal_low, signal.normal_high),
        "limits": [{"severity": s, "direction": d, "value": v} for s, d, v in signal.limits],
        "thinned": True,
        "gap_ms": 60_000,
        "times_ms": [ms for ms, _ in signal.history],
        "values": [value for _, value in signal.history],
    }


def shell(site: SiteLink | None = SITES[1], section: str = "twin", unread: int = 3) -> Shell:
    return Shell(
        "Layla Haddad", "engineer@aramco.com", "engineer", "ARAMCO Demo", section, SITES, site,
        {"critical": 1, "major": 2, "minor": 1}, unread,
        (NotificationLine("Bearing Fault on P-102B", "/blackbox/incidents/i-1", 740.0, False, "CRITICAL"),
         NotificationLine("Work order WO-BB-2026-00003 completed", "/work-orders/w-2", 9000.0, True)),
        GRANTS[Role.TENANT_ADMIN],
    )  # fmt: skip
