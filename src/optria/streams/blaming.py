"""Who speaks for an anchor: the tags that moved most, when they began, and whether it is the instrument."""

from datetime import datetime

import numpy as np

from optria.core.incident import Contribution
from optria.core.tag import from_micros
from optria.streams.anchoring import Blame
from optria.streams.detectors.gated import Floats, Mask, Rows
from optria.streams.scoring import STUCK_SCORE, Scorer

NEIGHBOURS_CALM = 2.5
"""|z| below which a neighbour counts as staying put."""
EXPLAINED = 0.3
"""R² from which a tag is so close to its neighbours that leaving them alone speaks of the instrument."""
TOP = 5


def blame_of(scorer: Scorer, asset_id: int) -> Blame:
    """The five tags that speak most for a deviation, the detector that saw it most, and its mode.

    The mode is "sensor" for a tag that is stuck, or that alone left neighbours it used to follow, while
    nothing else of its asset or of a linked one deviates; otherwise "process".
    """
    asset = scorer.roster.asset_ids.index(asset_id)
    rows = scorer.members[asset]
    scores, residuals = _tag_scores(scorer, asset, rows)
    stuck = scorer.stuck.flagged[rows] & scorer.stuck_alone(np.array([asset]))[0]
    scores = np.where(stuck, np.maximum(scores, STUCK_SCORE), scores)
    order = np.argsort(-scores, kind="stable")[:TOP]
    contributions = tuple(
        _contribution(scorer, int(rows[i]), float(scores[i]), float(residuals[i])) for i in order
    )
    alone = (bool(stuck.any()) and _others_quiet(scorer, rows, stuck)) or _breaks_alone(
        scorer, asset, rows, residuals
    )
    mode = "sensor" if alone and not _moves(scorer, scorer.linked[asset]) else "process"
    return Blame(contributions, _loudest(scorer, asset, rows, bool(stuck.any())), mode)


def _others_quiet(scorer: Scorer, rows: Rows, stuck: Mask) -> bool:
    return bool((np.abs(scorer.level_ratio[rows][~stuck]) <= 1.0).all())


def _moves(scorer: Scorer, assets: Rows) -> bool:
    """Whether a tag of one of these assets is beyond its limit now."""
    rows = scorer.padded[assets]
    return bool((scorer.fresh(assets) & (np.abs(scorer.level_ratio[rows]) > 1.0)).any())


def _tag_scores(scorer: Scorer, asset: int, rows: Rows) -> tuple[Floats, Floats]:
    """Score of each tag, and its residual in the loudest joint channel."""
    fresh = scorer.fresh(np.array([asset]))[0]
    padded = scorer.padded[asset]
    residuals = scorer.joint.residuals(
        asset,
        np.where(fresh, scorer.value[padded], 0.0),
        np.where(fresh, scorer.log_variance[padded], 0.0),
        fresh,
    )
    channel = int(scorer.joint_ratio[asset].argmax())
    residual = residuals[channel, : len(rows)]
    joint = np.abs(residual) / scorer.joint.limit[asset, channel]
    own = np.maximum(np.abs(scorer.level_ratio[rows]), np.abs(scorer.variance_ratio[rows]))
    own = np.where(own > 1.0, np.maximum(own, scorer.level.usual.size(rows)), own)
    return np.maximum(own, np.where(scorer.joint_ratio[asset].max() > 1.0, joint, 0.0)), residual


def _contribution(scorer: Scorer, row: int, score: float, residual: float) -> Contribution:
    z = scorer.level_z[row]
    if abs(z) < 1.0:
        z = residual or scorer.variance_ratio[row]
    onset: datetime | None = from_micros(int(scorer.onset[row])) if scorer.deviated_lately(row) else None
    return Contribution(scorer.roster.mappings[row].id, score, onset, "low" if z < 0 else "high")


def _breaks_alone(scorer: Scorer, asset: int, rows: Rows, residuals: Floats) -> bool:
    """One tag left the others, which it used to follow, and none of them moved."""
    if len(rows) < 2:
        return False
    z = np.abs(scorer.level_z[rows])
    size = np.maximum(z, np.abs(residuals) * (scorer.joint_ratio[asset].max() > 1.0))
    first, second = np.argsort(-size)[:2]
    close = scorer.joint.explained(asset)[first] >= EXPLAINED
    noisy = np.delete(scorer.variance.held[rows], first) > 0
    calm = np.delete(z, first).max() < NEIGHBOURS_CALM and not noisy.any()
    return bool(close and calm and size[first] > 2.0 * size[second])


def _loudest(scorer: Scorer, asset: int, rows: Rows, stuck: bool) -> str:
    heard = {
        "level": float(np.abs(scorer.level_ratio[rows]).max()),
        "difference-variance": float(np.abs(scorer.variance_ratio[rows]).max()),
        "T²": float(scorer.joint_ratio[asset].max()),
        "stuck": STUCK_SCORE if stuck else 0.0,
    }
    if not scorer.chosen.built_in_assets[asset]:
        heard = {"stuck": heard["stuck"]}
    heard.update(scorer.chosen.heard(asset))
    return max(heard, key=lambda name: heard[name])
