"""A plant by hand: frames are pushed by the test, history is what was pushed."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from optria.core.catalogue import AssetEntry, FaultLabel, PlantCatalogue, SiteEntry, TagEntry
from optria.core.tag import SignalMapping, to_micros
from optria.kit import clock
from optria.simulator.source import FrameCallback, PlantFrame, Series

Row = tuple[str, datetime, float, int]


def tag_entry(number: int) -> TagEntry:
    return TagEntry(
        name=f"P-{number // 10}.TT-{number:04}",
        asset=f"P-{number // 10}",
        metric="temperature",
        unit="°C",
        description=f"Temperature {number}",
        low=0.0,
        high=150.0,
        normal_low=20.0,
        normal_high=90.0,
        decimals=1,
        source="opcua",
    )


class FakePlant:
    """``count`` tags, ten per asset, one site; remembers ``keep`` samples of each."""

    def __init__(self, count: int = 12, keep: int = 100_000) -> None:
        self.keep = keep
        tags = tuple(tag_entry(n) for n in range(count))
        codes = dict.fromkeys(tag.asset for tag in tags)
        assets = tuple(AssetEntry(c, c, c, "Pump", "SITE-1", "high", None, 50.0) for c in codes)
        self.catalogue = PlantCatalogue((SiteEntry("SITE-1", "Site", "موقع", "here"),), assets, tags, ())
        self.names = [tag.name for tag in tags]
        self.rows: dict[str, list[tuple[int, float, int]]] = {name: [] for name in self.names}
        self.callbacks: list[FrameCallback] = []

    def subscribe(self, callback: FrameCallback) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def push(self, rows: list[Row]) -> None:
        for name, time, value, quality in rows:
            self.rows[name].append((to_micros(time), value, quality))
            self.rows[name].sort(key=lambda row: row[0])
            del self.rows[name][: -self.keep]
        frame = _frame([(name, to_micros(time), value, quality) for name, time, value, quality in rows])
        for callback in list(self.callbacks):
            callback(frame)

    def tick(self, step: int = 0, time: datetime | None = None) -> None:
        """One Good sample of every tag: ``number + step``."""
        at = time or clock.now()
        self.push([(name, at, float(n + step), 0) for n, name in enumerate(self.names)])

    def fill(self, seconds: int) -> datetime:
        """History at 1 Hz that ends now; the answer is its start."""
        now = clock.now()
        for age in range(seconds, 0, -1):
            self.tick(seconds - age, now - timedelta(seconds=age))
        return now - timedelta(seconds=seconds)

    async def run(self, period_s: float = 0.1) -> None:
        step = 1000
        while True:
            self.tick(step)
            step += 1
            await asyncio.sleep(period_s)

    def latest(self, names: list[str]) -> PlantFrame:
        return _frame([(name, *self.rows[name][-1]) for name in names if self.rows[name]])

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        low, high = to_micros(start), to_micros(end)
        rows = [row for row in self.rows[name] if low <= row[0] <= high][:limit]
        return (
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.float64),
            np.array([row[2] for row in rows], np.uint8),
        )

    def inject(
        self,
        kind: str,
        asset: str,
        severity: float = 0.7,
        ramp_s: float = 60.0,
        duration_s: float | None = None,
    ) -> FaultLabel:
        raise NotImplementedError(kind)

    def clear(self, fault_id: str) -> None:
        raise NotImplementedError(fault_id)

    def faults(self) -> list[FaultLabel]:
        return []

    def mappings(self) -> list[SignalMapping]:
        """One mapping per tag, ids from 1."""
        return [
            SignalMapping(n, 1, 1, tag.name, tag.metric, tag.unit)
            for n, tag in enumerate(self.catalogue.tags, start=1)
        ]


def _frame(rows: list[tuple[str, int, float, int]]) -> PlantFrame:
    return PlantFrame(
        clock.now(),
        [row[0] for row in rows],
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
        np.array([row[1] for row in rows], np.int64),
    )
