"""From an anchor to an analysis: the values that an incident is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from optria.core.event import EventWindow, Severity

OTHER = "Other"
"""The cause that holds the probability nothing known explains."""

CAUSE_CODES: Mapping[str, str] = {
    "Bearing Fault": "BEARING_FAULT",
    "Pump Cavitation": "PUMP_CAVITATION",
    "Valve Leakage": "VALVE_LEAKAGE",
    "Rotor Imbalance": "ROTOR_IMBALANCE",
    "Shaft Misalignment": "SHAFT_MISALIGNMENT",
    "Seal Leak": "SEAL_LEAK",
    "Suction Blockage": "SUCTION_BLOCKAGE",
    "Discharge Blockage": "DISCHARGE_BLOCKAGE",
    "Valve Stiction": "VALVE_STICTION",
    "Exchanger Fouling": "EXCHANGER_FOULING",
    "Instrumentation Fault": "INSTRUMENTATION_FAULT",
    "Motor Electrical Fault": "ELECTRICAL_FAILURE",
    "Compressor Surge": "COMPRESSOR_SURGE",
    "Utility Loss": "UTILITY_LOSS",
    OTHER: "OTHER",
}


def cause_code(label: str) -> str:
    """v1's code of a cause label: ``Bearing Fault`` is ``BEARING_FAULT``."""
    return CAUSE_CODES.get(label, "_".join(label.upper().split()))


def cause_label(code: str) -> str:
    """The label of a stored code or label: ``BEARING_FAULT`` is ``Bearing Fault``."""
    by_code = {value: key for key, value in CAUSE_CODES.items()}
    return by_code.get(code, code if code != code.upper() else code.replace("_", " ").title())


def plain_title(title: str | None, causes: Iterable[str] = ()) -> str | None:
    """The title of an incident for those who are not told its cause.

    ``Bearing Fault on P-102B`` is ``Anomaly on P-102B``; a title without a known cause, or one of ``causes``
    (labels), before its last " on " stays as it is.
    """
    cause, on, asset = (title or "").rpartition(" on ")
    return f"Anomaly on {asset}" if on and cause in {*CAUSE_CODES, *causes} else title


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much one tag speaks for an anchor; ``first_onset`` is when it first left its reference."""

    tag: int
    score: float
    first_onset: datetime | None = None
    direction: str = "high"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The instant that an asset left its normal behaviour for good.

    ``score`` is the fused detector score over its limit (1.0 = at the limit), ``probability`` the
    calibrated P(fault), ``contributions`` the tags that speak most for it, the strongest first,
    ``detector`` the one that saw it most. ``mode`` is "process" or "sensor" (one tag left its
    neighbours alone).
    """

    asset_id: int
    time: datetime
    score: float
    probability: float
    contributions: tuple[Contribution, ...]
    detector: str
    mode: str = "process"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row that speaks for (or against) a cause; ``share`` is its part of the probability."""

    kind: str
    text: str
    text_ar: str
    share: float
    incident_number: str | None = None
    rule_id: int | None = None
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """One reason why a cause is not likelier: something that was not seen, or that speaks against it.

    ``kind``: "condition" (its rule needs it), "support" (would make it likelier), "contrary" (was seen and
    speaks against it), "not_measured" (no tag can tell), "no_rule", "similarity" (its nearest past incident),
    "no_history", "weaker". ``measured`` and ``needed`` are in ``unit``.
    """

    kind: str
    text: str
    text_ar: str
    measured: float | None = None
    needed: float | None = None
    unit: str = ""
    tag: int | None = None
    rule_id: int | None = None
    incident_number: str | None = None


@dataclass(frozen=True, slots=True)
class RootCause:
    """A likely cause with its probability; the shares of ``evidence`` sum to it.

    ``why_not`` says of every cause but the likeliest what it lacks.
    """

    label: str
    code: str
    probability: float
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    missing_ar: tuple[str, ...] = ()
    why_not: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class RecommendedAction:
    """``priority`` 1 is first."""

    priority: int
    action: str
    action_ar: str
    category: str
    source: str


@dataclass(frozen=True, slots=True)
class Note:
    """The same sentence in English and Arabic."""

    text: str
    text_ar: str


@dataclass(frozen=True, slots=True)
class ImpactSource:
    """A stored row that an estimate rests on.

    ``kind``: "cost", "downtime_reference", "confirmed_orders", "past_incident", "work_order",
    "carbon_factor", "typical_power", "measured_power". ``reference`` is its id or code, ``value`` in
    ``unit``, ``at`` the day or moment from which it holds (ISO 8601), ``approved_by`` a person's name.
    """

    kind: str
    reference: str
    value: str
    unit: str
    name: str = ""
    at: str | None = None
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Grounds:
    """How an estimate came about: the arithmetic line by line, what is assumed, the rows, and the range.

    ``low`` and ``high`` are in the unit of the estimate; ``method`` says what they are.
    """

    arithmetic: tuple[Note, ...]
    assumptions: tuple[Note, ...]
    sources: tuple[ImpactSource, ...]
    low: Decimal
    high: Decimal
    method: Note


@dataclass(frozen=True, slots=True)
class FinancialImpact:
    """Expected downtime cost: ``downtime_h * cost_per_hour``, exactly, in ``currency``.

    The range of ``grounds`` is money.
    """

    downtime_h: Decimal
    cost_per_hour: Decimal
    amount: Decimal
    currency: str
    source: str
    basis: str
    confidence: float
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True)
class CarbonImpact:
    """``energy_kwh * factor_kg_per_kwh`` over ``window_h`` hours.

    ``assumed`` where more than a few percent of the window were not measured but filled with the typical
    consumption (or the mean of what was measured); ``source`` then says how much. The range of ``grounds``
    is kg of CO2.
    """

    energy_kwh: Decimal
    factor_kg_per_kwh: Decimal
    carbon_kg: Decimal
    energy_type: str
    window_h: Decimal
    assumed: bool
    source: str
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident whose pattern resembles this one by ``similarity`` in [0, 1]."""

    incident_id: str
    number: str
    cause: str
    similarity: float
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that the analysis of one incident says.

    ``causes`` sum to 1 and include ``Other``; ``provisional`` until the window has closed.
    ``signature`` is the incident's own pattern, stored for later comparison. ``nearest`` are the past
    incidents most like it, however little; ``ranked_assets`` and ``ranked_tags`` (ids with their shares, the
    likeliest first) say where it began by its own data alone.
    """

    window: EventWindow
    causes: tuple[RootCause, ...]
    similar: tuple[SimilarIncident, ...]
    actions: tuple[RecommendedAction, ...]
    financial: FinancialImpact | None
    carbon: CarbonImpact | None
    story: str
    story_ar: str
    signature: Mapping[str, float]
    event_types: tuple[str, ...]
    matched_rules: int
    events_in_window: int
    samples_in_window: int
    provisional: bool
    analysed_at: datetime
    localised_asset_id: int | None = None
    missing_sources: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    nearest: tuple[SimilarIncident, ...] = ()
    ranked_assets: tuple[tuple[int, float], ...] = ()
    ranked_tags: tuple[tuple[int, float], ...] = ()

    @property
    def top(self) -> RootCause:
        """The most likely cause."""
        return self.causes[0]

    @property
    def scores(self) -> dict[str, float]:
        """RootCauseScore: cause label to probability, most likely first."""
        return {cause.label: cause.probability for cause in self.causes}


def severity_of(probability: float, criticality_rank: int) -> Severity:
    """Severity of an anomaly-anchored incident from P(fault) and asset criticality (0 low .. 3 critical).

    The risk ``probability * (0.4 + 0.2 * rank)`` is cut at 0.85, 0.4, 0.2 and 0.1: an anomaly more likely
    than not is MAJOR on an asset of high criticality, and CRITICAL only on a critical one, nearly certain.
    """
    risk = probability * (0.4 + 0.2 * criticality_rank)
    cuts = ((0.85, Severity.CRITICAL), (0.4, Severity.MAJOR), (0.2, Severity.MINOR), (0.1, Severity.WARNING))
    return next((severity for cut, severity in cuts if risk >= cut), Severity.INFO)
