"""The pages of connections: each state in words, secrets never, and controls for those who may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.core.tag import Quality, Sample, SampleBatch, to_micros
from optria.db.plant import Integration
from optria.kit import clock
from optria.web.server import create_app
from tests import factories
from tests.web.house import House, Source

ADD = "Add a connection"


async def page(house: House, path: str, who: Role = Role.TENANT_ADMIN) -> str:
    async with house.client(who) as browser:
        answer = await browser.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def linked(house: House, **changes: object) -> None:
    """The own connection is linked as ``changes`` say."""
    link = replace(Source(house.own.integration.id, "OPC UA"), **changes)  # type: ignore[arg-type]
    house.app = create_app(replace(house.services, links=lambda _tenant: [link]))


@pytest.mark.parametrize("path", ["/integrations", "/integrations/{}"])
async def test_who_sees_connections_and_who_changes_them(house: House, path: str) -> None:
    address = path.format(house.own.integration.id)
    for role in (Role.ENGINEER, Role.OPTIMIZATION_ENGINEER):
        text = await page(house, address, role)
        assert "A tenant admin changes them." in text
        assert not [word for word in (ADD, "data-test-connection", 'data-dialog="') if word in text]
    admin = await page(house, address)
    assert "data-test-connection" in admin
    async with house.client(Role.VIEWER) as browser:
        refused = await browser.get(address, headers={"Accept": "text/html"})
    assert (refused.status_code, "Your role may not open this page" in refused.text) == (403, True)


@pytest.mark.parametrize("path", ["/integrations/new", "/integrations/{}/edit"])
async def test_the_form_is_for_those_who_may_save_it(house: House, path: str) -> None:
    address = path.format(house.own.integration.id)
    for role in Role:
        async with house.client(role) as browser:
            answer = await browser.get(address)
        assert (answer.status_code == 200) == (role in (Role.TENANT_ADMIN, Role.PLATFORM_OWNER)), role


@pytest.mark.clause("G10")
async def test_only_the_own_connections_are_shown(house: House) -> None:
    text = await page(house, "/integrations")
    assert house.own.integration.name in text
    assert house.other.integration.name not in text
    async with house.client(Role.TENANT_ADMIN) as browser:
        for path in ("", "/edit"):
            assert (await browser.get(f"/integrations/{house.other.integration.id}{path}")).status_code == 404


async def test_a_live_connection_shows_its_figures(house: House) -> None:
    house.own.stream.put(house.sample(2.5))
    linked(house, rate=80.25, received=1234, since=clock.now() - timedelta(hours=1))
    text = await page(house, f"/integrations/{house.own.integration.id}")
    assert [word for word in ("Live", "80.2", "1\u2009234", "2.50", "since") if word not in text] == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": "lost", "last_error": "Nothing listens at plc:4840."}, "Nothing listens at plc:4840."),
        ({"state": "lost", "last_error": "Gone."}, "It is tried again by itself"),
        ({"state": "connected", "received": 5}, "Source stale"),
        ({"state": "connected", "warning": "The server has no node X."}, "The server has no node X."),
        ({"state": "connecting"}, "Connecting"),
        ({"state": "backfilling", "backfill_progress": 0.42}, "42&nbsp;%"),
        ({"rejected": {"not a number": 7}}, "Refused: not a number"),
    ],
)
async def test_each_state_is_said_in_words(house: House, changes: dict[str, object], says: str) -> None:
    linked(house, **{"backfill_from": clock.now() - timedelta(minutes=3), **changes})
    assert says in await page(house, f"/integrations/{house.own.integration.id}")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"is_active": False}, "Switched off"),
        ({}, "No signals mapped"),
        ({"integration_type": "sap"}, "Kind not supported"),
    ],
)
async def test_a_connection_that_rests_says_why(house: House, values: dict[str, object], says: str) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.integration(tx, house.own.tenant.id, **values)
    assert says in await page(house, f"/integrations/{row.id}")


@pytest.mark.clause("C3")
async def test_a_connected_source_says_which_tag_it_lacks(house: House) -> None:
    sentence = "The server has no node ns=2;s=P-102B.NOPE; the other signals are read."
    linked(house, warning=sentence)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        state = (await browser.get("/health/internal/config/status")).json()["integrations"]
    assert sentence in await page(house, "/integrations")
    assert state[str(house.own.tenant.id)][0]["warning"] == sentence


async def test_the_tag_that_a_source_lacks_is_marked_in_its_row(house: House) -> None:
    linked(house, missing=(house.own.pressure.external_tag,))
    text = await page(house, f"/integrations/{house.own.integration.id}")
    assert text.count("The source does not have this tag") == 1


async def secret(house: House) -> Integration:
    async with house.client(Role.TENANT_ADMIN) as browser:
        config = {"endpoint_url": "https://127.0.0.1/piwebapi", "username": "u", "password": "Top-5ecret"}
        sent = {"name": "PI", "integration_type": "pi", "config": config}
        made = (await browser.post("/api/integrations/", json=sent)).json()["integration"]
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.get(Integration, made["id"])
    assert row is not None
    return row


async def test_a_secret_is_said_to_be_stored_and_never_shown(house: House) -> None:
    row = await secret(house)
    shown = await page(house, f"/integrations/{row.id}")
    form = await page(house, f"/integrations/{row.id}/edit")
    assert "stored, not shown" in shown
    assert 'value="********"' in form
    for text in (shown, form):
        assert "Top-5ecret" not in text
        assert str(row.config["password"]["$secret"]) not in text


@pytest.mark.parametrize("kind", ["opcua", "pi", "sql", "demo", "nonsense"])
async def test_each_kind_has_its_form(house: House, kind: str) -> None:
    text = await page(house, f"/integrations/new?kind={kind}")
    assert ('name="config.query"' in text) == (kind == "sql")
    assert ('name="config.security_mode"' in text) == (kind in ("opcua", "nonsense"))
    assert "data-test-settings" in text


async def test_signals_are_filtered_by_tag_metric_and_asset(house: House) -> None:
    address = f"/integrations/{house.own.integration.id}"
    tags = house.own.vibration.external_tag, house.own.pressure.external_tag
    for text, shown in (("vibra", [True, False]), (house.own.asset.code.lower(), [True, True])):
        found = await page(house, f"{address}?q={text}")
        assert [
            f'data-key="mapping-{row.id}"' in found for row in (house.own.vibration, house.own.pressure)
        ] == (shown)
    assert "No signal fits" in await page(house, f"{address}?q=%25")
    every = await page(house, address)
    assert all(tag in every for tag in tags)


async def test_browsing_and_import_are_for_those_who_manage(house: House) -> None:
    address = f"/integrations/{house.own.integration.id}"
    for view, mark in (("browse", "data-tag-tree"), ("import", "data-mapping-import")):
        assert mark in await page(house, f"{address}?view={view}")
        assert mark not in await page(house, f"{address}?view={view}", Role.ENGINEER)


async def test_a_platform_owner_says_of_which_tenant(house: House) -> None:
    every = await page(house, "/integrations", Role.PLATFORM_OWNER)
    one = await page(house, f"/integrations?tenant_id={house.own.tenant.id}", Role.PLATFORM_OWNER)
    assert house.other.integration.name in every
    assert f"/integrations/new?tenant_id={house.own.tenant.id}" in one
    assert "/integrations/new" not in every


async def test_nothing_is_left_in_english_on_the_arabic_pages(house: House) -> None:
    text = await page(house, f"/integrations/{house.own.integration.id}?lang=ar")
    assert [word for word in ("Signals", "Settings", "Switch off", "Data age") if f">{word}<" in text] == []


async def test_what_was_refused_for_its_time_and_a_wrong_clock_are_shown(house: House) -> None:
    own = house.own
    now = clock.now()
    wrong = Sample(own.vibration.id, now + timedelta(days=400), 4.25, Quality.GOOD)
    own.stream.quarantine.put("in_future", SampleBatch.of([wrong]), to_micros(now))
    own.stream.ahead_s[own.integration.id] = 90.0
    text = await page(house, f"/integrations/{own.integration.id}")
    assert "Values refused for their time" in text
    assert "ahead of the clock" in text
    assert f"{wrong.source_time:%Y-%m-%d}" in text
    assert "90.0 s" in text
