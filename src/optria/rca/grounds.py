"""What an estimate rests on: its arithmetic line by line, its assumptions, the stored rows and the range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from optria.core.incident import CarbonImpact, FinancialImpact, Grounds, ImpactSource, Note, cause_label
from optria.rca.case import (
    Case,
    CostReference,
    DowntimeHistory,
    DowntimeReference,
    MaintenanceLog,
    PastIncident,
    RawTime,
)
from optria.rca.words import cause_words, ltr, plain

ENOUGH = 3
"""Past downtimes from which their spread is the range."""
MOST_ROWS = 8
"""Past cases that are named one by one; all of them count."""
NARROW, WIDE = Decimal("0.5"), Decimal(2)
"""Range of an estimate that too few past downtimes bear out: a factor of two either way."""
FILLED_SPREAD = Decimal("0.5")
"""Part by which consumption that was not measured may be off, either way."""
_CENT = Decimal("0.01")
_CRITICALITY_AR = {"low": "منخفضة", "medium": "متوسطة", "high": "عالية", "critical": "حرجة"}


@dataclass(frozen=True, slots=True)
class PastDowntimes:
    """What a cause really took on assets of a type: ``count`` cases, ``total_h`` together, and their rows."""

    count: int
    total_h: Decimal
    low_h: Decimal
    high_h: Decimal
    rows: tuple[ImpactSource, ...] = ()


NO_PAST = PastDowntimes(0, Decimal(0), Decimal(0), Decimal(0))


def past_downtimes(case: Case, cause: str) -> PastDowntimes:
    """Confirmed orders of the cause where there are any, else past incidents and maintenance logs of it."""
    kind = case.asset.asset_type.casefold()
    confirmed = (h for h in case.downtime_history if h.cause == cause and h.asset_type.casefold() == kind)
    history = next(confirmed, None)
    return _of_orders(history) if history and history.count else _of_cases(_past_cases(case, cause))


def _of_orders(history: DowntimeHistory) -> PastDowntimes:
    codes = ", ".join(history.orders)
    row = ImpactSource("confirmed_orders", codes, plain(history.mean_h), "h", f"{history.count}")
    total = history.mean_h * history.count
    return PastDowntimes(history.count, total, history.low_h, history.high_h, (row,))


def _of_cases(cases: Sequence[PastIncident | MaintenanceLog]) -> PastDowntimes:
    """``cases`` all have their downtime; the first few are named."""
    hours = [case.downtime_h for case in cases if case.downtime_h is not None]
    if not hours:
        return NO_PAST
    low, high = np.percentile([float(h) for h in hours], [10, 90])
    rows = tuple(_row(case) for case in cases[:MOST_ROWS])
    return PastDowntimes(len(hours), sum(hours, Decimal(0)), _decimal(low), _decimal(high), rows)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))


def _past_cases(case: Case, cause: str) -> list[PastIncident | MaintenanceLog]:
    kind = case.asset.asset_type.casefold()
    incidents = [p for p in case.history if p.cause == cause and p.asset_type.casefold() == kind]
    logs = [log for log in case.maintenance if log.cause and cause_label(log.cause) == cause]
    cases: list[PastIncident | MaintenanceLog] = [*incidents, *logs]
    return [one for one in cases if one.downtime_h is not None and one.downtime_h >= 0]


def _row(case: PastIncident | MaintenanceLog) -> ImpactSource:
    hours = plain(case.downtime_h or Decimal(0))
    if isinstance(case, PastIncident):
        return ImpactSource("past_incident", case.number, hours, "h", at=_at(case.occurred_at))
    return ImpactSource("work_order", case.code, hours, "h", case.title, _at(case.time))


def _at(time: RawTime | None) -> str | None:
    if time is None:
        return None
    return time.isoformat() if isinstance(time, datetime) else str(time)


def financial_grounds(
    case: Case,
    cause: str,
    impact: FinancialImpact,
    cost: CostReference,
    reference: DowntimeReference,
    factor: Decimal,
    past: PastDowntimes,
    prior_weight: Decimal,
) -> Grounds:
    """The grounds of the expected downtime cost."""
    low_h, high_h, method = _range(impact.downtime_h, past)
    return Grounds(
        arithmetic=_hours_lines(case, impact, reference, factor, past, prior_weight),
        assumptions=_financial_assumptions(cause, cost, reference, past),
        sources=(_cost_row(cost, impact), *_reference_rows(reference), *past.rows),
        low=low_h * impact.cost_per_hour,
        high=high_h * impact.cost_per_hour,
        method=method,
    )


def _range(hours: Decimal, past: PastDowntimes) -> tuple[Decimal, Decimal, Note]:
    """Hours from and to; the estimate itself is always between them."""
    if past.count >= ENOUGH:
        method = Note(
            f"10th to 90th percentile of {past.count} past downtimes of this cause",
            f"من المئين العاشر إلى التسعين لعدد {past.count} من فترات التوقف السابقة لهذا السبب",
        )
        return min(past.low_h, hours), max(past.high_h, hours), method
    method = Note(
        f"half to twice the estimate: fewer than {ENOUGH} past downtimes of this cause are known",
        f"من نصف التقدير إلى ضعفه: المعروف أقل من {ENOUGH} فترات توقف سابقة لهذا السبب",
    )
    seen = [past.low_h, past.high_h] if past.count else []
    low, high = (hours * NARROW).quantize(_CENT), (hours * WIDE).quantize(_CENT)
    return min([low, *seen]), max([high, *seen]), method


def _hours_lines(
    case: Case,
    impact: FinancialImpact,
    reference: DowntimeReference,
    factor: Decimal,
    past: PastDowntimes,
    prior_weight: Decimal,
) -> tuple[Note, ...]:
    typical, prior = plain(reference.hours), plain(reference.hours * factor)
    level = case.asset.criticality
    level_ar = _CRITICALITY_AR.get(level, level)
    sums = ltr(f"{typical} h × {plain(factor)} = {prior} h")
    lines = [
        Note(
            f"{typical} h typical × {plain(factor)} for {level} criticality = {prior} h",
            f"المدة المعتادة × معامل الأهمية ({level_ar}): {sums}",
        )
    ]
    hours = plain(impact.downtime_h)
    if past.count:
        total, cases = plain(past.total_h.quantize(_CENT)), prior_weight + past.count
        sums = f"({prior_weight} × {prior} h + {total} h) / {cases} = {hours} h"
        lines.append(
            Note(
                f"with {past.count} past cases of {total} h together: {sums}",
                f"مع {past.count} من الحالات السابقة: {ltr(sums)}",
            )
        )
    return (*lines, _product(hours, impact))


def _product(hours: str, impact: FinancialImpact) -> Note:
    rate = f"{impact.cost_per_hour:,.2f}".rstrip("0").rstrip(".")
    amount = f"{impact.amount:,.2f}".rstrip("0").rstrip(".")
    sums = f"{hours} h × {rate} {impact.currency}/h = {amount} {impact.currency}"
    return Note(sums, ltr(sums))


def _financial_assumptions(
    cause: str, cost: CostReference, reference: DowntimeReference, past: PastDowntimes
) -> tuple[Note, ...]:
    name = cause_words(cause)
    notes = [
        Note(
            "the asset stands still for the whole time; repair cost is not counted",
            "المعدة متوقفة طوال المدة؛ ولا تُحتسب تكلفة الإصلاح",
        )
    ]
    if reference.source == "assumed":
        notes.append(
            Note(
                f"the typical downtime of {name.en} is assumed: none is approved",
                f"مدة التوقف المعتادة لسبب {name.ar} مفترضة: لا توجد مدة معتمدة",
            )
        )
    if past.count:
        notes.append(
            Note(
                "the typical value weighs as much as two past cases",
                "تزن القيمة المعتادة ما تزنه حالتان سابقتان",
            )
        )
    if cost.came_later:
        notes.append(
            Note(
                "the cost of an hour was approved only after the incident: none was in force then",
                "اعتُمدت تكلفة الساعة بعد الحادث: لم تكن هناك تكلفة سارية حينها",
            )
        )
    return tuple(notes)


def _cost_row(cost: CostReference, impact: FinancialImpact) -> ImpactSource:
    reference = f"cost_references #{cost.id}" if cost.id is not None else impact.source
    unit = f"{cost.currency}/h"
    approved = _at(cost.approved_at)
    return ImpactSource(
        "cost", reference, plain(cost.cost_per_hour), unit, impact.source, approved, cost.approved_by or None
    )


def _reference_rows(reference: DowntimeReference) -> tuple[ImpactSource, ...]:
    if reference.source == "assumed":
        return ()
    number = (
        f"downtime_references #{reference.id}"
        if reference.id is not None
        else reference.source or "approved reference"
    )
    return (ImpactSource("downtime_reference", number, plain(reference.hours), "h", reference.source),)


def carbon_grounds(
    impact: CarbonImpact,
    measured_kwh: Decimal,
    filled_kwh: Decimal,
    fill_kw: Decimal,
    sources: tuple[ImpactSource, ...],
    *,
    is_open: bool,
    fill_is_typical: bool,
) -> Grounds:
    """The grounds of the CO2 of the window."""
    factor = impact.factor_kg_per_kwh
    spread = filled_kwh * FILLED_SPREAD * factor
    return Grounds(
        arithmetic=_energy_lines(impact, measured_kwh, filled_kwh, fill_kw),
        assumptions=_carbon_assumptions(filled_kwh, is_open=is_open, fill_is_typical=fill_is_typical),
        sources=sources,
        low=(impact.carbon_kg - spread).quantize(Decimal("0.001")),
        high=(impact.carbon_kg + spread).quantize(Decimal("0.001")),
        method=_carbon_method(filled_kwh),
    )


def _carbon_method(filled_kwh: Decimal) -> Note:
    if not filled_kwh:
        return Note("measured throughout: no range", "مقيسة بالكامل: لا يوجد مدى")
    return Note(
        "what was not measured may be off by half either way",
        "ما لم يُقَس قد يزيد أو ينقص بمقدار النصف",
    )


def _energy_lines(
    impact: CarbonImpact, measured_kwh: Decimal, filled_kwh: Decimal, fill_kw: Decimal
) -> tuple[Note, ...]:
    lines = []
    if filled_kwh:
        measured, filled = plain(measured_kwh.quantize(_CENT)), plain(filled_kwh.quantize(_CENT))
        sums = ltr(f"{measured} kWh + {filled} kWh ({plain(fill_kw)} kW)")
        lines.append(
            Note(
                f"{measured} kWh measured + {filled} kWh at {plain(fill_kw)} kW where nothing was measured",
                f"المقيس + غير المقيس: {sums}",
            )
        )
    energy, factor = plain(impact.energy_kwh), plain(impact.factor_kg_per_kwh)
    product = f"{energy} kWh × {factor} kg/kWh = {plain(impact.carbon_kg.quantize(_CENT))} kg"
    return (*lines, Note(product, ltr(product)))


def _carbon_assumptions(filled_kwh: Decimal, *, is_open: bool, fill_is_typical: bool) -> tuple[Note, ...]:
    notes = [
        Note(
            "only the window of the incident counts, not the downtime after it",
            "تُحتسب نافذة الحادث فقط، لا مدة التوقف بعدها",
        )
    ]
    if is_open:
        notes.append(
            Note("the window is still open: it counts up to now", "النافذة ما زالت مفتوحة: تُحتسب حتى الآن")
        )
    if filled_kwh:
        what = (
            Note("at typical consumption", "بالاستهلاك المعتاد")
            if fill_is_typical
            else Note("at the mean of what was measured", "بمتوسط ما تم قياسه")
        )
        notes.append(Note(f"what was not measured counts {what.text}", f"ما لم يُقَس يُحتسب {what.text_ar}"))
    return tuple(notes)
