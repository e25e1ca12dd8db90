"""Analyses for tests that do not care how they came about."""

from datetime import timedelta
from decimal import Decimal

from optria.core.event import EventWindow
from optria.core.incident import Analysis, FinancialImpact, RecommendedAction, RootCause, cause_code
from optria.kit import clock


def cause(label: str, probability: float) -> RootCause:
    return RootCause(label, cause_code(label), probability)


def analysis(label: str = "Bearing Fault", probability: float = 0.7, *, provisional: bool = True) -> Analysis:
    """A finished analysis that names one cause and leaves the rest to Other."""
    now = clock.now()
    half = timedelta(minutes=30)
    return Analysis(
        window=EventWindow(now - half, now + half),
        causes=(
            cause(label, probability),
            cause("Other" if label != "Other" else "Seal Leak", 1 - probability),
        ),
        similar=(),
        actions=(
            RecommendedAction(
                1, "Schedule maintenance within 12 hours.", "جدولة الصيانة", "maintenance", "rule"
            ),
            RecommendedAction(
                2, "Reduce load to 60% until bearing is replaced.", "خفض الحمل", "operation", "rule"
            ),
        ),
        financial=FinancialImpact(
            Decimal(6), Decimal(8000), Decimal(48000), "SAR", "Pump class", "references", 0.6
        ),
        carbon=None,
        story="At 09:41 the system detected high vibration on asset Crude Export Pump B.",
        story_ar="في الساعة 09:41 اكتشف النظام اهتزازاً عالياً.",
        signature={"vibration.level": 4.2},
        event_types=("ALERT:vibration:high",),
        matched_rules=1,
        events_in_window=3,
        samples_in_window=1800,
        provisional=provisional,
        analysed_at=now,
    )
