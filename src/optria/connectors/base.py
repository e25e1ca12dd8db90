"""What every connector offers, and the seam between backfilled history and the live stream."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit import clock

Emit: TypeAlias = Callable[[SampleBatch], None]

RATE_WINDOW_S = 10.0
HISTORY_ROWS_PER_BATCH = 32_768
NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Probe:
    """What a test connection found; ``message`` is a sentence for a person."""

    ok: bool
    message: str
    details: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrowseEntry:
    """One thing at a source. ``id`` is what a mapping's external tag or a further browse takes.

    ``low``/``high`` is the engineering range in ``unit`` where the source tells it.
    """

    id: str
    name: str
    has_children: bool
    unit: str = ""
    is_variable: bool = False
    low: float | None = None
    high: float | None = None
    description: str = ""


class LinkState(StrEnum):
    CONNECTING = "connecting"
    BACKFILLING = "backfilling"
    CONNECTED = "connected"
    LOST = "lost"


def _seconds(later: datetime, earlier: datetime) -> float:
    """Never negative, also when the clock was put back."""
    return max((later - earlier).total_seconds(), 0.0)


@dataclass(slots=True)
class Link:
    """The state of one connection, for the screens. Updated once per batch, never per sample or viewer."""

    state: LinkState = LinkState.CONNECTING
    tags: int = 0
    """Mapped tags that the source delivers."""
    missing: tuple[str, ...] = ()
    """Mapped tags that the source does not know."""
    since: datetime | None = None
    """When ``state`` began."""
    last_error: str | None = None
    """A sentence; stays after the link is back, until the next error replaces it."""
    lag_s: float | None = None
    """Age of the newest sample of the last batch when it arrived."""
    received: int = 0
    backfilled: int = 0
    backfill_progress: float = 0.0
    """0 to 1, of the tags."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows refused by the connector itself, by reason."""
    _warnings: dict[str, str] = field(default_factory=dict)
    _weight: float = 0.0
    _counted_at: datetime | None = None
    _counted_from: datetime | None = None

    def enter(self, state: LinkState) -> None:
        self.state, self.since = state, clock.now()

    def lost(self, sentence: str) -> None:
        self.last_error = sentence
        self.enter(LinkState.LOST)

    def warn(self, about: str, sentence: str | None) -> None:
        """Say what is wrong while the link does its work; None takes back what was said of the same."""
        self._warnings.pop(about, None)
        if sentence is not None:
            self._warnings[about] = sentence

    @property
    def warning(self) -> str | None:
        """Sentences about what the source does not deliver although it is connected."""
        return " ".join(self._warnings.values()) or None

    def count(self, batch: SampleBatch, now: datetime | None = None) -> None:
        """Note a live batch that arrived ``now``."""
        now = now or clock.now()
        self.received += len(batch)
        self.lag_s = (to_micros(now) - int(batch.source_time.max())) / 1e6
        self._counted_from = self._counted_from or now
        self._weight = self._weight_at(now) + len(batch) / RATE_WINDOW_S
        self._counted_at = now

    def _weight_at(self, now: datetime) -> float:
        if self._counted_at is None:
            return 0.0
        return self._weight * math.exp(-_seconds(now, self._counted_at) / RATE_WINDOW_S)

    def rate_at(self, now: datetime) -> float:
        """Live samples per second, exponentially weighted over ten seconds; right from the first one on."""
        if self._counted_from is None:
            return 0.0
        seen = -math.expm1(-(_seconds(now, self._counted_from) + 1.0) / RATE_WINDOW_S)
        return self._weight_at(now) / seen

    @property
    def rate(self) -> float:
        return self.rate_at(clock.now())


class Connector(Protocol):
    """A plant source. Values are raw; scale, offset and range are applied behind ``emit``."""

    @property
    def link(self) -> Link:
        """State, rate, lag and last error."""

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        """Connect and emit batches until cancelled.

        With ``since`` the history from then to now is emitted first, in time order across tags, while the
        live stream is held back; no sample comes twice over that seam.

        Raises:
            ConnectorUnavailable: the source cannot be reached, refuses us or fell silent. Never retries.
        """

    async def check_address(self) -> None:
        """Refuse an address of another kind, or one that is not allowed here, without calling it.

        A host name that nobody knows yet passes: it is found out when connecting.

        Raises:
            ConnectorUnavailable: with the reason as a sentence.
        """

    async def probe(self) -> Probe:
        """Connect, read something, and say truthfully how it went. Never raises for the source's fault."""

    async def browse(self, node: str | None) -> list[BrowseEntry]:
        """What is under ``node`` (None: the root). Raises ConnectorUnavailable."""

    async def read_latest(self, mappings: Sequence[SignalMapping]) -> SampleBatch:
        """The last sample of each tag the source knows. Raises ConnectorUnavailable."""

    async def read_history(
        self, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> SampleBatch:
        """Samples in [start, end] in time order, each tag and time once. Raises ConnectorUnavailable."""


@runtime_checkable
class Searching(Protocol):
    """A connector whose source searches its tags by itself."""

    async def search(self, text: str) -> list[BrowseEntry]:
        """The tags whose name has ``text`` in it. Raises ConnectorUnavailable."""


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def batch_of(
    tags: Sequence[int], times: Sequence[int], values: Sequence[float], qualities: Sequence[int]
) -> SampleBatch:
    """Columns from lists of equal length; times in µs UTC."""
    return SampleBatch(
        np.array(tags, np.int32),
        np.array(times, np.int64),
        np.array(values, np.float64),
        np.array(qualities, np.uint8),
    )


def in_time_order(batch: SampleBatch) -> SampleBatch:
    """By source time, then tag; of rows with the same tag and time the first stays."""
    if not len(batch):
        return batch
    order = np.lexsort((batch.tag, batch.source_time))
    batch = batch.select(order)
    again = np.zeros(len(batch), np.bool_)
    again[1:] = (np.diff(batch.source_time) == 0) & (np.diff(batch.tag) == 0)
    return batch.select(~again)


def _keys(batch: SampleBatch) -> NDArray[np.uint64]:
    """One number per tag and time: a hash, right but for one pair in 2^64."""
    mixed = batch.source_time.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (batch.tag.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))


class Advance:
    """Of repeated latest values, those whose source time moved on since the last look."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def news(self, batch: SampleBatch) -> SampleBatch:
        """Rows later than any seen of their tag."""
        fresh = np.zeros(len(batch), np.bool_)
        for row, (tag, time) in enumerate(zip(batch.tag.tolist(), batch.source_time.tolist(), strict=True)):
            if time > self._last.get(tag, -(2**63)):
                self._last[tag] = time
                fresh[row] = True
        return batch.select(fresh)


class Seam:
    """Holds the live stream back while history is read, then joins the two without repeats.

    ``offer`` is what a subscription calls from the first moment; before ``join`` batches wait, after it
    they pass. History's keys are kept for ``REMEMBER_S``, in which a late notification may still repeat.
    """

    REMEMBER_S = 30.0

    def __init__(self, emit: Emit, link: Link, *, hold: bool) -> None:
        self._emit, self._link = emit, link
        self._waiting: list[SampleBatch] | None = [] if hold else None
        self._known: NDArray[np.uint64] | None = None
        self._forget_at = 0.0

    def offer(self, batch: SampleBatch) -> None:
        if not len(batch):
            return
        if self._waiting is not None:
            self._waiting.append(batch)
            return
        if self._known is not None:
            batch = self._unknown(batch)
        if len(batch):
            self._link.count(batch)
            self._emit(batch)

    def join(self, history: SampleBatch) -> None:
        """Emit history (in time order) in a few batches, then what waited, then live."""
        for start in range(0, len(history), HISTORY_ROWS_PER_BATCH):
            self._emit(history.select(np.arange(start, min(start + HISTORY_ROWS_PER_BATCH, len(history)))))
        self._link.backfilled += len(history)
        self._known = np.sort(_keys(history)) if len(history) else None
        self._forget_at = clock.now().timestamp() + self.REMEMBER_S
        waiting, self._waiting = self._waiting or [], None
        for batch in waiting:
            self.offer(batch)

    def _unknown(self, batch: SampleBatch) -> SampleBatch:
        known = self._known
        if known is None or clock.now().timestamp() > self._forget_at:
            self._known = None
            return batch
        keys = _keys(batch)
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return batch.select(known[at] != keys)
