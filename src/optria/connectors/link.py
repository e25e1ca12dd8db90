"""The state of one connection, as the screens show it."""

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from optria.core.tag import SampleBatch, to_micros
from optria.kit import clock

RATE_WINDOW_S = 10.0
GAPS_KEPT = 20


class LinkState(StrEnum):
    CONNECTING = "connecting"
    BACKFILLING = "backfilling"
    CONNECTED = "connected"
    LOST = "lost"


def _seconds(later: datetime, earlier: datetime) -> float:
    """Never negative, also when the clock was put back."""
    return max((later - earlier).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing is known of ``tags`` signals between two times."""

    start: datetime
    end: datetime
    tags: int


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
    clock_ahead_s: float | None = None
    """How far the source's own clock is ahead of ours, where it tells its time."""
    gaps: deque[Gap] = field(default_factory=lambda: deque(maxlen=GAPS_KEPT))
    """The last times of which the source keeps nothing."""
    _warnings: dict[str, str] = field(default_factory=dict)
    _weight: float = 0.0
    _counted_at: datetime | None = None
    _counted_from: datetime | None = None

    def enter(self, state: LinkState) -> None:
        self.state, self.since = state, clock.now()

    def lost(self, sentence: str) -> None:
        self.last_error = sentence
        self.enter(LinkState.LOST)

    def take_over(self, earlier: "Link") -> None:
        """Go on counting where the link of an earlier try ended."""
        self.received, self.backfilled, self.rejected = earlier.received, earlier.backfilled, earlier.rejected
        self.missing, self.gaps, self.last_error = earlier.missing, earlier.gaps, earlier.last_error
        self._warnings = dict(earlier._warnings)

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
