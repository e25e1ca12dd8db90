"""How well faults of the simulated plant are found and explained, and how often nothing is called a fault.

    python -m benchmarks.simulator_quality [--runs 200] [--days 30] [--seed 2026]

Every run is drawn anew: kind, asset, instrument, severity, ramp, hour, how long the plant ran before, noise,
jitter, lost and late samples (:mod:`benchmarks.simulator_runs`). Normal operation has day and night, and
operators who move set-points and loads and try the standby pump. All goes through the production pipeline;
its anchors make incidents as the Recorder does; each incident is analysed from every asset that it has
reached and rooted as in production, a minute after its anchor and when its window has closed, with the rules
that a tenant begins with and past incidents of other seeds. Delays count from the begin of the fault's ramp.
"""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.causes_on_simulator import starting_rules
from benchmarks.simulator_runs import (
    PLANT,
    Feed,
    Stream,
    Watched,
    draw_past,
    draw_runs,
    watch_faults,
)
from optria.backtest import figures
from optria.blackbox.joining import Running, joined
from optria.core.asset import Asset
from optria.core.event import EventWindow, Severity
from optria.core.incident import Analysis, Anchor
from optria.core.tag import Quality, to_micros
from optria.rca.case import Case, PastIncident, RawEntry, Series
from optria.rca.engine import analyse
from optria.rca.localise import View, root_of
from optria.rca.rules import CausalRule
from optria.rca.scoreboard import brier
from optria.simulator.fault_kinds import FAULT_KINDS
from optria.simulator.fault_run import fault_run
from optria.simulator.operations import Operation

Measured = tuple[float, float, float]
Say = Callable[[str], None]
INSTRUMENT = "Instrumentation Fault"
HALF_WINDOW = timedelta(minutes=30)
PAST_EACH = 3
"""Past incidents of each fault on each type of asset."""
SLOW_SHARE = 0.15
"""Runs on top whose fault takes 10 to 60 min to grow; they count in no other figure."""
ABREAST = 8
WARM_UP_S, ORDERS_EVERY_S = 1800, 5400
SIZES = {
    "oil_level": 2.0,
    "interface_level": 2.0,
    "lp_level": 3.0,
    "separator_bar": 0.3,
    "cooler_c": 1.5,
    "well_rate": 0.04,
    "turbine_load": 0.05,
    "standby_run": 1.0,
}
"""The most that operators move each order by."""
_ASSETS: Mapping[int, Asset] = {asset.id: asset for asset in PLANT.assets}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one run: when it was found, and where and why; None where nothing was found."""

    run: str
    cause: str
    is_sensor: bool
    asset: str
    delay_s: float | None
    ramp_s: float
    incidents: int
    soon: View | None
    final: View | None


def incidents_of(anchors: Sequence[Anchor], open_for: timedelta | None = None) -> list[list[Anchor]]:
    """Anchors by the incident that they open or join; ``open_for`` closes one that long after it began."""
    found: list[list[Anchor]] = []
    for anchor in sorted(anchors, key=lambda one: one.time):
        running = [
            Running(place, one[0].asset_id, frozenset(a.asset_id for a in one), max(a.time for a in one))
            for place, one in enumerate(found)
            if open_for is None or anchor.time - one[0].time < open_for
        ]
        known = joined(PLANT, running, anchor)
        if known is None:
            found.append([anchor])
        else:
            found[known.key].append(anchor)
    return found


def of_fault(run: Watched) -> list[list[Anchor]]:
    """The incidents of a run's fault: from anchors and CRITICAL limit events after it began."""
    grave = [e for e in run.events if e.severity is Severity.CRITICAL and e.asset_id is not None]
    crossed = [Anchor(e.asset_id or 0, e.time, 1.0, 1.0, (), detector="event") for e in grave]
    return incidents_of([a for a in (*run.anchors, *crossed) if a.time >= run.label.started_at])


def case_of(
    run: Watched,
    anchor: Anchor,
    minutes: float | None,
    past: tuple[PastIncident, ...] = (),
    rules: tuple[CausalRule, ...] = (),
) -> Case:
    """The case of the anchor's asset, so long after the anchor (None: when its window has closed)."""
    asset = _ASSETS[anchor.asset_id]
    near = {asset.id, *PLANT.neighbours(asset.id)}
    window = EventWindow.around(anchor.time, HALF_WINDOW, HALF_WINDOW)
    now = window.end if minutes is None else anchor.time + timedelta(minutes=minutes)
    return Case(
        incident_id="run",
        number="BB-0000",
        severity=Severity.MAJOR,
        asset=asset,
        plant=PLANT,
        anchor=anchor,
        window=window,
        now=now,
        provisional=minutes is not None,
        events=tuple(
            RawEntry(
                e.source_system,
                e.time,
                summary=e.summary,
                severity=e.severity,
                category=e.category,
                asset_id=e.asset_id,
                source_type=e.source_type,
                payload=e.payload,
            )
            for e in run.events
            if e.asset_id in near and e.time <= now
        ),
        series=_series(run, near, to_micros(window.start - HALF_WINDOW), to_micros(now)),
        history=past,
        rules=rules,
    )


def _series(run: Watched, near: set[int], start: int, end: int) -> tuple[Series, ...]:
    found = []
    for column, mapping in enumerate(PLANT.mappings):
        if mapping.asset_id in near:
            time = run.time[:, column]
            kept = run.given[:, column] & (time >= start) & (time <= end)
            quality = np.full(int(kept.sum()), Quality.GOOD, np.uint8)
            found.append(Series(mapping, time[kept], run.value[kept, column], quality))
    return tuple(found)


def explained(
    run: Watched,
    anchors: Sequence[Anchor],
    minutes: float | None,
    past: tuple[PastIncident, ...],
    rules: tuple[CausalRule, ...],
) -> View:
    """The incident from its root, of the assets that it had reached by then."""
    begin = anchors[0].time
    by_asset: dict[int, Anchor] = {}
    for anchor in anchors:
        if minutes is None or anchor.time - begin <= timedelta(minutes=minutes):
            by_asset.setdefault(anchor.asset_id, anchor)
    views = [
        View(asset, a.time, analyse(case_of(run, replace(a, time=begin), minutes, past, rules)))
        for asset, a in by_asset.items()
    ]
    return root_of(views, anchors[0].asset_id, PLANT.links)


def past_incidents(seed: int, each: int = PAST_EACH) -> tuple[PastIncident, ...]:
    """Incidents whose asset and cause people have confirmed."""
    past = []
    for number, run in enumerate(watch_faults(draw_past(seed, each), ABREAST)):
        found = of_fault(run)
        asset = next(a for a in PLANT.assets if a.code == run.draw.asset)
        if found:
            own = next((a for a in found[0] if a.asset_id == asset.id), found[0][0])
            seen = analyse(case_of(run, replace(own, asset_id=asset.id, time=found[0][0].time), None))
            past.append(
                PastIncident(
                    str(number),
                    f"BB-{number:04d}",
                    asset.id,
                    asset.asset_type,
                    run.label.cause,
                    seen.signature,
                    seen.event_types,
                )
            )
    return tuple(past)


def answer(run: Watched, past: tuple[PastIncident, ...], rules: tuple[CausalRule, ...]) -> Answer:
    """What production would have said of a run."""
    found = of_fault(run)
    name = " ".join(word for word in (run.draw.kind, run.draw.tag or run.draw.asset) if word)
    sensor = FAULT_KINDS[run.draw.kind].group == "sensor"
    delay_s, soon, final = None, None, None
    if found:
        delay_s = (found[0][0].time - run.label.started_at).total_seconds()
        soon = explained(run, found[0], 1.0, past, rules)
        final = explained(run, found[0], None, past, rules)
    return Answer(
        name, run.label.cause, sensor, run.draw.asset, delay_s, run.draw.ramp_s, len(found), soon, final
    )


def normal_incidents(seed: int, days: int, operated: bool) -> list[float]:
    """Incidents a month of each asset of healthy plants, side by side at different hours of the day."""
    rng = random.Random(seed)
    each_s = int(days * 86_400 / len(PLANT.assets) / ABREAST)
    length_s = WARM_UP_S + each_s
    starts = [datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=24 * n / ABREAST) for n in range(ABREAST)]
    feeds = [
        Feed(
            fault_run(
                None,
                seed=rng.randrange(10**9),
                minutes_before=length_s / 60,
                minutes_after=0,
                start=start,
                operations=operations(rng, length_s) if operated else (),
            ),
            rng.randrange(10**9),
        )
        for start in starts
    ]
    stream = Stream(ABREAST)
    for step in range(length_s):
        stream.take(feeds, [step] * ABREAST)
    counts = np.zeros((ABREAST, len(PLANT.assets)))
    for place, anchors in enumerate(stream.anchors):
        for incident in incidents_of(anchors, open_for=HALF_WINDOW):
            counts[place, incident[0].asset_id - 1] += 1
    return [float(count) * 30.0 * 86_400 / each_s for count in counts.ravel()]


def operations(rng: random.Random, length_s: int) -> list[Operation]:
    """What operators do in a shift: every one and a half hours on average, something for a while."""
    found, begin = [], WARM_UP_S + rng.expovariate(1.0 / ORDERS_EVERY_S)
    while begin < length_s - 600:
        order = rng.choice(list(SIZES))
        starts = order == "standby_run"
        size = 1.0 if starts else SIZES[order] * rng.uniform(0.5, 1.0) * rng.choice((-1, 1))
        ramp_s = 1.0 if starts else rng.uniform(60.0, 900.0)
        found.append(Operation(order, size, begin, ramp_s, rng.uniform(900.0, 5400.0)))
        begin += rng.expovariate(1.0 / ORDERS_EVERY_S)
    return found


def measure(
    runs: int = 200, days: int = 30, progress: Say | None = None, seed: int = 2026
) -> dict[str, Measured]:
    """Each figure with its 95 % bootstrap interval over runs (false incidents: over assets of plants)."""
    say = progress or (lambda _: None)
    past, rules = past_incidents(seed + 1), starting_rules()
    say(f"{len(past)} past incidents")
    answers = []
    for number, run in enumerate(watch_faults(draw_runs(seed, runs), ABREAST), start=1):
        answers.append(answer(run, past, rules))
        if number % ABREAST == 0:
            say(f"{number} of {runs} runs; the last: {told(answers[-1])}")
    drawn_slow = draw_runs(seed + 2, max(2, round(SLOW_SHARE * runs)), slow=True)
    slow = [answer(run, (), rules) for run in watch_faults(drawn_slow, ABREAST)]
    say("normal operation")
    return {
        **detection(answers),
        "false_per_asset_month": _mean(normal_incidents(seed + 3, days, operated=True)),
        "false_per_asset_month, nobody operates": _mean(normal_incidents(seed + 4, days, operated=False)),
        **causes([a for a in answers if a.final], "final", ""),
        **causes([a for a in answers if a.soon], "soon", ", after 1 min"),
        **_slow(slow),
    }


def told(answer: Answer) -> str:
    """One line for whoever watches."""
    if answer.final is None:
        return f"{answer.run}: not found"
    top = answer.final.analysis.top
    where = _ASSETS[answer.final.asset_id].code
    return f"{answer.run}: {top.label} ({top.probability:.2f}) on {where} after {answer.delay_s:.0f} s"


def detection(answers: Sequence[Answer]) -> dict[str, Measured]:
    delays = np.array([a.delay_s for a in answers if a.delay_s is not None])
    return {
        "recall": _mean([a.delay_s is not None for a in answers]),
        "delay_median_s": _flat(figures.interval(len(delays), lambda at: float(np.median(delays[at])))),
        "delay_p95_s": _flat(figures.interval(len(delays), lambda at: float(np.quantile(delays[at], 0.95)))),
        "incidents per fault found": _mean([a.incidents for a in answers if a.incidents]),
    }


def causes(answers: Sequence[Answer], when: str, suffix: str) -> dict[str, Measured]:
    views: list[View] = [getattr(a, when) for a in answers]
    scores = [_named(view.analysis) for view in views]
    truths = [a.cause for a in answers]
    ranks = [figures.rank(one, truth) for one, truth in zip(scores, truths, strict=True)]
    instrument = [view.analysis.top.label == INSTRUMENT for view in views]
    sensor = [a.is_sensor for a in answers]

    def ece(at: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> float:
        return figures.top_calibration_error([scores[i] for i in at], [truths[i] for i in at])

    found = {
        "ac1": _mean([r == 1 for r in ranks]),
        "ac3": _mean([r is not None and r <= 3 for r in ranks]),
        "brier": _mean([brier(one, truth) for one, truth in zip(scores, truths, strict=True)]),
        "ece": _flat(figures.interval(len(answers), ece)),
        "root asset right": _mean(
            [_ASSETS[v.asset_id].code == a.asset for v, a in zip(views, answers, strict=True)]
        ),
        "sensor faults called instrumentation": _mean(
            [hit for hit, is_sensor in zip(instrument, sensor, strict=True) if is_sensor]
        ),
        "machine faults called instrumentation": _mean(
            [hit for hit, is_sensor in zip(instrument, sensor, strict=True) if not is_sensor]
        ),
    }
    return {f"{name}{suffix}": figure for name, figure in found.items()}


def _slow(answers: Sequence[Answer]) -> dict[str, Measured]:
    grown = np.array([min(a.delay_s / a.ramp_s, 1.0) for a in answers if a.delay_s is not None])
    return {
        "slow faults: recall": _mean([a.delay_s is not None for a in answers]),
        "slow faults: part of its size when found, median": _flat(
            figures.interval(len(grown), lambda at: float(np.median(grown[at])))
        ),
    }


def _named(analysis: Analysis) -> dict[str, float]:
    """The distribution without causes that are named at 0 only to say why not."""
    return {label: p for label, p in analysis.scores.items() if p > 0.0}


def _mean(values: Sequence[float]) -> Measured:
    return _flat(figures.mean_interval(values))


def _flat(found: figures.Interval) -> Measured:
    return found.value, found.low, found.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--days", type=int, default=30, help="asset-days of normal operation")
    parser.add_argument("--seed", type=int, default=2026)
    chosen = parser.parse_args()
    measured = measure(chosen.runs, chosen.days, lambda line: print(line, flush=True), chosen.seed)
    for name, (value, low, high) in measured.items():
        print(f"{name:50} {value:8.3f}   [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
