"""The page of one asset: its condition, signals, work and data, for each role."""

from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.db.asset_details import AssetComponent, FailureMode
from optria.db.plant import MachineSpec
from optria.kit import clock
from tests import factories
from tests.web.house import House

READS_CAUSES = set(Role) - {Role.VIEWER}
RUNS = {Role.TENANT_ADMIN, Role.OPTIMIZATION_ENGINEER, Role.PLATFORM_OWNER}
MANAGES = {Role.TENANT_ADMIN, Role.PLATFORM_OWNER}


async def page_of(house: House, role: Role, asset_id: int | None = None, query: str = "") -> str:
    async with house.client(role) as browser:
        answer = await browser.get(f"/assets/{asset_id or house.own.asset.id}{query}")
    assert answer.status_code == 200, answer.text[:400]
    return answer.text.split("<main", 1)[1]


async def _incident_with_order(house: House) -> tuple[str, str]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(
            tx,
            house.own.asset,
            root_cause_scores={"Bearing Fault": 0.8},
            financial_impact_estimate={"total_estimated_cost": 48_600, "currency": "SAR"},
        )
        order = await factories.order(tx, house.own.asset, incident_id=str(incident.id))
    return str(incident.id), order.code


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_the_page_with_what_it_may_do(house: House, role: Role) -> None:
    incident_id, code = await _incident_with_order(house)
    html = await page_of(house, role)
    own = role is not Role.ENGINEER  # an engineer is told of the own incidents and orders only
    assert (f"/blackbox/incidents/{incident_id}" in html) == own
    assert (code in html) == (own and role is not Role.VIEWER)
    assert ("48,600" in html) == (own and role is not Role.VIEWER)
    assert ("Bearing" in html) == (own and role is not Role.VIEWER)
    assert ("data-run-analysis" in html) == (role in READS_CAUSES)
    assert ('data-dialog="rebaseline"' in html) == (role in RUNS)
    assert ('data-dialog="retire"' in html) == (role in MANAGES)
    assert ("data-read=" in html) == (role in MANAGES)
    assert ("Limits</h2>" in html) == (role in READS_CAUSES)


async def test_who_may_not_analyse_reads_why(house: House) -> None:
    html = await page_of(house, Role.ENGINEER)
    assert "Your role may look at analyses, not start one." in html


@pytest.mark.clause("D2")
async def test_the_figures_are_those_of_the_twin(house: House) -> None:
    house.own.stream.anchoring.known[house.own.asset.id] = (2.0, 0.25)
    house.own.stream.put(house.sample(2.5))
    html = await page_of(house, Role.VIEWER)
    head = html[: html.index("asset-page")]
    async with house.client(Role.VIEWER) as browser:
        twin = (await browser.get(f"/digital-twin?asset={house.own.asset.code}")).text
    panel = twin[twin.index("data-panel>") : twin.index("</aside>")]
    for figure in (">50</bdi>", ">0.25"):
        assert figure in head, figure
        assert figure in panel, figure
    assert ">2.00" in head
    assert "running" in head


async def test_unknown_is_said_in_words(house: House) -> None:
    html = await page_of(house, Role.VIEWER)
    assert html.count("not known yet") == 3
    assert "Learning" in html
    assert "Nothing scored yet" in html
    assert "no value yet" in html


async def test_detectors_say_since_when_they_have_not_scored(house: House) -> None:
    own = house.own
    for tag in (own.vibration.id, own.pressure.id):
        own.stream.learned[tag] = (1.9, 3.6)
        own.stream.scored[tag] = clock.now()
    html = await page_of(house, Role.ENGINEER)
    assert "Watching" in html
    assert "Scored as values come in" in html
    assert "1.90 … 3.60" in html
    for tag in (own.vibration.id, own.pressure.id):
        own.stream.scored[tag] = clock.now() - timedelta(hours=1)
    html = await page_of(house, Role.ENGINEER)
    assert html.count("Not scored since") == 3  # of the asset, and of each signal


async def test_a_rebaseline_is_remembered(house: House) -> None:
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = await browser.post(f"/api/assets/{house.own.asset.id}/rebaseline")
    assert answer.status_code == 200
    assert "Learned anew from" in await page_of(house, Role.ENGINEER)


async def test_an_asset_without_signals_says_what_to_do(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        bare = await factories.asset(tx, house.own.site)
    html = await page_of(house, Role.TENANT_ADMIN, bare.id)
    assert "No signals mapped" in html
    assert 'href="/integrations"' in html
    assert "data-trends" not in html
    html = await page_of(house, Role.VIEWER, bare.id)
    assert 'href="/integrations"' not in html
    assert "A tenant admin maps tags" in html


async def test_limits_in_force_and_proposed_are_told_apart(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.threshold(
            tx,
            house.own.tenant.id,
            limit_value=5.5,
            is_active=False,
            proposed_by=house.user(Role.TENANT_ADMIN).id,
        )
        await factories.threshold(tx, house.own.tenant.id, asset_type="Tank", limit_value=3.25)
    html = await page_of(house, Role.ENGINEER)
    limits = html[html.index("Limits</h2>") : html.index("Neighbours</h2>")]
    assert ">7.1<" in limits
    assert ">5.5<" in limits
    assert ">3.25<" not in limits
    assert limits.count("proposed, not in force") == 1


async def test_data_of_the_machine_are_shown_and_changed_by_admins(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(
            MachineSpec(tenant_id=house.own.tenant.id, asset_type="pump", spec={"typical_power_kw": 132})
        )
    html = await page_of(house, Role.ENGINEER)
    assert "132.0" in html
    assert "that of the type" in html
    assert 'data-dialog="new-spec"' not in html
    html = await page_of(house, Role.TENANT_ADMIN)
    assert 'data-dialog="new-spec"' in html
    assert "132.0" not in await page_of(house, Role.VIEWER)


async def test_neighbours_parts_and_failure_modes(house: House) -> None:
    own, tenant = house.own.asset, house.own.tenant.id
    async with house.database.transaction(tenant) as tx:
        before = await factories.asset(tx, house.own.site, code="V-UP")
        after = await factories.asset(tx, house.own.site, code="M-DOWN")
        below = await factories.asset(tx, house.own.site, code="C-BELOW", parent_asset_id=own.id)
        line = await factories.link(tx, before, own)
        await factories.link(tx, own, after)
        tx.session.add(AssetComponent(tenant_id=tenant, asset_id=own.id, code="DE-BRG", name="Bearing DE"))
        tx.session.add(
            FailureMode(
                tenant_id=tenant,
                asset_id=own.id,
                code="FM-1",
                name="Wear",
                severity=8,
                occurrence=4,
                detection=3,
            )
        )
    html = await page_of(house, Role.VIEWER)
    side = html[html.index("Neighbours</h2>") :]
    places = [side.index(f'href="/assets/{row.id}"') for row in (below, before, after)]
    assert places == sorted(places)
    assert [words in side for words in ("DE-BRG", "FM-1", ">96<")] == [True] * 3
    assert "DELETE" not in side
    assert f'data-post="/api/assets/links/{line.id}"' in await page_of(house, Role.TENANT_ADMIN)


async def test_a_platform_owner_writes_in_the_tenant_of_the_asset(house: House) -> None:
    html = await page_of(house, Role.PLATFORM_OWNER)
    assert f'data-post="/api/assets/{house.own.asset.id}?tenant_id={house.own.tenant.id}"' in html


async def test_the_page_of_another_tenant_is_not_there(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(f"/assets/{house.other.asset.id}")).status_code == 404


async def test_an_arabic_page_has_arabic_words(house: House) -> None:
    await _incident_with_order(house)
    html = await page_of(house, Role.TENANT_ADMIN, query="?lang=ar")
    assert "المنحنيات" in html
    assert "Trends" not in html.split("data-words", 1)[0]


async def test_its_links_show_its_own_limits_and_mappings(house: House) -> None:
    own = house.own
    text = await page_of(house, Role.TENANT_ADMIN)
    limits, mappings = f"/rules/limits?asset={own.asset.id}", f"/integrations/{own.integration.id}?q="
    assert f'href="{limits}"' in text
    assert f'href="{mappings}{own.asset.code}"' in text
    async with house.client(Role.TENANT_ADMIN) as browser:
        shown = (await browser.get(limits)).text
        others = (await browser.get(f"/rules/limits?asset={own.asset.id + 1}")).text
    assert "Only what holds for" in shown
    assert "1 limit<" in shown
    assert "No limits in force" in others
