"""What the protocol servers of the simulator need of a plant, simulated or replayed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.catalogue import FaultLabel, PlantCatalogue

Times: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[np.float64]
Qualities: TypeAlias = NDArray[np.uint8]

GOOD, UNCERTAIN, BAD = 0, 1, 2


@dataclass(frozen=True, slots=True)
class PlantFrame:
    """The samples a plant delivers at one instant, in columns of equal length n.

    `tags` are names and `source_time` is µs UTC. In a frame of a faulty source a name may come twice
    (a duplicate, or a late sample after a newer one), may be absent, and its time may be any.
    """

    time: datetime
    tags: list[str]
    value: Values
    quality: Qualities
    source_time: Times


FrameCallback: TypeAlias = Callable[[PlantFrame], None]
Series: TypeAlias = tuple[Times, Values, Qualities]


class PlantSource(Protocol):
    """A plant that delivers frames in real time; source times are wall-clock UTC."""

    @property
    def catalogue(self) -> PlantCatalogue:
        """Sites, assets, tags and links of this plant."""

    async def run(self) -> None:
        """Deliver frames until cancelled (a recording: until its last row)."""

    def subscribe(self, callback: FrameCallback) -> Callable[[], None]:
        """Call `callback` with each frame, in the event loop; the answer ends the subscription."""

    def latest(self, names: list[str]) -> PlantFrame:
        """The last sample of each of these tags; names without a sample yet are left out.

        Raises UnknownTag for a name the catalogue does not have.
        """

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        """At most `limit` samples of one tag in [start, end], oldest first: time (µs), value, quality.

        Raises UnknownTag.
        """

    def inject(
        self,
        kind: str,
        asset: str,
        severity: float = 0.7,
        ramp_s: float = 60.0,
        duration_s: float | None = None,
    ) -> FaultLabel:
        """Begin a fault (see `fault_kinds.FAULT_KINDS`); raises BadFault with what is allowed."""

    def clear(self, fault_id: str) -> None:
        """End a fault; raises UnknownFault."""

    def faults(self) -> list[FaultLabel]:
        """Labels of all faults so far, oldest first."""
