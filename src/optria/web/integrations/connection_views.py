"""A connection as its card and its page show it: what it is, how it does, what was done with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import func, select

from optria.connectors import CONNECTORS
from optria.connectors.secrets import redacted
from optria.core.tag import from_micros, to_micros
from optria.db.configuration import lateness_of
from optria.db.plant import Integration, MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.assets.readings import latest_readings
from optria.web.integrations.integration_config import target
from optria.web.refusals import all_in_language
from optria.web.services import Services, SourceState

REFUSED_SHOWN = 5
FIRST_US, LAST_US = to_micros(datetime(1900, 1, 1, tzinfo=UTC)), to_micros(datetime(9990, 1, 1, tzinfo=UTC))
NEEDS_NO_LOOK = frozenset({"connected", "backfilling", "connecting", "starting", "off", "no_signals"})


@dataclass(frozen=True, slots=True)
class RefusedSample:
    """A sample of a mapped tag that cannot be of its time; as the source sent it."""

    reason: str
    external_tag: str
    time: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """``state`` is a key of ``integration_words.STATES``; ``age_s`` is of its newest value, None without one.

    ``signals`` are mapped, ``delivered`` of them come. ``glyph`` marks what somebody should look at. Its
    times are corrected by ``clock_ahead_s`` and wait ``lateness_s`` for earlier ones; ``refused_samples`` are
    the newest that the stream refused.
    """

    id: int
    tenant_id: int
    name: str
    kind: str
    host: str
    address: str
    state: str
    is_on: bool
    signals: int = 0
    delivered: int = 0
    since: datetime | None = None
    rate: float | None = None
    age_s: float | None = None
    error: str = ""
    warning: str = ""
    received: int = 0
    backfilled: int = 0
    backfill_progress: float = 0.0
    backfill_from: datetime | None = None
    missing: tuple[str, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    tested_at: datetime | None = None
    test_ok: bool = False
    test_said: str = ""
    clock_ahead_s: float = 0.0
    lateness_s: float = 0.0
    refused_samples: tuple[RefusedSample, ...] = ()

    @property
    def glyph(self) -> str:
        """``normal`` where data flows, ``bad`` where it should and does not, ``info`` where it rests."""
        if self.state in ("connected", "backfilling"):
            return "normal"
        return "info" if self.state in NEEDS_NO_LOOK else "bad"

    @property
    def refused(self) -> int:
        return sum(self.rejected.values())


async def connection_views(
    tx: Tx, services: Services, rows: Sequence[Integration], language: str = "en"
) -> list[ConnectionView]:
    """The connections as they do now, and what they say in ``language``; one statement for all mappings."""
    tags = await _mapped(tx, [row.id for row in rows])
    links = {
        link.integration_id: link
        for tenant in {row.tenant_id for row in rows}
        for link in services.links(tenant)
    }
    views = [_view(services, row, tags.get(row.id, {}), links.get(row.id)) for row in rows]
    return [_said(view, language) for view in views]


def _said(view: ConnectionView, language: str) -> ConnectionView:
    error, warning = (all_in_language(text, language) for text in (view.error, view.warning))
    return replace(view, error=error, warning=warning)


async def _mapped(tx: Tx, ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """By connection, its mapped tags and their scan times."""
    query = select(MappingRow.integration_id, MappingRow.id, func.coalesce(MappingRow.scan_s, 1.0)).where(
        MappingRow.integration_id.in_(ids), MappingRow.is_active.is_not(False)
    )
    found: dict[int, dict[int, float]] = {}
    for integration_id, tag, scan_s in (await tx.session.execute(query)).all():
        found.setdefault(integration_id, {})[tag] = scan_s
    return found


def _view(
    services: Services, row: Integration, tags: Mapping[int, float], link: SourceState | None
) -> ConnectionView:
    now = clock.now()
    readings = latest_readings(services, row.tenant_id, list(tags))
    newest = max((reading.time for reading in readings.values()), default=None)
    fresh = any(reading.is_fresh(tags[tag], now) for tag, reading in readings.items())
    shown = redacted(row.config or {})
    view = ConnectionView(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        kind=row.integration_type,
        host=host_of(row.config or {}),
        address=str(shown.get("endpoint_url") or ""),
        state=state_of(row, len(tags), link, is_fresh=fresh),
        is_on=row.is_active is not False,
        signals=len(tags),
        age_s=(now - newest).total_seconds() if newest else None,
        tested_at=row.last_sync_at,
        test_ok=row.last_sync_status == "success",
        test_said=row.last_sync_message or "",
        lateness_s=lateness_of(row.config or {}),
        clock_ahead_s=_clock_ahead_s(services, row),
        refused_samples=_refused(services, row, frozenset(tags)),
    )
    return _with_link(view, link) if link is not None and view.is_on else view


def _clock_ahead_s(services: Services, row: Integration) -> float:
    pipeline = services.pipelines.get(row.tenant_id)
    return pipeline.clock_ahead_s(row.id) if pipeline is not None else 0.0


def _refused(services: Services, row: Integration, tags: frozenset[int]) -> tuple[RefusedSample, ...]:
    """The newest few of each reason."""
    pipeline = services.pipelines.get(row.tenant_id)
    if pipeline is None:
        return ()
    names = {mapping.id: mapping.external_tag for mapping in services.plants(row.tenant_id).mappings}
    return tuple(
        RefusedSample(
            one.reason,
            names[one.tag],
            _shown_time(one.source_time_us),
            one.value if math.isfinite(one.value) else None,
        )
        for one in pipeline.refused(REFUSED_SHOWN, tags)
        if one.tag in names
    )


def _shown_time(micros: int) -> datetime:
    """As near as a calendar gets to it."""
    return from_micros(min(max(micros, FIRST_US), LAST_US))


def _with_link(view: ConnectionView, link: SourceState) -> ConnectionView:
    return replace(
        view,
        delivered=link.tags,
        since=link.since,
        rate=link.rate,
        error=link.last_error or "",
        warning=link.warning or "",
        received=link.received,
        backfilled=link.backfilled,
        backfill_progress=link.backfill_progress,
        backfill_from=link.backfill_from,
        missing=tuple(link.missing),
        rejected=dict(link.rejected),
    )


def state_of(row: Integration, signals: int, link: SourceState | None, *, is_fresh: bool) -> str:
    """One word for how a connection does."""
    if row.integration_type not in CONNECTORS:
        return "no_connector"
    if row.is_active is False:
        return "off"
    if not signals:
        return "no_signals"
    if link is None:
        return "starting" if row.integration_type != "demo" or row.demo_stream_active else "off"
    state = str(link.state)
    if state == "connected" and not is_fresh and link.received:
        return "stale"
    return state


def host_of(config: Mapping[str, object]) -> str:
    """Host and port of the configured address; empty where there is none, such as for a file."""
    _, host, port = target(config)
    return f"{host}:{port}" if host and port else host
