"""T² of each asset's levels against their learned correlation, all assets in one pass.

Four channels: levels smoothed with three gains and the log difference-variance, each against its own
slow reference with its own shrunk covariance; held while it deviates. Limits come from scores that
were computed before learning (training scores alarm too often). Hotelling's T² with exponentially
weighted means: Lowry et al., Technometrics 34 (1992) 46-53.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from optria.streams.detectors.bank import Floats, Rows
from optria.streams.detectors.joint_tuning import JOINT, JointTuning

CHANNELS = 4
KEPT = 3
"""The third largest of 200 scores is their 0.99 quantile."""
LOG_FLOOR = 0.05
RIDGE = 0.02
"""Keeps the inverse of an unshrunk correlation bounded."""
Mask = NDArray[np.bool_]


class LevelT2Bank:
    """``floors`` has one array per asset: the least sigma of each of its tags, in the tag's unit.

    Inputs are padded to the largest asset: ``values`` and ``log_variance`` are float64[k, width], and
    ``fresh`` bool[k, width] says which of them are there. A tag that is not fresh takes no part.
    """

    FIELDS = ("smooth", "slow", "covariance", "precision", "sigma", "held", "top")

    def __init__(self, floors: Sequence[Floats], tuning: JointTuning = JOINT) -> None:
        assets, width = len(floors), max((len(f) for f in floors), default=1)
        self.tuning, self.width = tuning, width
        self.sizes = [len(floor) for floor in floors]
        self.tags = np.array(self.sizes, np.float64)
        self.fast = np.append(np.asarray(tuning.fast), 1.0)[None, :, None]
        self.lowest = np.asarray(tuning.lowest_limit)
        self.floor = np.ones((assets, CHANNELS, width))
        for asset, floor in enumerate(floors):
            self.floor[asset, :, : len(floor)] = np.maximum(floor, 1e-12)
        self.floor[:, 3] = LOG_FLOOR
        self.count = np.zeros(assets)
        self.known = np.zeros((assets, width), bool)
        self.smooth = np.zeros((assets, CHANNELS, width))
        self.slow = np.zeros((assets, CHANNELS, width))
        self.covariance = np.zeros((assets, CHANNELS, width, width))
        self.precision = np.zeros((assets, CHANNELS, width, width))
        self.sigma = np.ones((assets, CHANNELS, width))
        self.held = np.zeros((assets, CHANNELS))
        self.top = np.zeros((assets, CHANNELS, KEPT))
        self.limit = np.full((assets, CHANNELS), np.inf)

    def score_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """Excess in sigmas, float64[k, 4]; 0 until there is a precision."""
        _, gap = self._gap(assets, values, log_variance, fresh)
        return self._excess(assets, gap, fresh)

    def learn_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> None:
        """Take the vectors in; a channel that deviates does not learn."""
        self.observe_many(assets, values, log_variance, fresh)

    def rebase(self, assets: Rows) -> None:
        """The present levels are the reference from now on."""
        self.slow[assets], self.held[assets] = self.smooth[assets], 0.0

    def observe_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """:meth:`score_many`, then :meth:`learn_many`, at the cost of one."""
        smooth, gap = self._gap(assets, values, log_variance, fresh)
        excess, count = self._excess(assets, gap, fresh), self.count[assets]
        held, given_up = self._hold(assets, excess, count)
        self._learn_open(assets, gap, fresh, held == 0, smooth)
        self.slow[assets] = np.where(given_up[:, :, None] & fresh[:, None], smooth, self.slow[assets])
        self.smooth[assets] = np.where(fresh[:, None], smooth, self.smooth[assets])
        self.held[assets] = np.where(given_up, 0.0, held)
        self.known[assets] |= fresh
        self._calibrate(assets, excess, count)
        self.count[assets] = count + 1
        due = (count >= self.tuning.invert_from) & (count % self.tuning.refresh == 0)
        if due.any():
            self._invert(assets[due])
        return excess

    def ratio(self, assets: Rows, excess: Floats) -> Floats:
        """Excess over its limit, float64[k, 4]; 0 during warm-up."""
        return np.asarray(excess / self.limit[assets])

    def residuals(self, asset: int, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """Signed conditional residual of each tag given the others, in sigmas: float64[4, width]."""
        row = np.array([asset])
        _, gap = self._gap(row, values[None], log_variance[None], fresh[None])
        whitened = self.precision[asset] @ (gap[0] / self.sigma[asset])[:, :, None]
        own = np.sqrt(np.maximum(np.einsum("kjj->kj", self.precision[asset]), 1e-12))
        return np.asarray(whitened[:, :, 0] / own)

    def explained(self, asset: int) -> Floats:
        """How much of each tag the others explain in normal operation (R²), one per tag of the asset."""
        covariance = self._own("covariance", asset)[2]
        floor = self.floor[asset, 2, : self.sizes[asset]]
        sigma = np.sqrt(np.diag(covariance) + floor**2)
        correlation = covariance / np.outer(sigma, sigma)
        np.fill_diagonal(correlation, 1.0 + RIDGE)
        own = np.diag(np.linalg.inv(correlation))
        return np.asarray(1.0 - 1.0 / np.maximum(own, 1.0))

    def reset(self, assets: Sequence[int] | Rows) -> None:
        """Forget these assets: they warm up again."""
        for name in (*self.FIELDS, "count", "known"):
            getattr(self, name)[assets] = 0
        self.sigma[assets] = 1.0
        self.limit[assets] = np.inf

    def state_of(self, asset: int) -> dict[str, object]:
        """What was learned of one asset, as JSON."""
        state: dict[str, object] = {name: self._own(name, asset).tolist() for name in self.FIELDS}
        limit = [None if np.isinf(v) else float(v) for v in self.limit[asset]]
        return state | {
            "count": float(self.count[asset]),
            "known": self.known[asset, : self.sizes[asset]].tolist(),
            "limit": limit,
        }

    def restore_of(self, asset: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        read = {name: np.asarray(state[name], np.float64) for name in self.FIELDS}
        known, limits = np.asarray(state["known"], bool), state["limit"]
        shapes_fit = all(read[name].shape == self._own(name, asset).shape for name in read)
        if not shapes_fit or known.shape != (self.sizes[asset],):
            raise ValueError(f"not the state of an asset of {self.sizes[asset]} tags")
        if not isinstance(limits, list) or len(limits) != CHANNELS:
            raise ValueError("not the state of an asset: limit")
        if not all(np.isfinite(array).all() for array in read.values()):
            raise ValueError("not the state of an asset: not finite")
        count, limit = float(str(state["count"])), [np.inf if v is None else float(v) for v in limits]
        for name, array in read.items():
            self._own(name, asset)[...] = array
        self.known[asset, : self.sizes[asset]], self.count[asset], self.limit[asset] = known, count, limit

    def _own(self, name: str, asset: int) -> Floats:
        """The part of a field that belongs to the asset, without the padding: a view."""
        size, field = self.sizes[asset], getattr(self, name)[asset]
        if name in ("covariance", "precision"):
            return np.asarray(field[:, :size, :size])
        return np.asarray(field if name in ("held", "top") else field[:, :size])

    def newcomers(self, assets: Rows, fresh: Mask) -> Mask:
        """Which of these assets show a tag that came late: what was learned without it does not hold."""
        return np.asarray((fresh & ~self.known[assets]).any(axis=1) & (self.count[assets] > 0))

    def _gap(self, assets: Rows, values: Floats, logs: Floats, fresh: Mask) -> tuple[Floats, Floats]:
        inputs = np.repeat(values[:, None], CHANNELS, axis=1)
        inputs[:, 3] = logs
        known = self.known[assets][:, None]
        before = np.where(known, self.smooth[assets], inputs)
        gain = np.maximum(self.fast, 1.0 / (self.count[assets] + 1.0)[:, None, None])
        smooth = before + gain * (inputs - before)
        gap = np.where(fresh[:, None], smooth - np.where(known, self.slow[assets], inputs), 0.0)
        return smooth, gap

    def _excess(self, assets: Rows, gap: Floats, fresh: Mask) -> Floats:
        scaled = gap / self.sigma[assets]
        squared = np.einsum(
            "akj,akj->ak", np.matmul(self.precision[assets], scaled[..., None])[..., 0], scaled
        )
        return np.asarray(np.sqrt(np.maximum(squared - fresh.sum(axis=1)[:, None], 0.0)))

    def _hold(self, assets: Rows, excess: Floats, count: Floats) -> tuple[Floats, Mask]:
        tuning, limit, held = self.tuning, self.limit[assets], self.held[assets]
        keep = (excess > tuning.hold * limit) | ((excess >= tuning.release * limit) & (held > 0))
        held = np.where(keep & (count >= tuning.warm_up)[:, None], held + 1, 0.0)
        return held, held > tuning.patience

    def _learn_open(self, assets: Rows, gap: Floats, fresh: Mask, open_: Mask, smooth: Floats) -> None:
        count = self.count[assets][:, None, None]
        known = self.known[assets][:, None]
        learns = open_[:, :, None] & fresh[:, None]
        slow = np.where(known, self.slow[assets], smooth)
        gain = np.where(learns, np.maximum(self.tuning.slow, 1.0 / (count + 1.0)), 0.0)
        self.slow[assets] = np.where(fresh[:, None] | known, slow + gain * gap, self.slow[assets])
        both = learns[..., None] & learns[..., None, :]
        rate = np.where(both, np.maximum(self.tuning.covariance, 1.0 / (count + 1.0))[..., None], 0.0)
        before = self.covariance[assets]
        self.covariance[assets] = before + rate * (gap[..., None] * gap[..., None, :] - before)

    def _calibrate(self, assets: Rows, excess: Floats, count: Floats) -> None:
        tuning = self.tuning
        warming = (count >= tuning.calibrate_from) & (count < tuning.warm_up)
        if not warming.any():
            return
        top = np.sort(np.concatenate([self.top[assets], excess[..., None]], axis=2), axis=2)[..., 1:]
        self.top[assets] = np.where(warming[:, None, None], top, self.top[assets])
        ready = (count + 1 == tuning.warm_up)[:, None]
        factor = tuning.factor * (1.0 + self.tags[assets] / (2.0 * tuning.warm_up))[:, None]
        limit = np.maximum(factor * self.top[assets].min(axis=2), self.lowest)
        self.limit[assets] = np.where(ready, limit, self.limit[assets])

    def _invert(self, assets: Rows) -> None:
        covariance, shrink = self.covariance[assets], self.tuning.shrink
        variance = np.einsum("akjj->akj", covariance)
        sigma = np.sqrt(variance + self.floor[assets] ** 2)
        correlation = (1.0 - shrink) * covariance / (sigma[..., None] * sigma[..., None, :])
        correlation[..., np.arange(self.width), np.arange(self.width)] = 1.0
        self.sigma[assets], self.precision[assets] = sigma, np.linalg.inv(correlation)
