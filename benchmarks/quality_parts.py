"""The parts of the quality benchmark: each measures some figures, with 95 % bootstrap intervals."""

import importlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.tep_cases import FAULTS, HARDLY_SEEN, Runs, read_runs, recording_of
from optria.backtest import figures
from optria.backtest.detect import Detection, detect, train
from optria.backtest.figures import Counts, Interval
from optria.backtest.recording import Recording, plant_of, read_recording

Measured: TypeAlias = tuple[float, float, float]
Say: TypeAlias = Callable[[str], None]
Part: TypeAlias = Callable[[Path | None, bool, Say], Mapping[str, Measured]]
LEADING = 150
"""So many leading rows at most are removed at random, so that no figure rests on where a fault sits."""
REMOVALS = 3


class Absent(Exception):
    """What a part needs is not here."""


def skab(data: Path | None, quick: bool, say: Say) -> Mapping[str, Measured]:
    """Recordings of a pump loop, streamed: 400 rows train, leading rows are removed at random."""
    files = sorted((_folder(data) / "skab").glob("*.csv"))
    if not files:
        raise Absent("no folder skab with recordings in DATA")
    recordings = [
        read_recording(path, ignore=("changepoint",), label="anomaly") for path in files[:: 4 if quick else 1]
    ]
    rng = np.random.default_rng(7)
    counts, delays = [], []
    for recording in recordings:
        cuts = [0, *rng.integers(0, LEADING + 1, 0 if quick else REMOVALS).tolist()]
        parts = [recording.rows(cut) for cut in cuts]
        found = [detect(part) for part in parts]
        counts.append(sum((_counts(p, f) for p, f in zip(parts, found, strict=True)), Counts()))
        delays.append([d for p, f in zip(parts, found, strict=True) for d in _delays(p, f)])
        say(f"{recording.name} F1 {counts[-1].f1:.3f}")
    return _pooled(counts, delays)


def tep(data: Path | None, quick: bool, say: Say) -> Mapping[str, Measured]:
    """Runs of the Tennessee Eastman process after four normal days; the fifth day is for false alarms."""
    runs = _runs(data)
    days = [recording_of(runs, run) for run in runs.of(0)]
    plant = plant_of(days[0])
    held_back = [0] if quick else range(len(days))
    quiet = []
    for day in held_back:
        learned = train(plant, [one for place, one in enumerate(days) if place != day])
        quiet.append(detect(days[day], 0, learned, plant).alarm)
        say(f"normal day {day}: {quiet[-1].mean():.2%} in alarm")
    learned = train(plant, days[1:])
    rates: dict[int, list[float]] = {}
    delays: list[float] = []
    for run in np.flatnonzero(runs.fault)[:: 8 if quick else 1].tolist():
        fault, onset = int(runs.fault[run]), int(runs.onset[run])
        alarm = detect(recording_of(runs, run), 0, learned, plant).alarm
        quiet.append(alarm[:onset])
        rates.setdefault(fault, []).append(float(alarm[onset:].mean()))
        delays += [float(np.flatnonzero(alarm[onset:])[0])] if alarm[onset:].any() else []
        say(f"fault {fault}: {rates[fault][-1]:.3f} detected, {alarm[:onset].mean():.2%} before it")
    return {
        "all": _mean_of_faults(rates, FAULTS),
        "without": _mean_of_faults(rates, tuple(f for f in FAULTS if f not in HARDLY_SEEN)),
        "far": _percent(_pooled_share(quiet)),
        "delay, median, min": _flat(figures.interval(len(delays), _median(np.array(delays)))),
        **{
            f"fault {fault:2} detected": _flat(figures.mean_interval(rates[fault])) for fault in sorted(rates)
        },
    }


def tep_causes(data: Path | None, quick: bool, say: Say) -> Mapping[str, Measured]:
    """Causes on the same process, with several past incidents of each, one, none, and all but its own."""
    from benchmarks.tep_causes_quality import measure

    return {name: _flat(figure) for name, figure in measure(_runs(data), quick, say).items()}


def simulator(data: Path | None, quick: bool, say: Say) -> Mapping[str, Measured]:
    """Labelled faults and normal days of the simulated plant."""
    try:
        module = importlib.import_module("benchmarks.simulator_quality")
    except ModuleNotFoundError:
        raise Absent("benchmarks/simulator_quality.py is not there") from None
    measured: Mapping[str, Measured] = module.measure(
        runs=20 if quick else 200, days=2 if quick else 30, progress=say
    )
    return measured


def cost(data: Path | None, quick: bool, say: Say) -> Mapping[str, Measured]:
    """Processor time: value of a tag, sample of an asset of eight tags, analysis of 32 tags over an hour."""
    from benchmarks import causes_on_simulator as causes
    from benchmarks.stream_cost import asset_cost, tag_cost

    values = np.random.default_rng(1).normal(50, 1, (60, 1000))
    times = 3 if quick else 9
    tag = [tag_cost(values)[0] for _ in range(times)]
    asset = [asset_cost(values, 8)[0] for _ in range(times)]
    say(f"tag value {median(tag):.2f} µs, asset sample {median(asset):.1f} µs")
    runs = causes.draw_runs(77, 1)
    past = causes.past_incidents(causes.draw_runs(1077, 2), 2)
    pump = next(run for run in runs if run.case.asset.asset_type == "Pump")
    taken = np.array(causes.speed(pump, past, causes.starting_rules(), 50 if quick else 400))

    def p99(places: NDArray[np.intp]) -> float:
        return float(np.quantile(taken[places], 0.99))

    return {
        "tag_us": _flat(figures.interval(times, _median(np.array(tag)))),
        "asset_us": _flat(figures.interval(times, _median(np.array(asset)))),
        "analysis_ms": _flat(figures.interval(len(taken), p99)),
        "analysis, mean, ms": _flat(figures.mean_interval(taken.tolist())),
    }


PARTS: Mapping[str, Part] = {
    "skab": skab,
    "tep": tep,
    "tep-causes": tep_causes,
    "simulator": simulator,
    "cost": cost,
}


def _folder(data: Path | None) -> Path:
    if data is None or not data.is_dir():
        raise Absent("no folder DATA given" if data is None else f"there is no folder {data}")
    return data


def _runs(data: Path | None) -> Runs:
    path = _folder(data) / "tep" / "tep-60s.npz"
    if not path.exists():
        raise Absent("no tep/tep-60s.npz in DATA")
    return read_runs(path)


def _counts(recording: Recording, found: Detection) -> Counts:
    assert recording.label is not None
    return figures.count(found.alarm[found.live_from :], recording.label[found.live_from :])


def _delays(recording: Recording, found: Detection) -> list[float]:
    """Seconds to the alarm of each fault; one that is missed counts with its whole length."""
    assert recording.label is not None
    label, time = recording.label[found.live_from :], recording.time[found.live_from :]
    delays = figures.delays_s(found.alarm[found.live_from :], label, time)
    edges = np.flatnonzero(np.diff(np.r_[False, label, False].astype(int)))
    lengths = [float(time[end - 1] - time[begin]) / 1e6 for begin, end in pairwise(edges)][::2]
    return [length if delay is None else delay for delay, length in zip(delays, lengths, strict=True)]


def _pooled(counts: list[Counts], delays: list[list[float]]) -> Mapping[str, Measured]:
    """Figures over all rows of all files; the bootstrap is over files."""

    def of(figure: Callable[[Counts], float]) -> Interval:
        return figures.interval(
            len(counts), lambda places: figure(sum((counts[i] for i in places), Counts())), draws=1000
        )

    def delay(places: NDArray[np.intp]) -> float:
        return float(median([d for i in places for d in delays[i]]))

    return {
        "f1": _flat(of(lambda c: c.f1)),
        "far": _percent(of(lambda c: c.false_alarm_rate)),
        "mar": _percent(of(lambda c: c.missed_alarm_rate)),
        "onsets": _flat(of(lambda c: c.onsets_per_1000)),
        "delay_s": _flat(figures.interval(len(delays), delay, draws=1000)),
    }


def _mean_of_faults(rates: Mapping[int, list[float]], faults: tuple[int, ...]) -> Measured:
    """Mean over faults of the mean over runs; the bootstrap draws runs within each fault."""
    kept = [np.array(rates[fault]) for fault in faults if fault in rates]
    rng = np.random.default_rng(1)
    draws = [np.mean([rng.choice(one, len(one)).mean() for one in kept]) for _ in range(figures.DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean([one.mean() for one in kept])), float(low), float(high)


def _pooled_share(alarms: list[NDArray[np.bool_]]) -> Interval:
    rows, hits = np.array([len(a) for a in alarms]), np.array([a.sum() for a in alarms])
    return figures.interval(len(alarms), lambda places: float(hits[places].sum() / rows[places].sum()))


def _median(values: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return lambda places: float(np.median(values[places]))


def _flat(figure: Interval) -> Measured:
    return figure.value, figure.low, figure.high


def _percent(figure: Interval) -> Measured:
    return 100 * figure.value, 100 * figure.low, 100 * figure.high
