"""The plants of all tenants in parts: an asset with all its tags is in one partition of the log."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optria.core.asset import PlantModel
from optria.core.tag import SampleBatch
from optria.kit.log import partition_of


def key_of(tenant_id: int, asset_id: int) -> str:
    return f"{tenant_id}/{asset_id}"


def part_of(plant: PlantModel, partition: int, partitions: int) -> PlantModel:
    """The plant with the signals of one partition only."""
    mine = tuple(
        mapping
        for mapping in plant.mappings
        if partition_of(key_of(plant.tenant_id, mapping.asset_id), partitions) == partition
    )
    return replace(plant, mappings=mine)


def by_partition(plant: PlantModel, batch: SampleBatch, partitions: int) -> Iterator[tuple[str, SampleBatch]]:
    """A batch of a plant in parts, each with a key of its partition, in the order it came.

    What no signal is mapped to is left out.
    """
    asset_of = {mapping.id: mapping.asset_id for mapping in plant.mappings}
    keys = {asset: key_of(plant.tenant_id, asset) for asset in set(asset_of.values())}
    place = {asset: partition_of(key, partitions) for asset, key in keys.items()}
    assets = [asset_of.get(tag) for tag in batch.tag.tolist()]
    where = np.array([-1 if asset is None else place[asset] for asset in assets], np.int64)
    for partition in np.unique(where[where >= 0]).tolist():
        chosen = np.flatnonzero(where == partition)
        first = assets[int(chosen[0])]
        if first is not None:
            yield keys[first], batch.select(chosen)
