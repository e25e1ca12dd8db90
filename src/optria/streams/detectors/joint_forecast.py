"""What the past of an asset does not foretell: five channels over all assets of one size, in one pass.

A controller hides a fault by bringing the level back, and a slow reference forgets a fault that stays.
The error of a forecast is nearly white while all is well, so its long means and its mean square show
both. Multivariate EWMA of forecast errors: Pan and Jarrett, J. Appl. Stat. 31 (2004) 985-1001.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optria.streams.detectors.bank import Floats, Rows
from optria.streams.detectors.joint_fit import LEAST_SIGMA, fit, inverted, limits, merged, shrinkage
from optria.streams.detectors.joint_tuning import FORECAST, ForecastTuning

Mask = NDArray[np.bool_]
VARIANCE_FLOOR = 0.02
"""Stays under the logarithm of the mean square, in squared sigmas."""
LEAST_SPREAD = 1e-3
ROWS_TO_SETTLE = 400
ROWS_OF_CALM = 50
"""Rows whose errors were seen before a jump may count as a break in the record."""


@dataclass(frozen=True, slots=True)
class Look:
    """A row against its forecast: nothing of it is learned yet."""

    row: Floats
    """The row and its past, float64[k, 1 + features, width]; what was not fresh is as foretold."""
    broken: Mask
    error: Floats
    """What the forecast got wrong, clipped, in sigmas: float64[k, width]."""
    surprise: Floats
    """Cube root of T² of the plain error, float64[k]."""
    means: Floats
    square: Floats
    parts: Floats
    """Each channel's vector in its own sigmas, float64[k, channels, width]."""
    watched: Floats
    """The same before its mean and sigma, float64[k, channels, width]."""
    root: Floats
    """Cube root of T² of each channel, float64[k, channels]; 0 until there is a precision."""


class ForecastBank:
    """``sizes`` has the number of tags of each asset, ``scan_s`` the seconds from one of its rows to the
    next; inputs are padded to the largest asset, ``width``.
    """

    def __init__(
        self, sizes: Sequence[int], scan_s: Sequence[float], tuning: ForecastTuning = FORECAST
    ) -> None:
        self.tuning, self.sizes, self.width = tuning, list(sizes), max(sizes, default=1)
        assets, width, features = len(sizes), self.width, 1 + len(tuning.memory)
        self.features, self.channels = features, len(tuning.gains) + 1
        self.memory = np.array(tuning.memory)[:, None]
        self.gains = np.array(tuning.gains)[:, None]
        slowest = np.append(np.array(tuning.gains), tuning.variance)
        self.memories, self.need = slowest, tuning.memories / slowest
        self.independent = slowest / (2.0 - slowest)
        self.tags, self.scan_s = np.array(sizes, np.float64), np.array(scan_s, np.float64)
        whole, past = (1 + features) * width, features * width
        self.count = np.zeros(assets)
        self.past = np.zeros((assets, features, width))
        self.rows, self.due = np.zeros(assets), np.zeros(assets)
        self.mean, self.covariance = np.zeros((assets, whole)), np.zeros((assets, whole, whole))
        self.weights, self.sigma = np.zeros((assets, past, width)), np.ones((assets, width))
        self.precision, self.expected = np.zeros((assets, width, width)), np.zeros((assets, past, width))
        self.means = np.zeros((assets, len(tuning.gains), width))
        self.square = np.ones((assets, width))
        self.offset = np.zeros((assets, width))
        """Errors, in sigmas, that count as normal since the last :meth:`rebase`."""
        self.settling = np.zeros(assets)
        """Rows since then, while the offset still settles to their mean; 0 when it has."""
        self.channel_rows = np.zeros(assets)
        self.channel_mean = np.zeros((assets, self.channels, width))
        self.channel_covariance = np.zeros((assets, self.channels, width, width))
        self.channel_sigma = np.ones((assets, self.channels, width))
        self.channel_precision = np.zeros((assets, self.channels, width, width))
        self.surprise = np.zeros((assets, 3))
        """Mean, variance and number of the surprises."""
        self.since_break = np.full(assets, float(tuning.rest))
        self.root_mean = np.zeros((assets, self.channels))
        self.root_variance = np.zeros((assets, self.channels))
        self.root_count = np.zeros((assets, self.channels))
        self.held = np.zeros(assets)
        self.at, self.spoilt = np.zeros(assets, np.intp), np.zeros(assets, bool)
        self.block = np.zeros((assets, tuning.block, whole))
        self.channel_block = np.zeros((assets, tuning.block, self.channels * width))

    def score_many(self, assets: Rows, values: Floats, fresh: Mask) -> Floats:
        """Sigmas of each channel above its mean, float64[k, channels]; 0 while it may not speak."""
        return self._sigmas(assets, self._look(assets, values, fresh).root)

    def limit_of(self, assets: Rows) -> Floats:
        """Limits of the scores; infinite while a channel may not speak."""
        return np.where(self._speaks(assets), self._limits(assets), np.inf)

    def learn_many(self, assets: Rows, values: Floats, fresh: Mask) -> None:
        """Take the rows in; while a channel is beyond ``hold`` of its limit nothing is learned."""
        self._learn(assets, self._look(assets, values, fresh))

    def observe_many(self, assets: Rows, values: Floats, fresh: Mask) -> Floats:
        """:meth:`score_many`, then :meth:`learn_many`, at the cost of one."""
        look = self._look(assets, values, fresh)
        scores = self._sigmas(assets, look.root)
        self._learn(assets, look)
        return scores

    def rebase(self, assets: Rows) -> None:
        """What the forecasts err by now is normal from now on (until enough of it was learned)."""
        usual = self.channel_mean[assets]
        self.offset[assets] += self.means[assets, 0] - usual[:, 0]
        self.means[assets] = usual[:, :-1]
        self.square[assets] = np.where(
            (self.channel_rows[assets] > 0)[:, None],
            np.maximum(np.exp(usual[:, -1]) - VARIANCE_FLOOR, 0.0),
            1.0,
        )
        self.held[assets], self.settling[assets] = 0.0, 1.0

    def _learn(self, assets: Rows, look: Look) -> None:
        tuning = self.tuning
        far = self._sigmas(assets, look.root) / self._limits(assets)
        calm = far.max(axis=1) < tuning.hold
        self._learn_roots(assets, look, calm)
        self._learn_surprise(assets, look)
        self.means[assets], self.square[assets] = look.means, look.square
        self._settle(assets, look)
        self.since_break[assets] = np.where(look.broken, 0.0, self.since_break[assets] + 1.0)
        place = self.at[assets]
        self.block[assets, place] = look.row.reshape(len(assets), self.block.shape[2])
        self.channel_block[assets, place] = look.watched.reshape(len(assets), self.channel_block.shape[2])
        self.spoilt[assets] |= ~calm
        self.held[assets] = np.where(calm, 0.0, self.held[assets] + 1.0)
        self._remember(assets, look.row)
        self.at[assets] = place + 1
        self.count[assets] += 1
        full = assets[place + 1 == tuning.block]
        if len(full):
            self._learn_blocks(full)
        given_up = assets[self.held[assets] > tuning.patience]
        if len(given_up):
            self.reset(given_up)

    def residuals(self, asset: int, values: Floats, fresh: Mask) -> Floats:
        """Conditional residual of each tag in each channel, in sigmas: float64[channels, width]."""
        parts = self._look(np.array([asset]), values[None], fresh[None]).parts[0]
        precision = self.channel_precision[asset]
        own = np.sqrt(np.maximum(np.einsum("cjj->cj", precision), 1e-12))
        return np.asarray(np.matmul(precision, parts[:, :, None])[:, :, 0] / own)

    def reset(self, assets: Sequence[int] | Rows) -> None:
        """Forget these assets: they warm up again."""
        for name in (*STATE, *DERIVED, "due", "at", "spoilt"):
            getattr(self, name)[assets] = 0
        self.sigma[assets] = self.square[assets] = self.channel_sigma[assets] = 1.0
        self.since_break[assets] = float(self.tuning.rest)

    def state_of(self, asset: int) -> dict[str, object]:
        """What was learned of one asset, as JSON; a block that is not full yet is left out."""
        state: dict[str, object] = {name: self._own(name, asset).tolist() for name in STATE}
        return state

    def restore_of(self, asset: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        read = {name: np.asarray(state[name], np.float64) for name in STATE}
        for name, array in read.items():
            if array.shape != self._own(name, asset).shape or not np.isfinite(array).all():
                raise ValueError(f"not the state of an asset of {self.sizes[asset]} tags: {name}")
        self.reset([asset])
        for name, array in read.items():
            self._place(name, asset, array)
        if self.rows[asset] >= self.tuning.begin:
            self._refresh(np.array([asset]))

    def _own(self, name: str, asset: int) -> Floats:
        """The part of a field that is the asset's, without the padding; of a covariance the lower half."""
        array, size = getattr(self, name)[asset], self.sizes[asset]
        if name in WIDE:
            return np.asarray(array[..., :size])
        if name == "mean":
            return np.asarray(array.reshape(-1, self.width)[:, :size])
        if name == "covariance":
            part = self._tags_of(asset)
            return np.asarray(array[np.ix_(part, part)][np.tril_indices(len(part))])
        if name == "channel_covariance":
            below = np.tril_indices(size)
            return np.asarray(array[:, below[0], below[1]])
        return np.asarray(array)

    def _place(self, name: str, asset: int, read: Floats) -> None:
        array, size = getattr(self, name), self.sizes[asset]
        if name in WIDE:
            array[asset][..., :size] = read
        elif name == "mean":
            array[asset].reshape(-1, self.width)[:, :size] = read
        elif name == "covariance":
            part = self._tags_of(asset)
            below = np.tril_indices(len(part))
            array[asset][part[below[0]], part[below[1]]] = array[asset][part[below[1]], part[below[0]]] = read
        elif name == "channel_covariance":
            below = np.tril_indices(size)
            array[asset][:, below[0], below[1]] = array[asset][:, below[1], below[0]] = read
        else:
            array[asset] = read

    def _tags_of(self, asset: int) -> Rows:
        """Places of the asset's tags in its moments."""
        return np.flatnonzero(np.tile(np.arange(self.width) < self.sizes[asset], 1 + self.features))

    def _look(self, assets: Rows, values: Floats, fresh: Mask) -> Look:
        tuning, k = self.tuning, len(assets)
        ready = self.rows[assets] >= tuning.begin
        past = np.where((self.count[assets] == 0)[:, None, None], values[:, None], self.past[assets])
        mean = self.mean[assets].reshape(k, 1 + self.features, self.width)
        sigma = self.sigma[assets]
        foretold = mean[:, 0] + self._weigh(self.weights[assets], past - mean[:, 1:])
        now = np.where(fresh, values, np.where(ready[:, None], foretold, past[:, 0]))
        error = np.where(ready[:, None], (now - foretold) / sigma - self.offset[assets], 0.0)
        surprise = _root(self.precision[assets], error)
        broken = self._is_break(assets, surprise)
        if broken.any():
            past = np.where(broken[:, None, None], self._expected_past(assets, now, mean), past)
            error = np.where(broken[:, None], 0.0, error)
        error = np.clip(error, -tuning.clip, tuning.clip)
        means, square = self.means[assets], self.square[assets]
        means = means + np.where(fresh[:, None], self.gains * (error[:, None] - means), 0.0)
        square = square + np.where(fresh, tuning.variance * (error * error - square), 0.0)
        watched = np.concatenate([means, np.log(square + VARIANCE_FLOOR)[:, None]], axis=1)
        parts = (watched - self.channel_mean[assets]) / self.channel_sigma[assets]
        parts = np.where(np.isfinite(sigma)[:, None], parts, 0.0)  # a tag that never varied has none
        root = _root(self.channel_precision[assets], parts)
        row = np.concatenate([now[:, None], past], axis=1)
        return Look(row, broken, error, surprise, means, square, parts, watched, root)

    def _weigh(self, weights: Floats, gap: Floats) -> Floats:
        return np.asarray(np.matmul(gap.reshape(len(gap), 1, self.features * self.width), weights)[:, 0])

    def _is_break(self, assets: Rows, surprise: Floats) -> Mask:
        mean, variance, count = self.surprise[assets].T
        rested = self.since_break[assets] >= self.tuning.rest
        return np.asarray(
            (count > ROWS_OF_CALM) & rested & (surprise - mean > self.tuning.breaks * np.sqrt(variance))
        )

    def _expected_past(self, assets: Rows, now: Floats, mean: Floats) -> Floats:
        beside = np.matmul(self.expected[assets], (now - mean[:, 0])[:, :, None])[:, :, 0]
        return np.asarray(mean[:, 1:] + beside.reshape(len(now), -1, self.width))

    def _speaks(self, assets: Rows) -> Mask:
        warm = self.count[assets] >= self.tuning.warm_up
        return np.asarray(warm[:, None] & (self.root_count[assets] >= self.need))

    def _limits(self, assets: Rows) -> Floats:
        return limits(self.root_count[assets], self.memories, self.scan_s[assets], self.tuning)

    def _sigmas(self, assets: Rows, root: Floats) -> Floats:
        spread = np.sqrt(np.maximum(self.root_variance[assets], LEAST_SPREAD**2))
        sigmas = np.maximum((root - self.root_mean[assets]) / spread, 0.0)
        return np.where(self._speaks(assets), sigmas, 0.0)

    def _learn_roots(self, assets: Rows, look: Look, calm: Mask) -> None:
        takes = calm & (self.channel_precision[assets, 0, 0, 0] > 0)
        count = self.root_count[assets] + takes[:, None]
        gain = np.where(takes[:, None], self._gain(self.tuning.recency, np.maximum(count, 1.0)), 0.0)
        moved = look.root - self.root_mean[assets]
        self.root_mean[assets] += gain * moved
        self.root_variance[assets] = (1.0 - gain) * (self.root_variance[assets] + gain * moved * moved)
        self.root_count[assets] = count

    def _learn_surprise(self, assets: Rows, look: Look) -> None:
        mean, variance, count = self.surprise[assets].T
        near = look.surprise - mean < self.tuning.calm * np.sqrt(variance)
        takes = (self.rows[assets] >= self.tuning.begin) & ~look.broken & (near | (count < ROWS_OF_CALM))
        gain = np.where(takes, self._gain(2.0, count + 1.0), 0.0)
        moved = look.surprise - mean
        kept = (mean + gain * moved, (1.0 - gain) * (variance + gain * moved * moved), count + takes)
        self.surprise[assets] = np.stack(kept, axis=1)

    def _settle(self, assets: Rows, look: Look) -> None:
        rows = self.settling[assets]
        if not rows.any():
            return
        gain = np.where(rows > 0, 1.0 / (rows + 1.0), 0.0)
        self.offset[assets] += gain[:, None] * look.error
        self.settling[assets] = np.where((rows > 0) & (rows < ROWS_TO_SETTLE), rows + 1.0, 0.0)

    def _gain(self, recency: float, count: Floats) -> Floats:
        """A mean that weighs its newer samples more, and in the end forgets."""
        return np.maximum(recency / (count + recency - 1.0), recency / self.tuning.longest)

    def _remember(self, assets: Rows, row: Floats) -> None:
        past, now = row[:, 1:].copy(), row[:, 0]
        gain = np.maximum(self.memory, 1.0 / (self.count[assets] + 1.0)[:, None, None])
        past[:, 1:] += gain * (now[:, None] - past[:, 1:])
        past[:, 0] = now
        self.past[assets] = past

    def _learn_blocks(self, assets: Rows) -> None:
        learns = assets[~self.spoilt[assets]]
        self.at[assets], self.spoilt[assets] = 0, False
        if not len(learns):
            return
        ready = learns[self.rows[learns] >= self.tuning.begin]
        if len(ready):
            self._learn_channels(ready)
        block = float(self.tuning.block)
        gain = np.maximum(block / (self.rows[learns] + block), block / self.tuning.longest)
        self.mean[learns], self.covariance[learns] = merged(
            self.mean[learns], self.covariance[learns], self.block[learns], gain
        )
        self.offset[learns] *= (1.0 - gain)[:, None]
        self.rows[learns] += block
        due = learns[(self.rows[learns] >= self.tuning.begin) & (self.rows[learns] >= self.due[learns])]
        if len(due):
            self._refresh(due)

    def _learn_channels(self, assets: Rows) -> None:
        block, weight = float(self.tuning.block), self.tuning.channel_recency * self.tuning.block
        rows = self.channel_rows[assets]
        gain = np.repeat(np.maximum(weight / (rows + weight), block / self.tuning.longest), self.channels)
        size = (len(assets) * self.channels, self.width)
        blocks = self.channel_block[assets].reshape(len(assets), -1, self.channels, self.width)
        mean, covariance = merged(
            self.channel_mean[assets].reshape(size),
            self.channel_covariance[assets].reshape(*size, self.width),
            blocks.transpose(0, 2, 1, 3).reshape(size[0], -1, self.width),
            np.where(np.repeat(rows, self.channels) == 0, 1.0, gain),
        )
        self.channel_mean[assets] = mean.reshape(len(assets), self.channels, self.width)
        self.channel_covariance[assets] = covariance.reshape(len(assets), self.channels, self.width, -1)
        self.channel_rows[assets] = rows + block

    def _refresh(self, assets: Rows) -> None:
        """Fit anew: rarely, the more was learned."""
        tuning, rows = self.tuning, self.rows[assets]
        found = fit(self.mean[assets], self.covariance[assets], self.width, rows, self.tags[assets], tuning)
        self.weights[assets], self.sigma[assets] = found.weights, found.sigma
        self.precision[assets], self.expected[assets] = found.precision, found.expected
        self.due[assets] = rows + np.clip(rows / 8.0, tuning.block, 1024.0)
        known = assets[self.channel_rows[assets] >= tuning.channel_blocks * tuning.block]
        if not len(known):
            return
        covariance = self.channel_covariance[known]
        sigma = np.sqrt(np.maximum(np.einsum("kcii->kci", covariance), 0.0)) + LEAST_SIGMA
        rows = np.maximum(self.channel_rows[known][:, None] * self.independent, 1.0)
        share = shrinkage(self.tags[known][:, None], rows)
        self.channel_sigma[known] = sigma
        correlation = covariance / (sigma[..., :, None] * sigma[..., None, :])
        self.channel_precision[known] = inverted(correlation, share)


def _root(precision: Floats, vector: Floats) -> Floats:
    """Cube root of T²."""
    squared = (np.matmul(precision, vector[..., None])[..., 0] * vector).sum(axis=-1)
    return np.asarray(np.cbrt(np.maximum(squared, 0.0)))


WIDE = ("past", "means", "square", "offset", "channel_mean")
STATE = (
    *WIDE,
    *("count", "rows", "mean", "covariance", "channel_rows", "channel_covariance", "surprise"),
    *("since_break", "root_mean", "root_variance", "root_count", "held", "settling"),
)
DERIVED = ("weights", "sigma", "precision", "expected", "channel_sigma", "channel_precision")
