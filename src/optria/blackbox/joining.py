"""Which open incident an anchor belongs to: pure, for the Recorder, back-tests and benchmarks alike."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from optria.core.asset import PlantModel
from optria.core.incident import Anchor

JOIN_WITHIN = timedelta(minutes=5)
"""A process neighbour that deviates this soon after the last asset did belongs to the same incident."""
JOIN_STEPS = 2
"""Process links that a disturbance is followed along."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Running(Generic[Key]):
    """An open incident: where it is rooted, what it has reached, and when it last reached something."""

    key: Key
    root_asset_id: int
    reached: frozenset[int]
    latest: datetime


def joined(plant: PlantModel, running: Sequence[Running[Key]], anchor: Anchor) -> Running[Key] | None:
    """The incident of the asset itself, else the first that was near just before.

    What the detectors make of it, an instrument or the process, does not matter: that an instrument fails
    while its neighbour begins to deviate is far less likely than one fault that shows in both.
    """
    own = next((one for one in running if one.root_asset_id == anchor.asset_id), None)
    if own is not None:
        return own
    nearby = within(plant, {anchor.asset_id}, JOIN_STEPS)
    return next((one for one in running if nearby & one.reached and _soon(one, anchor)), None)


def within(plant: PlantModel, assets: Collection[int], steps: int) -> set[int]:
    """These assets and those at most so many process links away."""
    found = set(assets)
    for _ in range(steps):
        found |= {near for asset in found for near in plant.neighbours(asset)}
    return found


def _soon(one: Running[Key], anchor: Anchor) -> bool:
    return abs(anchor.time - one.latest) <= JOIN_WITHIN
