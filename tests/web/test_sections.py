"""What the rail and the tabs of the administration offer to each role, and what a phone shows."""

import re

import pytest

from optria.core.roles import GRANTS, Role
from optria.web.rendering import environment
from optria.web.sections import (
    ON_A_PHONE,
    admin_pages,
    beyond_a_phone,
    plant_sections,
    settings_sections,
)
from tests.web.house import House


def keys(role: Role) -> list[str]:
    granted = GRANTS[role]
    return [each.key for each in plant_sections(granted) + settings_sections(granted)]


def test_a_viewer_is_offered_what_a_viewer_may_open() -> None:
    assert keys(Role.VIEWER) == ["overview", "twin", "incidents", "assets"]
    assert admin_pages(GRANTS[Role.VIEWER]) == []
    assert beyond_a_phone(GRANTS[Role.VIEWER]) == []


@pytest.mark.parametrize("role", list(Role))
def test_a_phone_holds_five_entries_and_loses_none(role: Role) -> None:
    every, behind = keys(role), [each.key for each in beyond_a_phone(GRANTS[role])]
    beside = [key for key in every if key not in behind]
    assert len(beside) + bool(behind) <= ON_A_PHONE + 1
    assert beside + behind == every


def test_admin_leads_to_the_first_page_one_may_open() -> None:
    first = {role: settings_sections(GRANTS[role])[-1].href for role in (Role.ENGINEER, Role.TENANT_ADMIN)}
    assert first == {Role.ENGINEER: "/on-call", Role.TENANT_ADMIN: "/users"}


@pytest.mark.parametrize("role", list(Role))
async def test_every_entry_opens(house: House, role: Role) -> None:
    granted = GRANTS[role]
    everything = plant_sections(granted) + settings_sections(granted) + admin_pages(granted)
    async with house.client(role) as browser:
        answers = {each.href: (await browser.get(each.href)).status_code for each in everything}
        page = (await browser.get("/notifications")).text
    assert set(answers.values()) <= {200, 303}, answers
    offered = re.findall(r'class="rail-link [^"]*" href="([^"]+)"', page)
    assert offered == [each.href for each in plant_sections(granted) + settings_sections(granted)]


async def test_the_rail_is_in_the_viewers_language(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        page = (await browser.get("/notifications?lang=ar")).text
    labels = re.findall(r'class="rail-link [^"]*" href="[^"]+".*?<span[^>]*>([^<]+)</span>', page, re.DOTALL)
    assert labels == ["نظرة عامة", "التوأم الحي", "الحوادث", "الأصول"]


def test_a_page_gets_the_sentences_that_its_scripts_say() -> None:
    say = environment().globals["script_words"]
    assert callable(say)
    common, twin = say(""), say("analysis cause fault")
    assert "connection.live" in common
    assert not [key for key in common if key.startswith(("cause.", "fault.", "backtest."))]
    assert {"fault.surge", "cause.Bearing Fault", "analysis.story"} <= twin.keys() - common.keys()
