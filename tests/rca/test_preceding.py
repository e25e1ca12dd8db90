"""What is told to have come before: only what began before and can have led there, and who left when."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from optria.core.event import Severity
from optria.core.incident import Anchor, Contribution
from optria.rca.case import Case, RawEntry
from optria.rca.engine import analyse
from tests.rca.cases import ANCHOR, case, limit_event, operator, sensors, series

VALVE, VESSEL = 2, 3
"""Down and up the process from the pump."""


def before(whole: Case) -> list[str]:
    """The lines of what preceded, without the trend."""
    lines = [line.removeprefix("– ") for line in analyse(whole).story.splitlines() if line.startswith("– ")]
    return [line for line in lines if re.match(r"\d\d:\d\d:\d\d ", line)]


def alarm(metric: str, minutes: float, asset_id: int = 1) -> RawEntry:
    return limit_event(metric, 5.0, 4.0, time=ANCHOR - timedelta(minutes=minutes), asset_id=asset_id)


@pytest.mark.clause("A20", "O1")
def test_many_alarms_are_told_together_and_actions_one_by_one() -> None:
    alarms = [
        alarm(metric, minutes) for minutes in (20, 15, 10, 5) for metric in ("vibration", "flow", "power")
    ]
    actions = [operator(f"Operator turned valve {n}", ANCHOR - timedelta(minutes=n)) for n in (18, 12)]
    told = before(case(events=(*alarms, *actions)))
    assert told == [
        "08:40:00 to 08:55:00 12 alarms on 3 tags, first vibration high limit passed",
        "08:42:00 Operator turned valve 18",
        "08:48:00 Operator turned valve 12",
    ]


@pytest.mark.clause("A20")
def test_two_alarms_are_told_one_by_one() -> None:
    told = before(case(events=(alarm("vibration", 5), alarm("flow", 4))))
    assert told == ["08:55:00 vibration high limit passed", "08:56:00 flow high limit passed"]


@pytest.mark.parametrize(
    ("asset_id", "minutes", "told"),
    [(1, 5, True), (VESSEL, 5, True), (VALVE, 5, False), (1, -5, False), (VESSEL, -5, False), (1, 0, False)],
)
def test_only_what_came_before_at_the_asset_or_upstream_preceded(
    asset_id: int, minutes: float, told: bool
) -> None:
    strange = replace(alarm("pressure", minutes, asset_id), summary="Strange thing")
    assert ("Strange thing" in "\n".join(before(case(events=(strange,))))) == told


def test_what_concerns_the_whole_plant_may_precede() -> None:
    entry = RawEntry("dcs", ANCHOR - timedelta(minutes=3), "event", "Grid dip", Severity.MAJOR, "PROCESS")
    assert "08:57:00 Grid dip" in before(case(events=(entry,)))


def test_a_tag_downstream_that_left_first_is_no_precursor() -> None:
    early = Anchor(1, ANCHOR + timedelta(seconds=40), 1.0, 0.8, (), "level")
    quiet = (series(1, "vibration"), series(9, "pressure", 25, VALVE))
    assert not any("left its normal" in line for line in before(case(anchor=early, events=(), series=quiet)))
    upstream = (series(1, "vibration"), series(9, "pressure", 25, VESSEL))
    assert any("left its normal" in line for line in before(case(anchor=early, events=(), series=upstream)))


def order(whole: Case) -> str:
    line = next(line for line in analyse(whole).story.splitlines() if "in this order" in line)
    return line.partition("order: ")[2]


def seen(*tags: tuple[int, float, str], anchor: datetime = ANCHOR) -> Anchor:
    """As the detector saw tags leave, seconds before the anchor."""
    parts = tuple(
        Contribution(tag, 2.0, anchor - timedelta(seconds=seconds), way) for tag, seconds, way in tags
    )
    return Anchor(1, anchor, 1.4, 0.8, parts, "level")


@pytest.mark.clause("A20", "O1")
def test_the_order_in_which_tags_left_is_told_with_times_and_directions() -> None:
    whole = case(anchor=seen((2, 20, "high"), (1, 50, "high"), (4, 5, "low")), series=sensors(vibration=25))
    assert order(whole).startswith(
        "vibration (T-1) up 08:59:10, bearing temperature (T-2) up 08:59:40, flow (T-4) down 08:59:55"
    )
    arabic = next(line for line in analyse(whole).story_ar.splitlines() if "الترتيب" in line)
    assert arabic.index("الاهتزاز") < arabic.index("درجة حرارة المحمل") < arabic.index("التدفق")
    assert "هبوطاً" in arabic


def test_one_tag_alone_has_no_order() -> None:
    assert "in this order" not in analyse(case(series=sensors(vibration=25)[:1])).story
