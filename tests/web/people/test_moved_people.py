"""A person who is moved to another tenant has no session there."""

from datetime import timedelta

from sqlalchemy import update

from optria.core.roles import Role
from optria.db.identity import User, UserSession
from optria.kit import clock
from tests.web.house import House


async def test_a_session_does_not_follow_a_person_into_another_tenant(house: House) -> None:
    user = house.user(Role.ENGINEER)
    async with house.client(user) as browser:
        assert (await browser.get("/api/auth/me")).status_code == 200
        async with house.database.platform("test") as tx:
            earlier = clock.now() - timedelta(minutes=5)
            await tx.session.execute(update(UserSession).values(last_seen_at=earlier))
            moved = update(User).where(User.id == user.id).values(tenant_id=house.other.tenant.id)
            await tx.session.execute(moved)
        assert (await browser.get("/api/auth/me")).status_code == 401
