"""Which open incident an anchor belongs to: pure, for the Recorder, back-tests and benchmarks alike."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from optria.core.asset import PlantModel
from optria.core.incident import Anchor

JOIN_WITHIN = timedelta(minutes=5)
"""A process neighbour that deviates this soon after an anchor belongs to the same incident."""
JOIN_STEPS = 2
"""Process links that a disturbance is followed along."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Running(Generic[Key]):
    """An open incident: where it is rooted, what it has reached, and when and in which mode it began."""

    key: Key
    root_asset_id: int
    reached: frozenset[int]
    start: datetime
    mode: str


def joined(plant: PlantModel, running: Sequence[Running[Key]], anchor: Anchor) -> Running[Key] | None:
    """The incident of the asset itself, else the first that began just before and has spread this far."""
    own = next((one for one in running if one.root_asset_id == anchor.asset_id), None)
    if own is not None:
        return own
    nearby = within(plant, {anchor.asset_id}, JOIN_STEPS)
    return next((one for one in running if nearby & one.reached and _spreads(one, anchor)), None)


def within(plant: PlantModel, assets: Collection[int], steps: int) -> set[int]:
    """These assets and those at most so many process links away."""
    found = set(assets)
    for _ in range(steps):
        found |= {near for asset in found for near in plant.neighbours(asset)}
    return found


def _spreads(one: Running[Key], anchor: Anchor) -> bool:
    process = one.mode == anchor.mode == "process"
    return process and abs(anchor.time - one.start) <= JOIN_WITHIN
