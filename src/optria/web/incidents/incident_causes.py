"""Causes of an incident as the API and the pages show them: evidence that adds up, codes, and why not."""

import math
from dataclasses import asdict

from optria.core.incident import Evidence, Lack, RootCause
from optria.web.iso_codes import iso_json
from optria.web.shapes import Json


def cause_json(cause: RootCause) -> Json:
    """A cause with the evidence whose shares sum to its probability.

    ``shown`` is the same in hundredths, rounded so that the rows still add up to what the cause shows.
    """
    shown = shown_shares(cause)
    return {
        "label": cause.label,
        "code": cause.code,
        "iso14224": iso_json(cause.label),
        "probability": cause.probability,
        "shown": shown_probability(cause),
        "evidence": [
            _evidence(row) | {"shown": part} for row, part in zip(cause.evidence, shown, strict=True)
        ],
        "missing": list(cause.missing),
        "missing_ar": list(cause.missing_ar),
        "why_not": [_lack(row) for row in cause.why_not],
    }


def shown_probability(cause: RootCause) -> float:
    """The probability in hundredths, as every page writes it."""
    return float(f"{cause.probability:.2f}")


def shown_shares(cause: RootCause) -> list[float]:
    """The shares of the evidence in hundredths that sum to the shown probability (largest remainder)."""
    exact = [row.share * 100.0 for row in cause.evidence]
    whole = [math.floor(share + 1e-9) for share in exact]
    left = round(shown_probability(cause) * 100.0) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda row: whole[row] - exact[row])
    for row in by_remainder[: max(left, 0)]:
        whole[row] += 1
    return [share / 100.0 for share in whole]


def _evidence(row: Evidence) -> Json:
    return {
        "kind": row.kind,
        "text": row.text,
        "text_ar": row.text_ar,
        "share": row.share,
        "incident_number": row.incident_number,
        "rule_id": row.rule_id,
        "tag": row.tag,
    }


def _lack(row: Lack) -> Json:
    return dict(asdict(row))
