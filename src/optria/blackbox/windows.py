"""The window around an anchor as the tenant has configured it."""

from datetime import datetime

from sqlalchemy import select

from optria.core.event import EventWindow
from optria.db.plant import IncidentWindow
from optria.db.session import Tx
from optria.rca.window import WindowSetting, window_around


async def window_of(tx: Tx, tenant_id: int, asset_type: str, anchor: datetime) -> EventWindow:
    """The tenant's window for an asset type, else the tenant's own, else 30 minutes on both sides."""
    statement = select(IncidentWindow).where(IncidentWindow.tenant_id == tenant_id)
    rows = (await tx.session.execute(statement)).scalars().all()
    settings = [WindowSetting(row.before_minutes, row.after_minutes, row.asset_type) for row in rows]
    return window_around(anchor, asset_type, settings)
