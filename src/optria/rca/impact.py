"""What the incident is expected to cost: downtime in money, energy in CO2. Exact decimals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from optria.core.asset import Asset
from optria.core.incident import OTHER, CarbonImpact, FinancialImpact, RootCause, cause_label
from optria.core.tag import Quality, to_micros
from optria.rca.case import CarbonFactor, Case, CostReference, DowntimeReference, Series
from optria.rca.words import plain

CRITICALITY_FACTORS = (Decimal("0.75"), Decimal(1), Decimal("1.25"), Decimal("1.5"))
"""On the typical downtime, low to critical: what much depends on takes longer to be released again."""
TYPICAL_HOURS: Mapping[str, Decimal] = {
    "Bearing Fault": Decimal(12),
    "Pump Cavitation": Decimal(4),
    "Valve Leakage": Decimal(6),
    "Rotor Imbalance": Decimal(10),
    "Shaft Misalignment": Decimal(8),
    "Seal Leak": Decimal(8),
    "Suction Blockage": Decimal(4),
    "Discharge Blockage": Decimal(5),
    "Valve Stiction": Decimal(4),
    "Exchanger Fouling": Decimal(16),
    "Instrumentation Fault": Decimal(2),
    "Motor Electrical Fault": Decimal(14),
    "Compressor Surge": Decimal(6),
    "Utility Loss": Decimal(3),
    OTHER: Decimal(4),
}
"""Hours where the client has approved none; marked as assumed."""
_PRIOR_WEIGHT = Decimal(2)
_KW: Mapping[str, float] = {"kw": 1.0, "mw": 1000.0, "w": 0.001}
_MIN_COVERAGE = 0.5


def financial_impact(case: Case, cause: RootCause) -> FinancialImpact | None:
    """``downtime * cost per hour`` for the top cause; None where the client has approved no cost."""
    cost = cost_reference(case.cost_references, case.asset)
    if cost is None:
        return None
    reference = downtime_reference(case.downtime_references, cause.label, case.asset.asset_type)
    past = past_downtimes(case, cause.label)
    downtime_h = downtime_estimate(reference.hours, case.asset.criticality_rank, past)
    known = 0.5 + (0.2 if reference.source != "assumed" else 0.0) + min(0.3, 0.06 * len(past))
    return FinancialImpact(
        downtime_h=downtime_h,
        cost_per_hour=cost.cost_per_hour,
        amount=downtime_h * cost.cost_per_hour,
        currency=cost.currency,
        source=cost.source or _scope(cost),
        basis=_basis(reference, case.asset, len(past)),
        confidence=round(known * (cause.probability if cause.label != OTHER else 0.5), 2),
    )


def downtime_estimate(typical_h: Decimal, criticality_rank: int, past_h: Sequence[Decimal]) -> Decimal:
    """Typical hours times the criticality's factor, moved towards what such failures really took.

    The typical value counts as two past cases. Rounded to 0.01 h.
    """
    prior = typical_h * CRITICALITY_FACTORS[criticality_rank]
    mean = (prior * _PRIOR_WEIGHT + sum(past_h, Decimal(0))) / (_PRIOR_WEIGHT + len(past_h))
    return mean.quantize(Decimal("0.01"))


def cost_reference(references: Sequence[CostReference], asset: Asset) -> CostReference | None:
    """The approved cost of the asset, else of its site, else of its type, else of the tenant."""
    scopes = (
        [r for r in references if r.asset_id is not None and r.asset_id == asset.id],
        [
            r
            for r in references
            if r.asset_id is None and r.site_id is not None and r.site_id == asset.site_id
        ],
        [r for r in references if r.asset_id is None and r.site_id is None and _is_type(r.asset_type, asset)],
        [r for r in references if r.asset_id is None and r.site_id is None and r.asset_type is None],
    )
    return next((found[0] for found in scopes if found), None)


def downtime_reference(
    references: Sequence[DowntimeReference], cause: str, asset_type: str
) -> DowntimeReference:
    """Typical downtime of the cause on the type, else of the cause, else a built-in one, marked assumed."""
    fitting = [r for r in references if cause_label(r.cause) == cause]
    own = [r for r in fitting if r.asset_type and r.asset_type.casefold() == asset_type.casefold()]
    general = [r for r in fitting if r.asset_type is None]
    assumed = DowntimeReference(cause, TYPICAL_HOURS.get(cause, TYPICAL_HOURS[OTHER]), None, "assumed")
    return next(iter([*own, *general]), assumed)


def past_downtimes(case: Case, cause: str) -> tuple[Decimal, ...]:
    """Hours that the cause really took: past incidents of the asset's type, and maintenance logs."""
    incidents = [
        p.downtime_h for p in case.history if p.cause == cause and _is_type(p.asset_type, case.asset)
    ]
    logs = [log.downtime_h for log in case.maintenance if log.cause and cause_label(log.cause) == cause]
    return tuple(hours for hours in (*incidents, *logs) if hours is not None and hours >= 0)


def carbon_impact(case: Case, series: Sequence[Series]) -> CarbonImpact | None:
    """Energy of the asset in the window so far, times the factor of its energy type.

    Energy is the trapezoid of its power tag (kW); where that covers less than half of the window, the
    typical consumption, marked as assumed. A window still open counts to ``now``: nothing is foretold.
    None without a factor, or without power and typical consumption.
    """
    factor = carbon_factor(case)
    measured = measured_energy_kwh(case, series)
    hours = Decimal(max(_window_s(case), 0)) / Decimal(3600)
    typical = case.typical_power_kw
    if typical is None and case.spec is not None:
        typical = case.spec.typical_power_kw
    if factor is None or (measured is None and typical is None):
        return None
    energy = measured if measured is not None else (typical or Decimal(0)) * hours
    energy_kwh = energy.quantize(Decimal("0.001"))
    return CarbonImpact(
        energy_kwh=energy_kwh,
        factor_kg_per_kwh=factor.factor_kg_per_kwh,
        carbon_kg=energy_kwh * factor.factor_kg_per_kwh,
        energy_type=factor.energy_type,
        window_h=hours.quantize(Decimal("0.0001")),
        assumed=measured is None,
        source=factor.source or factor.energy_type,
    )


def carbon_factor(case: Case) -> CarbonFactor | None:
    """The factor of the asset's energy type (electricity where its spec names none)."""
    wanted = (case.spec.energy_type if case.spec else "electricity").casefold()
    return next((f for f in case.carbon_factors if f.energy_type.casefold() == wanted), None)


def measured_energy_kwh(case: Case, series: Sequence[Series]) -> Decimal | None:
    """Trapezoid of the asset's own power over the window so far; None where too little was measured."""
    power = next((s for s in series if _is_consumption(s, case.asset)), None)
    if power is None:
        return None
    start, end = to_micros(case.window.start), to_micros(min(case.window.end, case.now))
    good = (power.quality != Quality.BAD) & np.isfinite(power.value)
    inside = good & (power.time >= start) & (power.time <= end)
    time, kw = power.time[inside], power.value[inside] * _KW[power.mapping.unit.casefold()]
    if len(time) < 2 or (time[-1] - time[0]) < _MIN_COVERAGE * (end - start):
        return None
    hours = (time - time[0]) / 3.6e9
    return Decimal(str(round(float(np.trapezoid(np.maximum(kw, 0.0), hours)), 6)))


def _is_consumption(series: Series, asset: Asset) -> bool:
    """Power that the asset takes; a generator's output is none."""
    mapping = series.mapping
    taken = "generated" not in mapping.description.casefold() and mapping.unit.casefold() in _KW
    return mapping.asset_id == asset.id and mapping.metric == "power" and taken


def _window_s(case: Case) -> int:
    return int((min(case.window.end, case.now) - case.window.start).total_seconds())


def _is_type(asset_type: str | None, asset: Asset) -> bool:
    return asset_type is not None and asset_type.casefold() == asset.asset_type.casefold()


def _scope(cost: CostReference) -> str:
    if cost.asset_id is not None:
        return "asset"
    if cost.site_id is not None:
        return "site"
    return cost.asset_type or "tenant"


def _basis(reference: DowntimeReference, asset: Asset, cases: int) -> str:
    factor = CRITICALITY_FACTORS[asset.criticality_rank]
    origin = " (assumed)" if reference.source == "assumed" else ""
    text = f"{plain(reference.hours)} h typical{origin} × {plain(factor)} for {asset.criticality} criticality"
    return text + (f", with {cases} past downtimes" if cases else "")
