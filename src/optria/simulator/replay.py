"""A recording as a plant."""

import asyncio
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from optria.core.catalogue import AssetEntry, FaultLabel, PlantCatalogue, SiteEntry, TagEntry
from optria.core.errors import SimulatorError
from optria.core.tag import from_micros, to_micros
from optria.kit import clock
from optria.simulator.delivery import Delivery
from optria.simulator.faults import FaultAsk, FaultBook
from optria.simulator.instruments import SensorFaults
from optria.simulator.recording import CsvRecording, read_csv
from optria.simulator.source import FrameCallback, PlantFrame, Series

METRIC_WORDS = (
    ("flow", "flow"),
    ("pressure", "pressure"),
    ("temperature", "temperature"),
    ("thermocouple", "temperature"),
    ("accelero", "vibration"),
    ("vibration", "vibration"),
    ("current", "current"),
    ("level", "level"),
    ("speed", "speed"),
    ("power", "power"),
)
SITE = SiteEntry("REPLAY", "Replayed recording", "تسجيل معاد", "")


@dataclass(frozen=True, slots=True)
class ReplayState:
    """How far a replay is. A row recorded at t has the source time t - recorded_start + source_start;
    `source_start` is None until the replay runs."""

    recorded_start: datetime
    recorded_end: datetime
    source_start: datetime | None
    rows: int
    delivered: int
    skipped: int
    speed: float


class ReplayedPlant:
    """Implements `PlantSource` over a CSV file: one asset named after it, one tag a numeric column.

    Rows are delivered `speed` times faster than recorded; their source times keep the recorded spacing and
    start at now, or at now less the duration if `speed` > 1, so that none lies in the future. Sensor and
    data faults can be injected on top. Raises SimulatorError for a file that cannot be used.
    """

    def __init__(
        self,
        path: Path,
        time_column: str | None = None,
        speed: float = 1.0,
        ignore: Collection[str] = (),
        asset_type: str = "Equipment",
    ) -> None:
        if not 0.0 < speed <= 10_000.0:
            raise SimulatorError(f"The speed is {speed:g}; it must be above 0 and at most 10000.")
        self.speed = speed
        self.recording = read_csv(path, time_column, frozenset(ignore))
        self._catalogue = recording_catalogue(self.recording, path.stem.upper(), asset_type)
        self._delivery = Delivery(self._catalogue, np.random.default_rng(0), len(self.recording.time))
        self._faults = FaultBook(self._catalogue)
        self._sensors = SensorFaults(self._catalogue)
        self._callbacks: list[FrameCallback] = []
        self._shift_us: int | None = None
        self._plant_s = 0.0
        self._delivered = 0

    @property
    def catalogue(self) -> PlantCatalogue:
        """One site, one asset, the tags."""
        return self._catalogue

    def source_time_of(self, recorded: datetime) -> datetime:
        """The source time of the row recorded then; raises SimulatorError before `run`."""
        return from_micros(to_micros(recorded) + self._shift())

    def recorded_time_of(self, source_time: datetime) -> datetime:
        """The recorded time of a source time, for comparing anchors with labels."""
        return from_micros(to_micros(source_time) - self._shift())

    def state(self) -> ReplayState:
        """How far the replay is, and how recorded times become source times."""
        first, last = int(self.recording.time[0]), int(self.recording.time[-1])
        return ReplayState(
            recorded_start=from_micros(first),
            recorded_end=from_micros(last),
            source_start=None if self._shift_us is None else from_micros(first + self._shift_us),
            rows=len(self.recording.time),
            delivered=self._delivered,
            skipped=self.recording.skipped,
            speed=self.speed,
        )

    def _shift(self) -> int:
        if self._shift_us is None:
            raise SimulatorError("The replay has not started, so its rows have no source times yet.")
        return self._shift_us

    async def run(self) -> None:
        """Deliver all rows, then return."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        times = self.recording.time
        first, last = int(times[0]), int(times[-1])
        begin_us = to_micros(clock.now()) - (last - first if self.speed > 1.0 else 0)
        self._shift_us = begin_us - first
        for row, time_us in enumerate(times.tolist()):
            due = started + (time_us - first) / 1e6 / self.speed
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._plant_s = (time_us - first) / 1e6
            self._publish(self._frame(row, time_us + self._shift_us))
            self._delivered = row + 1

    def _frame(self, row: int, source_us: int) -> PlantFrame:
        self._faults.expire(self._plant_s, clock.now())
        acting = list(self._faults.acting())
        value, quality = self.recording.value[row].copy(), self.recording.quality[row].copy()
        self._sensors.apply(value, acting, self._plant_s)
        return self._delivery.deliver(value, source_us, acting, self._plant_s, quality)

    def _publish(self, frame: PlantFrame) -> None:
        for callback in tuple(self._callbacks):
            callback(frame)

    def subscribe(self, callback: FrameCallback) -> Callable[[], None]:
        """Call `callback` with each row, in the event loop; the answer ends the subscription."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def latest(self, names: list[str]) -> PlantFrame:
        """The last delivered sample of each of these tags; raises UnknownTag."""
        return self._delivery.latest(names)

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        """Delivered samples of one tag in [start, end]; raises UnknownTag."""
        return self._delivery.history(name, start, end, limit)

    def inject(
        self,
        kind: str,
        asset: str,
        severity: float = 0.7,
        ramp_s: float = 60.0,
        duration_s: float | None = None,
    ) -> FaultLabel:
        """Begin a sensor or data fault; raises BadFault (a recording has no physics)."""
        ask = FaultAsk(kind, asset, severity, ramp_s, duration_s)
        return self._faults.begin(ask, self._plant_s, clock.now())

    def clear(self, fault_id: str) -> None:
        """End a fault; raises UnknownFault."""
        self._faults.end(fault_id, clock.now())

    def faults(self) -> list[FaultLabel]:
        """Labels of all faults so far, oldest first."""
        return self._faults.labels()


def recording_catalogue(recording: CsvRecording, code: str, asset_type: str) -> PlantCatalogue:
    """The catalogue of a recording; ranges are those of the data, padded by half their span."""
    asset = AssetEntry(code, code, code, asset_type, SITE.code, "high", None, 0.0)
    taken: set[str] = set()
    tags = tuple(_tag(recording, index, code, taken) for index in range(len(recording.columns)))
    return PlantCatalogue((SITE,), (asset,), tags, ())


def _tag(recording: CsvRecording, index: int, code: str, taken: set[str]) -> TagEntry:
    name, column = recording.columns[index], recording.value[:, index]
    low, high = float(np.nanmin(column)), float(np.nanmax(column))
    pad = 0.5 * (high - low) or max(1.0, 0.5 * abs(high))
    return TagEntry(
        name=f"{code}." + re.sub(r"\s+", "_", name),
        asset=code,
        metric=_metric(name, taken),
        unit="",
        description=name,
        low=low - pad,
        high=high + pad,
        normal_low=low - pad,
        normal_high=high + pad,
        decimals=3,
        source="opcua",
    )


def _metric(name: str, taken: set[str]) -> str:
    """A known metric by the words in the name, each once; else the name itself in small letters."""
    known = next((metric for word, metric in METRIC_WORDS if word in name.lower()), None)
    metric = known if known is not None and known not in taken else re.sub(r"\W+", "_", name.lower())
    taken.add(metric)
    return metric
