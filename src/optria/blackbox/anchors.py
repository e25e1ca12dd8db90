"""Anchors as JSON, the form in which an incident row keeps them."""

from datetime import datetime
from typing import Any

from optria.core.incident import Anchor, Contribution


def anchor_to_json(anchor: Anchor) -> dict[str, Any]:
    return {
        "asset_id": anchor.asset_id,
        "time": anchor.time.isoformat(),
        "score": anchor.score,
        "probability": anchor.probability,
        "detector": anchor.detector,
        "mode": anchor.mode,
        "contributions": [
            {
                "tag": c.tag,
                "score": c.score,
                "first_onset": c.first_onset.isoformat() if c.first_onset else None,
                "direction": c.direction,
            }
            for c in anchor.contributions
        ],
    }


def anchor_from_json(stored: dict[str, Any]) -> Anchor:
    return Anchor(
        asset_id=stored["asset_id"],
        time=datetime.fromisoformat(stored["time"]),
        score=stored["score"],
        probability=stored["probability"],
        detector=stored["detector"],
        mode=stored.get("mode", "process"),
        contributions=tuple(
            Contribution(
                c["tag"],
                c["score"],
                datetime.fromisoformat(c["first_onset"]) if c["first_onset"] else None,
                c["direction"],
            )
            for c in stored["contributions"]
        ),
    )


def anchor_id(tenant_id: int, anchor: Anchor) -> str:
    """What log lines call an anchor before there is an incident: tenant, asset, mode and time."""
    return f"{tenant_id}-{anchor.asset_id}-{anchor.mode}-{anchor.time:%Y%m%dT%H%M%S.%fZ}"
