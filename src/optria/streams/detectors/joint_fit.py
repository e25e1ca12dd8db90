"""The algebra of the forecast channels, over many assets at once: moments, the forecast, precisions.

A moment vector of an asset is [its values, its features]: float64[k, (1 + features) * width]. A tag that
never varied (or is padding) has no part in any forecast.
"""

from dataclasses import dataclass

import numpy as np

from optria.streams.detectors.bank import Floats
from optria.streams.detectors.joint_tuning import ForecastTuning

LEAST_SHRINK, MOST_SHRINK = 0.01, 0.9
LEAST_SIGMA = 1e-3
"""Least sigma of a channel's part, in sigmas of the forecast's error."""
ROUNDING = 1e-9
"""A tag that varies by less of its mean than this does not vary."""
DAY_S = 86_400.0
MOST_CHANCE = 0.01
LEAST_INDEPENDENT = 2.0
LEAST_ERROR = 1e-3
"""Least error of a forecast, as a part of the tag's own sigma."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What the moments of k assets say of the next row, in the tags' units.

    ``weights`` float64[k, features * width, width]; ``sigma`` float64[k, width] of the error (infinite for
    a tag that never varied);
    ``precision`` of the error in sigmas; ``expected`` float64[k, features * width, width] gives the
    features that go with a row.
    """

    weights: Floats
    sigma: Floats
    precision: Floats
    expected: Floats


def merged(mean: Floats, covariance: Floats, block: Floats, gain: Floats) -> tuple[Floats, Floats]:
    """Moments after a block of rows, float64[k, rows, size], took the share ``gain`` (k) of them."""
    average = block.mean(axis=1)
    centred, moved = block - average[:, None], average - mean
    within = np.matmul(centred.transpose(0, 2, 1), centred) / block.shape[1]
    share = gain[:, None, None]
    between = moved[:, :, None] * moved[:, None, :]
    return mean + gain[:, None] * moved, (1.0 - share) * (covariance + share * between) + share * within


def inverted(correlation: Floats, share: Floats) -> Floats:
    """Inverse of correlations float64[..., width, width], drawn to none by ``share``."""
    shrunk = (1.0 - share)[..., None, None] * correlation
    width = shrunk.shape[-1]
    shrunk[..., np.arange(width), np.arange(width)] = 1.0
    return np.asarray(np.linalg.inv(shrunk))


def shrinkage(tags: Floats, rows: Floats) -> Floats:
    """The part of a correlation of so many tags, seen in so many independent rows, that may be chance."""
    return np.asarray(np.clip(tags / (rows + tags), LEAST_SHRINK, MOST_SHRINK))


def limits(rows: Floats, gains: Floats, scan_s: Floats, tuning: ForecastTuning) -> Floats:
    """What a channel of normal operation comes above ``false_per_day`` (all channels together), in sigmas.

    ``rows`` float64[k, channels] of scores are worth ``rows * gains`` independent ones, and as many come
    in a day; mean and sigma of few are uncertain, so that the limit is that of a t distribution.
    """
    a_day = DAY_S * gains / scan_s[:, None]
    chance = np.minimum(tuning.false_per_day / (rows.shape[1] * a_day), MOST_CHANCE)
    length = -2.0 * np.log(chance)
    squared = length - np.log(2.0 * np.pi * length)  # of the normal quantile
    independent = np.maximum(rows * gains, LEAST_INDEPENDENT)
    return np.asarray(np.sqrt(independent * np.expm1(squared / independent)))


def fit(
    mean: Floats, covariance: Floats, width: int, rows: Floats, tags: Floats, tuning: ForecastTuning
) -> Fit:
    """A ridge regression of the values on the features: each tag on its own past, then the rest on all."""
    sigma = np.sqrt(np.maximum(np.einsum("kii->ki", covariance), 0.0))
    moves = sigma > ROUNDING * np.abs(mean)
    varies = np.tile(moves[:, :width], (1, sigma.shape[1] // width)) & moves
    scale = np.where(varies, sigma, np.inf)
    correlation = covariance / scale[:, :, None] / scale[:, None, :]
    among, across = correlation[:, width:, width:], correlation[:, width:, :width]
    weights = _own(among, across, width, tuning)
    ridge = tuning.ridge * np.minimum(rows, tuning.longest) ** -1.5
    identity = np.eye(among.shape[1])
    weights = weights + np.linalg.solve(
        among + ridge[:, None, None] * identity, across - np.matmul(among, weights)
    )
    error = _error(correlation[:, :width, :width], among, across, weights)
    part = np.sqrt(np.maximum(np.einsum("kii->ki", error), LEAST_ERROR**2))
    share = shrinkage(tags, rows)
    now = inverted(correlation[:, :width, :width].copy(), share)
    values, features = np.where(varies, sigma, 1.0)[:, :width], np.where(varies, sigma, 1.0)[:, width:]
    return Fit(
        weights * (values[:, None, :] / features[:, :, None]),
        np.where(varies[:, :width], part * values, np.inf),
        inverted(error / (part[:, :, None] * part[:, None, :]), share),
        np.matmul(across, now) * (features[:, :, None] / values[:, None, :]),
    )


def _own(among: Floats, across: Floats, width: int, tuning: ForecastTuning) -> Floats:
    """Weights of each tag's own features alone, placed in the whole."""
    assets, size = across.shape[:2]
    count = size // width
    tag = np.arange(width)
    own = among.reshape(assets, count, width, count, width)[:, :, tag, :, tag]  # width, assets, count, count
    target = across.reshape(assets, count, width, width)[:, :, tag, tag].transpose(2, 0, 1)
    solved = np.linalg.solve(own + tuning.own_ridge * np.eye(count), target[..., None])[..., 0]
    weights = np.zeros((assets, count, width, width))
    weights[:, :, tag, tag] = solved.transpose(1, 2, 0)
    return weights.reshape(assets, size, width)


def _error(now: Floats, among: Floats, across: Floats, weights: Floats) -> Floats:
    explained = np.matmul(weights.transpose(0, 2, 1), across)
    return np.asarray(
        now
        - explained
        - explained.transpose(0, 2, 1)
        + np.matmul(weights.transpose(0, 2, 1), np.matmul(among, weights))
    )
