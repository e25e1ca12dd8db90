"""What a seal covers, spelled one way: hashes of samples, of events, and of all of it.

Pure. The hash of a recording is the SHA-256 of one JSON text (sorted keys, no spaces, ASCII) with the
incident, its window, the hash of the tenant's seal before it, per tag the number of its samples and their
hash, and per event its hash. The samples of a tag are hashed by ascending time as 17 bytes each: microseconds
UTC (int64), value (float64) and quality (uint8), all little-endian.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from optria.db.blackbox import EventRow, IncidentRow
from optria.streams.recent import Series

FORMAT = "optria-seal-1"
GENESIS = "0" * 64
_SAMPLE = np.dtype([("time", "<i8"), ("value", "<f8"), ("quality", "u1")])


@dataclass(frozen=True, slots=True)
class Heading:
    """What a seal says besides samples and events."""

    tenant_id: int
    incident_id: str
    number: str
    sequence: int
    previous: str
    sealed_at: datetime
    window_start: datetime
    window_end: datetime


def heading_of(incident: IncidentRow, sequence: int, previous: str, sealed_at: datetime) -> Heading:
    """The heading of an incident's seal; the incident has a window."""
    assert incident.window_start is not None
    assert incident.window_end is not None
    return Heading(
        incident.tenant_id,
        str(incident.id),
        incident.incident_number or "",
        sequence,
        previous,
        sealed_at,
        incident.window_start,
        incident.window_end,
    )


def sample_hash(series: Series) -> str:
    """The hash of one tag's samples."""
    rows = np.empty(len(series), _SAMPLE)
    rows["time"], rows["value"], rows["quality"] = series.time, series.value, series.quality
    return hashlib.sha256(rows.tobytes()).hexdigest()


def event_hash(event: EventRow) -> str:
    """The hash of an event, of everything about it but whether it has been looked at."""
    return _hash(
        {
            "id": str(event.id),
            "time": _spelled(event.event_time),
            "asset": event.asset_id,
            "severity": event.severity,
            "category": event.event_category,
            "source": [event.source_system, event.source_type, event.source_id],
            "summary": event.summary,
            "payload": event.payload or {},
        }
    )


def seal_hash(heading: Heading, samples: Sequence[Mapping[str, object]], events: Mapping[str, str]) -> str:
    """The hash that seals a recording. ``samples`` are rows with ``tag``, ``count`` and ``sha256``."""
    return _hash(
        {
            "format": FORMAT,
            "tenant": heading.tenant_id,
            "incident": [heading.incident_id, heading.number],
            "sequence": heading.sequence,
            "previous": heading.previous,
            "sealed_at": _spelled(heading.sealed_at),
            "window": [_spelled(heading.window_start), _spelled(heading.window_end)],
            "samples": [[row["tag"], row["count"], row["sha256"]] for row in samples],
            "events": dict(events),
        }
    )


def _hash(words: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _spelled(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def samples_json(tag: int, series: Series) -> dict[str, object]:
    """A tag's samples as the seal keeps them: number, hash and times, the values only as their hash."""
    return {
        "tag": tag,
        "count": len(series),
        "sha256": sample_hash(series),
        "times": packed_times(series.time),
    }


def packed_times(times: NDArray[np.int64]) -> str:
    """Times as their steps, deflated: a few bytes in all where a tag is regular."""
    steps = np.diff(times, prepend=np.int64(0)).astype("<i8")
    return base64.b64encode(zlib.compress(steps.tobytes(), 6)).decode()


def unpacked_times(text: str) -> NDArray[np.int64]:
    """The times that :func:`packed_times` wrote. Raises ValueError for any other text."""
    try:
        steps = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), "<i8")
    except zlib.error as error:
        raise ValueError("these are no times of a seal") from error
    return np.cumsum(steps, dtype=np.int64)
