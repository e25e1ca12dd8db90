"""The scoreboard as JSON, and its reliability curve as positions in a picture."""

from dataclasses import dataclass
from typing import Final

from optria.core.incident import cause_code
from optria.db.learning import CauseCalibration
from optria.rca.scoreboard import Accuracy, Bin, Line, Rate, Scoreboard
from optria.web.shapes import Json

SIZE: Final = 240.0
"""Width and height of the picture of the reliability curve; 0 at the bottom, 1 at the top."""
LARGEST_DOT: Final = 9.0
ENOUGH_FOR_A_LINE: Final = 30
"""Probabilities of causes; a line through less would show chance."""


def scoreboard_json(board: Scoreboard, calibration: CauseCalibration | None) -> Json:
    return {
        "total": line_json(board.total),
        "lines": [line_json(line) for line in board.lines],
        "reliability": [
            {"low": b.low, "high": b.high, "n": b.n, "said": b.said, "found": b.found}
            for b in board.reliability
        ],
        "ece": board.ece,
        "confusion": [
            {"said": said, "was": was, "n": n}
            for (said, was), n in sorted(board.confusion.items(), key=lambda item: (-item[1], item[0]))
        ],
        "unsaid": board.unsaid,
        "calibration": calibration_json(calibration),
    }


def calibration_json(row: CauseCalibration | None) -> Json | None:
    if row is None:
        return None
    return {
        "factor": row.factor,
        "cases": row.cases,
        "log_loss_before": row.log_loss_before,
        "log_loss_after": row.log_loss_after,
        "fitted_at": row.fitted_at,
    }


def line_json(line: Line) -> Json:
    return {
        "cause": line.cause,
        "cause_code": cause_code(line.cause) if line.cause else None,
        "asset_type": line.asset_type,
        "confirmed": line.final.top1.n,
        "when_ordered": _accuracy(line.ordered),
        "final": _accuracy(line.final),
        "false_incidents": rate_json(line.false_incidents),
        "not_effective": rate_json(line.not_effective),
        "lead_to_critical_s": line.lead_s,
        "lead_to_work_s": line.lead_to_work_s,
    }


def _accuracy(found: Accuracy) -> Json:
    return {"top1": rate_json(found.top1), "top3": rate_json(found.top3), "brier": found.brier}


def rate_json(rate: Rate) -> Json:
    """The share with its 95 % interval; null where there is nothing to judge."""
    low, high = rate.interval or (None, None)
    return {"value": rate.value, "hits": rate.hits, "n": rate.n, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of the curve; its area is that of how many it holds."""

    x: float
    y: float
    radius: float
    bin: Bin


@dataclass(frozen=True, slots=True)
class Curve:
    """``points`` of the line through the dots, for an SVG polyline; none while there are but a few cases."""

    size: float
    dots: tuple[Dot, ...]
    points: str


def reliability_curve(bins: tuple[Bin, ...]) -> Curve:
    """Said to the right, found upwards: on the diagonal the analysis is as sure as it may be."""
    most = max((one.n for one in bins), default=0) or 1
    dots = tuple(
        Dot(
            round(one.said * SIZE, 1),
            round((1.0 - one.found) * SIZE, 1),
            round(max(2.5, LARGEST_DOT * (one.n / most) ** 0.5), 1),
            one,
        )
        for one in bins
        if one.said is not None and one.found is not None
    )
    enough = sum(one.n for one in bins) >= ENOUGH_FOR_A_LINE
    return Curve(SIZE, dots, " ".join(f"{dot.x},{dot.y}" for dot in dots) if enough else "")
