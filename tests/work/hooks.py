"""A sender with a key of its own, and a webhook of a tenant."""

import ssl
from typing import Any

from optria.db.delivery import WebhookRow
from optria.db.session import Database, Tx
from optria.kit.secrets import Sealer
from optria.kit.settings import Settings
from optria.work.delivery_people import PersonQueue
from optria.work.delivery_sender import Sender
from optria.work.delivery_webhooks import WebhookQueue, hosts_of, new_secret, place_of_secret

SEALER = Sealer({"test": bytes(range(32))})
SECRET = new_secret()


def sender_of(database: Database, trust: ssl.SSLContext | None = None, hosts: str = "") -> Sender:
    allowed = hosts_of(Settings(webhook_hosts=hosts))
    queue = WebhookQueue(SEALER, trust or ssl.create_default_context(), allowed)
    return Sender(database, PersonQueue(), queue)


async def webhook(tx: Tx, url: str, **values: Any) -> WebhookRow:
    defaults: dict[str, Any] = {
        "tenant_id": tx.tenant_id,
        "name": "Maintenance system",
        "url": url,
        "min_severity": "INFO",
        "kinds": None,
    }
    row = WebhookRow(**defaults | values)
    tx.session.add(row)
    await tx.session.flush()
    row.secret = SEALER.seal(SECRET, *place_of_secret(row.tenant_id, row.id))
    await tx.session.flush()
    return row
