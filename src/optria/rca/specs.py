"""A maker's data from its JSON row."""

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from optria.core.errors import Invalid
from optria.core.incident import cause_label
from optria.rca.case import MachineSpec, Step


def parse_spec(spec: Mapping[str, object]) -> MachineSpec:
    """``document``, ``checklist_page``, ``checklist``, ``typical_power_kw``, ``energy_type``, ``expected``
    (metric to [low, high]), ``cause_pages`` and ``cause_steps`` (by cause label or code); all may be absent.

    A line of a checklist is text or ``{"en": ..., "ar": ...}``. Raises Invalid with a sentence.
    """
    page = spec.get("checklist_page")
    power = spec.get("typical_power_kw")
    return MachineSpec(
        document=str(spec.get("document") or "MachineSpecs"),
        checklist_page=None if page is None else _page(page),
        checklist=_steps(spec.get("checklist")),
        typical_power_kw=None if power is None else _power(power),
        energy_type=str(spec.get("energy_type") or "electricity"),
        expected={metric: _range(metric, bounds) for metric, bounds in _object(spec, "expected").items()},
        cause_pages={cause_label(c): _page(number) for c, number in _object(spec, "cause_pages").items()},
        cause_steps={cause_label(c): _steps(lines) for c, lines in _object(spec, "cause_steps").items()},
    )


def _object(spec: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = spec.get(name) or {}
    if not isinstance(value, Mapping):
        raise Invalid(f"The machine spec's {name} must be an object.")
    return value


def _page(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Invalid(f"The machine spec names page {value!r}; a page is a number from 1 on.")
    return value


def _power(value: object) -> Decimal:
    try:
        power = Decimal(str(value))
    except InvalidOperation:
        power = Decimal("NaN")
    if not power.is_finite() or power < 0:
        raise Invalid(f"The machine spec's typical_power_kw is {value!r}; it must be a number of kW.")
    return power


def _range(metric: str, bounds: object) -> tuple[float, float]:
    ends = bounds if isinstance(bounds, list | tuple) else ()
    numbers = [float(end) for end in ends if isinstance(end, int | float) and math.isfinite(end)]
    if len(numbers) != 2 or len(ends) != 2 or numbers[0] > numbers[1]:
        raise Invalid(f"The machine spec's expected range of {metric} must be [low, high].")
    return numbers[0], numbers[1]


def _steps(lines: object) -> tuple[Step, ...]:
    if lines is None:
        return ()
    if not isinstance(lines, list | tuple):
        raise Invalid("The machine spec's checklist must be a list of lines.")
    return tuple(_step(line) for line in lines)


def _step(line: object) -> Step:
    if isinstance(line, Mapping):
        return Step(str(line.get("en") or line.get("ar") or ""), str(line.get("ar") or ""))
    return Step(str(line))
