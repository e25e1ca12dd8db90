"""Health and risk from detector scores."""

import pytest

from optria.web.assets.condition import health_of, health_status, production_risk


@pytest.mark.clause("D1")
@pytest.mark.parametrize(
    ("score", "health", "status"),
    [
        (0.0, 100, "normal"),
        (0.5, 100, "normal"),
        (1.0, 80, "normal"),
        (1.01, 79.7, "warning"),
        (2.0, 50, "warning"),
        (2.1, 47.5, "critical"),
        (9.0, 0, "critical"),
    ],
)
def test_health_falls_with_the_score(score: float, health: float, status: str) -> None:
    assert health_of(score) == health
    assert health_status(health_of(score)) == status


def test_nothing_known_is_unknown() -> None:
    assert health_status(None) == "unknown"


def test_risk_weighs_what_depends_on_the_asset() -> None:
    risks = [production_risk(0.8, word) for word in ("low", "medium", "high", "critical")]
    assert risks == [20.0, 40.0, 60.0, 80.0]
    assert production_risk(0.8, "CRITICAL") == 80.0
    assert production_risk(0.8, "odd word") == production_risk(0.8, None) == 40.0
