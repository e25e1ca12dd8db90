"""kill -9 around an e-mail: at most one repeat, and it has the same key."""

import signal
from collections import Counter
from collections.abc import Callable
from time import monotonic

import pytest
from sqlalchemy import func, select, update

from optria.db.delivery import Delivery
from optria.db.session import Database
from optria.work.delivery_channels import CHANNELS
from optria.work.delivery_queue import LEASE
from optria.work.notifications import notify
from tests import factories
from tests.fakes.mail_server import MailServer
from tests.fakes.prefork import Prefork, prefork
from tests.faults.figures import Figures, Scale
from tests.work.letters import channel
from tests.work.test_delivery_people import notice

SENDER = "tests.work.send_mail"


async def lease_over(database: Database, tenant_id: int) -> None:
    async with database.transaction(tenant_id) as tx:
        await tx.session.execute(
            update(Delivery)
            .where(Delivery.status == "sending")
            .values(next_attempt_at=Delivery.next_attempt_at - LEASE)
        )


@pytest.mark.parametrize("moment", ["letter taken, not acknowledged", "before the letter"])
async def test_a_sender_killed_around_an_email_repeats_it_at_most_once_with_the_same_key(
    fresh_database: str,
    serving: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    scale: Scale,
    figures: Figures,
    moment: str,
) -> None:
    url, people = serving(fresh_database), scale.of(40, 2)
    database = Database(url)
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        users = [(await factories.user(tx, tenant.id)).id for _ in range(people)]
    begun = monotonic()
    with prefork(SENDER) as forks:
        async with MailServer().running() as server:
            monkeypatch.setitem(CHANNELS, "email", channel(server.port))
            for user_id in users:
                async with database.transaction(tenant.id) as tx:
                    await notify(tx, tenant.id, [user_id], notice())
                await _killed_at_one(forks, database, tenant.id, url, server, moment)
    keys = Counter(received.message["X-Optria-Delivery"] for received in server.letters)
    names = {(letter.message["X-Optria-Delivery"], letter.message["Message-ID"]) for letter in server.letters}
    async with database.transaction(tenant.id) as tx:
        states = await tx.session.execute(select(Delivery.status, func.count()).group_by(Delivery.status))
        reached = {str(status): int(number) for status, number in states}
    await database.dispose()
    figures.load = f"{people} kills, {moment}"
    figures.lost = people - reached.get("delivered", 0)
    figures.duplicated = sum(number > 2 for number in keys.values())
    figures.notes.append(
        f"{moment}: {len(server.letters) - people} letters came twice, {monotonic() - begun:.0f} s"
    )
    assert reached == {"delivered": people}
    assert len(keys) == len(names) == people
    assert set(keys.values()) == ({1} if moment == "before the letter" else {2})


async def _killed_at_one(
    forks: Prefork, database: Database, tenant_id: int, url: str, server: MailServer, moment: str
) -> None:
    """One sender dies at its letter, the next finds the claim of the dead, the third sends it."""
    before = len(server.letters)
    first = await forks.begin(f"{SENDER}:main", database_url=url, port=server.port)

    def kill() -> None:
        first.send(signal.SIGKILL)

    if moment == "before the letter":
        server.on_connect = kill
    else:
        server.on_letter = kill
    await first.gone()
    server.on_connect = server.on_letter = None
    taken = len(server.letters)
    assert taken - before == (moment != "before the letter")
    await (await forks.begin(f"{SENDER}:main", database_url=url, port=server.port)).gone()
    assert len(server.letters) == taken, "the claim of the dead still holds"
    await lease_over(database, tenant_id)
    for _ in range(2):
        await (await forks.begin(f"{SENDER}:main", database_url=url, port=server.port)).gone()
    assert len(server.letters) == taken + 1
