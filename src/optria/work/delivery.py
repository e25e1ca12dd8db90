"""Where notifications leave the product: e-mail, SMS, webhooks.

THE SEAM FOR E-MAIL AND SMS: :func:`hand_over` is called for every notification, in its transaction. It
writes one ``notification_deliveries`` row for each channel that the tenant has switched on (tenant
setting ``channels``) and that is registered in :data:`CHANNELS`. A sender then works through pending
rows. No channel is registered in this version, so nothing is sent and no row is written.
"""

from typing import Protocol

from optria.db.identity import Tenant, User
from optria.db.session import Tx
from optria.db.work import Delivery, NotificationRow


class Channel(Protocol):
    """A way out. ``send`` raises when the message was not accepted; it may be called again."""

    async def send(self, notification: NotificationRow, user: User, idempotency_key: str) -> None: ...


CHANNELS: dict[str, Channel] = {}
"""Channel name (``email``, ``sms``, ``webhook``) to sender."""


async def hand_over(tx: Tx, notification: NotificationRow) -> list[Delivery]:
    """Queue a stored notification for every channel that is on; the rows written."""
    if not CHANNELS:
        return []
    tenant = await tx.session.get_one(Tenant, notification.tenant_id)
    wanted = (tenant.settings or {}).get("channels", [])
    rows = [
        Delivery(tenant_id=notification.tenant_id, notification_id=notification.id, channel=name)
        for name in wanted
        if name in CHANNELS
    ]
    tx.session.add_all(rows)
    return rows
