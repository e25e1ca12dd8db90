"""How well causes are told on the simulated plant: AC@1, AC@3, Brier, ECE; and how fast.

Run `python benchmarks/causes_on_simulator.py`. Each fault kind is run with drawn assets, severities, ramps
and hours of the day. The anchor is the first time a tag of the asset stays 5 s beyond 5 deviations (a fault
that moves nothing so far, like a stuck sensor, gets one 90 s after it began). Past incidents come from other
seeds than the runs that are scored. No value of the simulator's configuration is known to the analysis but
the catalogue.
"""

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from optria.backtest import figures
from optria.core.asset import Asset, Link, PlantModel, Site
from optria.core.event import Severity
from optria.core.incident import OTHER, Analysis, Anchor, Contribution
from optria.core.tag import SignalMapping, from_micros, to_micros
from optria.db.starting_rules import read_rules
from optria.rca.case import Case, PastIncident, Series
from optria.rca.engine import analyse
from optria.rca.rules import CausalRule, parse_rule
from optria.rca.scoreboard import brier
from optria.rca.window import window_around
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_kinds import FAULT_KINDS
from optria.simulator.fault_run import Recording, fault_run
from optria.simulator.faults import fitting_assets

KINDS = tuple(name for name, kind in FAULT_KINDS.items() if kind.group != "data")
_IDS = {asset.code: number for number, asset in enumerate(CATALOGUE.assets, start=1)}
_ASSETS = {
    a.code: Asset(_IDS[a.code], a.code, a.name, a.asset_type, 1, a.criticality) for a in CATALOGUE.assets
}
_MAPPINGS = {
    tag.name: SignalMapping(
        id=number,
        integration_id=1,
        asset_id=_IDS[tag.asset],
        external_tag=tag.name,
        metric=tag.metric,
        unit=tag.unit,
        low=tag.low,
        high=tag.high,
        normal_low=tag.normal_low,
        normal_high=tag.normal_high,
        decimals=tag.decimals,
    )
    for number, tag in enumerate(CATALOGUE.tags, start=1)
}
PLANT = PlantModel(
    tenant_id=1,
    sites=(Site(1, "PLANT", "Plant"),),
    assets=tuple(_ASSETS.values()),
    links=tuple(Link(_IDS[link.source], _IDS[link.target]) for link in CATALOGUE.links),
    mappings=tuple(_MAPPINGS.values()),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One labelled run as a case, analysed when its window has closed."""

    kind: str
    cause: str
    case: Case

    def after(self, minutes: float | None) -> Case:
        """The case as it was known so long after the anchor (None: the end)."""
        if minutes is None:
            return self.case
        now = self.case.anchor.time + timedelta(minutes=minutes)
        until = to_micros(now)
        kept = tuple(_until(series, until) for series in self.case.series)
        return replace(self.case, now=now, provisional=True, series=kept)


def starting_rules() -> tuple[CausalRule, ...]:
    """The rules that a tenant begins with."""
    return tuple(parse_rule({**rule, "id": number}) for number, rule in enumerate(read_rules(), start=1))


def run_of(
    kind: str,
    asset: str,
    severity: float,
    seed: int,
    ramp_s: float = 60.0,
    minutes: tuple[float, float] = (30.0, 20.0),
) -> Run:
    """So many minutes of normal operation, then so many of the fault."""
    hour = random.Random(seed).randrange(24)
    start = datetime(2026, 1, 1, hour, tzinfo=UTC)
    recording = fault_run(kind, asset, severity, seed, *minutes, ramp_s, start)
    if recording.label is None:
        raise ValueError(f"{kind} left no label")
    return Run(kind, recording.label.cause, _case(recording, asset, recording.label.started_at))


def _case(recording: Recording, asset: str, started: datetime) -> Case:
    near = PLANT.neighbours(_IDS[asset]) | {_IDS[asset]}
    series = tuple(
        Series(_MAPPINGS[name], recording.time, recording.value[:, column], recording.quality[:, column])
        for column, name in enumerate(recording.tags)
        if _MAPPINGS[name].asset_id in near
    )
    anchor = _anchor(_IDS[asset], series, started)
    return Case(
        incident_id="run",
        number="BB-0000",
        severity=Severity.MAJOR,
        asset=_ASSETS[asset],
        plant=PLANT,
        anchor=anchor,
        window=window_around(anchor.time, _ASSETS[asset].asset_type),
        now=from_micros(int(recording.time[-1])),
        series=series,
    )


def _anchor(asset_id: int, series: Sequence[Series], started: datetime) -> Anchor:
    found = [onset for s in series if s.mapping.asset_id == asset_id if (onset := _onset(s, started))]
    seconds, tag, direction = min(found, default=(90, 0, "high"))
    at = started + timedelta(seconds=seconds)
    return Anchor(asset_id, at, 1.0, 0.8, (Contribution(tag, 1.0, at, direction),), "benchmark")


def _onset(series: Series, started: datetime) -> tuple[int, int, str] | None:
    before = series.time <= to_micros(started)
    reference, after = series.value[before], series.value[~before]
    z = (after - np.median(reference)) / max(float(reference.std()), 1e-6)
    runs = np.flatnonzero(np.convolve(np.abs(z) > 5.0, np.ones(5), "valid") == 5)
    if not len(runs):
        return None
    return int(runs[0]) + 5, series.mapping.id, "high" if z[runs[0]] > 0 else "low"


def _until(series: Series, micros: int) -> Series:
    kept = series.time <= micros
    return replace(series, time=series.time[kept], value=series.value[kept], quality=series.quality[kept])


def draw_runs(seed: int, each: int) -> list[Run]:
    """So many runs of each kind, everything about them drawn."""
    rng = random.Random(seed)
    return [
        run_of(
            kind,
            rng.choice(fitting_assets(FAULT_KINDS[kind], CATALOGUE)),
            rng.uniform(0.4, 1.0),
            rng.randrange(10**6),
            rng.choice([10.0, 60.0, 180.0, 300.0]),
        )
        for kind in KINDS
        for _ in range(each)
    ]


def past_incidents(runs: Sequence[Run], per_cause: int) -> tuple[PastIncident, ...]:
    """At most so many of each cause."""
    seen: Counter[str] = Counter()
    past = []
    for number, run in enumerate(runs):
        seen[run.cause] += 1
        if seen[run.cause] <= per_cause:
            analysis = analyse(run.case)
            kind = run.case.asset.asset_type
            past.append(PastIncident(str(number), f"BB-{number:04d}", 1, kind, run.cause, analysis.signature))
    return tuple(past)


def score(
    runs: Sequence[Run], rules: tuple[CausalRule, ...], past: tuple[PastIncident, ...], minutes: float | None
) -> dict[str, float]:
    """AC@1, AC@3, Brier, ECE (10 bins) of the distribution."""
    told = [(run, analyse(replace(run.after(minutes), rules=rules, history=past))) for run in runs]
    ranks = [_rank(analysis, run.cause) for run, analysis in told]
    return {
        "AC@1": statistics.mean(rank == 1 for rank in ranks),
        "AC@3": statistics.mean(rank <= 3 for rank in ranks),
        "Brier": statistics.mean(brier(analysis.scores, run.cause) for run, analysis in told),
        "ECE": figures.top_calibration_error([a.scores for _, a in told], [run.cause for run, _ in told]),
    }


def _rank(analysis: Analysis, cause: str) -> int:
    """Place of the cause in the distribution; Other before it counts as a place."""
    likely = [label for label, probability in analysis.scores.items() if probability > 0.0]
    return likely.index(cause) + 1 if cause in likely else 99


def speed(run: Run, past: tuple[PastIncident, ...], rules: tuple[CausalRule, ...], times: int) -> list[float]:
    """Milliseconds of processor time of an analysis with 32 tags over 1 h at 1 Hz and 200 past incidents."""
    mine = [p for p in past if p.asset_type == run.case.asset.asset_type]
    history = tuple(replace(mine[n % len(mine)], id=str(n), number=f"BB-{n}") for n in range(200))
    case = replace(run.case, series=_widened(run.case.series, 32), rules=rules, history=history)
    taken = []
    for _ in range(times):
        begin = time.process_time()
        analyse(case)
        taken.append(1000.0 * (time.process_time() - begin))
    return sorted(taken)


def _widened(series: Sequence[Series], tags: int) -> tuple[Series, ...]:
    """So many tags of 3600 s, repeated under other names where the asset has fewer."""
    wide = [series[n % len(series)] for n in range(tags)]
    hour = [s.time[-1] - 3600_000_000 + 1_000_000 * np.arange(1, 3601, dtype=np.int64) for s in wide]
    return tuple(
        replace(
            s,
            mapping=replace(s.mapping, id=n, metric=s.mapping.metric if n < len(series) else f"extra_{n}"),
            time=time_,
            value=np.resize(s.value, 3600),
            quality=np.zeros(3600, np.uint8),
        )
        for n, (s, time_) in enumerate(zip(wide, hour, strict=True))
    )


def novelty(runs: Sequence[Run], rules: tuple[CausalRule, ...]) -> float:
    """Share of runs called Other when nothing is known of their cause."""
    told = []
    for run in runs:
        others = tuple(rule for rule in rules if rule.cause != run.cause)
        told.append(analyse(replace(run.case, rules=others)).top.label == OTHER)
    return statistics.mean(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=6, help="runs of each fault kind")
    parser.add_argument("--seed", type=int, default=77)
    chosen = parser.parse_args()
    runs, rules = draw_runs(chosen.seed, chosen.runs), starting_rules()
    past = past_incidents(draw_runs(chosen.seed + 1000, 6), 4)
    print(f"{len(runs)} runs of {len(KINDS)} fault kinds; {len(past)} past incidents (4 per cause)")
    for name, known, seen, minutes in (
        ("rules only, at the end", rules, (), None),
        ("rules only, after 1 min", rules, (), 1.0),
        ("past incidents only, at the end", (), past, None),
        ("rules and past incidents, at the end", rules, past, None),
        ("rules and past incidents, after 1 min", rules, past, 1.0),
    ):
        figures = score(runs, known, seen, minutes)
        print(f"{name:40}", "  ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    pump = next(run for run in runs if run.case.asset.asset_type == "Pump")
    taken = speed(pump, past, rules, 200)
    print(
        f"32 tags x 1 h, 200 past incidents, processor time: p50 {taken[99]:.1f} ms, p99 {taken[197]:.1f} ms"
    )
    print(f"a cause without rule or past incident is called Other: {novelty(runs, rules):.2f}")


if __name__ == "__main__":
    main()
