"""What the plant said, in the form that causal rules are matched against."""

import math
from collections.abc import Iterable, Mapping

from optria.rca.case import Case
from optria.rca.rules import Direction, Observation, Place
from optria.rca.signals import Signals, place_of
from optria.rca.signature import ALONE, DEAD_BAND, metric_of
from optria.rca.timeline import TimelineEntry, is_evidence

_CHANNELS: Mapping[str, tuple[Direction, Direction]] = {
    "level": ("high", "low"),
    "slope": ("rising", "falling"),
    "noise": ("noisy", "stuck"),
}

ANCHOR_SCORE = 9.0
"""Standard deviations that a tag named by the anchor counts for: beyond its limit for some time already."""
_SPEAKS_TOO = 0.5
"""Share of the strongest contribution from which another one counts as well."""


def of_signature(signature: Mapping[str, float], tags: Mapping[tuple[str, str], int]) -> list[Observation]:
    """Observations of the signals; ``tags`` is (place, metric) to the tag that said it."""
    found = []
    for feature, value in signature.items():
        if feature == ALONE:
            found.append(Observation("*", "alone", value))
            continue
        place, metric, channel = metric_of(feature)
        if channel in _CHANNELS:
            direction = _CHANNELS[channel][0 if value > 0 else 1]
            at: Place = "up" if place == "up" else "down" if place == "down" else "own"
            score = abs(value) + DEAD_BAND
            found.append(Observation(metric, direction, score, at, tag=tags.get((place, metric))))
    return found


def of_anchor(case: Case) -> list[Observation]:
    """What the detector saw at the anchor; it counts only until the signals themselves have shown it."""
    if not case.provisional:
        return []
    own = {
        m.id: m.metric
        for m in (*case.plant.mappings, *(s.mapping for s in case.series))
        if m.asset_id == case.asset.id
    }
    named = [c for c in case.anchor.contributions if c.tag in own]
    least = _SPEAKS_TOO * max((c.score for c in named), default=0.0)
    return [
        Observation(own[c.tag], "low" if c.direction == "low" else "high", ANCHOR_SCORE, tag=c.tag)
        for c in named
        if c.score >= least
    ]


def of_events(case: Case, events: Iterable[TimelineEntry]) -> list[Observation]:
    """Events whose value is beyond its limit; by the event's own limit or an approved one."""
    seen = (_of_event(case, entry) for entry in events if is_evidence(entry))
    return [observation for observation in seen if observation is not None]


def _of_event(case: Case, entry: TimelineEntry) -> Observation | None:
    at = place_of(case, entry.asset_id)
    metric, value = entry.payload.get("metric"), _number(entry.payload.get("value"))
    if at is None or not isinstance(metric, str) or value is None:
        return None
    for limit, direction in _limits(case, entry, metric):
        excess = value - limit if direction == "high" else limit - value
        if excess >= 0.0:
            tag = entry.payload.get("tag_id")
            share = excess / max(abs(limit), 1e-9)
            named = tag if isinstance(tag, int) else None
            return Observation(metric, direction, share, at, event=True, tag=named)
    return None


def _limits(case: Case, entry: TimelineEntry, metric: str) -> list[tuple[float, Direction]]:
    limit, direction = _number(entry.payload.get("limit")), entry.payload.get("direction")
    if limit is not None:
        return [(limit, "low" if direction == "low" else "high")]
    approved = case.thresholds_of(entry.asset_id, metric)
    return [(t.limit, "low" if t.direction == "low" else "high") for t in approved]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def tags_by_metric(signals: Signals | None) -> dict[tuple[str, str], int]:
    """(place, metric) to the tag that moved most."""
    strongest: dict[tuple[str, str], int] = {}
    for tag in sorted(signals.tags, key=lambda t: abs(t.level)) if signals else ():
        strongest[(tag.at, tag.mapping.metric)] = tag.mapping.id
    return strongest
