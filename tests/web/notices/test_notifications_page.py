"""The page of notifications, as the server writes it."""

from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.kit import clock
from tests import factories
from tests.web.house import House

PAGE = "/notifications"


@pytest.mark.clause("N3")
async def test_unread_ones_come_first_then_days(house: House) -> None:
    engineer = house.own.users[Role.ENGINEER]
    now = clock.now()
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.notification(tx, engineer, title="Read now", is_read=True, created_at=now)
        old = now - timedelta(days=3)
        await factories.notification(tx, engineer, title="Read long ago", is_read=True, created_at=old)
        await factories.notification(tx, engineer, title="Not read yet", created_at=old)
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(PAGE)).text
        unread = (await browser.get(f"{PAGE}?unread=true")).text
    main = page[page.index("<main") :]
    assert main.index("Not read yet") < main.index("Read now") < main.index("Read long ago")
    assert "Today" in main
    assert "Read now" not in unread[unread.index("<main") :]


async def test_nobody_reads_what_others_were_told(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.notification(tx, house.own.users[Role.ENGINEER], title="For the engineer")
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(PAGE)).text
    assert "For the engineer" not in page
    assert "Nothing new" in page


@pytest.mark.clause("N3")
async def test_a_read_notification_leaves_the_unread_ones_and_the_badge(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.notification(tx, house.own.users[Role.ENGINEER], title="Look at the pump")
    async with house.client(Role.ENGINEER) as browser:
        before = (await browser.get(PAGE)).text
        await browser.put(f"/api/notifications/{row.id}", json={"is_read": True})
        after = (await browser.get(PAGE)).text
    assert f'data-post="/api/notifications/{row.id}"' in before
    assert f'data-post="/api/notifications/{row.id}"' not in after
    assert "Look at the pump" in after


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_has_the_page_in_both_languages(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        english, arabic = await browser.get(PAGE), await browser.get(f"{PAGE}?lang=ar")
    assert (english.status_code, arabic.status_code) == (200, 200)
    assert "الإشعارات" in arabic.text


async def test_how_one_is_told_is_set_beside_the_list(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(PAGE)).text
    assert 'data-post="/api/notifications/preferences"' in page
    assert "This installation sends no e-mail yet." in page
    async with house.client(Role.PLATFORM_OWNER) as browser:
        owner = (await browser.get(PAGE)).text
    assert 'data-post="/api/notifications/preferences"' not in owner
    assert "is sent no notifications" in owner
