"""From values to the samples a source delivers, with all that can go wrong on the way."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from optria.core.catalogue import PlantCatalogue
from optria.core.tag import EPOCH, from_micros, to_micros
from optria.simulator.fault_kinds import UnknownTag
from optria.simulator.faults import Fault
from optria.simulator.ring import HistoryRing
from optria.simulator.source import BAD, GOOD, PlantFrame, Qualities, Series, Times, Values

MAX_SKEW_US = 120_000_000
"""A clock skew of the worst severity."""
NEVER = np.iinfo(np.int64).min


class _Rows:
    """One instant's samples on their way out: columns in catalogue order, then what is kept of them."""

    def __init__(self, value: Values, quality: Qualities, time_us: int) -> None:
        self.value = value
        self.quality = quality
        self.source_time: Times = np.full(value.size, time_us, np.int64)
        self.kept = np.ones(value.size, np.bool_)
        self.stored = np.ones(value.size, np.bool_)
        self.again: list[NDArray[np.intp]] = []
        self.late: list[NDArray[np.intp]] = []


class Delivery:
    """Turns one step of values into a frame, applies data faults, remembers the latest and 2 h of history."""

    def __init__(self, catalogue: PlantCatalogue, rng: np.random.Generator, keep_rows: int = 7200) -> None:
        self.names = [tag.name for tag in catalogue.tags]
        self._column = {name: index for index, name in enumerate(self.names)}
        self._assets = np.array([tag.asset for tag in catalogue.tags])
        self._rng = rng
        size = len(self.names)
        self._value: Values = np.full(size, np.nan)
        self._quality: Qualities = np.full(size, BAD, np.uint8)
        self._time: Times = np.full(size, NEVER, np.int64)
        self._late: list[tuple[NDArray[np.intp], Values, Qualities, Times]] = []
        self._cut_off: set[str] = set()
        self._ring = HistoryRing(keep_rows, size)

    def deliver(
        self,
        value: Values,
        time_us: int,
        faults: list[Fault],
        plant_s: float,
        quality: Qualities | None = None,
    ) -> PlantFrame:
        """The frame of one instant; `value` (and `quality`, else all good) in catalogue order."""
        good: Qualities = np.full(value.size, GOOD, np.uint8) if quality is None else quality
        rows = _Rows(value, good, time_us)
        for fault in faults:
            if fault.kind.group == "data":
                self._spoil(rows, fault, fault.intensity(plant_s))
        self._remember(rows)
        return self._frame(rows, time_us)

    def latest(self, names: list[str]) -> PlantFrame:
        """The last delivered sample of each tag that has one; raises UnknownTag."""
        columns = np.array([self.column(name) for name in names], np.intp)
        columns = columns[self._time[columns] != NEVER]
        times = self._time[columns]
        newest = from_micros(int(times.max())) if times.size else EPOCH
        tags = [self.names[column] for column in columns]
        return PlantFrame(newest, tags, self._value[columns], self._quality[columns], times)

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        """Samples of one tag in [start, end], oldest first; raises UnknownTag."""
        return self._ring.read(self.column(name), to_micros(start), to_micros(end), limit)

    def column(self, name: str) -> int:
        """Position of a tag in the catalogue; raises UnknownTag."""
        column = self._column.get(name)
        if column is None:
            raise UnknownTag(f"The plant has no tag {name!r}.")
        return column

    def _spoil(self, rows: _Rows, fault: Fault, intensity: float) -> None:
        own = np.flatnonzero(self._assets == fault.label.asset)
        hit = own[self._rng.random(own.size) < intensity]
        match fault.kind.kind:
            case "bad-quality":
                rows.quality[hit] = BAD
            case "nan":
                rows.value[hit] = np.nan
            case "clock-skew":
                rows.source_time[own] += int(MAX_SKEW_US * intensity)
            case "duplicates":
                rows.again.append(hit)
            case "out-of-order":
                rows.kept[hit] = False
                rows.late.append(hit)
            case "stale":
                self._hold(rows, own)
            case "link-loss":
                self._cut(rows, own, fault.label.id)

    def _hold(self, rows: _Rows, own: NDArray[np.intp]) -> None:
        known = own[self._time[own] != NEVER]
        rows.value[known] = self._value[known]
        rows.quality[known] = self._quality[known]
        rows.source_time[known] = self._time[known]
        rows.stored[known] = False

    def _cut(self, rows: _Rows, own: NDArray[np.intp], fault_id: str) -> None:
        if fault_id in self._cut_off:
            rows.kept[own] = rows.stored[own] = False
        else:
            self._cut_off.add(fault_id)
            rows.quality[own] = BAD

    def _remember(self, rows: _Rows) -> None:
        kept = rows.kept
        self._value[kept] = rows.value[kept]
        self._quality[kept] = rows.quality[kept]
        self._time[kept] = rows.source_time[kept]
        self._ring.append(rows.source_time, rows.value, rows.quality, rows.stored)

    def _frame(self, rows: _Rows, time_us: int) -> PlantFrame:
        late, self._late = self._late, []
        for hit in rows.late:
            self._late.append((hit, rows.value[hit], rows.quality[hit], rows.source_time[hit]))
        if not late and not rows.again and bool(rows.kept.all()):
            return PlantFrame(from_micros(time_us), self.names, rows.value, rows.quality, rows.source_time)
        first = np.concatenate([np.flatnonzero(rows.kept), *rows.again])
        columns = np.concatenate([first, *(held[0] for held in late)])
        return PlantFrame(
            from_micros(time_us),
            [self.names[column] for column in columns],
            np.concatenate([rows.value[first], *(held[1] for held in late)]),
            np.concatenate([rows.quality[first], *(held[2] for held in late)]),
            np.concatenate([rows.source_time[first], *(held[3] for held in late)]),
        )
