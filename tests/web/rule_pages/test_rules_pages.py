"""The pages of Rules: whoever may read sees them all, administrators alone find what changes something."""

from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.db.blackbox import RcaRule
from optria.kit import clock
from optria.web.shapes import Json
from tests import factories
from tests.web.config.test_config_rules import RULE, incident
from tests.web.house import House
from tests.web.rule_pages.test_config_rule_life import published, saved
from tests.web.settings import done, second_admin

PAGES = {
    "/rules": "Causal rules",
    "/rules/limits": "Propose a limit",
    "/rules/windows": "Set a window",
    "/rules/detectors": "Tune the built-in ones",
    "/rules/work-orders": "Told of every order",
    "/rules/costs": "Propose a cost",
    "/rules/backtest": "Run the back-test",
}
CHANGING = (
    "New rule",
    "Propose a limit<",
    "Set a window<",
    "Choose a detector<",
    "Ask for two people",
    "Add a factor",
)


async def shown(house: House, path: str, role: Role = Role.TENANT_ADMIN) -> tuple[int, str]:
    async with house.client(role) as browser:
        page = await browser.get(path, headers={"accept": "text/html"})
    return page.status_code, page.text


@pytest.mark.parametrize("path", PAGES)
async def test_administrators_find_what_they_change(house: House, path: str) -> None:
    await done(house, "POST", "rules", RULE)
    status, text = await shown(house, path)
    assert status == 200
    assert PAGES[path] in text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "role", [Role.ENGINEER, Role.OPTIMIZATION_ENGINEER], ids=lambda role: str(role.value)
)
async def test_engineers_read_and_change_nothing(house: House, path: str, role: Role) -> None:
    await done(house, "POST", "rules", RULE)
    status, text = await shown(house, path, role)
    assert status == 200
    assert "Tenant administrators change it" in text
    assert not [words for words in CHANGING if words in text]
    if path != "/rules/backtest":
        assert 'data-method="PUT"' not in text or "<fieldset" in text


@pytest.mark.parametrize("path", [*PAGES, "/rules/causal/new"])
async def test_viewers_see_none_of_it(house: House, path: str) -> None:
    assert (await shown(house, path, Role.VIEWER))[0] == 403


@pytest.mark.parametrize("path", PAGES)
async def test_a_platform_owner_names_the_tenant(house: House, path: str) -> None:
    assert (await shown(house, path, Role.PLATFORM_OWNER))[0] == 200
    status, text = await shown(house, f"{path}?tenant_id={house.own.tenant.id}", Role.PLATFORM_OWNER)
    assert status == 200
    assert f"/rules/limits?tenant_id={house.own.tenant.id}" in text


@pytest.mark.parametrize("path", [*PAGES, "/rules/causal/new"])
async def test_the_pages_speak_arabic(house: House, path: str) -> None:
    status, text = await shown(house, f"{path}?lang=ar")
    assert status == 200
    assert "القواعد" in text
    assert not [words for words in (*PAGES.values(), "Causal rules", "Windows") if f">{words}<" in text]


async def test_the_table_says_state_and_hits(house: House) -> None:
    row = await incident(house)
    rule = await done(house, "POST", "rules", RULE)
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"/api/blackbox/incidents/{row.id}/rca-full")
    await done(house, "POST", "rules", {**RULE, "name": "Only a draft", "is_active": False})
    _, text = await shown(house, "/rules")
    line = text.split(f'data-key="rule-{rule["id"]}"')[1].split("</tr>")[0]
    assert "Published" in line
    assert '<bdi dir="ltr" class="">1</bdi>' in line
    assert "Only a draft" in text
    assert ">Draft<" in text


async def test_the_history_shows_who_changed_what(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE)
    rule = await published(house, await saved(house, rule, confidence=0.2))
    _, text = await shown(house, f"/rules/causal/{rule['id']}")
    history = text.split('data-region="rule-history"')[1]
    assert "without a back-test" in history
    assert str(house.user(Role.TENANT_ADMIN).full_name) in history
    assert "0.9" in history
    assert "0.2" in history
    assert "Put back in force" in history


async def test_an_engineer_reads_a_rule_with_its_form_closed(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE)
    status, text = await shown(house, f"/rules/causal/{rule['id']}", Role.ENGINEER)
    assert status == 200
    assert "disabled" in text.split("data-rule-form")[1].split("<legend")[0]
    for words in ("Save draft", "Publish", "Retire<", "Put back in force"):
        assert words not in text.split("<main")[1].replace("Published", "")


async def test_a_type_written_otherwise_takes_no_type_from_a_rule(house: House) -> None:
    pattern = RULE["pattern"]
    assert isinstance(pattern, dict)
    rule = await done(house, "POST", "rules", RULE | {"pattern": pattern | {"asset_types": ["Pump"]}})
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.asset(tx, house.own.site, code="ZZ-9", asset_type="pump")
    _, text = await shown(house, f"/rules/causal/{rule['id']}")
    assert 'value="Pump" checked' in text
    assert 'value="pump"' not in text


async def test_a_rule_of_the_system_is_read_and_copied(house: House) -> None:
    async with house.database.platform("test") as tx:
        system = RcaRule(
            name="Of all", pattern=RULE["pattern"], root_cause_category="SEAL_LEAK", is_system=True
        )
        tx.session.add(system)
        await tx.session.flush()
    _, text = await shown(house, f"/rules/causal/{system.id}")
    assert "comes with the system" in text
    _, copy = await shown(house, f"/rules/causal/new?copy_of={system.id}")
    assert 'value="Seal Leak"' in copy


async def test_another_tenants_rule_is_not_there(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE)
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        assert (await browser.get(f"/rules/causal/{rule['id']}")).status_code == 404


async def test_who_proposed_a_limit_is_told_that_somebody_else_approves(house: House) -> None:
    await second_admin(house)
    await done(house, "PUT", "approval", {"four_eyes": True})
    limit: Json = {"metric": "pressure", "direction": "high", "limit_value": 9.5, "severity": "MAJOR"}
    await done(house, "POST", "thresholds", limit)
    _, text = await shown(house, "/rules/limits")
    waiting = text.split("Waiting for approval", 1)[1].split("In force")[0]
    assert "you have proposed it" in waiting
    assert "Approving" not in waiting


async def test_a_limit_shows_the_value_that_is_nearest(house: House) -> None:
    house.own.stream.put(house.sample(3.75))
    _, text = await shown(house, "/rules/limits")
    assert "3.75" in text


async def test_a_limit_shows_what_it_has_of_its_own_against_chatter(house: House) -> None:
    limit: Json = {"metric": "pressure", "direction": "high", "limit_value": 9.5, "severity": "MAJOR"}
    proposed = await done(house, "POST", "thresholds", limit | {"dead_band_percent": 5, "off_delay_s": 90})
    await done(house, "POST", f"thresholds/{proposed['id']}/approve")
    _, text = await shown(house, "/rules/limits")
    line = next(row for row in text.split("<tr") if "data-row" in row and "9.5" in row)
    assert 'dead band <bdi dir="ltr" class="">5 %' in line
    assert 'off-delay <bdi dir="ltr" class="">90 s' in line
    assert "on-delay" not in line
    for name in ("dead_band_percent", "on_delay_s", "off_delay_s"):
        assert f'name="{name}"' in text
    assert "&#34;off_delay_s&#34;: 90" in line


async def test_the_costs_say_which_factor_counts_today(house: House) -> None:
    later = (clock.now() + timedelta(days=40)).date().isoformat()
    for day, factor in (("2020-01-01", 0.6), ("2024-01-01", 0.568), (later, 0.5)):
        body: Json = {"energy_type": "electricity", "factor_kg_per_kwh": factor, "valid_from": day}
        await done(house, "POST", "carbon-factors", body)
    _, text = await shown(house, "/rules/costs")
    rows = text.split("Carbon of energy")[-1].split("<tr")
    counts = [row for row in rows if "Counts today" in row]
    assert len(counts) == 1
    assert "0.568" in counts[0]
    assert "Not yet" in text
