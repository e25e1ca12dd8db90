"""What if: the same case with other limits, rule weights, tags or history, analysed beside the case as it is.

Pure: nothing is stored, announced or learned from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import numpy as np

from optria.core.asset import PlantModel, Threshold
from optria.core.errors import Invalid
from optria.core.event import EventCategory, EventWindow, Severity
from optria.core.incident import Analysis, Anchor, Evidence
from optria.core.tag import Quality, from_micros, to_micros
from optria.rca.case import Case, RawEntry, Series
from optria.rca.engine import analyse

SOURCE = "what-if"
_PERSISTENCE = 3
"""Samples in a row beyond a limit before it counts as crossed, as in the stream."""
_LEAST = 0.0005


@dataclass(frozen=True, slots=True)
class LimitChange:
    """Another value of the limits on a metric of the asset, in the tag's unit; ``severity`` None: of all."""

    metric: str
    direction: str
    limit: float
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different. ``rule_weights`` is rule id to weight, 0 leaves it out; ``without_incidents``
    are ids or numbers. ``anchor_shift_s`` moves the anchor and its window, later where it is positive.
    """

    limits: tuple[LimitChange, ...] = ()
    rule_weights: Mapping[int, float] = field(default_factory=dict)
    without_tags: frozenset[int] = frozenset()
    without_incidents: frozenset[str] = frozenset()
    anchor_shift_s: float = 0.0
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A row of evidence whose share changed; 0 where it was not there."""

    cause: str
    evidence: Evidence
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The two analyses, and the evidence that differs, the largest difference first."""

    before: Analysis
    after: Analysis
    moved: tuple[Moved, ...]

    @property
    def cost_change(self) -> Decimal | None:
        """What the expected cost of downtime changes by; None where either has no price."""
        if self.before.financial is None or self.after.financial is None:
            return None
        return self.after.financial.amount - self.before.financial.amount


def what_if(case: Case, changes: Changes) -> WhatIf:
    """Analyse a case as it is and as it would be. Raises Invalid for a change of what is not in the case."""
    before, after = analyse(case), analyse(changed(case, changes))
    return WhatIf(before, after, moved_evidence(before, after))


def changed(case: Case, changes: Changes) -> Case:
    """The case with the changes made; raises Invalid for what plays no part in it."""
    _check(case, changes)
    case = _without_tags(case, changes.without_tags)
    for change in changes.limits:
        case = _with_limit(case, change)
    rules = (replace(r, weight=changes.rule_weights.get(r.id, r.weight)) for r in case.rules)
    left_out = changes.without_incidents
    return replace(
        _shifted(case, timedelta(seconds=changes.anchor_shift_s)),
        rules=tuple(rule for rule in rules if rule.weight > 0.0),
        history=tuple(p for p in case.history if not {p.id, p.number} & left_out),
        temperature=case.temperature if changes.temperature is None else changes.temperature,
    )


def _check(case: Case, changes: Changes) -> None:
    _known("rule", changes.rule_weights, {rule.id for rule in case.rules})
    _known("tag", changes.without_tags, {s.mapping.id for s in case.series})
    _known("past incident", changes.without_incidents, {w for p in case.history for w in (p.id, p.number)})
    own = {s.mapping.metric for s in case.series if s.mapping.asset_id == case.asset.id}
    _known("metric of the asset", [c.metric for c in changes.limits], own)


def _known(
    what: str,
    named: Sequence[str] | Mapping[int, float] | frozenset[int] | frozenset[str],
    known: set[int] | set[str],
) -> None:
    strange = sorted(str(one) for one in named if one not in known)
    if strange:
        raise Invalid(f"This analysis knows no {what} {', '.join(strange)}.")


def _without_tags(case: Case, tags: frozenset[int]) -> Case:
    if not tags:
        return case
    anchor = case.anchor
    return replace(
        case,
        series=tuple(s for s in case.series if s.mapping.id not in tags),
        events=tuple(e for e in case.events if e.payload.get("tag_id") not in tags),
        anchor=replace(anchor, contributions=tuple(c for c in anchor.contributions if c.tag not in tags)),
    )


def _shifted(case: Case, by: timedelta) -> Case:
    anchor: Anchor = replace(case.anchor, time=case.anchor.time + by)
    window = EventWindow(case.window.start + by, case.window.end + by)
    return replace(case, anchor=anchor, window=window)


def _with_limit(case: Case, change: LimitChange) -> Case:
    """The plant with the other limit, and the limit events that the samples would then have made."""
    mine = [entry for entry in case.events if _is_of(case, entry, change)]
    others = tuple(entry for entry in case.events if not _is_of(case, entry, change))
    kept = [_with_new_limit(entry, change) for entry in mine if _is_beyond(entry, change)]
    made = kept or _crossings(case, change)
    return replace(case, events=(*others, *made), plant=_plant_with(case, change))


def _is_of(case: Case, entry: RawEntry, change: LimitChange) -> bool:
    payload = entry.payload
    same = payload.get("metric") == change.metric and payload.get("direction") == change.direction
    graded = change.severity is None or entry.severity == change.severity
    return (
        entry.asset_id == case.asset.id and same and graded and isinstance(payload.get("value"), int | float)
    )


def _is_beyond(entry: RawEntry, change: LimitChange) -> bool:
    value = entry.payload["value"]
    assert isinstance(value, int | float)
    return _side(change) * (value - change.limit) > 0.0


def _with_new_limit(entry: RawEntry, change: LimitChange) -> RawEntry:
    return replace(entry, payload={**entry.payload, "limit": change.limit})


def _side(change: LimitChange) -> float:
    return -1.0 if change.direction == "low" else 1.0


def _crossings(case: Case, change: LimitChange) -> list[RawEntry]:
    """The event of the first time the limit is crossed for good in the window, per tag."""
    own = [
        s for s in case.series if s.mapping.asset_id == case.asset.id and s.mapping.metric == change.metric
    ]
    found = [(series, _first_beyond(case, series, change)) for series in own]
    return [_event(case, series, at, change) for series, at in found if at is not None]


def _first_beyond(case: Case, series: Series, change: LimitChange) -> int | None:
    start, end = to_micros(case.window.start), to_micros(min(case.window.end, case.now))
    inside = (series.time >= start) & (series.time <= end) & (series.quality != Quality.BAD)
    rows = np.flatnonzero(inside & np.isfinite(series.value))
    beyond = _side(change) * (series.value[rows] - change.limit) > 0.0
    if len(beyond) < _PERSISTENCE:
        return None
    runs = np.convolve(beyond, np.ones(_PERSISTENCE), "valid") == _PERSISTENCE
    starts = np.flatnonzero(runs)
    return int(rows[starts[0] + _PERSISTENCE - 1]) if len(starts) else None


def _event(case: Case, series: Series, row: int, change: LimitChange) -> RawEntry:
    mapping, value = series.mapping, float(series.value[row])
    return RawEntry(
        source=SOURCE,
        time=from_micros(int(series.time[row])),
        summary=f"{change.metric} beyond {change.limit:g}",
        severity=change.severity or Severity.MAJOR,
        category=EventCategory.ALERT,
        asset_id=case.asset.id,
        payload={
            "tag_id": mapping.id,
            "external_tag": mapping.external_tag,
            "metric": change.metric,
            "value": value,
            "limit": change.limit,
            "direction": change.direction,
            "unit": mapping.unit,
        },
    )


def _plant_with(case: Case, change: LimitChange) -> PlantModel:
    """The limits of the asset's metric as its own, with the changed one among them."""
    held = case.plant.thresholds_of(case.asset, change.metric)
    own = [replace(t, asset_id=case.asset.id) for t in held if not _is_changed(t, change)]
    grade = change.severity or Severity.MAJOR
    new = Threshold(change.metric, change.direction, change.limit, grade, asset_id=case.asset.id)
    mine = {t for t in case.plant.thresholds if t.metric == change.metric and t.asset_id == case.asset.id}
    others = [t for t in case.plant.thresholds if t not in mine]
    return replace(case.plant, thresholds=(*others, *own, new))


def _is_changed(threshold: Threshold, change: LimitChange) -> bool:
    graded = change.severity is None or threshold.severity == change.severity
    return threshold.direction == change.direction and graded


def moved_evidence(before: Analysis, after: Analysis) -> tuple[Moved, ...]:
    """Rows of evidence whose share differs, the largest difference first."""
    old, new = _shares(before), _shares(after)
    rows = [
        Moved(key[0], (new.get(key) or old[key])[0], _share(old, key), _share(new, key))
        for key in dict.fromkeys([*old, *new])
    ]
    changed_rows = [row for row in rows if abs(row.after - row.before) >= _LEAST]
    return tuple(sorted(changed_rows, key=lambda row: -abs(row.after - row.before)))


_Key = tuple[str, str, str | None, int | None]


def _shares(analysis: Analysis) -> dict[_Key, tuple[Evidence, float]]:
    rows: dict[_Key, tuple[Evidence, float]] = {}
    for cause in analysis.causes:
        for row in cause.evidence:
            key = (cause.label, row.kind, row.incident_number, row.rule_id)
            rows[key] = (row, row.share + (rows[key][1] if key in rows else 0.0))
    return rows


def _share(rows: Mapping[_Key, tuple[Evidence, float]], key: _Key) -> float:
    return rows[key][1] if key in rows else 0.0
