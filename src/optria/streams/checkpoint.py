"""Learned state as plain JSON, bound to what each tag meant when it was learned. Never a pickle."""

import math
from collections.abc import Mapping
from copy import copy, deepcopy

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SignalMapping
from optria.streams.scoring import Scorer

VERSION = 3
"""1: one reference per tag; 2: two, with what they know of how little they have seen; 3: with
the limit at the end of the warm-up."""


def save(scorer: Scorer) -> dict[str, object]:
    """State of every tag and asset of a scorer."""
    roster = scorer.roster
    tags = {
        str(mapping.id): {
            "meaning": meaning(mapping),
            "time": int(scorer.time[row]),
            "peak": float(scorer.peak[row]),
            "level": scorer.level.state_of(row),
            "variance": scorer.variance.state_of(row),
        }
        for row, mapping in enumerate(roster.mappings)
        if scorer.level.count[row]
    }
    assets = {
        str(asset_id): {
            "tags": [roster.mappings[int(row)].id for row in scorer.members[asset]],
            "settling": int(scorer.settling[asset]),
            "joint": scorer.joint.state_of(asset),
        }
        for asset, asset_id in enumerate(roster.asset_ids)
        if scorer.joint.count[asset]
    }
    return {"version": VERSION, "tags": tags, "assets": assets}


def copy_of(scorer: Scorer) -> Scorer:
    """A copy of what :func:`save` reads, made at once; it can be written down while the stream goes on."""
    copied = copy(scorer)
    for name in ("level", "variance", "joint", "time", "peak", "settling"):
        setattr(copied, name, deepcopy(getattr(scorer, name)))
    return copied


def load(scorer: Scorer, state: Mapping[str, object], learned_until: NDArray[np.int64]) -> tuple[int, int]:
    """Take back what still fits; (tags restored, rows that were damaged)."""
    if state.get("version") != VERSION:
        return 0, 1
    tags, assets = state.get("tags"), state.get("assets")
    restored: set[int] = set()
    damaged = 0
    for row, mapping in enumerate(scorer.roster.mappings):
        saved = tags.get(str(mapping.id)) if isinstance(tags, dict) else None
        if not isinstance(saved, dict) or saved.get("meaning") != meaning(mapping):
            continue
        if _load_tag(scorer, row, saved):
            learned_until[row] = scorer.time[row]
            restored.add(mapping.id)
        else:
            damaged += 1
    damaged += _load_assets(scorer, assets if isinstance(assets, dict) else {}, restored)
    return len(restored), damaged


def meaning(mapping: SignalMapping) -> list[object]:
    """What a tag's numbers mean; a change makes learned state worthless."""
    return [
        mapping.asset_id,
        mapping.external_tag,
        mapping.metric,
        mapping.unit,
        mapping.scale,
        mapping.offset,
    ]


def _load_tag(scorer: Scorer, row: int, saved: Mapping[str, object]) -> bool:
    level, variance = saved.get("level"), saved.get("variance")
    try:
        if not isinstance(level, dict) or not isinstance(variance, dict):
            return False
        scorer.level.restore_of(row, level)
        scorer.variance.restore_of(row, variance)
        scorer.time[row], scorer.peak[row] = int(str(saved["time"])), _size(saved["peak"])
    except (KeyError, TypeError, ValueError):
        scorer.level.reset([row])
        scorer.variance.reset([row])
        return False
    return True


def _load_assets(scorer: Scorer, assets: Mapping[str, object], restored: set[int]) -> int:
    damaged = 0
    for asset, asset_id in enumerate(scorer.roster.asset_ids):
        saved = assets.get(str(asset_id))
        mine = [scorer.roster.mappings[int(row)].id for row in scorer.members[asset]]
        if not isinstance(saved, dict) or saved.get("tags") != mine or not restored.issuperset(mine):
            continue
        joint = saved.get("joint")
        try:
            if not isinstance(joint, dict):
                raise TypeError("no joint state")
            scorer.joint.restore_of(asset, joint)
            scorer.settling[asset] = _size(saved["settling"])
        except (KeyError, TypeError, ValueError):
            scorer.joint.reset([asset])
            damaged += 1
    return damaged


def _size(value: object) -> float:
    """A number that is not negative."""
    size = float(str(value))
    if not 0.0 <= size < math.inf:
        raise ValueError(f"{value} is no size")
    return size
