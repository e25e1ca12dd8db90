"""What every connector offers, and the seam between backfilled history and the live stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from optria.connectors.link import Gap, Link, LinkState
from optria.core.tag import SampleBatch, SignalMapping
from optria.kit import clock

__all__ = [
    "Advance",
    "BrowseEntry",
    "BrowsePage",
    "Connector",
    "Emit",
    "Gap",
    "Link",
    "LinkState",
    "Paging",
    "Probe",
    "Remains",
    "Resuming",
    "Seam",
    "Searching",
    "batch_of",
    "in_time_order",
    "listed",
]

Emit: TypeAlias = Callable[[SampleBatch], None]

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


class Remains:
    """What a connector leaves of a connection that was cut off: where the next one can go on."""


@runtime_checkable
class Resuming(Protocol):
    """A connector that can go on where an earlier one of the same connection was cut off."""

    @property
    def remains(self) -> Remains | None:
        """What this one leaves when ``run`` has ended."""

    def resume(self, remains: Remains | None) -> None:
        """Go on from there in ``run``; another connector's ``remains`` are of one connector only."""


@dataclass(frozen=True, slots=True)
class BrowsePage:
    """``entries`` of the ``total`` things below a node."""

    entries: Sequence[BrowseEntry]
    total: int


@runtime_checkable
class Paging(Protocol):
    """A connector whose source may have more below one node than fits on a screen."""

    async def browse_page(self, node: str | None, offset: int, limit: int) -> BrowsePage:
        """Entries ``offset`` to ``offset + limit`` under ``node``. Raises ConnectorUnavailable."""


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

    @property
    def waiting(self) -> list[SampleBatch]:
        """What is held back and was not passed on."""
        return list(self._waiting or ())

    def hold(self) -> None:
        """Let batches wait from now on, until the next ``join``."""
        if self._waiting is None:
            self._waiting = []

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
