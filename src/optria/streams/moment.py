"""Where a stream stands at this moment, beyond what it has learned: a restart goes on exactly there.

The position of a tag is the time of its newest sample that went through the gate. What comes after it is run
through the detectors again (:mod:`optria.streams.replay`), what is older never. In columns, as JSON.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optria.streams.checkpoint import copy_of, save
from optria.streams.detectors.joint_block import go_on, unfinished
from optria.streams.gate import NEVER
from optria.streams.pipeline import Pipeline
from optria.streams.scoring import Scorer

VERSION: Final = 1
OF_TAGS: Final = ("value", "level_ratio", "variance_ratio", "level_z", "log_variance", "onset", "deviated")
OF_STUCK: Final = ("value", "since", "longest_us", "changes", "flagged")


def snapshot(pipeline: Pipeline) -> Callable[[], str]:
    """Everything that is known between two batches. What comes back writes it as JSON: for a thread, at
    leisure (0.6 s for 1,000 tags), while the stream goes on.
    """
    scorer, passing, episodes = copy_of(pipeline.scorer), _passing(pipeline), pipeline.anchoring.state()

    def written() -> str:
        learned = save(scorer) | {"episodes": episodes}
        return json.dumps({"learned": learned, "moment": passing | _forecasts(scorer)}, allow_nan=False)

    return written


def _forecasts(scorer: Scorer) -> dict[str, object]:
    assets = range(len(scorer.roster.asset_ids))
    packed = (unfinished(*scorer.joint.forecast_of(asset)) for asset in assets)
    return {"forecasts": [b64encode(each).decode() for each in packed]}


def _passing(pipeline: Pipeline) -> dict[str, object]:
    scorer, stuck = pipeline.scorer, pipeline.gate.stuck
    return {
        "version": VERSION,
        "tags": pipeline.roster.ids.tolist(),
        "position": pipeline.gate.last_time.tolist(),
        "scoring": {name: _list(getattr(scorer, name)) for name in OF_TAGS},
        "stuck": {name: _list(getattr(stuck, name)) for name in OF_STUCK},
        "assets": list(pipeline.roster.asset_ids),
        "looked": scorer.last_run.tolist(),
        "joint": [_list(channels) for channels in scorer.joint_ratio.T],
        "limits": pipeline.limits.state(),
        "episodes": pipeline.anchoring.whole(),
    }


def resume(pipeline: Pipeline, moment: Mapping[str, object], learned: frozenset[int]) -> None:
    """Stand where ``moment`` was taken, for the tags whose learned state was taken back.

    Raises:
        KeyError, TypeError or ValueError: it is no such moment; nothing was changed.
    """
    if moment["version"] != VERSION:
        raise ValueError(f"a moment of version {moment['version']} is not known")
    old, new = _places(_numbers(moment["tags"]), pipeline.roster.ids.tolist(), learned)
    whole = frozenset(pipeline.roster.asset_ids) - {
        pipeline.roster.mappings[row].asset_id for row in set(range(len(pipeline.roster))) - set(new.tolist())
    }
    before, after = _places(_numbers(moment["assets"]), pipeline.roster.asset_ids, whole)
    scorer, stuck = pipeline.scorer, pipeline.gate.stuck
    cells: list[tuple[NDArray[np.generic], NDArray[np.intp], NDArray[np.generic]]] = [
        (pipeline.gate.last_time, new, _column(moment["position"], np.int64)[old]),
        (scorer.last_run, after, _column(moment["looked"], np.int64)[before]),
    ]
    scoring, timers = _named(moment["scoring"]), _named(moment["stuck"])
    for owner, columns, names in ((scorer, scoring, OF_TAGS), (stuck, timers, OF_STUCK)):
        for name in names:
            target = getattr(owner, name)
            cells.append((target, new, _column(columns[name], target.dtype)[old]))
    for channel, column in enumerate(_lists(moment["joint"])):
        cells.append((scorer.joint_ratio[:, channel], after, _column(column, np.float64)[before]))
    limits, episodes = _named(moment["limits"]), _named(moment["episodes"])
    forecasts = _lists(moment["forecasts"])
    pipeline.anchoring.take_back(episodes, whole)
    pipeline.limits.restore(limits)
    for target, rows, values in cells:
        target[rows] = values
    for place, asset in zip(before.tolist(), after.tolist(), strict=True):
        _unpack(pipeline, asset, str(forecasts[place]))


def _unpack(pipeline: Pipeline, asset: int, packed: str) -> None:
    """Where the plant has other assets now, the fit is made anew from what was learned."""
    with suppress(ValueError):
        go_on(*pipeline.scorer.joint.forecast_of(asset), b64decode(packed, validate=True))


def positions_in(moment: Mapping[str, object]) -> dict[int, int]:
    """The position of each tag that has one."""
    pairs = zip(_numbers(moment["tags"]), _numbers(moment["position"]), strict=True)
    return {tag: time for tag, time in pairs if time > NEVER}


def _places(
    old: Sequence[int], new: Sequence[int], wanted: frozenset[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    at = {key: place for place, key in enumerate(old)}
    pairs = [(at[key], place) for place, key in enumerate(new) if key in at and key in wanted]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _list(column: NDArray[np.generic]) -> list[object]:
    """JSON knows no NaN."""
    values: list[object] = column.tolist()
    if column.dtype.kind != "f" or np.isfinite(column).all():
        return values
    return [value if np.isfinite(float(str(value))) else None for value in values]


def _column(values: object, dtype: type | np.dtype[np.generic]) -> NDArray[np.generic]:
    if not isinstance(values, list):
        raise TypeError("not a column")
    if np.dtype(dtype).kind == "f":
        return np.array([np.nan if value is None else float(value) for value in values], dtype)
    return np.array(values, dtype)


def _numbers(values: object) -> list[int]:
    if not isinstance(values, list):
        raise TypeError("not a list of numbers")
    return [int(value) for value in values]


def _lists(values: object) -> list[object]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return values


def _named(values: object) -> dict[str, object]:
    if not isinstance(values, dict):
        raise TypeError("not named columns")
    return values
