"""From what the stream said to the incidents it would have made, by the recorder's own rules.

An anchor or a CRITICAL event joins the open incident of its asset, or of a process neighbour that began
just before; else it opens one. An incident is over when its window has closed and its asset is calm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from optria.backtest.stored_stream import Heard
from optria.blackbox.joining import Running, joined
from optria.blackbox.passes import INTERIM, LATE_SAMPLES, WATCH_EVERY
from optria.core.asset import PlantModel
from optria.core.event import Event, EventWindow, Severity
from optria.core.incident import Anchor, severity_of
from optria.rca.window import WindowSetting, window_around


@dataclass(slots=True)
class WouldBe:
    """An incident that would have been made.

    ``seen`` is when it would have been opened, ``anchor.time`` when it began. ``graver`` are the later times
    at which its severity rose. ``end`` None while it goes on at the end of the period.
    """

    anchor: Anchor
    seen: datetime
    window: EventWindow
    by_event: bool
    severity: Severity
    latest: datetime
    """When it last reached something."""
    end: datetime | None = None
    assets: set[int] = field(default_factory=set)
    occurrences: int = 1
    graver: list[tuple[datetime, Severity]] = field(default_factory=list)
    urgent: list[datetime] = field(default_factory=list)

    @property
    def asset_id(self) -> int:
        return self.anchor.asset_id

    @property
    def final_pass(self) -> datetime:
        return self.window.end + LATE_SAMPLES

    @property
    def passes(self) -> list[datetime]:
        """When it would have been analysed: at once, some times while its window is open, and at its end."""
        due = {self.seen, *(self.seen + after for after in INTERIM), *self.urgent}
        return [*sorted(time for time in due if time < self.final_pass), self.final_pass]

    def severity_at(self, at: datetime) -> Severity:
        return max([self.severity, *(severity for time, severity in self.graver if time <= at)])


@dataclass(frozen=True, slots=True)
class _Call:
    """Something that calls for an incident, at the time it is seen."""

    seen: datetime
    anchor: Anchor
    critical: bool


def would_be_incidents(
    plant: PlantModel, heard: Heard, windows: Sequence[WindowSetting], until: datetime
) -> list[WouldBe]:
    """The incidents of a period that ends at ``until``, by the time they would have been opened."""
    made: list[WouldBe] = []
    for call in sorted(_calls(heard), key=lambda call: (call.seen, call.anchor.time)):
        asset = plant.asset(call.anchor.asset_id)
        if asset is None:
            continue
        going_on = [one for one in made if one.end is None or one.end > call.seen]
        found = joined(plant, [_as_running(one) for one in going_on], call.anchor)
        if found is not None:
            _join(found.key, call)
            continue
        window = window_around(call.anchor.time, asset.asset_type, windows)
        severity = severity_of(call.anchor.probability, asset.criticality_rank)
        grave = Severity.CRITICAL if call.critical else severity
        new = WouldBe(
            call.anchor, call.seen, window, call.critical, grave, call.anchor.time, assets={asset.id}
        )
        new.end = _end(new, heard, until)
        _grow(new, heard, asset.criticality_rank)
        made.append(new)
    return made


def _calls(heard: Heard) -> Iterable[_Call]:
    for seen, anchor in heard.anchors:
        yield _Call(seen, anchor, critical=False)
    for seen, event in heard.events:
        if event.severity is Severity.CRITICAL and event.asset_id is not None:
            yield _Call(seen, _anchor_of(event, event.asset_id), critical=True)


def _anchor_of(event: Event, asset_id: int) -> Anchor:
    return Anchor(asset_id, event.time, 1.0, 1.0, (), detector="event")


def _as_running(one: WouldBe) -> Running[WouldBe]:
    return Running(one, one.asset_id, frozenset(one.assets), one.latest)


def _join(running: WouldBe, call: _Call) -> None:
    running.occurrences += 1
    running.assets.add(call.anchor.asset_id)
    running.latest = max(running.latest, call.anchor.time)
    if call.critical and running.severity_at(call.seen) < Severity.CRITICAL:
        running.graver.append((call.seen, Severity.CRITICAL))
        running.urgent.append(call.seen)


def _end(one: WouldBe, heard: Heard, until: datetime) -> datetime | None:
    """The first look after the window at which the asset is calm; None when the period ends before."""
    look = one.final_pass
    while look <= until:
        if not heard.is_active(one.asset_id, look):
            return look
        look += WATCH_EVERY
    return None


def _grow(one: WouldBe, heard: Heard, criticality_rank: int) -> None:
    """A fault that has grown surer at a pass is graver from then on."""
    for at in one.passes:
        severity = severity_of(heard.probability_at(one.asset_id, at), criticality_rank)
        if severity > one.severity_at(at):
            one.graver.append((at, severity))
