"""An analysis as JSON and back, without loss: times ISO 8601, decimals as text."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TypeVar, cast

from optria.core.errors import Invalid
from optria.core.event import EventWindow
from optria.core.incident import (
    Analysis,
    CarbonImpact,
    Evidence,
    FinancialImpact,
    Grounds,
    ImpactSource,
    Lack,
    Note,
    RecommendedAction,
    RootCause,
    SimilarIncident,
)

_DECIMALS = frozenset(
    {"downtime_h", "cost_per_hour", "amount", "energy_kwh", "factor_kg_per_kwh", "carbon_kg", "window_h"}
)

Row = Mapping[str, object]
Value = TypeVar("Value")


def to_json(analysis: Analysis) -> dict[str, object]:
    """Only str, int, float, bool, None, list and dict."""
    return cast("dict[str, object]", _plain(asdict(analysis)))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def from_json(row: Row) -> Analysis:
    """The analysis that :func:`to_json` stored; raises Invalid for anything else."""
    try:
        return _analysis(row)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Invalid(f"The stored analysis cannot be read: {error!r}.") from error


def _analysis(row: Row) -> Analysis:
    cells = dict(row)
    window = _row(cells["window"])
    financial, carbon = cells["financial"], cells["carbon"]
    cells |= {
        "window": EventWindow(_time(window["start"]), _time(window["end"])),
        "causes": tuple(_cause(_row(one)) for one in _rows(cells["causes"])),
        "similar": tuple(_build(SimilarIncident, one) for one in _rows(cells["similar"])),
        "actions": tuple(_build(RecommendedAction, one) for one in _rows(cells["actions"])),
        "financial": None if financial is None else _impact(FinancialImpact, financial),
        "carbon": None if carbon is None else _impact(CarbonImpact, carbon),
        "event_types": tuple(_rows(cells["event_types"])),
        "missing_sources": tuple(_rows(cells["missing_sources"])),
        "analysed_at": _time(cells["analysed_at"]),
        "nearest": tuple(_build(SimilarIncident, one) for one in _rows(cells.get("nearest", []))),
        "ranked_assets": _ranked(cells.get("ranked_assets", [])),
        "ranked_tags": _ranked(cells.get("ranked_tags", [])),
    }
    return _call(Analysis, cells)


def _ranked(value: object) -> tuple[tuple[int, float], ...]:
    pairs = [_rows(pair) for pair in _rows(value)]
    return tuple((int(str(number)), float(str(share))) for number, share in pairs)


def _impact(kind: Callable[..., Value], row: object) -> Value:
    grounds = _row(row).get("grounds")
    return _call(kind, {**_cells(row), "grounds": None if grounds is None else _grounds(_row(grounds))})


def _grounds(row: Row) -> Grounds:
    return Grounds(
        arithmetic=tuple(_build(Note, one) for one in _rows(row["arithmetic"])),
        assumptions=tuple(_build(Note, one) for one in _rows(row["assumptions"])),
        sources=tuple(_build(ImpactSource, one) for one in _rows(row["sources"])),
        low=Decimal(str(row["low"])),
        high=Decimal(str(row["high"])),
        method=_build(Note, row["method"]),
    )


def _cause(row: Row) -> RootCause:
    evidence = tuple(_build(Evidence, one) for one in _rows(row["evidence"]))
    lists = {name: tuple(_rows(row[name])) for name in ("missing", "missing_ar")}
    why_not = tuple(_build(Lack, one) for one in _rows(row.get("why_not", [])))
    return _call(RootCause, {**_cells(row), **lists, "evidence": evidence, "why_not": why_not})


def _build(kind: Callable[..., Value], row: object) -> Value:
    return _call(kind, _cells(row))


def _call(kind: Callable[..., Value], cells: Row) -> Value:
    """The value of a row's cells; the keys are those that :func:`to_json` wrote."""
    return kind(**cells)


def _cells(row: object) -> dict[str, object]:
    return {k: Decimal(str(v)) if k in _DECIMALS else v for k, v in _row(row).items()}


def _row(value: object) -> Row:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no object")
    return value


def _rows(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _time(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
