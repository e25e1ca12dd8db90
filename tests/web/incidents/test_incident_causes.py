"""The causes of an incident as they are shown: rows that add up, codes, and why not the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.incident import OTHER, Evidence, RootCause
from optria.core.roles import Role
from optria.rca.engine import analyse
from optria.web.incidents.incident_causes import cause_json, shown_probability, shown_shares
from tests.rca.cases import case, sensors
from tests.web.black_box import failing_pump
from tests.web.house import House

MASSES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(lambda masses: sum(masses) > 1e-6)


def hundredths(values: list[float]) -> int:
    return sum(round(value * 100) for value in values)


@pytest.mark.clause("A19", "O2")
@given(MASSES, st.floats(0.0, 1.0))
def test_the_rows_of_a_cause_sum_to_its_probability_as_both_are_shown(
    masses: list[float], probability: float
) -> None:
    shares = [mass / sum(masses) * probability for mass in masses]
    cause = RootCause("A", "A", probability, tuple(Evidence("rule", "", "", share) for share in shares))
    shown = shown_shares(cause)
    assert hundredths(shown) == round(shown_probability(cause) * 100)
    assert all(abs(row - share) <= 0.01 + 1e-9 for row, share in zip(shown, shares, strict=True))


def test_evidence_against_a_cause_is_rounded_like_any_other() -> None:
    rows = tuple(Evidence("rule", "", "", share) for share in (0.704, -0.101, 0.002))
    assert hundredths(shown_shares(RootCause("A", "A", 0.605, rows))) == 60


@pytest.mark.clause("A19")
@pytest.mark.parametrize("vibration", [0, 4, 6, 25])
@pytest.mark.parametrize("flow", [0, -6])
def test_every_cause_of_an_analysis_adds_up_other_included(vibration: float, flow: float) -> None:
    analysis = analyse(case(series=sensors(vibration=vibration, flow=flow, temperature=5)))
    assert OTHER in analysis.scores
    for cause in analysis.causes:
        view = cause_json(cause)
        assert sum(row.share for row in cause.evidence) == pytest.approx(cause.probability, abs=1e-9)
        assert hundredths(shown_shares(cause)) == round(float(str(view["shown"])) * 100)


@pytest.mark.clause("V7", "O2")
async def test_the_incident_answers_codes_sums_and_why_not(house: House) -> None:
    row = await failing_pump(house)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        view = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
        arabic = (await browser.get(f"/blackbox/incidents/{row.id}?lang=ar")).text
        report = (await browser.get(f"/blackbox/incidents/{row.id}/report")).text
        order = (await browser.get(f"/api/work-orders/{view['work_order']['id']}")).json()
    top, *losers = view["root_causes"]
    assert top["why_not"] == []
    assert losers
    assert all(cause["why_not"] for cause in losers)
    for cause in view["root_causes"]:
        assert hundredths([e["shown"] for e in cause["evidence"]]) == round(cause["shown"] * 100)
    lack = losers[0]["why_not"][0]
    assert lack["text"] in page.replace("&#39;", "'")
    assert lack["text_ar"] in arabic
    assert f"= {top['shown']:.2f}" in page
    code = top["iso14224"]["failure_mode"]["code"]
    assert code in page
    assert code in report
    assert order["incident"]["iso14224"]["failure_mode"]["code"] == code
