"""What two analyses of an incident differ in."""

from dataclasses import replace
from decimal import Decimal

from optria.core.incident import Evidence, RootCause, cause_code
from optria.web.incidents.incident_revisions import changes_between
from tests.analyses import analysis


def cause(label: str, probability: float, *evidence: Evidence) -> RootCause:
    return RootCause(label, cause_code(label), probability, evidence)


def row(share: float, rule_id: int = 7, text: str = "High vibration: 2.3 mm/s") -> Evidence:
    return Evidence("rule", text, "ارتفاع الاهتزاز", share, rule_id=rule_id)


BEFORE = replace(analysis(), causes=(cause("Bearing Fault", 0.6, row(0.6)), cause("Other", 0.4)))


def test_the_first_analysis_has_nothing_to_differ_from() -> None:
    assert changes_between(None, BEFORE)["first"] is True
    same = changes_between(BEFORE, BEFORE)
    assert not any(same[key] for key in ("causes", "evidence", "impact", "story", "sources"))


def test_causes_that_rise_fall_and_come_are_listed() -> None:
    after = replace(
        BEFORE, causes=(cause("Seal Leak", 0.7), cause("Bearing Fault", 0.3), cause("Other", 0.0))
    )
    assert changes_between(BEFORE, after)["causes"] == [
        {"label": "Seal Leak", "before": 0.0, "after": 0.7},
        {"label": "Bearing Fault", "before": 0.6, "after": 0.3},
        {"label": "Other", "before": 0.4, "after": 0.0},
    ]


def test_evidence_is_known_again_although_its_figures_changed() -> None:
    said_anew = row(0.4, text="High vibration: 6.9 mm/s")
    after = replace(BEFORE, causes=(cause("Bearing Fault", 0.6, said_anew, row(0.2, rule_id=9)),))
    changes = changes_between(BEFORE, after)["evidence"]
    assert isinstance(changes, list)
    assert [(c["change"], c["before"], c["after"]) for c in changes] == [
        ("moved", 0.6, 0.4),
        ("gained", None, 0.2),
    ]
    lost = changes_between(after, BEFORE)["evidence"]
    assert isinstance(lost, list)
    assert [c["change"] for c in lost] == ["moved", "lost"]


def test_impact_story_and_sources_that_changed_are_listed() -> None:
    assert BEFORE.financial is not None
    dearer = replace(BEFORE.financial, amount=Decimal(96000), downtime_h=Decimal(12))
    after = replace(
        BEFORE,
        financial=dearer,
        story=BEFORE.story + "\nThen it tripped.",
        story_ar=BEFORE.story_ar + "\nثم توقف.",
        missing_sources=("PT-1",),
    )
    changes = changes_between(BEFORE, after)
    impact = changes["impact"]
    assert isinstance(impact, list)
    assert [(c["key"], c["before"], c["after"]) for c in impact] == [
        ("downtime_hours", 6.0, 12.0),
        ("cost", 48000.0, 96000.0),
    ]
    assert changes["story"] == [{"change": "gained", "text": "Then it tripped.", "text_ar": "ثم توقف."}]
    assert changes["sources"] == [{"change": "lost", "source": "PT-1"}]
