"""What a back-test over stored history found: would-be incidents against those that people have judged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Literal, TypeAlias

from optria.backtest.stored_cases import Explained
from optria.backtest.stored_labels import Label, nearest
from optria.core.event import Event, Severity
from optria.core.incident import OTHER

Verdict: TypeAlias = Literal["hit", "repeat", "false", "extra"]
"""``hit``: the first of a judged incident; ``repeat``: another of it; ``false``: of one that people called
false; ``extra``: nobody has judged anything there."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A would-be incident as it is shown. ``delay_s`` is counted from the start of the judged incident."""

    time: datetime
    seen: datetime
    end: datetime | None
    asset_id: int
    assets: tuple[int, ...]
    severity: str
    cause: str
    probability: float
    scores: tuple[tuple[str, float], ...]
    by_event: bool
    ordered: datetime | None
    verdict: Verdict
    label: str | None
    delay_s: float | None
    is_cause_right: bool | None


@dataclass(frozen=True, slots=True)
class Side:
    """One configuration: its incidents by time, its alarms, and the judged incidents that it missed."""

    incidents: tuple[Incident, ...]
    missed: tuple[str, ...]
    alarms: int
    alarms_of: tuple[tuple[int, int], ...]
    is_cut: bool

    def count(self, verdict: Verdict) -> int:
        return sum(one.verdict == verdict for one in self.incidents)

    @property
    def orders(self) -> int:
        return sum(one.ordered is not None for one in self.incidents)

    @property
    def causes_right(self) -> int:
        return sum(bool(one.is_cause_right) for one in self.incidents)

    @property
    def median_delay_s(self) -> float | None:
        delays = [one.delay_s for one in self.incidents if one.verdict == "hit" and one.delay_s is not None]
        return median(delays) if delays else None


def side_of(
    explained: Sequence[Explained],
    events: Sequence[tuple[datetime, Event]],
    labels: Sequence[Label],
    *,
    is_cut: bool,
) -> Side:
    """Judge the incidents of one configuration by the labels."""
    met: set[str] = set()
    incidents = tuple(_incident(one, labels, met) for one in explained)
    raised = Counter(
        event.asset_id for _, event in events if event.severity > Severity.INFO and event.asset_id is not None
    )
    missed = tuple(
        label.incident_id for label in labels if not label.is_false and label.incident_id not in met
    )
    return Side(incidents, missed, raised.total(), tuple(sorted(raised.items())), is_cut)


def _incident(one: Explained, labels: Sequence[Label], met: set[str]) -> Incident:
    would_be, top = one.would_be, one.analysis.top
    label = nearest(labels, would_be.assets, would_be.anchor.time)
    verdict = _verdict(label, met)
    if label is not None:
        met.add(label.incident_id)
    judged = label is not None and not label.is_false
    return Incident(
        time=would_be.anchor.time,
        seen=would_be.seen,
        end=would_be.end,
        asset_id=would_be.asset_id,
        assets=tuple(sorted(would_be.assets)),
        severity=would_be.severity_at(would_be.final_pass).name,
        cause=top.label,
        probability=top.probability,
        scores=tuple(one.analysis.scores.items()),
        by_event=would_be.by_event,
        ordered=one.ordered,
        verdict=verdict,
        label=label.incident_id if label else None,
        delay_s=(would_be.seen - label.start).total_seconds() if label and judged else None,
        is_cause_right=(top.label == label.cause and top.label != OTHER) if label and judged else None,
    )


def _verdict(label: Label | None, met: set[str]) -> Verdict:
    if label is None:
        return "extra"
    if label.is_false:
        return "false"
    return "repeat" if label.incident_id in met else "hit"
