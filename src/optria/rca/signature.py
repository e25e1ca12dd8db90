"""The pattern of an incident: whitened residuals, comparable between incidents and assets of a type.

Features are ``<metric>.<channel>``, of process neighbours with ``up:`` or ``down:`` before them. Channels:
``level`` (marginal shift), ``given`` (shift given all other tags, the conditional residual
``(P d)_j / sqrt(P_jj)`` of the shrunk precision matrix P), ``slope``, ``slope_given`` and ``noise`` (log
difference-variance), all in standard deviations with a soft dead band. ``alone.level`` is the shift of a
tag that left all others alone. Where normal running was learned, the features of
:mod:`optria.rca.surprise` are among them.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from optria.rca.baseline import Baseline
from optria.rca.signals import Floats, Signals, TagSignal
from optria.rca.surprise import surprise_features

DEAD_BAND = 1.5
SHRINKAGE = 0.2
MOST_SHIFT = 10.0
"""Deviations beyond which a shift explains no more of others: the error of P would grow with it."""
DOUBT = 0.3
"""Weight of what an untrusted tag says."""
ALONE = "alone.level"
_QUIET = 3.0
_QUIET_SHARE = 0.1
"""Of the leader's shift: days are warm and cold, and a little of that is no company for a large shift."""
_FOLLOWED = timedelta(minutes=10)
_ALONE_FROM = 4.0
UNPAIRED = frozenset({"vibration", "axial_vibration", "current", "current_imbalance", "valve_output"})
"""Metrics in which a machine fault may show first and alone: by themselves a weak sign of the instrument."""


def signature(
    signals: Signals | None, sensor_anchor: bool = False, normal: Baseline | None = None
) -> dict[str, float]:
    """Features of the incident; those inside the dead band are left out.

    ``sensor_anchor``: the detector already saw one tag leave its neighbours alone. ``normal`` counts only
    where it was learned on the same grid.
    """
    if signals is None:
        return {}
    shifts = np.array([(tag.level, tag.slope) for tag in signals.tags])
    given, slope_given = conditional(signals, shifts).T
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
    if normal is not None and normal.step == signals.step:
        features |= surprise_features(normal, values_of(signals, normal), signals.after_start)
    return features


def values_of(signals: Signals, normal: Baseline) -> Floats:
    """The tags of a baseline on the signals' grid, float64[bins, tags]; NaN for one that is not there."""
    by_name = {stem(tag): tag for tag in reversed(signals.tags) if tag.trouble is None}
    values = np.full((len(signals.time), len(normal.names)), np.nan)
    for column, name in enumerate(normal.names):
        if name in by_name:
            values[:, column] = by_name[name].values
    return values


def stem(tag: TagSignal) -> str:
    """How features name a tag: its metric, behind its place where it is a neighbour's."""
    return tag.mapping.metric if tag.at == "own" else f"{tag.at}:{tag.mapping.metric}"


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
    own = [(abs(t.level), abs(given[row]), t) for row, t in enumerate(signals.tags) if t.at == "own"]
    leading = [entry for entry in own if entry[2].trouble in (None, "frozen")]
    if not leading:
        return 0.0
    level, residual, leader = max(leading, key=lambda entry: (entry[0], entry[2].mapping.id))
    others = [t for t in signals.tags if t is not leader and t.trouble is None]
    # an instrument at the end of its range is flat: it has a level, no residual
    strength = float(level if leader.trouble else min(level, residual))
    quiet = max(_QUIET, min(_QUIET_SHARE * strength, 2.0 * _QUIET))
    if not others or max(map(_movement, others)) >= quiet:
        return 0.0
    if strength >= _ALONE_FROM:
        unsure = leader.mapping.metric in UNPAIRED and not _has_settled(signals)
        return _ALONE_FROM if unsure else strength
    return _ALONE_FROM if sensor_anchor and strength >= DEAD_BAND else 0.0


def _has_settled(signals: Signals) -> bool:
    """Whether heat and flow have had the time to follow a machine fault."""
    return (signals.after_end - signals.after_start) * signals.step >= _FOLLOWED


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
    return f"{stem(tag)}.{channel}"


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
