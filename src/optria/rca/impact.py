"""What the incident is expected to cost: downtime in money, energy in CO2. Exact decimals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from optria.core.asset import Asset
from optria.core.incident import (
    OTHER,
    CarbonImpact,
    FinancialImpact,
    ImpactSource,
    RootCause,
    cause_label,
)
from optria.core.tag import Quality, to_micros
from optria.rca.case import CarbonFactor, Case, CostReference, DowntimeReference, Series
from optria.rca.grounds import PastDowntimes, carbon_grounds, financial_grounds, past_downtimes
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
_US_PER_H = 3_600_000_000
_LONGEST_STEP_S, _LONGEST_STEP_SCANS = 60.0, 5.0
"""Between two samples further apart than the longer of these, nothing was measured."""
ASSUMED_SHARE = Decimal("0.05")
"""Part of the window that may be filled before the energy is marked as assumed."""
GENERATORS = frozenset({"turbine", "generator"})
"""Asset types whose power is what they give, not what they take."""


def financial_impact(case: Case, cause: RootCause) -> FinancialImpact | None:
    """``downtime * cost per hour`` for the top cause; None where the client has approved no cost."""
    cost = cost_reference(case.cost_references, case.asset)
    if cost is None:
        return None
    reference = downtime_reference(case.downtime_references, cause.label, case.asset.asset_type)
    past = past_downtimes(case, cause.label)
    factor = CRITICALITY_FACTORS[case.asset.criticality_rank]
    downtime_h = _weighed(reference.hours * factor, past.count, past.total_h)
    known = 0.5 + (0.2 if reference.source != "assumed" else 0.0) + min(0.3, 0.06 * past.count)
    impact = FinancialImpact(
        downtime_h=downtime_h,
        cost_per_hour=cost.cost_per_hour,
        amount=downtime_h * cost.cost_per_hour,
        currency=cost.currency,
        source=cost.source or _scope(cost),
        basis=_basis(reference, case.asset, past, downtime_h),
        confidence=round(known * (cause.probability if cause.label != OTHER else 0.5), 2),
    )
    grounds = financial_grounds(case, cause.label, impact, cost, reference, factor, past, _PRIOR_WEIGHT)
    return replace(impact, grounds=grounds)


def _weighed(prior_h: Decimal, count: int, total_h: Decimal) -> Decimal:
    """Typical hours, moved towards what such failures really took; they count as two past cases."""
    return ((prior_h * _PRIOR_WEIGHT + total_h) / (_PRIOR_WEIGHT + count)).quantize(Decimal("0.01"))


def cost_reference(references: Sequence[CostReference], asset: Asset) -> CostReference | None:
    """The approved cost of the asset, else of its site, else of its type, else of the tenant.

    One that came only after the incident counts where none at all was in force.
    """
    in_force = [reference for reference in references if not reference.came_later]
    return _narrowest(in_force, asset) or _narrowest(references, asset)


def _narrowest(references: Sequence[CostReference], asset: Asset) -> CostReference | None:
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


def carbon_impact(case: Case, series: Sequence[Series]) -> CarbonImpact | None:
    """Energy of the asset in the window so far, times the factor of its energy type.

    Energy is the trapezoid of its power tag (kW) over the stretches that were measured. The rest of the
    window is filled with the typical consumption, where none is known with the mean of what was measured;
    marked as assumed where that is more than ``ASSUMED_SHARE`` of the window. A window still open counts
    to ``now``: nothing is foretold. None without a factor, or without power and typical consumption.
    """
    factor, energy = carbon_factor(case), energy_of(case, series)
    if factor is None or energy is None:
        return None
    energy_kwh = energy.kwh.quantize(Decimal("0.001"))
    source = factor.source or factor.energy_type
    impact = CarbonImpact(
        energy_kwh=energy_kwh,
        factor_kg_per_kwh=factor.factor_kg_per_kwh,
        carbon_kg=energy_kwh * factor.factor_kg_per_kwh,
        energy_type=factor.energy_type,
        window_h=_window_h(case).quantize(Decimal("0.0001")),
        assumed=energy.assumed,
        source=f"{source}; {energy.note}" if energy.assumed else source,
    )
    grounds = carbon_grounds(
        impact,
        energy.measured_kwh,
        energy.filled_kwh,
        energy.fill_kw,
        _carbon_rows(case, factor, energy, series),
        is_open=case.now < case.window.end,
        fill_is_typical=energy.fill_is_typical,
    )
    return replace(impact, grounds=grounds)


def _carbon_rows(
    case: Case, factor: CarbonFactor, energy: "Energy", series: Sequence[Series]
) -> tuple[ImpactSource, ...]:
    """The factor, the power tag where it was measured, the typical consumption where it was not."""
    number = f"carbon_factors #{factor.id}" if factor.id is not None else factor.energy_type
    since = factor.valid_from.isoformat() if factor.valid_from else None
    value = plain(factor.factor_kg_per_kwh)
    rows = [ImpactSource("carbon_factor", number, value, "kg/kWh", factor.source, since)]
    power = next((s for s in series if _is_consumption(s, case.asset)), None)
    if power is not None and energy.measured_kwh:
        measured = plain(energy.measured_kwh.quantize(Decimal("0.01")))
        rows.append(ImpactSource("measured_power", power.mapping.external_tag, measured, "kWh"))
    if energy.filled_kwh and energy.fill_is_typical:
        document = case.spec.document if case.spec else "typical consumption"
        rows.append(ImpactSource("typical_power", document, plain(energy.fill_kw), "kW"))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of the window; ``filled_share`` of its time was not measured but filled at ``fill_kw``."""

    measured_kwh: Decimal
    filled_kwh: Decimal
    filled_share: Decimal
    fill_kw: Decimal
    fill_is_typical: bool

    @property
    def kwh(self) -> Decimal:
        return self.measured_kwh + self.filled_kwh

    @property
    def assumed(self) -> bool:
        return self.filled_share > ASSUMED_SHARE

    @property
    def note(self) -> str:
        """What was assumed, in a few words."""
        origin = "typical" if self.fill_is_typical else "mean measured"
        return f"{self.filled_share * 100:.0f} % of the window at {origin} power ({plain(self.fill_kw)} kW)"


def energy_of(case: Case, series: Sequence[Series]) -> Energy | None:
    """What the asset consumed in the window so far; None with nothing measured and nothing typical."""
    window_h = _window_h(case)
    measured_h, measured_kwh = measured_energy(case, series)
    typical = typical_power_kw(case)
    if typical is None and not measured_h:
        return None
    fill_kw = typical if typical is not None else (measured_kwh / measured_h).quantize(Decimal("0.1"))
    missing_h = max(window_h - measured_h, Decimal(0))
    return Energy(
        measured_kwh=measured_kwh,
        filled_kwh=fill_kw * missing_h,
        filled_share=missing_h / window_h if window_h else Decimal(1),
        fill_kw=fill_kw,
        fill_is_typical=typical is not None,
    )


def typical_power_kw(case: Case) -> Decimal | None:
    """The typical consumption of the asset, else that of its machine spec."""
    if case.typical_power_kw is not None:
        return case.typical_power_kw
    return case.spec.typical_power_kw if case.spec else None


def carbon_factor(case: Case) -> CarbonFactor | None:
    """The factor of the asset's energy type (electricity where its spec names none)."""
    wanted = (case.spec.energy_type if case.spec else "electricity").casefold()
    return next((f for f in case.carbon_factors if f.energy_type.casefold() == wanted), None)


def measured_energy(case: Case, series: Sequence[Series]) -> tuple[Decimal, Decimal]:
    """Hours of the window so far in which the asset's own power was measured, and the kWh in them."""
    power = next((s for s in series if _is_consumption(s, case.asset)), None)
    if power is None:
        return Decimal(0), Decimal(0)
    good = (power.quality != Quality.BAD) & np.isfinite(power.value)
    time, kw = power.time[good], np.maximum(power.value[good] * _KW[power.mapping.unit.casefold()], 0.0)
    if len(time) < 2:
        return Decimal(0), Decimal(0)
    start, end = _window_us(case)
    low, high = np.clip(time[:-1], start, end), np.clip(time[1:], start, end)
    longest_us = 1e6 * max(_LONGEST_STEP_S, _LONGEST_STEP_SCANS * power.mapping.scan_s)
    width_us = np.where(np.diff(time) <= longest_us, high - low, 0)
    mean_kw = (np.interp(low, time, kw) + np.interp(high, time, kw)) / 2
    kwh = float((width_us * mean_kw).sum()) / _US_PER_H
    return Decimal(int(width_us.sum())) / _US_PER_H, Decimal(str(round(kwh, 6)))


def _is_consumption(series: Series, asset: Asset) -> bool:
    """Power that the asset takes; a generator's output is none."""
    mapping = series.mapping
    if asset.asset_type.casefold() in GENERATORS or "generated" in mapping.description.casefold():
        return False
    return mapping.asset_id == asset.id and mapping.metric == "power" and mapping.unit.casefold() in _KW


def _window_us(case: Case) -> tuple[int, int]:
    """Begin and end of the part of the window that has passed, µs UTC."""
    start = to_micros(case.window.start)
    return start, max(start, to_micros(min(case.window.end, case.now)))


def _window_h(case: Case) -> Decimal:
    start, end = _window_us(case)
    return Decimal(end - start) / _US_PER_H


def _is_type(asset_type: str | None, asset: Asset) -> bool:
    return asset_type is not None and asset_type.casefold() == asset.asset_type.casefold()


def _scope(cost: CostReference) -> str:
    if cost.asset_id is not None:
        return "asset"
    if cost.site_id is not None:
        return "site"
    return cost.asset_type or "tenant"


def _basis(reference: DowntimeReference, asset: Asset, past: PastDowntimes, downtime_h: Decimal) -> str:
    """The arithmetic of the downtime, so that a reader can do it again."""
    factor = CRITICALITY_FACTORS[asset.criticality_rank]
    origin = " (assumed)" if reference.source == "assumed" else ""
    text = f"{plain(reference.hours)} h typical{origin} × {plain(factor)} for {asset.criticality} criticality"
    if not past.count:
        return text
    prior, total = plain(reference.hours * factor), plain(past.total_h.quantize(Decimal("0.01")))
    weights = f"({_PRIOR_WEIGHT} × {prior} h + {total} h of {past.count} past cases)"
    return f"{text}; {weights} / {_PRIOR_WEIGHT + past.count} = {plain(downtime_h)} h"
