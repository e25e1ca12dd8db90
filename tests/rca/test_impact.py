"""Downtime in money and energy in CO2, as exact decimals."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.asset import CRITICALITIES
from optria.core.incident import CarbonImpact, FinancialImpact, Grounds, RootCause
from optria.core.tag import Quality, to_micros
from optria.rca.case import CarbonFactor, Case, CostReference, DowntimeHistory, DowntimeReference, Series
from optria.rca.impact import carbon_impact, cost_reference, financial_impact
from tests.rca.cases import ANCHOR, PUMP, case, log, past, series, spec, spoiled

BEARING = RootCause("Bearing Fault", "BEARING_FAULT", 0.8)
HOURS = st.decimals(0, 1000, places=2)


def impact(whole: Case) -> FinancialImpact:
    found = financial_impact(whole, BEARING)
    assert found is not None
    return found


def carbon(whole: Case) -> CarbonImpact:
    found = carbon_impact(whole, whole.series)
    assert found is not None
    return found


@pytest.mark.clause("A21")
@given(HOURS.filter(lambda h: h > 1), st.lists(HOURS, max_size=5))
def test_downtime_grows_with_criticality(typical: Decimal, past_h: list[Decimal]) -> None:
    reference = DowntimeReference("Bearing Fault", typical)
    logs = tuple(log(hours) for hours in past_h)
    bare = case(history=(), maintenance=logs, downtime_references=(reference,))
    assets = [replace(bare.asset, criticality=criticality) for criticality in CRITICALITIES]
    estimates = [impact(replace(bare, asset=asset)).downtime_h for asset in assets]
    assert estimates == sorted(estimates)
    assert estimates[0] < estimates[3]


@pytest.mark.clause("A21", "I5")
def test_downtime_moves_with_what_such_failures_took() -> None:
    bare = case(history=(), maintenance=())
    assert impact(replace(bare, maintenance=(log(Decimal(40)),))).downtime_h > impact(bare).downtime_h
    assert impact(replace(bare, maintenance=(log(Decimal(1)),))).downtime_h < impact(bare).downtime_h
    assert impact(replace(bare, history=(past(1, "Bearing Fault"),))).downtime_h > impact(bare).downtime_h
    unrelated = impact(replace(bare, maintenance=(log(Decimal(40), "Seal Leak"),)))
    assert unrelated.downtime_h == impact(bare).downtime_h


@pytest.mark.clause("A21")
def test_the_cause_and_the_type_decide_the_typical_downtime() -> None:
    references = (
        DowntimeReference("BEARING_FAULT", Decimal(6)),
        DowntimeReference("Bearing Fault", Decimal(10), "Pump"),
        DowntimeReference("Seal Leak", Decimal(99), "Pump"),
    )
    bare = case(history=(), maintenance=(), downtime_references=references)
    assert impact(bare).downtime_h == Decimal("12.50")
    assert impact(replace(bare, downtime_references=references[:1])).downtime_h == Decimal("7.50")
    assert "assumed" in impact(replace(bare, downtime_references=())).basis


@pytest.mark.clause("A22", "I8")
def test_the_cost_of_the_asset_beats_site_beats_type_beats_tenant() -> None:
    references = (
        CostReference(Decimal(1)),
        CostReference(Decimal(2), asset_type="pump"),
        CostReference(Decimal(3), site_id=1),
        CostReference(Decimal(4), asset_id=1),
        CostReference(Decimal(9), asset_id=2),
        CostReference(Decimal(9), site_id=2),
        CostReference(Decimal(9), asset_type="Valve"),
    )
    chosen = []
    for drop in ((), (4,), (4, 3), (4, 3, 2), (4, 3, 2, 1)):
        found = cost_reference([r for r in references if r.cost_per_hour not in drop], PUMP)
        chosen.append(found and int(found.cost_per_hour))
    assert chosen == [4, 3, 2, 1, None]


@pytest.mark.clause("A23", "O4")
@given(st.decimals(0, 100_000, places=2), HOURS)
def test_the_amount_is_the_exact_product(cost: Decimal, typical: Decimal) -> None:
    references = (CostReference(cost, "USD"),)
    found = impact(
        case(cost_references=references, downtime_references=(DowntimeReference("Bearing Fault", typical),))
    )
    assert found.amount == found.downtime_h * found.cost_per_hour
    assert found.cost_per_hour == cost
    assert found.currency == "USD"


@pytest.mark.clause("I8", "O4")
def test_without_an_approved_cost_there_is_no_amount() -> None:
    assert financial_impact(case(cost_references=()), BEARING) is None


@pytest.mark.clause("A24", "I6")
def test_energy_is_the_trapezoid_of_the_power_over_the_window() -> None:
    whole = series(6, "power")
    steps = (whole.time - whole.time[0]) / 1e6
    ramp = replace(whole, value=100.0 + steps / 10.0)
    mean = 100.0 + (45 * 60 + 30 * 60 - 1) / 10.0
    found = carbon(case(series=(ramp,)))
    assert float(found.energy_kwh) == pytest.approx(mean, rel=1e-3)
    assert not found.assumed
    assert found.window_h == 1


@pytest.mark.clause("A24", "I6")
def test_a_window_still_open_counts_what_was_measured() -> None:
    flat = constant(series(6, "power"), 500.0)
    half = carbon(case(series=(flat,), now=ANCHOR, provisional=True))
    assert float(half.energy_kwh) == pytest.approx(250.0, rel=1e-2)
    assert half.window_h == Decimal("0.5")


@pytest.mark.clause("A24", "I6")
@pytest.mark.parametrize("lack", ["no tag", "bad", "generated", "neighbour's", "unknown unit"])
def test_without_measured_power_the_typical_consumption_is_assumed(lack: str) -> None:
    power = series(6, "power", minutes_after=30)
    given_series: dict[str, tuple[Series, ...]] = {
        "no tag": (),
        "bad": (replace(power, quality=np.full(len(power.time), Quality.BAD, np.uint8)),),
        "generated": (replace(power, mapping=replace(power.mapping, description="Generated power")),),
        "neighbour's": (series(6, "power", asset_id=3),),
        "unknown unit": (replace(power, mapping=replace(power.mapping, unit="hp")),),
    }
    found = carbon(case(series=given_series[lack]))
    assert found.assumed
    assert found.energy_kwh == 480


@pytest.mark.clause("A24", "I3")
def test_the_spec_knows_typical_consumption_too() -> None:
    bare = case(series=(), typical_power_kw=None)
    assert carbon(bare).energy_kwh == 470
    assert carbon_impact(replace(bare, spec=None), ()) is None


def test_a_half_bad_power_tag_is_still_measured() -> None:
    power = constant(spoiled(series(6, "power"), Quality.UNCERTAIN), 500.0)
    assert not carbon(case(series=(power,))).assumed


def cut_out(whole: Series, begin_min: float, end_min: float) -> Series:
    """Without the samples in minutes after the anchor."""
    minute = (whole.time - to_micros(ANCHOR)) / 6e7
    kept = (minute <= begin_min) | (minute >= end_min)
    return replace(whole, time=whole.time[kept], value=whole.value[kept], quality=whole.quality[kept])


@pytest.mark.clause("A24", "I6")
def test_time_that_was_not_measured_is_filled_with_typical_power_and_says_so() -> None:
    broken_off = cut_out(constant(series(6, "power"), 500.0), 12, 99)
    found = carbon(case(series=(broken_off,)))
    assert found.energy_kwh == Decimal("0.7") * 500 + Decimal("0.3") * 480
    assert found.assumed
    assert found.source == "electricity; 30 % of the window at typical power (480 kW)"
    assert found.carbon_kg == found.energy_kwh * found.factor_kg_per_kwh


@pytest.mark.clause("A24", "I6")
@pytest.mark.parametrize("cut", [(-99, 12), (-20, 22), (-12, 99)])
def test_without_typical_power_the_mean_of_what_was_measured_fills_the_gap(cut: tuple[float, float]) -> None:
    power = cut_out(constant(series(6, "power"), 500.0), *cut)
    found = carbon(case(series=(power,), typical_power_kw=None, spec=None))
    assert float(found.energy_kwh) == pytest.approx(500)
    assert found.assumed
    assert "70 % of the window at mean measured power (500 kW)" in found.source


@pytest.mark.clause("A24", "I6")
def test_a_gap_in_the_middle_is_not_measured_by_its_edges() -> None:
    power = series(6, "power")
    jumps = cut_out(replace(power, value=np.where(power.time > to_micros(ANCHOR), 4000.0, 0.0)), -15, 15)
    found = carbon(case(series=(jumps,)))
    assert float(found.energy_kwh) == pytest.approx(0.25 * 0 + 0.5 * 480 + 0.25 * 4000)
    assert found.assumed


@pytest.mark.clause("A24", "I6")
def test_a_short_gap_is_filled_and_still_counts_as_measured() -> None:
    found = carbon(case(series=(cut_out(constant(series(6, "power"), 600.0), 10, 12),)))
    assert found.energy_kwh == Decimal(58) / 60 * 600 + Decimal(2) / 60 * 480
    assert not found.assumed
    assert found.source == "electricity"


@pytest.mark.clause("A24", "I6")
def test_a_slow_tag_is_measured_between_its_samples_and_at_the_edges_of_the_window() -> None:
    power = constant(series(6, "power"), 500.0)
    rare = np.arange(90, len(power.time), 240)
    slow = replace(
        power,
        mapping=replace(power.mapping, scan_s=240.0),
        time=power.time[rare],
        value=power.value[rare],
        quality=power.quality[rare],
    )
    now = ANCHOR + timedelta(minutes=20)
    found = carbon(case(series=(slow,), now=now, provisional=True))
    assert float(found.energy_kwh) == pytest.approx(500 * 50 / 60)
    assert not found.assumed


@pytest.mark.clause("A24", "I6")
def test_what_a_turbine_generates_is_not_its_consumption() -> None:
    turbine = replace(PUMP, asset_type="Turbine")
    generated = constant(series(6, "power"), 15_000.0)
    whole = case(asset=turbine, series=(generated,), typical_power_kw=Decimal(120))
    assert carbon(whole).energy_kwh == 120
    assert carbon(whole).assumed
    assert "100 % of the window at typical power (120 kW)" in carbon(whole).source
    assert carbon_impact(replace(whole, typical_power_kw=None, spec=None), whole.series) is None


@pytest.mark.clause("A25", "O5", "I7")
@given(st.decimals(0, 5, places=5))
def test_carbon_is_the_exact_product(factor: Decimal) -> None:
    found = carbon(case(carbon_factors=(CarbonFactor("Electricity", factor),)))
    assert found.carbon_kg == found.energy_kwh * found.factor_kg_per_kwh
    assert found.factor_kg_per_kwh == factor


@pytest.mark.clause("A25", "I7")
def test_the_factor_is_that_of_the_energy_type() -> None:
    factors = (CarbonFactor("electricity", Decimal("0.42")), CarbonFactor("steam", Decimal("0.2")))
    steam = replace(spec(), energy_type="steam")
    assert carbon(case(carbon_factors=factors)).factor_kg_per_kwh == Decimal("0.42")
    assert carbon(case(carbon_factors=factors, spec=steam)).factor_kg_per_kwh == Decimal("0.2")
    assert carbon_impact(case(carbon_factors=()), ()) is None


def constant(whole: Series, value: float) -> Series:
    return replace(whole, value=np.full(len(whole.time), value))


def grounds(whole: Case) -> Grounds:
    found = impact(whole).grounds
    assert found is not None
    return found


@pytest.mark.clause("O4", "A23")
def test_the_arithmetic_is_told_line_by_line() -> None:
    """6 h typical on an asset of high criticality, 10 h and 20 h before, at 8,000 an hour."""
    lines = [line.text for line in grounds(case()).arithmetic]
    assert lines == [
        "6 h typical × 1.25 for high criticality = 7.5 h",
        "with 2 past cases of 30 h together: (2 × 7.5 h + 30 h) / 4 = 11.25 h",
        "11.25 h × 8,000 SAR/h = 90,000 SAR",
    ]


@pytest.mark.clause("O4", "I5", "I8")
def test_the_rows_that_an_amount_rests_on_are_named() -> None:
    approved = ANCHOR - timedelta(days=100)
    cost = CostReference(Decimal(8000), id=3, approved_at=approved, approved_by="Layla Haddad")
    typical = DowntimeReference("Bearing Fault", Decimal(6), source="OREDA", id=5)
    rows = grounds(case(cost_references=(cost,), downtime_references=(typical,))).sources
    assert [(row.kind, row.reference) for row in rows] == [
        ("cost", "cost_references #3"),
        ("downtime_reference", "downtime_references #5"),
        ("past_incident", "BB-0001"),
        ("work_order", "WO-7"),
    ]
    assert (rows[0].approved_by, rows[0].at) == ("Layla Haddad", approved.isoformat())


@given(st.lists(HOURS, max_size=8), st.decimals(0, 10_000, places=2))
def test_the_estimate_lies_in_its_range(past_h: list[Decimal], rate: Decimal) -> None:
    logs = tuple(log(hours) for hours in past_h)
    whole = case(history=(), maintenance=logs, cost_references=(CostReference(rate),))
    found = impact(whole)
    assert found.grounds is not None
    assert found.grounds.low <= found.amount <= found.grounds.high


def test_few_cases_give_a_wider_range_than_their_spread() -> None:
    few = case(history=(), maintenance=(log(Decimal(7)), log(Decimal(8))))
    many = replace(few, maintenance=tuple(log(Decimal(hours)) for hours in (7, 8, 7, 8, 9)))
    assert "fewer than 3" in grounds(few).method.text
    assert "percentile of 5 past" in grounds(many).method.text
    assert grounds(few).high - grounds(few).low > grounds(many).high - grounds(many).low


@pytest.mark.clause("A21", "I5")
def test_confirmed_orders_count_alone_so_that_none_counts_twice() -> None:
    orders = DowntimeHistory(
        "Bearing Fault", "Pump", 4, Decimal(9), Decimal(8), Decimal(11), ("WO-9", "WO-8")
    )
    found = impact(case(downtime_history=(orders,)))
    assert found.downtime_h == Decimal("8.50")
    assert found.grounds is not None
    assert (found.grounds.low, found.grounds.high) == (Decimal(64000), Decimal(88000))
    assert [row.kind for row in found.grounds.sources] == ["cost", "downtime_reference", "confirmed_orders"]
    other = replace(orders, asset_type="Valve")
    assert impact(case(downtime_history=(other,))).downtime_h == impact(case()).downtime_h


def test_what_is_assumed_is_listed() -> None:
    told = [note.text for note in grounds(case(downtime_references=())).assumptions]
    assert any("Bearing Fault is assumed" in text for text in told)
    assert not any("is assumed" in note.text for note in grounds(case()).assumptions)
    later = CostReference(Decimal(1), came_later=True)
    assert any("after the incident" in n.text for n in grounds(case(cost_references=(later,))).assumptions)


def test_a_cost_that_came_later_gives_way_to_any_that_was_in_force() -> None:
    later = CostReference(Decimal(9), asset_id=1, came_later=True)
    assert cost_reference((later, CostReference(Decimal(1))), PUMP) == CostReference(Decimal(1))
    assert cost_reference((later,), PUMP) == later


@pytest.mark.clause("O5", "A25")
def test_measured_energy_has_no_range_and_filled_energy_has() -> None:
    measured, filled = carbon(case()).grounds, carbon(case(series=())).grounds
    assert measured is not None
    assert filled is not None
    assert measured.high - measured.low < Decimal("0.01") * measured.high
    assert (filled.low, filled.high) == (Decimal("100.800"), Decimal("302.400"))
    assert [row.kind for row in filled.sources] == ["carbon_factor", "typical_power"]
    assert "measured_power" in [row.kind for row in measured.sources]
    assert filled.arithmetic[-1].text == "480 kWh × 0.42 kg/kWh = 201.6 kg"


def test_of_many_past_cases_all_count_and_the_first_few_are_named() -> None:
    history = tuple(replace(past(n, "Bearing Fault"), downtime_h=Decimal(n)) for n in range(1, 41))
    told = grounds(case(history=history, maintenance=()))
    assert "40 past downtimes" in told.method.text
    assert [row.reference for row in told.sources if row.kind == "past_incident"] == [
        f"BB-{number:04d}" for number in range(1, 9)
    ]
