"""How good detection and causes are, in one table, with the figures known before and those to reach.

    python -m benchmarks.quality [DATA] [--only skab,tep,tep-causes,simulator,cost] [--fresh] [--quick]

DATA is a folder with `skab/*.csv` (Skoltech Anomaly Benchmark) and `tep/tep-60s.npz` (Tennessee Eastman);
what is not there is left out with a word. Every figure comes with a 95 % bootstrap interval. Results are
kept per part in benchmarks/results/quality-<date>.json: a part that was measured on the same day, data and
version of the program is not measured again, unless --fresh asks for it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.quality_parts import PARTS, Absent, Measured

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of a part, what was known to be possible, and what to reach; ``sign`` 1: more is better."""

    part: str
    name: str
    says: str
    floor: str
    reach: float
    sign: int = -1
    unit: str = ""

    def met(self, value: float) -> bool:
        return self.sign * value >= self.sign * self.reach


GOALS = (
    Goal("skab", "f1", "Pump loop: F1", "0.85-0.866", 0.92, 1),
    Goal("skab", "far", "Pump loop: false alarm rate", "17", 7.0, unit="%"),
    Goal("skab", "mar", "Pump loop: missed alarm rate", "12.5", 8.0, unit="%"),
    Goal("skab", "onsets", "Pump loop: false onsets per 1,000 normal rows", "0.18", 0.10),
    Goal("skab", "delay_s", "Pump loop: median delay", "33", 10.0, unit="s"),
    Goal("tep", "all", "Tennessee Eastman: detection, 20 faults", "0.81", 0.87, 1),
    Goal("tep", "without", "Tennessee Eastman: detection without 3, 9, 15", "0.95", 0.98, 1),
    Goal("tep", "far", "Tennessee Eastman: false alarm rate", "0.8", 0.5, unit="%"),
    Goal(
        "tep-causes",
        "past 3: AC@1, detected",
        "Causes, 3 past incidents: AC@1 (goal is for 4)",
        "0.90",
        0.97,
        1,
    ),
    Goal(
        "tep-causes",
        "past 3: AC@3, detected",
        "Causes, 3 past incidents: AC@3 (goal is for 4)",
        "0.94",
        0.995,
        1,
    ),
    Goal(
        "tep-causes",
        "past 3: Brier, detected",
        "Causes, 3 past incidents: Brier (goal is for 4)",
        "0.18",
        0.06,
    ),
    Goal(
        "tep-causes",
        "past 3: ECE (top cause), detected",
        "Causes, 3 past incidents: ECE (goal is for 4)",
        "0.12",
        0.03,
    ),
    Goal("tep-causes", "past 1: AC@1, detected", "Causes, 1 past incident: AC@1", "0.85", 0.95, 1),
    Goal("tep-causes", "unit: top-1", "No history: the unit it began at, top-1", "0.79", 0.95, 1),
    Goal("tep-causes", "unit: top-3", "No history: the unit it began at, top-3", "0.97", 0.99, 1),
    Goal("tep-causes", "unknown: AUROC of P(Other)", "Unknown cause: AUROC", "0.874", 0.98, 1),
    Goal("tep-causes", "unknown: matched at 0.75", "Unknown cause: false match at 0.75", "0.23", 0.02),
    Goal("simulator", "recall", "Simulator: fault recall", "-", 0.995, 1),
    Goal("simulator", "false_per_asset_month", "Simulator: false incidents per asset-month", "-", 1.0),
    Goal("simulator", "delay_median_s", "Simulator: delay, median", "-", 30.0, unit="s"),
    Goal("simulator", "delay_p95_s", "Simulator: delay, p95", "-", 300.0, unit="s"),
    Goal("simulator", "ac1", "Simulator causes: AC@1", "-", 0.97, 1),
    Goal("simulator", "ac3", "Simulator causes: AC@3", "-", 0.995, 1),
    Goal("simulator", "ece", "Simulator causes: ECE", "-", 0.03),
    Goal("cost", "tag_us", "Cost of a tag value", "0.74", 0.8, unit="µs"),
    Goal("cost", "asset_us", "Cost of an asset sample", "12", 15.0, unit="µs"),
    Goal("cost", "analysis_ms", "Cost of an analysis, p99", "10 (mean)", 25.0, unit="ms"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=None)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured today")
    parser.add_argument("--quick", action="store_true", help="a small part of everything; not for the record")
    options = parser.parse_args()
    chosen = options.only.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    file = RESULTS / f"quality-{datetime.now(UTC):%Y-%m-%d}.json"
    results = {} if options.quick else _read(file)
    for part in chosen:
        if options.fresh or not _is_current(results.get(part), options.data):
            results[part] = measure(part, options.data, options.quick)
            if not options.quick:
                _write(file, results)
    for line in table(results):
        print(line)
    print(f"\n{_machine_line()}" + ("" if options.quick else f"; written to {file.name}"))


def measure(part: str, data: Path | None, quick: bool) -> dict[str, object]:
    """Run a part; what it needs and does not find is said instead of a figure."""
    say(f"{part}: measuring")
    begin = time.monotonic()
    told: dict[str, object] = {"version": version(), "data": data.name if data else None}
    try:
        figures = PARTS[part](data, quick, lambda words: say(f"{part}: {words}"))
    except Absent as absent:
        return told | {"absent": str(absent)}
    return told | {
        "figures": {name: list(figure) for name, figure in figures.items()},
        "minutes": round((time.monotonic() - begin) / 60, 2),
    }


def table(results: Mapping[str, Mapping[str, object]]) -> list[str]:
    """A line per goal, then what else was measured."""
    lines = [f"{'':54}{'known':>12}{'reach':>9}{'measured':>11}  95 % interval        met"]
    for goal in GOALS:
        result = results.get(goal.part, {})
        figures = _figures(result)
        if goal.name in figures:
            lines.append(_line(goal, figures[goal.name]))
        else:
            why = result.get("absent", "not measured")
            lines.append(f"{goal.says:54}{goal.floor:>12}{_reach(goal):>9}   {why}")
    asked = {(goal.part, goal.name) for goal in GOALS}
    for part, result in results.items():
        others = {n: f for n, f in _figures(result).items() if (part, n) not in asked}
        lines += [""] * bool(others)
        lines += [
            f"{part}, {name:45} {v:>22.4g}  {lo:.4g} to {hi:.4g}" for name, (v, lo, hi) in others.items()
        ]
    return lines


def _line(goal: Goal, figure: Measured) -> str:
    value, low, high = figure
    between = f"{low:.3g} to {high:.3g}"
    met = "yes" if goal.met(value) else "no"
    known, reach = goal.floor, _reach(goal)
    return f"{goal.says:54}{known:>12}{reach:>9}{value:>9.3g}{goal.unit:>3} {between:20} {met}"


def _reach(goal: Goal) -> str:
    return f"{'≥' if goal.sign > 0 else '≤'} {goal.reach:g}"


def _figures(result: Mapping[str, object]) -> dict[str, Measured]:
    figures = result.get("figures", {})
    assert isinstance(figures, dict)
    return {name: (float(v), float(low), float(high)) for name, (v, low, high) in figures.items()}


def _is_current(result: Mapping[str, object] | None, data: Path | None) -> bool:
    """Whether a part was measured with this program and data; an unclean tree is never the same."""
    now = version()
    return (
        result is not None
        and "figures" in result
        and result.get("version") == now
        and result.get("data") == (data.name if data else None)
        and not now.endswith("+")
    )


def version() -> str:
    """The commit, with + where files of the program were changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "benchmarks/*.py")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def machine() -> dict[str, object]:
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _machine_line() -> str:
    facts = machine()
    return f"{facts['processors']} x {facts['processor']}, Python {facts['python']}, load {facts['load']}"


def _read(file: Path) -> dict[str, dict[str, object]]:
    if not file.exists():
        return {}
    parts = json.loads(file.read_text(encoding="utf-8"))["parts"]
    assert isinstance(parts, dict)
    return parts


def _write(file: Path, results: Mapping[str, Mapping[str, object]]) -> None:
    file.parent.mkdir(exist_ok=True)
    told = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    file.write_text(json.dumps(told | {"parts": results}, indent=1) + "\n", encoding="utf-8")


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
