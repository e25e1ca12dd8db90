"""The narrative: every slot of the mission, in both languages, absent only when there is no data."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from optria.core.asset import Site
from optria.core.incident import Anchor, Contribution
from optria.core.tag import Quality
from optria.rca.case import Case
from optria.rca.engine import analyse
from optria.rca.words import percent
from tests.rca.cases import ANCHOR, PUMP, case, log, operator, past, plant, sensors, spoiled

ARABIC = r"[\u0600-\u06ff]"

SLOTS = {
    "time": r"^At 2026-11-22 09:00:00 \+03:00, ",
    "primary anomaly": r"the system detected high vibration \(T-1\) at \d\.\d\d\u00a0mm/s, against 1\.60 to",
    "asset": r"on asset Feed Pump \(P-101\)\.$",
    "first event": r"^– 08:51:00 Operator raised the load$",
    "second event": r"^– 08:58:00 vibration high limit passed$",
    "sensor trend": r"^– vibration \(T-1\) rose from 2\.00 to 4\.\d\d\u00a0mm/s; bearing temp",
    "cause": r"^The most likely root cause is Bearing Fault with probability \d\d%\.$",
    "past incidents": r"^Past similar incidents \(IDs: BB-0001\) showed the same pattern",
    "common action": r"and were resolved by: Replaced the drive-end bearing\.$",
}
SLOTS_AR = {
    "time": r"^في \u20662026-11-22 09:00:00 \+03:00\u2069، رصد النظام",
    "primary anomaly": r"ارتفاعاً في الاهتزاز \(\u2066T-1\u2069\) عند \u2066\d\.\d\d\u00a0mm/s\u2069 مقابل",
    "asset": r"في المعدة مضخة التغذية \(\u2066P-101\u2069\)\.$",
    "first event": r"^– \u206608:51:00\u2069 ",
    "second event": r"^– \u206608:58:00\u2069 ",
    "sensor trend": r"^– .*ارتفاع الاهتزاز \(\u2066T-1\u2069\) من",
    "cause": r"^السبب الجذري الأرجح هو عطل في المحمل باحتمال \u2066\d\d%\u2069\.$",
    "past incidents": r"\(المعرّفات: \u2066BB-0001\u2069\)",
    "common action": r"وعولجت بالآتي: ",
}


def story(whole: Case) -> str:
    return analyse(whole).story


@pytest.mark.clause("A20", "O1")
@pytest.mark.parametrize("slot", SLOTS)
def test_every_slot_is_told(slot: str) -> None:
    assert re.search(SLOTS[slot], story(case()), re.MULTILINE)


@pytest.mark.clause("A20", "O1")
@pytest.mark.parametrize("slot", SLOTS_AR)
def test_every_slot_is_told_in_arabic(slot: str) -> None:
    assert re.search(SLOTS_AR[slot], analyse(case()).story_ar, re.MULTILINE)


@pytest.mark.clause("A20")
def test_a_slot_is_absent_where_there_is_no_data() -> None:
    bare = story(case(history=(), events=(), series=(), maintenance=()))
    assert "Past similar incidents" not in bare
    assert "preceded" not in bare
    assert "At 2026-11-22 09:00:00 +03:00, the system detected an anomaly of score 1.40" in bare


@pytest.mark.clause("A20", "I2")
def test_past_incidents_without_a_resolution_are_still_named() -> None:
    told = story(case(history=(replace(past(1, "Bearing Fault"), resolution=""),)))
    assert "showed the same pattern." in told


@pytest.mark.clause("A20")
def test_the_commonest_resolution_is_told() -> None:
    history = (
        replace(past(1, "Bearing Fault"), resolution="Greased it."),
        replace(past(2, "Bearing Fault"), resolution="Replaced it."),
        replace(past(3, "Bearing Fault"), resolution="Replaced it."),
    )
    assert "resolved by: Replaced it." in story(case(history=history))


@pytest.mark.clause("A20", "I5")
def test_first_onsets_and_maintenance_stand_in_for_missing_events() -> None:
    seen = Contribution(1, 1.4, ANCHOR - timedelta(seconds=20), "high")
    whole = case(events=(operator("Operator raised the load", ANCHOR - timedelta(minutes=9)),))
    told = story(replace(whole, anchor=replace(whole.anchor, contributions=(seen,))))
    assert "\n– 08:59:40 vibration of P-101 (T-1) left its normal behaviour\n" in told
    assert "left its normal behaviour\n" not in story(whole)
    told = story(case(events=(), series=sensors(), maintenance=(log(),)))
    assert "– Earlier maintenance: WO-7 Greased bearing: ran hot" in told


def test_an_event_after_the_anchor_did_not_precede_it() -> None:
    assert "too late" not in story(case(events=(operator("too late", ANCHOR + timedelta(seconds=1)),)))


def test_the_clock_is_that_of_the_site() -> None:
    elsewhere = replace(plant(), sites=(Site(1, "S", "Site", time_zone="Europe/Berlin"),))
    assert "At 2026-11-22 07:00:00 +01:00" in story(case(plant=elsewhere))
    assert "At 2026-11-22 06:00:00 +00:00" in story(case(plant=replace(elsewhere, sites=())))


@pytest.mark.clause("A20", "I3")
def test_what_is_expected_is_the_makers_word_first() -> None:
    whole = case()
    assert whole.spec is not None
    maker = replace(whole.spec, expected={"vibration": (0.5, 1.5)})
    assert "against 0.50 to 1.50\u00a0mm/s expected" in story(replace(whole, spec=maker))


def test_a_critical_event_without_sensors_is_the_anomaly() -> None:
    tripped = operator("Pump tripped", ANCHOR)
    assert "detected Pump tripped on asset Feed Pump" in story(case(events=(tripped,), series=()))


def test_untrusted_tags_are_told() -> None:
    flow = spoiled(sensors()[3], Quality.BAD)
    told = story(case(series=(flow, *sensors(vibration=25)[:3])))
    assert "T-4 counts little (bad quality)" in told


def test_other_is_called_unexplained() -> None:
    told = story(case(series=sensors(), events=(), history=(), rules=()))
    assert "The most likely root cause is Other (nothing known explains it) with probability 100%." in told


def test_arabic_says_no_english_words_of_ours() -> None:
    lines = analyse(case(asset=replace(PUMP, name_ar=""))).story_ar.splitlines()
    assert all(re.search(ARABIC, line) or line.startswith("– \u2066") for line in lines)


@pytest.mark.clause("A20")
def test_a_tag_that_left_after_the_anchor_did_not_precede_it() -> None:
    early = Anchor(1, ANCHOR - timedelta(minutes=2), 1.0, 0.8, (), "level")
    told = story(case(anchor=early, events=(), maintenance=()))
    assert "left its normal behaviour" not in told


@pytest.mark.parametrize(
    ("probability", "said"),
    [(1.0, "100%"), (0.9997, ">99%"), (0.994, "99%"), (0.5, "50%"), (0.004, "<1%"), (0.0, "0%")],
)
def test_what_is_not_certain_is_never_called_so(probability: float, said: str) -> None:
    assert percent(probability) == said
