"""What else happens when an incident opens."""

import json

from sqlalchemy import select

from optria.blackbox.incidents import open_incident
from optria.core.incident import Anchor
from optria.db.delivery import WebhookDelivery
from optria.kit import clock
from tests.blackbox.conftest import SmallPlant
from tests.work.hooks import webhook


async def test_a_new_incident_is_told_to_webhooks_once(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await webhook(tx, "https://receiver.example/hook", kinds=["INCIDENT_CREATED"])
    for pump in small.pumps[:2]:  # the second joins the incident of its neighbour
        async with small.database.transaction(small.tenant_id) as tx:
            await open_incident(tx, small.plant, Anchor(pump, clock.now(), 2.0, 0.9, (), "level"))
    async with small.database.transaction(small.tenant_id) as tx:
        told = (await tx.session.scalars(select(WebhookDelivery))).all()
    assert [row.kind for row in told] == ["INCIDENT_CREATED"]
    assert "P-101" in json.dumps(json.loads(told[0].body))
