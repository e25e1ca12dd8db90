"""Tags and their samples: the unit of the stream is a batch in columns.

Terms are those of OPC UA part 8 (data access): a sample is a value with a source
timestamp and a quality.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Quality(IntEnum):
    """OPC UA status severity."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


def to_micros(time: datetime) -> int:
    """Microseconds since 1970 UTC of an aware ``time``; exact, unlike ``timestamp()``."""
    return (time - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=int(micros))


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a batch, for readers and tests."""

    tag: int
    source_time: datetime
    value: float
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class SampleBatch:
    """Samples in columns of equal length n, in the order they arrived.

    ``tag`` int32[n] signal mapping ids; ``source_time`` int64[n] microseconds since 1970 UTC;
    ``value`` float64[n] (NaN where there is none); ``quality`` uint8[n] of :class:`Quality`.
    """

    tag: NDArray[np.int32]
    source_time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tag)

    def rows(self) -> Iterator[Sample]:
        for tag, micros, value, quality in zip(
            self.tag, self.source_time, self.value, self.quality, strict=True
        ):
            yield Sample(int(tag), from_micros(micros), float(value), Quality(int(quality)))

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "SampleBatch":
        """The rows of a mask or an index array, as a new batch."""
        return SampleBatch(self.tag[rows], self.source_time[rows], self.value[rows], self.quality[rows])

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "SampleBatch":
        return cls(
            np.array([s.tag for s in samples], np.int32),
            np.array([to_micros(s.source_time) for s in samples], np.int64),
            np.array([s.value for s in samples], np.float64),
            np.array([s.quality for s in samples], np.uint8),
        )

    @classmethod
    def concat(cls, batches: Sequence["SampleBatch"]) -> "SampleBatch":
        if not batches:
            return cls.of([])
        return cls(
            np.concatenate([b.tag for b in batches]),
            np.concatenate([b.source_time for b in batches]),
            np.concatenate([b.value for b in batches]),
            np.concatenate([b.quality for b in batches]),
        )


@dataclass(frozen=True, slots=True)
class SignalMapping:
    """An external tag bound to a metric of an asset: ``value = raw * scale + offset`` in ``unit``.

    ``low``/``high`` is the engineering range (OPC UA EURange): outside it a sample is no measurement.
    ``normal_low``/``normal_high`` is the range expected in normal operation. ``scan_s`` is the period at
    which the source is expected to deliver.
    """

    id: int
    integration_id: int
    asset_id: int
    external_tag: str
    metric: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    normal_low: float | None = None
    normal_high: float | None = None
    decimals: int | None = None
    scan_s: float = 1.0
    description: str = ""

    @property
    def instrument(self) -> str:
        """The instrument part of the external tag: ``VT-1022`` of ``P-102B.VT-1022``."""
        return self.external_tag.rsplit(".", 1)[-1]
