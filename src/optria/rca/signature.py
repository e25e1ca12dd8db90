"""The pattern of an incident: whitened residuals, comparable between incidents and assets of a type.

Features are ``<metric>.<channel>``, of process neighbours with ``up:`` or ``down:`` before them. Channels:
``level`` (marginal shift), ``given`` (shift given all other tags, the conditional residual
``(P d)_j / sqrt(P_jj)`` of the shrunk precision matrix P), ``slope``, ``slope_given`` and ``noise`` (log
difference-variance), all in standard deviations with a soft dead band. ``alone.level`` is the shift of a
tag that left all others alone.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from optria.rca.signals import Floats, Signals, TagSignal

DEAD_BAND = 1.5
SHRINKAGE = 0.2
MOST_SHIFT = 10.0
"""Deviations beyond which a shift explains no more of others: the error of P would grow with it."""
DOUBT = 0.3
"""Weight of what an untrusted tag says."""
ALONE = "alone.level"
_QUIET = 3.0
_ALONE_FROM = 4.0
UNPAIRED = frozenset({"vibration", "axial_vibration", "current", "current_imbalance", "valve_output"})
"""Metrics in which a machine fault may show first and alone: by themselves a weak sign of the instrument."""


def signature(signals: Signals | None, sensor_anchor: bool = False) -> dict[str, float]:
    """Features of the incident; those inside the dead band are left out.

    ``sensor_anchor``: the detector already saw one tag leave its neighbours alone.
    """
    if signals is None:
        return {}
    given = conditional(signals, np.array([t.level for t in signals.tags]))
    slope_given = conditional(signals, np.array([t.slope for t in signals.tags]))
    features: dict[str, float] = {}
    for row, tag in enumerate(signals.tags):
        channels = {
            "level": tag.level,
            "given": given[row],
            "slope": tag.slope,
            "slope_given": slope_given[row],
            "noise": tag.noise,
        }
        for channel, value in channels.items():
            _keep_stronger(features, _name(tag, channel), _soft(float(value)) * _trust(tag, channel))
    alone = alone_score(signals, given, sensor_anchor)
    if alone:
        features[ALONE] = alone
    return features


def conditional(signals: Signals, shift: Floats) -> Floats:
    """What of each tag's shift the other tags do not explain, in conditional standard deviations.

    ``shift`` is float64[tags] or [tags, bins]; an untrusted tag counts as not shifted.
    """
    precision = _precision(np.array([t.z[: signals.reference_end] for t in signals.tags]))
    trusted = np.array([1.0 if t.trouble is None else 0.0 for t in signals.tags])
    scale = np.sqrt(np.diag(precision))
    explained: Floats = ((precision * trusted) / scale[:, None]) @ np.clip(shift, -MOST_SHIFT, MOST_SHIFT)
    return explained


def _precision(reference: Floats) -> Floats:
    """Inverse of the correlation matrix, shrunk towards independence, more with few bins a tag."""
    tags, bins = reference.shape
    shrinkage = min(0.9, max(SHRINKAGE, tags / bins))
    covariance = np.cov(reference).reshape(tags, tags)
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    precision: Floats = np.linalg.inv((1.0 - shrinkage) * correlation + shrinkage * np.eye(tags))
    return precision


def alone_score(signals: Signals, given: Floats, sensor_anchor: bool = False) -> float:
    """How far one own tag stands out while nothing else moved; 0 where others moved or nothing did."""
    own = [(abs(tag.level), abs(given[row]), tag) for row, tag in enumerate(signals.tags) if tag.at == "own"]
    trusted = [entry for entry in own if entry[2].trouble is None]
    if not trusted:
        return 0.0
    level, residual, leader = max(trusted, key=lambda entry: (entry[0], entry[2].mapping.id))
    others = [t for t in signals.tags if t is not leader and t.trouble is None]
    moved = max((_movement(t) for t in others), default=0.0)
    if not others or moved >= _QUIET:
        return 0.0
    strength = float(min(level, residual))
    if strength >= _ALONE_FROM:
        return _ALONE_FROM if leader.mapping.metric in UNPAIRED else strength
    return _ALONE_FROM if sensor_anchor and strength >= DEAD_BAND else 0.0


def _movement(tag: TagSignal) -> float:
    return max(abs(tag.level), abs(tag.slope), abs(tag.noise))


def metric_of(feature: str) -> tuple[str, str, str]:
    """(place, metric, channel) of a feature name."""
    name, _, channel = feature.rpartition(".")
    place, colon, metric = name.partition(":")
    return (place, metric, channel) if colon else ("own", name, channel)


def compressed(signatures: Sequence[Mapping[str, float]], vocabulary: Mapping[str, int]) -> Floats:
    """Signatures as rows float64[n, features]: logarithmic in size, neighbours at half weight."""
    matrix = np.zeros((len(signatures), len(vocabulary)))
    for row, features in enumerate(signatures):
        for name, value in features.items():
            matrix[row, vocabulary[name]] = value
    weight = np.array([_weight(name) for name in vocabulary])
    rows: Floats = weight * np.sign(matrix) * np.log1p(np.abs(matrix))
    return rows


def compress(name: str, value: float) -> float:
    """Sign times log(1 + size), so that ten deviations do not drown three."""
    return math.copysign(_weight(name) * math.log1p(abs(value)), value)


def _weight(name: str) -> float:
    return 0.5 if ":" in name else 1.0


def _name(tag: TagSignal, channel: str) -> str:
    prefix = "" if tag.at == "own" else f"{tag.at}:"
    return f"{prefix}{tag.mapping.metric}.{channel}"


def _trust(tag: TagSignal, channel: str) -> float:
    """A frozen tag still says that it is frozen."""
    if tag.trouble is None or (tag.trouble == "frozen" and channel == "noise"):
        return 1.0
    return DOUBT


def _keep_stronger(features: dict[str, float], name: str, value: float) -> None:
    if value and abs(value) > abs(features.get(name, 0.0)):
        features[name] = round(value, 4)


def _soft(value: float) -> float:
    return float(np.sign(value) * max(abs(value) - DEAD_BAND, 0.0))
