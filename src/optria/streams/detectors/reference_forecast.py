"""The forecast channels of one asset as a scalar River estimator: what :class:`ForecastBank` computes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.base.anomaly_detector import AnomalyDetector

from optria.streams.detectors.bank import Floats
from optria.streams.detectors.joint_fit import (
    LEAST_ERROR,
    LEAST_SHRINK,
    LEAST_SIGMA,
    MOST_SHRINK,
    ROUNDING,
)
from optria.streams.detectors.joint_forecast import LEAST_SPREAD, ROWS_OF_CALM, VARIANCE_FLOOR
from optria.streams.detectors.joint_tuning import FORECAST, ForecastTuning

Mask = NDArray[np.bool_]


class Moments:
    """Mean and covariance over blocks of rows; a newer block weighs ``recency`` times its rows."""

    def __init__(self, size: int, recency: float, longest: float) -> None:
        self.recency, self.longest, self.rows = recency, longest, 0
        self.mean: Floats = np.zeros(size)
        self.covariance: Floats = np.zeros((size, size))

    def take(self, block: Floats, whole: bool = False) -> None:
        """Learn a block, float64[rows, size]; ``whole``: forget what was before."""
        weight = self.recency * len(block)
        gain = 1.0 if whole else max(weight / (self.rows + weight), len(block) / self.longest)
        moved, centred = block.mean(axis=0) - self.mean, block - block.mean(axis=0)
        self.covariance = (1 - gain) * (self.covariance + gain * np.outer(moved, moved))
        self.covariance = self.covariance + gain * centred.T @ centred / len(block)
        self.mean, self.rows = self.mean + gain * moved, self.rows + len(block)


class Watched:
    """One channel: a vector against its own moments, and the usual size of its T²."""

    def __init__(self, gain: float, size: int, scan_s: float, tuning: ForecastTuning) -> None:
        self.gain, self.scan_s, self.tuning = gain, scan_s, tuning
        self.moments = Moments(size, tuning.channel_recency, tuning.longest)
        self.sigma: Floats = np.ones(size)
        self.precision: Floats = np.zeros((size, size))
        self.mean = self.variance = 0.0
        self.count = 0

    def root(self, vector: Floats, varies: Mask) -> float:
        part = np.where(varies, (vector - self.moments.mean) / self.sigma, 0.0)
        return float(np.cbrt(max(float(part @ self.precision @ part), 0.0)))

    def sigmas(self, root: float) -> float:
        """How far above its mean; 0 while it may not speak."""
        if self.count < self.tuning.memories / self.gain:
            return 0.0
        spread = math.sqrt(max(self.variance, LEAST_SPREAD**2))
        return max((root - self.mean) / spread, 0.0)

    @property
    def limit(self) -> float:
        """Of the score: a t quantile for as many independent scores as there were."""
        a_day, channels = 86_400 * self.gain / self.scan_s, len(self.tuning.gains) + 1
        independent = max(self.count * self.gain, 2.0)
        length = -2 * math.log(min(self.tuning.false_per_day / (channels * a_day), 0.01))
        squared = length - math.log(2 * math.pi * length)
        return math.sqrt(independent * math.expm1(squared / independent))

    def learn(self, root: float) -> None:
        if not self.precision[0, 0]:
            return
        self.count += 1
        recency, moved = self.tuning.recency, root - self.mean
        gain = max(recency / (self.count + recency - 1), recency / self.tuning.longest)
        self.mean += gain * moved
        self.variance = (1 - gain) * (self.variance + gain * moved * moved)

    def refresh(self) -> None:
        self.sigma = np.sqrt(np.diag(self.moments.covariance)) + LEAST_SIGMA
        independent = max(self.moments.rows * self.gain / (2 - self.gain), 1.0)
        correlation = self.moments.covariance / np.outer(self.sigma, self.sigma)
        self.precision = _precision(correlation, independent)


class ForecastT2(AnomalyDetector):
    """A sample maps each tag of one asset to its value; the score is the largest channel over its limit."""

    def __init__(self, tags: list[Any], scan_s: float = 1.0, tuning: ForecastTuning = FORECAST) -> None:
        size = len(tags)
        self.tags, self.scan_s, self.tuning, self.count, self.held = tags, scan_s, tuning, 0, 0
        self.past: Floats = np.zeros((1 + len(tuning.memory), size))
        self.moments = Moments(size * (2 + len(tuning.memory)), 1.0, tuning.longest)
        self.weights: Floats = np.zeros((self.past.size, size))
        self.sigma: Floats = np.ones(size)
        self.precision: Floats = np.zeros((size, size))
        self.expected: Floats = np.zeros((self.past.size, size))
        self.means: Floats = np.zeros((len(tuning.gains), size))
        self.square: Floats = np.ones(size)
        self.channels = [Watched(gain, size, scan_s, tuning) for gain in (*tuning.gains, tuning.variance)]
        self.surprise, self.since_break, self.due = (0.0, 0.0, 0), tuning.rest, 0.0
        self.block: list[Floats] = []
        self.channel_block: list[list[Floats]] = []
        self.spoilt = False

    def sigmas(self, x: dict[Any, Any]) -> list[float]:
        """Each channel's score in sigmas."""
        vectors = self._look(self._vector(x))[2]
        return self._sigmas(self._roots(vectors))

    def score_one(self, x: dict[Any, Any]) -> float:
        return max(s / c.limit for s, c in zip(self.sigmas(x), self.channels, strict=True))

    def learn_one(self, x: dict[Any, Any]) -> None:
        now, tuning = self._vector(x), self.tuning
        past, square, vectors = self._look(now)
        self._learn_surprise(now)
        roots = self._roots(vectors)
        far = [s / c.limit for s, c in zip(self._sigmas(roots), self.channels, strict=True)]
        calm = max(far) < tuning.hold
        if calm:
            for channel, root in zip(self.channels, roots, strict=True):
                channel.learn(root)
        self.means, self.square = np.array(vectors[:-1]), square
        self.block.append(np.concatenate([now, past.ravel()]))
        self.channel_block.append(vectors)
        self.spoilt |= not calm
        self.held = 0 if calm else self.held + 1
        self._remember(now, past)
        self.count += 1
        if len(self.block) == tuning.block:
            self._learn_block()
        if self.held > tuning.patience:
            self.__init__(self.tags, self.scan_s, tuning)  # type: ignore[misc]

    @property
    def state(self) -> dict[str, object]:
        """What the forecast rests on, as JSON."""
        return {"count": self.count, "mean": self.moments.mean.tolist(), "weights": self.weights.tolist()}

    def _vector(self, x: dict[Any, Any]) -> Floats:
        return np.array([float(x[tag]) for tag in self.tags])

    def _roots(self, vectors: list[Floats]) -> list[float]:
        varies = np.isfinite(self.sigma)
        return [c.root(v, varies) for c, v in zip(self.channels, vectors, strict=True)]

    def _sigmas(self, roots: list[float]) -> list[float]:
        if self.count < self.tuning.warm_up:
            return [0.0] * len(roots)
        return [c.sigmas(root) for c, root in zip(self.channels, roots, strict=True)]

    @property
    def _ready(self) -> bool:
        return self.moments.rows >= self.tuning.begin

    def _error(self, now: Floats) -> Floats:
        size, mean = len(now), self.moments.mean
        if not self._ready:
            return np.zeros(size)
        foretold = mean[:size] + (self.past.ravel() - mean[size:]) @ self.weights
        return np.asarray((now - foretold) / self.sigma)

    def _surprise(self, now: Floats) -> tuple[float, bool]:
        error, (mean, variance, count) = self._error(now), self.surprise
        surprise = float(np.cbrt(max(float(error @ self.precision @ error), 0.0)))
        rested = self.since_break >= self.tuning.rest
        far = surprise - mean > self.tuning.breaks * np.sqrt(variance)
        return surprise, bool(count > ROWS_OF_CALM and rested and far)

    def _look(self, now: Floats) -> tuple[Floats, Floats, list[Floats]]:
        """The past of this row, the mean squares with it, and the vector of each channel."""
        past = self.past if self.count else np.tile(now, (len(self.past), 1))
        error, broken, size = self._error(now), self._surprise(now)[1], len(now)
        if broken:
            mean = self.moments.mean
            past = (mean[size:] + self.expected @ (now - mean[:size])).reshape(past.shape)
            error = np.zeros(size)
        error = np.clip(error, -self.tuning.clip, self.tuning.clip)
        gains = np.array(self.tuning.gains)[:, None]
        means = self.means + gains * (error - self.means)
        square = self.square + self.tuning.variance * (error**2 - self.square)
        return past, square, [*means, np.log(square + VARIANCE_FLOOR)]

    def _learn_surprise(self, now: Floats) -> None:
        (surprise, broken), (mean, variance, count) = self._surprise(now), self.surprise
        self.since_break = 0 if broken else self.since_break + 1
        near = surprise - mean < self.tuning.calm * np.sqrt(variance)
        if not self._ready or broken or not (near or count < ROWS_OF_CALM):
            return
        gain, moved = max(2 / (count + 2), 2 / self.tuning.longest), surprise - mean
        variance = (1 - gain) * (variance + gain * moved * moved)
        self.surprise = (mean + gain * moved, variance, count + 1)

    def _remember(self, now: Floats, past: Floats) -> None:
        means = [
            before + max(gain, 1 / (self.count + 1)) * (now - before)
            for gain, before in zip(self.tuning.memory, past[1:], strict=True)
        ]
        self.past = np.array([now, *means])

    def _learn_block(self) -> None:
        block, channels, spoilt = np.array(self.block), self.channel_block, self.spoilt
        self.block, self.channel_block, self.spoilt = [], [], False
        if spoilt:
            return
        if self._ready:
            for place, channel in enumerate(self.channels):
                rows = np.array([vectors[place] for vectors in channels])
                channel.moments.take(rows, whole=channel.moments.rows == 0)
        self.moments.take(block)
        if self._ready and self.moments.rows >= self.due:
            self._refresh()

    def _refresh(self) -> None:
        rows, tuning = self.moments.rows, self.tuning
        self._fit()
        self.due = rows + min(max(rows / 8, tuning.block), 1024)
        for channel in self.channels:
            if channel.moments.rows >= tuning.channel_blocks * tuning.block:
                channel.refresh()

    def _fit(self) -> None:
        size, count, tuning = len(self.tags), len(self.past), self.tuning
        sigma = np.sqrt(np.diag(self.moments.covariance))
        moves = sigma > ROUNDING * np.abs(self.moments.mean)
        moves &= np.tile(moves[:size], 1 + count)
        safe = np.where(moves, sigma, 1.0)
        correlation = np.where(np.outer(moves, moves), self.moments.covariance / np.outer(safe, safe), 0.0)
        among, across = correlation[size:, size:], correlation[size:, :size]
        weights = np.zeros_like(across)
        for tag in range(size):
            own = np.arange(count) * size + tag
            left = among[np.ix_(own, own)] + tuning.own_ridge * np.eye(count)
            weights[own, tag] = np.linalg.solve(left, across[own, tag])
        ridge = tuning.ridge * min(self.moments.rows, tuning.longest) ** -1.5
        left = among + ridge * np.eye(len(among))
        weights = weights + np.linalg.solve(left, across - among @ weights)
        shared = weights.T @ across
        error = correlation[:size, :size] - shared - shared.T + weights.T @ among @ weights
        part = np.sqrt(np.maximum(np.diag(error), LEAST_ERROR**2))
        self.weights = weights * safe[:size] / safe[size:, None]
        self.sigma = np.where(moves[:size], part * safe[:size], np.inf)
        self.precision = _precision(error / np.outer(part, part), self.moments.rows)
        beside = across @ _precision(correlation[:size, :size], self.moments.rows)
        self.expected = beside * safe[size:, None] / safe[:size]


def _precision(correlation: Floats, rows: float) -> Floats:
    size = len(correlation)
    share = min(max(size / (rows + size), LEAST_SHRINK), MOST_SHRINK)
    shrunk = (1 - share) * correlation
    np.fill_diagonal(shrunk, 1.0)
    return np.asarray(np.linalg.inv(shrunk))
