"""Limits: an approved threshold crossed for good is an event; its return is one too.

Dead band, on-delay and off-delay keep a value from chattering at its limit (ISA-18.2-2016; EEMUA 191 suggests
dead bands of 1 % for temperatures, 2 % for pressures, 5 % for flows and levels, and delays of 2 s to 60 s).
Each limit may have its own; where it has none the constants below hold.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel, Threshold
from optria.core.event import Event, EventCategory, Severity
from optria.core.tag import SampleBatch, from_micros
from optria.streams.roster import Roster, occurrence

DEAD_BAND = 0.02
"""Part of the tag's normal span (or of the limit itself) it must come back by before the limit is left."""
PERSISTENCE = 3
"""Samples in a row beyond a limit before it counts as crossed (ISA-18.2: on-delay)."""
CALM = 5
"""Samples in a row back inside before it counts as left (ISA-18.2: off-delay)."""


@dataclass(frozen=True, slots=True)
class _Watch:
    row: int
    threshold: Threshold


class Limits:
    """Compares every good sample with the thresholds of its tag, in columns.

    One event per crossing, with the severity of the threshold, and one of INFO at the return.
    ``chatter`` counts, per tag, the excursions that were too short to say anything.
    """

    def __init__(self, plant: PlantModel, roster: Roster, on_event: Callable[[Event], None]) -> None:
        self.roster, self._on_event = roster, on_event
        self._watches = _watches(plant, roster)
        rows = np.array([w.row for w in self._watches], np.intp)
        self._sign = np.array([-1.0 if w.threshold.direction == "low" else 1.0 for w in self._watches])
        self._limit = np.array([w.threshold.limit for w in self._watches], np.float64)
        self._band = np.array([_dead_band(roster, w) for w in self._watches], np.float64)
        on_delays = [w.threshold.on_delay_s for w in self._watches]
        off_delays = [w.threshold.off_delay_s for w in self._watches]
        self._on_us, self._off_us = _micros(on_delays), _micros(off_delays)
        self._persist = _samples(on_delays, PERSISTENCE)
        self._calm = _samples(off_delays, CALM)
        self._beyond_since = np.zeros(len(rows), np.int64)
        self._inside_since = np.zeros(len(rows), np.int64)
        self._of_row = [np.flatnonzero(rows == row) for row in range(len(roster))]
        self._watched = np.zeros(len(roster), bool)
        self._watched[rows] = True
        self._beyond = np.zeros(len(rows), np.int64)
        self._inside = np.zeros(len(rows), np.int64)
        self.active = np.zeros(len(rows), bool)
        self.chatter: Counter[int] = Counter()

    def check(self, batch: SampleBatch, row: NDArray[np.intp], good: NDArray[np.bool_]) -> None:
        """Look at samples by ascending time; only good ones count."""
        chosen = np.flatnonzero(good & self._watched[row])
        if not len(chosen):
            return
        rank = occurrence(row[chosen])
        for k in range(int(rank.max()) + 1):
            self._step(batch, chosen[rank == k], row)

    def take_over(self, other: "Limits") -> None:
        """A limit that is the same in ``other`` stays crossed or not: it is not reported again."""
        known = {(other.roster.mappings[w.row], w.threshold): at for at, w in enumerate(other._watches)}
        for at, watch in enumerate(self._watches):
            before = known.get((self.roster.mappings[watch.row], watch.threshold))
            if before is not None:
                self._beyond[at], self._inside[at] = other._beyond[before], other._inside[before]
                self._beyond_since[at] = other._beyond_since[before]
                self._inside_since[at] = other._inside_since[before]
                self.active[at] = other.active[before]
        self.chatter = other.chatter

    def state(self) -> dict[str, object]:
        """How far each limit is crossed or left, as JSON."""
        return {
            _key(self.roster, watch): [
                int(self._beyond[at]),
                int(self._inside[at]),
                bool(self.active[at]),
                int(self._beyond_since[at]),
                int(self._inside_since[at]),
            ]
            for at, watch in enumerate(self._watches)
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back :meth:`state` of the limits that are the same; raises TypeError or ValueError."""
        taken = [
            (at, state[key]) for at, w in enumerate(self._watches) if (key := _key(self.roster, w)) in state
        ]
        for at, stored in taken:
            if not isinstance(stored, list):
                raise TypeError("not the state of a limit")
            beyond, inside, active, *since = stored
            self._beyond_since[at], self._inside_since[at] = map(int, since or (0, 0))
            self._beyond[at], self._inside[at], self.active[at] = int(beyond), int(inside), bool(active)

    def _step(self, batch: SampleBatch, samples: NDArray[np.intp], row: NDArray[np.intp]) -> None:
        groups = [self._of_row[r] for r in row[samples]]
        watch = np.concatenate(groups)
        sample = np.repeat(samples, [len(g) for g in groups])
        excess = self._sign[watch] * (batch.value[sample] - self._limit[watch])
        beyond, inside = excess > 0, excess <= -self._band[watch]
        active, before = self.active[watch], self._beyond[watch]
        time, was_inside = batch.source_time[sample], self._inside[watch] > 0
        self._beyond_since[watch] = np.where(beyond & (before > 0), self._beyond_since[watch], time)
        self._inside_since[watch] = np.where(inside & was_inside, self._inside_since[watch], time)
        brief = ~beyond & ~active & (before > 0)
        self._beyond[watch] = np.where(beyond, before + 1, 0)
        self._inside[watch] = np.where(inside, self._inside[watch] + 1, 0)
        lasts = time - self._beyond_since[watch] >= self._on_us[watch]
        rests = time - self._inside_since[watch] >= self._off_us[watch]
        raised = ~active & (self._beyond[watch] >= self._persist[watch]) & lasts
        left = active & (self._inside[watch] >= self._calm[watch]) & rests
        self.active[watch] = (active | raised) & ~left
        for index in np.flatnonzero(brief):
            self.chatter[int(self.roster.ids[row[sample[index]]])] += 1
        for index in np.flatnonzero(raised | left):
            self._report(int(watch[index]), batch, int(sample[index]), bool(raised[index]))

    def _report(self, watch: int, batch: SampleBatch, sample: int, raised: bool) -> None:
        threshold, mapping = self._watches[watch].threshold, self.roster.mappings[self._watches[watch].row]
        value, unit = float(batch.value[sample]), threshold.unit or mapping.unit
        what = f"{mapping.external_tag} {mapping.metric.replace('_', ' ')}"
        direction = "low" if threshold.direction == "low" else "high"
        state = "crossed" if raised else "returned"
        move = ("above" if direction == "high" else "below") if raised else "back within"
        self._on_event(
            Event(
                time=from_micros(int(batch.source_time[sample])),
                severity=threshold.severity if raised else Severity.INFO,
                category=EventCategory.ALERT if raised else EventCategory.SENSOR,
                summary=f"{what} {value:.4g} {unit} is {move} its limit of {threshold.limit:g} {unit}",
                asset_id=mapping.asset_id,
                # one sample may cross several limits of its tag: each is an event of its own
                source_id=f"{mapping.id}:{direction}:{threshold.limit!r}:{threshold.severity.name}:{state}",
                payload={
                    "tag_id": mapping.id,
                    "external_tag": mapping.external_tag,
                    "metric": mapping.metric,
                    "value": value,
                    "limit": threshold.limit,
                    "direction": direction,
                    "unit": unit,
                    "state": state,
                },
            )
        )


def _watches(plant: PlantModel, roster: Roster) -> list[_Watch]:
    assets = {asset.id: asset for asset in plant.assets}
    return [
        _Watch(row, threshold)
        for row, mapping in enumerate(roster.mappings)
        if mapping.asset_id in assets
        for threshold in plant.thresholds_of(assets[mapping.asset_id], mapping.metric)
    ]


def _key(roster: Roster, watch: _Watch) -> str:
    limit = watch.threshold
    return f"{roster.mappings[watch.row].id} {limit.direction} {limit.limit!r} {limit.severity.name}"


def _dead_band(roster: Roster, watch: _Watch) -> float:
    mapping, percent = roster.mappings[watch.row], watch.threshold.dead_band_percent
    part = DEAD_BAND if percent is None else percent / 100
    if mapping.normal_low is not None and mapping.normal_high is not None:
        return part * abs(mapping.normal_high - mapping.normal_low)
    return part * abs(watch.threshold.limit)


def _micros(delays_s: Sequence[float | None]) -> NDArray[np.int64]:
    return np.array([round((delay_s or 0.0) * 1e6) for delay_s in delays_s], np.int64)


def _samples(delays_s: Sequence[float | None], usual: int) -> NDArray[np.int64]:
    """How many samples in a row it takes: one where a delay in seconds is given."""
    return np.array([usual if delay_s is None else 1 for delay_s in delays_s], np.int64)
