"""Where each tag of a plant stands: rows of the arrays that the whole stream shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.tag import SignalMapping

RESOLUTION = 0.005
"""Part of the normal span of a tag that is no deviation worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """Row r belongs to ``mappings[r]``; ``ids`` ascend. ``asset_row`` is a position in ``asset_ids``,
    ``connection`` one in ``connection_ids``."""

    mappings: tuple[SignalMapping, ...]
    ids: NDArray[np.int32]
    asset_ids: tuple[int, ...]
    asset_row: NDArray[np.intp]
    scan_us: NDArray[np.int64]
    floor: NDArray[np.float64]
    connection_ids: tuple[int, ...]
    connection: NDArray[np.intp]

    @classmethod
    def of(cls, plant: PlantModel) -> "Roster":
        mappings = tuple(sorted(plant.mappings, key=lambda m: m.id))
        asset_ids = tuple(sorted({m.asset_id for m in mappings}))
        place = {asset_id: row for row, asset_id in enumerate(asset_ids)}
        connection_ids = tuple(sorted({m.integration_id for m in mappings}))
        return cls(
            mappings,
            np.array([m.id for m in mappings], np.int32),
            asset_ids,
            np.array([place[m.asset_id] for m in mappings], np.intp),
            np.array([max(m.scan_s, 0.001) * 1e6 for m in mappings], np.int64),
            np.array([least_deviation(m) for m in mappings], np.float64),
            connection_ids,
            np.array([connection_ids.index(m.integration_id) for m in mappings], np.intp),
        )

    def __len__(self) -> int:
        return len(self.mappings)

    def find(self, tags: NDArray[np.int32]) -> NDArray[np.intp]:
        """Rows of tag ids, -1 for an unknown one."""
        if not len(self.ids):
            return np.full(len(tags), -1, np.intp)
        rows = np.minimum(np.searchsorted(self.ids, tags), len(self.ids) - 1)
        return np.where(self.ids[rows] == tags, rows, -1)

    def row_of(self, tag: int) -> int | None:
        row = int(self.find(np.array([tag], np.int32))[0])
        return None if row < 0 else row


def least_deviation(mapping: SignalMapping) -> float:
    """The least deviation of a tag that matters, in its unit: a part of its normal span."""
    if mapping.normal_low is not None and mapping.normal_high is not None:
        return RESOLUTION * abs(mapping.normal_high - mapping.normal_low)
    return 1e-9


def occurrence(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """How often each row came before in this array: 0 for its first place, 1 for its second."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    start = np.r_[True, ordered[1:] != ordered[:-1]]
    first = np.maximum.accumulate(np.where(start, np.arange(len(rows)), 0))
    count = np.empty(len(rows), np.intp)
    count[order] = np.arange(len(rows)) - first
    return count
