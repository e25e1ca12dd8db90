"""Cost of the stream per sample, with the scalar River reference in the same run.

python benchmarks/stream_cost.py [--tags 1000] [--per-asset 8] [--seconds 60]
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import Asset, PlantModel
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit.settings import Settings
from optria.streams.detectors.bank import DifferenceVarianceBank, LevelBank
from optria.streams.detectors.joint import JointBank
from optria.streams.detectors.reference import GatedDifferenceVariance, GatedLevel
from optria.streams.detectors.reference_joint import JointT2
from optria.streams.history import chunks
from optria.streams.pipeline import Pipeline

Values: TypeAlias = NDArray[np.float64]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def cpu_us(work: Callable[[], None], samples: int) -> float:
    """CPU microseconds per sample; the same number as CPU seconds per million."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1e6 / samples


def plant(tags: int, per_asset: int) -> PlantModel:
    assets = tuple(Asset(a, f"A-{a}", f"Asset {a}", "Pump", None) for a in range(1, tags // per_asset + 2))
    return PlantModel(
        1,
        assets=assets,
        mappings=tuple(
            SignalMapping(
                t + 1, 1, t // per_asset + 1, f"T-{t}", f"m{t % per_asset}", "", normal_low=40, normal_high=60
            )
            for t in range(tags)
        ),
    )


def tag_cost(values: Values) -> tuple[float, float]:
    """The banks over all tags, and their scalar references over fifty."""
    seconds, tags = values.shape
    level, variance = LevelBank(np.full(tags, 0.1)), DifferenceVarianceBank(np.full(tags, 0.1))
    scalars = [(GatedLevel(0.1), GatedDifferenceVariance(0.1)) for _ in range(min(tags, 50))]

    def bank() -> None:
        for row in values:
            level.observe_many(slice(None), row)
            variance.observe_many(slice(None), row)

    def reference() -> None:
        for row in values:
            for detectors, value in zip(scalars, row.tolist(), strict=False):
                for detector in detectors:
                    detector.score_one({"value": value})
                    detector.learn_one({"value": value})

    return cpu_us(bank, tags * seconds), cpu_us(reference, len(scalars) * seconds)


def asset_cost(values: Values, width: int) -> tuple[float, float]:
    """T² of all assets, and the scalar reference of one."""
    seconds, assets = len(values), values.shape[1] // width
    joint, ids = JointBank([np.full(width, 0.1)] * assets), np.arange(assets)
    vectors = values[:, : assets * width].reshape(seconds, assets, width)
    logs, fresh = np.log(vectors), np.ones((assets, width), bool)
    single = JointT2(dict.fromkeys(range(width), 0.1))

    def bank() -> None:
        for vector, log in zip(vectors, logs, strict=True):
            joint.score_many(ids, vector, log, fresh)
            joint.learn_many(ids, vector, log, fresh)

    def reference() -> None:
        for vector, log in zip(vectors[:, 0], logs[:, 0], strict=True):
            sample: dict[object, float] = dict(enumerate(vector.tolist()))
            sample |= {("log", place): value for place, value in enumerate(log.tolist())}
            single.score_one(sample)
            single.learn_one(sample)

    return cpu_us(bank, assets * seconds), cpu_us(reference, seconds)


def stream_cost(values: Values, width: int) -> tuple[float, float]:
    """The whole pipeline a second at a time, and the cutting of its history."""
    seconds, tags = values.shape
    clock = [BEGIN]
    pipeline = Pipeline(
        plant(tags, width), Settings(), lambda a: None, lambda e: None, lambda i: None, now=lambda: clock[0]
    )
    names, good = np.arange(1, tags + 1, dtype=np.int32), np.zeros(tags, np.uint8)
    times = [np.full(tags, to_micros(BEGIN + timedelta(seconds=i)), np.int64) for i in range(seconds)]
    batches = [SampleBatch(names, time, row, good) for time, row in zip(times, values, strict=True)]

    def whole() -> None:
        for batch in batches:
            clock[0] += timedelta(seconds=1)
            pipeline.ingest(batch)

    def cut() -> None:
        for _ in chunks(SampleBatch.concat(batches)):
            pass

    return cpu_us(whole, tags * seconds), cpu_us(cut, tags * seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tags", type=int, default=1000)
    parser.add_argument("--per-asset", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    values = np.random.default_rng(1).normal(50, 1, (options.seconds, options.tags))
    print(f"{options.tags} tags, assets of {options.per_asset}; CPU µs (= s per million)")
    bank, scalar = tag_cost(values)
    print(
        f"tag sample, level + difference-variance: bank {bank:.2f}, River {scalar:.2f}, 1/{scalar / bank:.0f}"
    )
    bank, scalar = asset_cost(values, options.per_asset)
    print(f"asset sample, T² of four channels: bank {bank:.1f}, River {scalar:.1f}, 1/{scalar / bank:.0f}")
    whole, cut = stream_cost(values, options.per_asset)
    print(f"tag sample, whole stream: {whole:.2f}; history, cutting into chunks: {cut:.2f}")


if __name__ == "__main__":
    main()
