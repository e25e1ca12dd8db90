"""From scores to anchors: hysteresis, one anchor per asset and episode, rest, and who is to blame.

An episode begins when evidence has added up: each sample counts what its score is above the limit, up to
a half, and what it is below it against that (Page's cumulative sum, Biometrika 41 (1954) 100-115). Three
scores of 1.5 are enough, a score of 1.05 must last. Ten below 0.7 of the limit (and five quiet minutes
after) end it. Evidence counts samples, not seconds: at a scan of a minute it takes no hours.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import exp, log1p

import numpy as np

from optria.core.incident import Anchor, Contribution
from optria.core.tag import from_micros

UP = 3
"""Samples in a row above the limit that an episode needs at least."""
EVIDENCE = 1.5
"""Sum of excesses over the limit that begins an episode."""
MOST_EVIDENCE = 0.5
"""Of one sample: a single outlier, however large, is no episode."""
DOWN = 10
LOW = 0.7
ROUNDING = 1e-9
REST_US = 5 * 60 * 1_000_000
LOGISTIC = (-6.2, 9.0)
"""P(fault) = 1 / (1 + exp(-(a + b log1p(score)))), fitted on recordings of a pump loop (see benchmarks)."""


def probability(score: float) -> float:
    """Calibrated P(fault) of a score over its limit; 0 for a score of 0."""
    if score <= 0.0:
        return 0.0
    a, b = LOGISTIC
    return 1.0 / (1.0 + exp(-(a + b * log1p(score))))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the detectors say of one asset at ``time_us``: ``score`` 1.0 is at the limit."""

    asset_id: int
    time_us: int
    score: float


@dataclass(frozen=True, slots=True)
class Blame:
    """Who speaks for an anchor, and which detector."""

    contributions: tuple[Contribution, ...]
    detector: str
    mode: str


@dataclass(slots=True)
class _Episode:
    score: float = 0.0
    above: int = 0
    evidence: float = 0.0
    first_above_us: int = 0
    below: int = 0
    alarming: bool = False
    open: bool = False
    quiet_since_us: int = 0


class Anchoring:
    """Turns the readings of each asset into at most one anchor per episode.

    ``blame`` is asked only when an anchor is set. ``on_cleared(asset_id)`` comes at the end of an episode.
    """

    def __init__(
        self,
        on_anchor: Callable[[Anchor], None],
        on_cleared: Callable[[int], None],
        blame: Callable[[int], Blame],
    ) -> None:
        self._on_anchor, self._on_cleared, self._blame = on_anchor, on_cleared, blame
        self._episodes: dict[int, _Episode] = {}
        self.anchored = 0

    def observe(self, reading: Reading) -> Anchor | None:
        """Take in one reading; the anchor if this is the instant of one."""
        episode = self._episodes.setdefault(reading.asset_id, _Episode())
        episode.score = reading.score if np.isfinite(reading.score) else 0.0
        if episode.alarming:
            self._falling(episode, reading)
            return None
        if self._rises(episode, reading):
            begins, episode.open = not episode.open, True
            return self._anchor(episode, reading) if begins else None
        if episode.open:
            self._resting(episode, reading)
        return None

    def active(self, asset_id: int) -> bool:
        """Whether the asset is within an episode."""
        episode = self._episodes.get(asset_id)
        return episode is not None and episode.open

    def alarming(self, asset_id: int) -> bool:
        """Whether the score is beyond its limit now (with hysteresis); an episode lasts longer."""
        episode = self._episodes.get(asset_id)
        return episode is not None and episode.alarming

    def scores(self) -> dict[int, tuple[float, float]]:
        """Score over limit and P(fault) of each asset now."""
        return {asset: (e.score, probability(e.score)) for asset, e in self._episodes.items()}

    def close(self, asset_id: int) -> None:
        """End the episode of an asset at once."""
        episode = self._episodes.pop(asset_id, None)
        if episode is not None and episode.open:
            self._on_cleared(asset_id)

    def forget(self) -> None:
        """Drop every episode without a word."""
        self._episodes.clear()

    def state(self) -> dict[str, object]:
        """The open episodes, as JSON."""
        return {
            str(asset): {"alarming": e.alarming, "below": e.below, "quiet_since_us": e.quiet_since_us}
            for asset, e in self._episodes.items()
            if e.open
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back :meth:`state`; raises KeyError, TypeError or ValueError for what is no such state."""
        for asset, episode in state.items():
            if not isinstance(episode, dict):
                raise TypeError("not the state of an episode")
            self._episodes[int(asset)] = _Episode(
                alarming=bool(episode["alarming"]),
                below=int(episode["below"]),
                quiet_since_us=int(episode["quiet_since_us"]),
                open=True,
            )

    def whole(self) -> dict[str, object]:
        """Every episode with the evidence so far, as JSON."""
        return {str(asset): asdict(episode) for asset, episode in self._episodes.items()}

    def take_back(self, whole: Mapping[str, object], assets: frozenset[int]) -> None:
        """Take back :meth:`whole` for ``assets``; raises KeyError, TypeError or ValueError for all else."""
        taken = {int(asset): _episode(stored) for asset, stored in whole.items()}
        self._episodes |= {asset: episode for asset, episode in taken.items() if asset in assets}

    def _rises(self, episode: _Episode, reading: Reading) -> bool:
        if episode.evidence == 0.0:
            episode.first_above_us = reading.time_us
        episode.above = episode.above + 1 if episode.score > 1.0 else 0
        excess = min(episode.score - 1.0, MOST_EVIDENCE)
        episode.evidence = max(episode.evidence + excess, 0.0)
        if episode.above >= UP and episode.evidence >= EVIDENCE - ROUNDING:
            episode.alarming, episode.above, episode.evidence, episode.below = True, 0, 0.0, 0
        return episode.alarming

    def _falling(self, episode: _Episode, reading: Reading) -> None:
        episode.below = episode.below + 1 if episode.score < LOW else 0
        if episode.below >= DOWN:
            episode.alarming, episode.quiet_since_us = False, reading.time_us

    def _resting(self, episode: _Episode, reading: Reading) -> None:
        if reading.time_us - episode.quiet_since_us >= REST_US:
            episode.open = False
            self._on_cleared(reading.asset_id)

    def _anchor(self, episode: _Episode, reading: Reading) -> Anchor:
        blame = self._blame(reading.asset_id)
        anchor = Anchor(
            asset_id=reading.asset_id,
            time=from_micros(episode.first_above_us),
            score=episode.score,
            probability=probability(episode.score),
            contributions=blame.contributions,
            detector=blame.detector,
            mode=blame.mode,
        )
        self.anchored += 1
        self._on_anchor(anchor)
        return anchor


def _episode(stored: object) -> _Episode:
    if not isinstance(stored, dict):
        raise TypeError("not the state of an episode")
    return _Episode(
        score=float(stored["score"]),
        above=int(stored["above"]),
        evidence=float(stored["evidence"]),
        first_above_us=int(stored["first_above_us"]),
        below=int(stored["below"]),
        alarming=bool(stored["alarming"]),
        open=bool(stored["open"]),
        quiet_since_us=int(stored["quiet_since_us"]),
    )
