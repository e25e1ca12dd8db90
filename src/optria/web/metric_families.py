"""Every figure of the process as Prometheus families, read when asked so that nothing is counted twice.

Labels are tenants, connections, tasks and reasons: as many as an installation has, never tags, assets,
people or addresses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from optria.db.partitions import HistoryDay
from optria.streams.vitals import StreamVitals
from optria.web.admin.vital_signs import DatabaseSigns
from optria.web.services import Services

Labels = tuple[str, ...]
Value = tuple[Labels, float]
CONNECTED: Final = frozenset({"connected", "backfilling", "live"})
SOCKET_COUNTS: Final = {
    "frames_sent": ("optria_websocket_frames", "Frames sent to screens."),
    "connections_refused": ("optria_websocket_refused", "Sockets refused because there were too many."),
    "overflows": ("optria_websocket_overflows", "Waiting events that became a fresh snapshot."),
}
SOCKET_LEVELS: Final = {
    "connections": ("optria_websocket_connections", "Open sockets."),
    "topics": ("optria_websocket_topics", "Topics that somebody watches."),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What only the database knows; None of each while it does not answer."""

    signs: DatabaseSigns
    deliveries: Mapping[str, Mapping[str, int]] | None = None
    incidents: Mapping[tuple[int, str], int] | None = None
    analyses_due: int | None = None
    days: list[HistoryDay] | None = None


def families(services: Services, sockets: Mapping[str, int], stored: Stored) -> Iterator[Metric]:
    """All families but those of HTTP requests and of the process itself."""
    yield level("optria_build_info", "The version that runs.", ("version",), [((services.version,), 1)])
    yield one(
        "optria_event_loop_lag_seconds", "How late the event loop came round last.", services.loop.lag_s
    )
    worst = services.loop.worst_s
    yield one("optria_event_loop_lag_worst_seconds", "The worst of the last minute.", worst)
    streams = services.vitals().streams
    yield from _streams(streams)
    yield from _history(streams)
    yield from _spool(streams)
    yield from _sources(services)
    yield from _inbox(services)
    yield from _tasks(services)
    yield from _messages(services)
    for name, (family, words) in SOCKET_COUNTS.items():
        yield total(family, words, (), [((), sockets.get(name, 0))])
    for name, (family, words) in SOCKET_LEVELS.items():
        yield one(family, words, sockets.get(name, 0))
    yield from _database(stored)
    yield from _queues(stored)
    yield from _upkeep(services, stored)


def level(name: str, words: str, labels: Labels, values: Iterable[Value]) -> Metric:
    """A gauge."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for marks, value in values:
        family.add_metric(marks, value)
    return family


def total(name: str, words: str, labels: Labels, values: Iterable[Value]) -> Metric:
    """A counter; ``_total`` is added to its name."""
    family = CounterMetricFamily(name, words, labels=labels)
    for marks, value in values:
        family.add_metric(marks, value)
    return family


def one(name: str, words: str, value: float) -> Metric:
    return level(name, words, (), [((), value)])


def _streams(streams: Mapping[int, StreamVitals]) -> Iterator[Metric]:
    by = [((str(tenant),), each) for tenant, each in streams.items()]
    mine = ("tenant",)
    yield level("optria_stream_tags", "Tags.", mine, ((t, v.tags) for t, v in by))
    yield total("optria_stream_samples", "Samples taken in.", mine, ((t, v.samples) for t, v in by))
    busy = "Time spent in the pass of samples: gate, limits, detectors."
    yield total("optria_stream_busy_seconds", busy, mine, ((t, v.busy_s) for t, v in by))
    yield total(
        "optria_stream_dropped_samples",
        "Samples refused or shed, and errors of detectors, by reason.",
        ("tenant", "reason"),
        (((*t, reason), n) for t, v in by for reason, n in v.dropped.items()),
    )
    yield level(
        "optria_stream_detector_tags",
        "Tags whose detectors learn, and that are watched.",
        ("tenant", "state"),
        (((*t, s), n) for t, v in by for s, n in (("learning", v.learning), ("watching", v.watching))),
    )
    yield level(
        "optria_stream_failing_assets", "Assets reset by an error.", mine, ((t, v.failing) for t, v in by)
    )
    yield total("optria_stream_anchors", "Anchors set.", mine, ((t, v.anchored) for t, v in by))


def _history(streams: Mapping[int, StreamVitals]) -> Iterator[Metric]:
    by = [((str(tenant),), each) for tenant, each in streams.items()]
    mine = ("tenant",)
    waiting = "Samples that wait in memory for the database."
    yield level("optria_history_waiting_samples", waiting, mine, ((t, v.history_waiting) for t, v in by))
    yield level("optria_history_bound_samples", "At most.", mine, ((t, v.history_bound) for t, v in by))
    oldest = "How long the oldest of them waits."
    yield level("optria_history_waiting_seconds", oldest, mine, ((t, v.history_waiting_s) for t, v in by))
    yield total("optria_history_written_samples", "Stored.", mine, ((t, v.history_written) for t, v in by))
    again = "Handed over, but stored before."
    yield total("optria_history_repeated_samples", again, mine, ((t, v.history_repeated) for t, v in by))
    yield total(
        "optria_history_shed_samples",
        "Samples that found no room in memory and on disk, by reason.",
        ("tenant", "reason"),
        (((*t, reason), n) for t, v in by for reason, n in v.shed.items()),
    )
    paused = "1 while nothing is written on purpose, because the database has no room."
    yield level(
        "optria_history_paused", paused, mine, ((t, float(v.history_paused is not None)) for t, v in by)
    )


def _spool(streams: Mapping[int, StreamVitals]) -> Iterator[Metric]:
    by = [((str(tenant),), each.spool) for tenant, each in streams.items()]
    mine = ("tenant",)
    yield level("optria_spool_samples", "Samples that wait on disk.", mine, ((t, s.samples) for t, s in by))
    yield level("optria_spool_bytes", "Their bytes.", mine, ((t, s.bytes) for t, s in by))
    yield level(
        "optria_spool_bound_bytes", "At most, of all tenants.", mine, ((t, s.limit_bytes) for t, s in by)
    )
    yield total("optria_spool_drained_samples", "Stored from disk.", mine, ((t, s.drained) for t, s in by))
    refused = "1 while the spool takes nothing."
    yield level("optria_spool_refusing", refused, mine, ((t, float(s.refusal is not None)) for t, s in by))
    aside = "Spool files that could not be read."
    yield level("optria_spool_files_set_aside", aside, mine, ((t, len(s.aside)) for t, s in by))


def _sources(services: Services) -> Iterator[Metric]:
    links = [
        ((str(tenant), str(link.integration_id)), link)
        for tenant in services.pipelines
        for link in services.links(tenant)
    ]
    mine = ("tenant", "connection")
    connected = ((k, float(link.state in CONNECTED)) for k, link in links)
    yield level("optria_source_connected", "1 while a source delivers.", mine, connected)
    states = (((*k, str(link.state)), 1.0) for k, link in links)
    yield level("optria_source_state", "1 at the state it has.", (*mine, "state"), states)
    lags = ((k, link.lag_s) for k, link in links if link.lag_s is not None)
    yield level("optria_source_lag_seconds", "Age of the newest sample when it came.", mine, lags)
    rates = ((k, link.rate) for k, link in links)
    yield level("optria_source_samples_per_second", "Samples a second.", mine, rates)
    yield total("optria_source_samples", "Live samples.", mine, ((k, link.received) for k, link in links))
    filled = ((k, link.backfilled) for k, link in links)
    yield total("optria_source_backfilled_samples", "Samples of history.", mine, filled)
    rejected = (((*k, why), n) for k, link in links for why, n in link.rejected.items())
    yield total("optria_source_rejected_rows", "Rows not taken, by reason.", (*mine, "reason"), rejected)
    missing = ((k, len(link.missing)) for k, link in links)
    yield level("optria_source_missing_tags", "Mapped tags that it does not know.", mine, missing)


def _inbox(services: Services) -> Iterator[Metric]:
    vitals = services.vitals()
    waiting = (((kind,), n) for kind, n in vitals.inbox.items())
    yield level(
        "optria_inbox_waiting", "What waits to be stored as incidents and events.", ("kind",), waiting
    )
    yield one("optria_inbox_bound_events", "Events held at most.", vitals.inbox_bound)
    counts = (((what,), n) for what, n in vitals.inbox_counts.items())
    yield total("optria_inbox_entries", "What came, was merged, shed or refused.", ("what",), counts)


def _tasks(services: Services) -> Iterator[Metric]:
    states = services.health()
    running = (((name,), float(state.running)) for name, state in states.items())
    yield level("optria_task_running", "1 while a task of the process runs.", ("task",), running)
    restarts = (((name,), state.restarts) for name, state in states.items())
    yield total("optria_task_restarts", "How often it was begun again.", ("task",), restarts)


def _messages(services: Services) -> Iterator[Metric]:
    bus = services.bus
    counts = (((topic, kind), n) for (topic, kind), n in bus.published.items())
    words = "What was committed: incidents, analyses, orders, notifications, by kind."
    yield total("optria_committed", words, ("topic", "kind"), counts)
    lost = "Messages that a part of this process had no room for; it reads anew."
    yield total("optria_messages_dropped", lost, (), [((), bus.dropped)])


def _database(stored: Stored) -> Iterator[Metric]:
    signs = stored.signs
    yield one("optria_database_up", "1 while it answers.", float(signs.ping_s is not None))
    if signs.ping_s is not None:
        yield one("optria_database_ping_seconds", "How long it takes to answer.", signs.ping_s)
    yield one("optria_database_connections_in_use", "Of the pool.", signs.in_use)
    yield one("optria_database_connections_bound", "At most.", signs.pool_most)
    yield one("optria_database_connections_waiting", "That wait for a lock.", signs.waiting)
    if signs.size_bytes is not None:
        yield one("optria_database_size_bytes", "Size of the database.", signs.size_bytes)


def _queues(stored: Stored) -> Iterator[Metric]:
    if stored.deliveries is not None:
        rows = (((c, s), n) for c, states in stored.deliveries.items() for s, n in states.items())
        yield level("optria_deliveries", "E-mails and webhook calls.", ("channel", "state"), rows)
    if stored.incidents is not None:
        found = (((str(tenant), status), n) for (tenant, status), n in stored.incidents.items())
        yield level("optria_incidents", "Incidents.", ("tenant", "status"), found)
    if stored.analyses_due is not None:
        yield one("optria_analyses_due", "Incidents whose next analysis is due.", stored.analyses_due)


def _upkeep(services: Services, stored: Stored) -> Iterator[Metric]:
    if stored.days is not None:
        yield one("optria_history_days", "Days that have a partition.", len(stored.days))
        kept = sum(day.bytes for day in stored.days)
        yield one("optria_history_bytes", "Bytes of the stored samples.", kept)
    last = services.upkeep()
    if last is not None and last.ended is not None:
        at = last.ended.timestamp()
        yield one("optria_upkeep_ended_timestamp_seconds", "When the latest upkeep ended.", at)
        yield one("optria_upkeep_busy_days", "Days that could not be retired.", len(last.busy))
