"""Gathers what the tests say and prints a row of the matrix when all of its tests are done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.matrix import Fault


@dataclass(slots=True)
class _Row:
    tests: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class Rows:
    """A pytest plugin. A row holds when it has tests, all ran, and none failed or was skipped."""

    def __init__(self, faults: Sequence[Fault], say: Callable[[str], None]) -> None:
        self._faults, self._say = faults, say
        self._rows = {fault.number: _Row() for fault in faults}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for fault in self._faults:
            if report.nodeid.startswith(fault.proofs):
                self._note(self._rows[fault.number], report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read fails every row that needs it."""
        for fault in self._faults:
            files = tuple(proof.partition("::")[0] for proof in fault.proofs)
            if report.failed and report.nodeid in files:
                self._rows[fault.number].failures[report.nodeid] = "cannot be imported"

    def _note(self, row: _Row, report: pytest.TestReport) -> None:
        row.tests.add(report.nodeid)
        row.seconds += report.duration
        if report.failed:
            row.failures[report.nodeid] = _why(report.longreprtext)
            row.details[report.nodeid] = report.longreprtext
        elif report.skipped:
            row.failures[report.nodeid] = f"skipped: {_reason(report)}"
        if report.when == "teardown":
            row.figures += [told for name, told in report.user_properties if name == "figures"]  # type: ignore[misc]

    def finish(self) -> int:
        """Print every row; the number of those that held."""
        self._say(f"{'#':>2}  {'fault':<42} {'load':<38} {'lost':>5} {'twice':>5} {'recovered':>10}")
        for fault in self._faults:
            for line in self._lines(fault):
                self._say(line)
        return sum(self._held(fault) for fault in self._faults)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "number": fault.number,
                "fault": fault.name,
                "must": fault.must,
                "held": self._held(fault),
                "tests": len(self._rows[fault.number].tests),
                "seconds": round(self._rows[fault.number].seconds, 1),
                "figures": self._rows[fault.number].figures,
                "failures": self._rows[fault.number].failures,
                "details": self._rows[fault.number].details,
            }
            for fault in self._faults
        ]

    def _held(self, fault: Fault) -> bool:
        """Every proof has a test of its own that ran and passed."""
        row = self._rows[fault.number]
        proved = all(any(test.startswith(proof) for test in row.tests) for proof in fault.proofs)
        return proved and not row.failures

    def _lines(self, fault: Fault) -> list[str]:
        row = self._rows[fault.number]
        told = _together(row.figures)
        load = told.load or f"{len(row.tests)} checks"
        mark = "ok" if self._held(fault) else "MISS"
        figures = f"{_shown(told.lost):>5} {_shown(told.duplicated):>5} {_seconds(told.recovered_s):>10}"
        lines = [f"{fault.number:>2}  {fault.name:<42} {load:<38} {figures}  {mark}"]
        lines += [f"      {note}" for note in told.notes]
        lines += [f"      {test}: {why}" for test, why in row.failures.items()]
        return lines if row.tests or row.failures else [*lines, "      no test is there"]


@dataclass(slots=True)
class _Told:
    load: str
    lost: int | None
    duplicated: int | None
    recovered_s: float | None
    notes: list[str]


def _together(figures: Sequence[Mapping[str, Any]]) -> _Told:
    """Of several tests of one row: losses summed, the longest recovery, every load and note."""
    return _Told(
        "; ".join(told["load"] for told in figures if told["load"]),
        _over(sum, [told["lost"] for told in figures]),
        _over(sum, [told["duplicated"] for told in figures]),
        _over(max, [told["recovered_s"] for told in figures]),
        [note for told in figures for note in told["notes"]],
    )


def _over(take: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return take(known) if known else None


def _shown(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _why(traceback: str) -> str:
    """The innermost error: of a group of errors the first that is none itself."""
    lines = [line.strip(" |") for line in traceback.splitlines()]
    errors = [line for line in lines if "Error" in line.partition(":")[0] and "Group" not in line]
    return (errors or lines or ["failed"])[-1]


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else report.longreprtext
