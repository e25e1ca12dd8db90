"""The analysis of one case: pure, from everything known to everything said."""

from collections.abc import Sequence

from optria.core.event import EventCategory
from optria.core.incident import Analysis
from optria.rca.actions import recommended_actions
from optria.rca.case import Case, PastIncident
from optria.rca.impact import carbon_impact, financial_impact
from optria.rca.localise import Onset, localise, onsets
from optria.rca.observations import ANCHOR_SCORE, of_anchor, of_events, of_signature, tags_by_metric
from optria.rca.ranking import rank
from optria.rca.rules import CausalRule, Match, Observation, match_rule, match_rules
from optria.rca.scoring import fit_temperature, score_causes, sureness
from optria.rca.signals import Signals, read_signals
from optria.rca.signature import signature
from optria.rca.similarity import Pattern, compare_history, event_types
from optria.rca.story import tell
from optria.rca.timeline import Timeline, TimelineEntry, build_timeline, is_evidence
from optria.rca.why_not import explain_losers

NEAREST = 5


def analyse(case: Case) -> Analysis:
    """Explain one incident. Total: whatever is missing is named, and the rest is still said."""
    timeline = build_timeline(case)
    window = timeline.inside(case.window)
    signals = read_signals(case, timeline.series)
    evidence = [entry for entry in window.events if is_evidence(entry)]
    pattern = Pattern(_signature(case, signals), event_types(_of_machines(evidence)))
    history = comparable(case)
    compared = compare_history(pattern, history)
    found = onsets(signals)
    matches = match_rules(case.rules, _observed(case, signals, pattern, evidence), case.asset.asset_type)
    fitted = case.calibration * fit_temperature(history) * sureness(matches)
    temperature = fitted if case.temperature is None else case.temperature
    causes = score_causes(compared, matches, _first_metric(found), temperature)
    causes = explain_losers(causes, matches, compared, signals, history)
    ranking = rank(case, signals)
    story = tell(case, window, signals, found, causes[0], compared)
    return Analysis(
        window=case.window,
        causes=causes,
        similar=tuple(one.as_similar() for one in compared if one.is_candidate),
        actions=recommended_actions(causes[0].label, case.spec, case.asset.name, case.asset.name_ar),
        financial=financial_impact(case, causes[0]),
        carbon=carbon_impact(case, timeline.series),
        story=story.english,
        story_ar=story.arabic,
        signature=pattern.signature,
        event_types=pattern.event_types,
        matched_rules=sum(match.likelihood > 0.0 for match in matches),
        events_in_window=len(window.events),
        samples_in_window=window.sample_count,
        provisional=case.provisional,
        analysed_at=case.now,
        localised_asset_id=localise(found, case.asset.id),
        missing_sources=case.missing_sources,
        facts=_facts(case, timeline, signals, found, temperature),
        nearest=tuple(one.as_similar() for one in compared[:NEAREST]),
        ranked_assets=ranking.assets,
        ranked_tags=ranking.tags,
    )


def comparable(case: Case) -> tuple[PastIncident, ...]:
    """Past incidents of the asset's type, never the incident itself."""
    kind = case.asset.asset_type.casefold()
    return tuple(p for p in case.history if p.id != case.incident_id and p.asset_type.casefold() == kind)


def try_rule(case: Case, rule: CausalRule) -> Match:
    """How far one rule would be met by a case, whether or not it is one of the case's rules.

    The asset type is not looked at: ``rule.holds_for`` says whether the rule would be asked at all.
    """
    timeline = build_timeline(case)
    signals = read_signals(case, timeline.series)
    evidence = [entry for entry in timeline.inside(case.window).events if is_evidence(entry)]
    pattern = Pattern(_signature(case, signals), event_types(_of_machines(evidence)))
    return match_rule(rule, _observed(case, signals, pattern, evidence))


def _signature(case: Case, signals: Signals | None) -> dict[str, float]:
    return signature(signals, case.anchor.mode == "sensor", case.normal)


def _observed(
    case: Case, signals: Signals | None, pattern: Pattern, evidence: Sequence[TimelineEntry]
) -> Sequence[Observation]:
    """All that the plant said, in the form that rules are matched against."""
    observed = of_signature(pattern.signature, tags_by_metric(signals))
    observed += of_events(case, evidence)
    shown = {(o.metric, o.direction) for o in observed if o.at == "own" and o.score >= ANCHOR_SCORE}
    return [*observed, *(o for o in of_anchor(case) if (o.metric, o.direction) not in shown)]


def _of_machines(evidence: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """What can recur with a fault: not what people set for the whole plant at the time."""
    return [e for e in evidence if e.category != EventCategory.CONFIG_CHANGE or e.asset_id is not None]


def _first_metric(found: Sequence[Onset]) -> str | None:
    """The metric of the asset's own tag that left first."""
    return next((onset.tag.mapping.metric for onset in found if onset.tag.at == "own"), None)


def _absent(case: Case) -> list[str]:
    """Inputs that an analysis would use and this case has none of."""
    inputs = {
        "Events": case.events,
        "HistoricalIncidents": case.history,
        "MachineSpecs": case.spec,
        "SensorData": case.series,
        "MaintenanceLogs": case.maintenance,
        "CarbonFactors": case.carbon_factors,
        "CostReferences": case.cost_references,
        "CausalRules": case.rules,
        "EnergyData": any(s.mapping.metric == "power" for s in case.series),
    }
    return [name for name, given in inputs.items() if not given]


def _facts(
    case: Case, timeline: Timeline, signals: Signals | None, found: Sequence[Onset], temperature: float
) -> dict[str, str]:
    """What a reader may want to know about how this came about; only what is the case."""
    doubted = [
        f"{t.mapping.external_tag} ({t.trouble})" for t in (signals.tags if signals else ()) if t.trouble
    ]
    facts = {
        "untrusted_tags": ", ".join(doubted),
        "malformed_entries": "; ".join(timeline.malformed),
        "malformed_count": str(len(timeline.malformed)) if timeline.malformed else "",
        "clock_drift_s": ", ".join(f"{name}: {drift:g}" for name, drift in timeline.drift_s.items()),
        "first_onset": found[0].tag.mapping.external_tag if found else "",
        "temperature": f"{temperature:g}",
        "calibration": f"{case.calibration:g}" if case.temperature is None else "1",
        "absent_inputs": ", ".join(_absent(case)),
    }
    return {name: text for name, text in facts.items() if text}
