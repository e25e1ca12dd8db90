"""From an empty tenant to the first live value: which steps are done, and what comes next."""

from dataclasses import dataclass

from sqlalchemy import Select, exists, select

from optria.core.roles import Permission, can
from optria.db.plant import AssetRow, HistoryChunk, Integration, MappingRow, SiteRow
from optria.db.session import Tx
from optria.web.services import Services
from optria.web.sessions import Viewer

ANSWERS = frozenset({"connected", "backfilling"})


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """``connection_id`` is the one to go on with: the only or first one."""

    has_site: bool
    has_asset: bool
    has_connection: bool
    answers: bool
    is_mapped: bool
    connection_id: int | None = None

    @property
    def done(self) -> int:
        return sum((self.has_site, self.has_asset, self.answers, self.is_mapped))


async def first_steps(tx: Tx, viewer: Viewer, services: Services) -> FirstSteps | None:
    """The steps for those who may take them; None once a value has come, and for everybody else.

    One statement at most: none at all while anything streams.
    """
    tenant_id = tx.tenant_id
    if tenant_id is None or not can(viewer.role, Permission.MANAGE_INTEGRATIONS):
        return None
    pipeline = services.pipelines.get(tenant_id)
    if pipeline is not None and pipeline.live.snapshot():
        return None
    row = (await tx.session.execute(_question(tenant_id))).one()
    if row.has_history:
        return None
    return FirstSteps(
        has_site=row.has_site,
        has_asset=row.has_asset,
        has_connection=row.connection_id is not None,
        answers=row.answers or any(str(link.state) in ANSWERS for link in services.links(tenant_id)),
        is_mapped=row.is_mapped,
        connection_id=row.connection_id,
    )


def _question(tenant_id: int) -> Select[tuple[bool, bool, bool, bool, bool, int | None]]:
    connections = select(Integration.id).where(
        Integration.tenant_id == tenant_id, Integration.is_active.is_not(False)
    )
    return select(
        exists().where(SiteRow.tenant_id == tenant_id, SiteRow.is_active.is_not(False)).label("has_site"),
        exists().where(AssetRow.tenant_id == tenant_id, AssetRow.is_active.is_not(False)).label("has_asset"),
        exists()
        .where(Integration.tenant_id == tenant_id, Integration.last_sync_status == "success")
        .label("answers"),
        exists()
        .where(
            MappingRow.tenant_id == tenant_id,
            MappingRow.is_active.is_not(False),
            MappingRow.asset_id.is_not(None),
        )
        .label("is_mapped"),
        exists().where(HistoryChunk.tenant_id == tenant_id).label("has_history"),
        connections.order_by(Integration.id).limit(1).scalar_subquery().label("connection_id"),
    )
