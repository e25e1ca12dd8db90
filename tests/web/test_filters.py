"""Numbers, money, carbon, ages and times as people read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from optria.web import filters

NB = "\u00a0"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (9840.4, 0, "9\u2009840"),
        (38.2, 1, "38.2"),
        (-12.345, 2, "\u221212.35"),
        (-0.001, 1, "0.0"),
        (412.3456, None, "412.3"),
        (0.012345, None, "0.012"),
        (None, 1, "–"),
        (float("nan"), 1, "–"),
    ],
)
def test_number(value: float | None, decimals: int | None, shown: str) -> None:
    assert filters.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal("48612.49"), "USD", "$48,600"),
        (Decimal("48625.01"), "USD", "$48,650"),
        (Decimal(250499), "SAR", f"SAR{NB}250,000"),
        (Decimal(48600), "", "48,600"),
        (Decimal(48600), None, "48,600"),
        (None, "USD", "–"),
    ],
)
def test_money_is_rounded_to_fifty_below_a_hundred_thousand(
    amount: Decimal | None, currency: str | None, shown: str
) -> None:
    assert filters.money(amount, currency) == shown


@pytest.mark.parametrize(("mass", "shown"), [(99.94, f"99.9{NB}kg"), (170, f"0.17{NB}t"), (None, "–")])
def test_carbon_turns_to_tonnes_at_a_hundred_kilograms(mass: float | None, shown: str) -> None:
    assert filters.carbon(mass) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, f"0.4{NB}s"),
        (12.9, f"12{NB}s"),
        (134, f"2{NB}m{NB}14{NB}s"),
        (11100, f"3{NB}h{NB}05{NB}m"),
        (3 * 86400, f"3{NB}d"),
        (None, "–"),
    ],
)
def test_age(seconds: float | None, shown: str) -> None:
    assert filters.age(seconds) == shown


def test_times_are_the_clock_of_the_site_and_utc_in_attributes() -> None:
    moment = datetime(2026, 11, 22, 21, 30, 5, tzinfo=UTC)
    assert filters.local_time(moment, "Asia/Riyadh") == "00:30:05"
    assert filters.local_date_time(moment, "Asia/Riyadh") == "23 Nov 2026 00:30"
    assert filters.utc(moment) == "2026-11-22T21:30:05Z"


@pytest.mark.parametrize(
    ("stored", "glyph"),
    [("CRITICAL", "critical"), ("WARNING", "minor"), ("INFO", "info"), (None, "info"), ("odd", "info")],
)
def test_severity_has_one_of_four_shapes(stored: str | None, glyph: str) -> None:
    assert filters.severity_key(stored) == glyph


def test_only_the_lowest_priority_has_no_shape() -> None:
    shapes = [filters.priority_glyph(word) for word in ("emergency", "high", "medium", "low")]
    assert shapes == ["critical", "major", "minor", ""]


@pytest.mark.parametrize(
    ("share", "decimals", "shown"), [(0.998, 1, f"99.8{NB}%"), (0.5, 0, f"50{NB}%"), (None, 0, "–")]
)
def test_percent(share: float | None, decimals: int, shown: str) -> None:
    assert filters.percent(share, decimals) == shown
