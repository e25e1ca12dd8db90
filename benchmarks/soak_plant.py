"""Several demo plants behind one OPC UA server, and a file of every sample that it was given to serve.

Run by ``benchmarks.soak`` as a process of its own. The asset ``P-102B`` of the third plant is ``U03-P-102B``.
"""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from optria.core.catalogue import FaultLabel, PlantCatalogue
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.plant import SimulatedPlant
from optria.simulator.runner import ServeOptions, serve_plant
from optria.simulator.source import FrameCallback, PlantFrame, Series

EMITTED: Final = "emitted.bin"
ROW: Final = np.dtype([("tag", "<i4"), ("time_us", "<i8")])
"""Which tag of the catalogue, and the source time of its sample."""


def prefix(number: int) -> str:
    return f"U{number + 1:02d}-"


def catalogue_of(copies: int) -> PlantCatalogue:
    """The demo plant several times over, all of it on OPC UA."""
    names = [prefix(number) for number in range(copies)]
    return PlantCatalogue(
        CATALOGUE.sites,
        tuple(replace(asset, code=p + asset.code) for p in names for asset in CATALOGUE.assets),
        tuple(
            replace(tag, name=p + tag.name, asset=p + tag.asset, source="opcua")
            for p in names
            for tag in CATALOGUE.tags
        ),
        tuple(
            replace(link, source=p + link.source, target=p + link.target)
            for p in names
            for link in CATALOGUE.links
        ),
    )


class Fleet:
    """A `PlantSource` of several plants; each delivers a frame a second."""

    def __init__(self, copies: int, preheat_minutes: int, emitted: BinaryIO) -> None:
        self._plants = [SimulatedPlant(seed + 1, preheat_minutes=preheat_minutes) for seed in range(copies)]
        self._catalogue = catalogue_of(copies)
        self._index = {tag.name: index for index, tag in enumerate(self._catalogue.tags)}
        self._emitted = emitted

    @property
    def catalogue(self) -> PlantCatalogue:
        return self._catalogue

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for plant in self._plants:
                group.create_task(plant.run())

    def subscribe(self, callback: FrameCallback) -> Callable[[], None]:
        ends = [plant.subscribe(self._named(number, callback)) for number, plant in enumerate(self._plants)]

        def end() -> None:
            for each in ends:
                each()

        return end

    def _named(self, number: int, callback: FrameCallback) -> FrameCallback:
        def take(frame: PlantFrame) -> None:
            callback(_renamed(frame, number))

        return take

    def note(self, frame: PlantFrame) -> None:
        """Write down what is emitted."""
        rows = np.empty(len(frame.tags), ROW)
        rows["tag"] = [self._index[name] for name in frame.tags]
        rows["time_us"] = frame.source_time
        self._emitted.write(rows.tobytes())
        self._emitted.flush()

    def latest(self, names: list[str]) -> PlantFrame:
        found = []
        for number, plant in enumerate(self._plants):
            mine = [name.removeprefix(prefix(number)) for name in names if name.startswith(prefix(number))]
            found.append(_renamed(plant.latest(mine), number))
        columns = [
            np.concatenate([getattr(f, name) for f in found]) for name in ("value", "quality", "source_time")
        ]
        return PlantFrame(max(f.time for f in found), [tag for f in found for tag in f.tags], *columns)

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        plant, own = self._of(name)
        return plant.history(own, start, end, limit)

    def inject(
        self,
        kind: str,
        asset: str,
        severity: float = 0.7,
        ramp_s: float = 60.0,
        duration_s: float | None = None,
    ) -> FaultLabel:
        plant, own = self._of(asset)
        return replace(plant.inject(kind, own, severity, ramp_s, duration_s), asset=asset)

    def clear(self, fault_id: str) -> None:
        for plant in self._plants:
            if any(label.id == fault_id for label in plant.faults()):
                plant.clear(fault_id)

    def faults(self) -> list[FaultLabel]:
        return [
            replace(label, asset=prefix(number) + label.asset)
            for number, plant in enumerate(self._plants)
            for label in plant.faults()
        ]

    def _of(self, name: str) -> tuple[SimulatedPlant, str]:
        unit, _, own = name.partition("-")
        return self._plants[int(unit[1:]) - 1], own


def _renamed(frame: PlantFrame, number: int) -> PlantFrame:
    return replace(frame, tags=[prefix(number) + tag for tag in frame.tags])


async def serve(home: Path, copies: int, preheat_minutes: int) -> None:
    with (home / EMITTED).open("wb") as emitted:
        fleet = await asyncio.to_thread(Fleet, copies, preheat_minutes, emitted)
        fleet.subscribe(fleet.note)
        await serve_plant(fleet, ServeOptions(home))


def main() -> None:
    parser = argparse.ArgumentParser(description="Several demo plants behind one OPC UA server.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=17)
    parser.add_argument("--preheat", type=int, default=20, help="minutes")
    asked = parser.parse_args()
    asyncio.run(serve(asked.home, asked.copies, asked.preheat))


if __name__ == "__main__":
    main()
