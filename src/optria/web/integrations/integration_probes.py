"""Connections tried over HTTP: tested before and after they are saved, browsed and read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select

from optria.connectors import Connector, make_connector
from optria.connectors.allowed_hosts import Reach
from optria.connectors.base import BrowseEntry, BrowsePage, Paging, Probe
from optria.core.errors import ConfigurationError, ConnectorUnavailable, Invalid
from optria.core.roles import Permission
from optria.core.tag import SignalMapping
from optria.db.plant import Integration, MappingRow
from optria.kit import clock
from optria.web.deps import Given, Limit, Offset, RowId, TenantChoice, require, tenant_of
from optria.web.integrations.integration_bodies import Reading, Trial
from optria.web.integrations.integration_browsing import all_tags, patience, search
from optria.web.integrations.integration_config import connector_of, prepare, vault_of
from optria.web.integrations.integration_stages import TAGS_TRIED, probed, tried
from optria.web.integrations.integration_traces import Deed, log_deed, note_trial
from optria.web.integrations.integration_views import entry_json, probe_json, samples_json
from optria.web.integrations.integrations import Managing, find_connection
from optria.web.refusals import in_language
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/api/integrations", tags=["integrations"])

Owning = Annotated[Viewer, require(Permission.MANAGE_TENANTS)]
SAMPLE_ROWS: Final = 5


@router.post("/probe", summary="Try settings that are not stored")
async def try_settings(
    viewer: Managing, services: Given, request: Request, sent: Trial, tenant: TenantChoice = None
) -> Json:
    """Connects and reads with them, and says how it went, stage by stage. ``********`` stands for a secret of
    the connection ``integration_id``."""
    row = await read_row(services, viewer, sent.integration_id, tenant) if sent.integration_id else None
    if row is not None and row.integration_type != sent.integration_type:
        raise Invalid(f"Connection {row.id} is of the kind {row.integration_type}.")
    stored = (row.config or {}) if row is not None else {}
    vault = await vault_of(services.settings, row) if row is not None else None
    prepared = await prepare(services.settings, sent.integration_type, sent.config, stored, vault)
    tenant_id = row.tenant_id if row is not None else tenant_of(viewer, tenant)
    await note_trial(
        services,
        viewer,
        request,
        tenant_id,
        "probe",
        sent.integration_type,
        prepared.config,
        sent.integration_id,
    )
    opened = vault.open(prepared.config) if vault else prepared.config
    settings = services.settings
    connector = make_connector(sent.integration_type, opened, settings.home_folder, Reach.of(settings))
    probe, stages = await tried(connector, opened, Reach.of(settings))
    return {**prepared.said(sent.integration_type), **_told(probe, stages, viewer.language)}


@router.post("/{integration_id}/test", summary="Test a connection")
async def try_integration(
    viewer: Managing, services: Given, integration_id: RowId, tenant: TenantChoice = None
) -> Json:
    """Connect and read, now; the answer and the log say how it really went.

    ``stages`` are ``reached``, ``signed_in``, ``read`` (mapped tags, or the first that are offered) and
    ``clock``; each is ``done``, ``failed``, ``not_tried`` or ``not_told``.
    """
    row = await read_row(services, viewer, integration_id, tenant)
    probe, stages = await _try_stored(services, row)
    moment = clock.now()
    await _note(services, row, probe, moment)
    status = {
        "type": row.integration_type,
        "status": "connected" if probe.ok else "error",
        "last_error": None if probe.ok else probe.message,
        "last_connection_time": when(moment) if probe.ok else None,
    }
    return {**_told(probe, stages, viewer.language), "status": status}


def _told(probe: Probe, stages: Sequence[Json], language: str) -> Json:
    """How it went, in the language of who asked."""
    said = [
        stage | {"said": in_language(str(stage["said"]), language)} if "said" in stage else stage
        for stage in stages
    ]
    return {**probe_json(probe), "message": in_language(probe.message, language), "stages": said}


@router.get("/{integration_id}/available-tags", summary="Browse a source")
async def list_available_tags(
    viewer: Managing,
    services: Given,
    request: Request,
    integration_id: RowId,
    node: Annotated[str | None, Query(max_length=500)] = None,
    text: Annotated[str | None, Query(alias="search", min_length=1, max_length=100)] = None,
    tree: bool = False,
    limit: Limit = 500,
    offset: Offset = 0,
    tenant: TenantChoice = None,
) -> Json:
    """What the source offers: all its tags (at most 2,000), what is under one ``node``, the first level of
    its ``tree``, or the tags that a ``search`` finds. ``limit`` and ``offset`` are of the last three."""
    row = await read_row(services, viewer, integration_id, tenant)
    await _note_stored(services, viewer, request, "browse", row)
    connector = await _connector(services, row)
    with patience():
        page = await _offered(connector, node, text, offset, limit, tree=tree)
    return {
        "total": page.total,
        "tags": [entry.id for entry in page.entries if entry.is_variable],
        "entries": [entry_json(entry) for entry in page.entries],
    }


async def _offered(
    connector: Connector, node: str | None, text: str | None, offset: int, limit: int, *, tree: bool
) -> BrowsePage:
    """A source that pages by itself is asked for the page alone."""
    if text is None and node is None and not tree:
        every: Sequence[BrowseEntry] = await all_tags(connector)
        return BrowsePage(every, len(every))
    if text is None and isinstance(connector, Paging):
        return await connector.browse_page(node, offset, limit)
    every = await search(connector, text) if text is not None else await connector.browse(node)
    return BrowsePage(every[offset : offset + limit], len(every))


@router.post("/{integration_id}/read", summary="Read present values of a source")
async def read_values(
    viewer: Managing,
    services: Given,
    request: Request,
    integration_id: RowId,
    sent: Reading,
    tenant: TenantChoice = None,
) -> Json:
    """Raw values as the source has them, without scale and offset; nothing of it is kept but that it was
    done."""
    row = await read_row(services, viewer, integration_id, tenant)
    await _note_stored(services, viewer, request, "read", row)
    return await _present(await _connector(services, row), list(dict.fromkeys(sent.tags)))


@router.get("/external-db/test-sample", summary="Read a sample of the first SQL connection")
async def read_sample(viewer: Owning, services: Given, tenant: TenantChoice = None) -> Json:
    """For platform owners: the first SQL connection of the tenant, or of all, is read now."""
    row = await _first_sql(services, tenant)
    if row is None:
        return {"success": False, "message": "There is no SQL connection yet.", "details": {}}
    details: Json = {"integration_id": row.id, "integration_name": row.name, "tenant_id": row.tenant_id}
    try:
        connector = await _connector(services, row)
        with patience():
            names = [entry.id for entry in await connector.browse(None) if entry.is_variable]
        present = await _present(connector, names[:SAMPLE_ROWS])
    except (ConfigurationError, ConnectorUnavailable, Invalid) as error:
        return {"success": False, "message": str(error), "details": details}
    message = f"{row.name} answers; it has {len(names)} tags."
    return {"success": True, "message": message, "details": {**details, "tags": len(names), **present}}


async def read_row(
    services: Services, viewer: Viewer, integration_id: int, tenant: int | None
) -> Integration:
    """A connection that the viewer may see, in a transaction of its own: no source is waited for in one."""
    tenant_id = tenant_of(viewer, tenant)
    if tenant_id is None:
        async with services.database.platform("find a connection") as tx:
            return await find_connection(tx, integration_id)
    async with services.database.transaction(tenant_id) as tx:
        return await find_connection(tx, integration_id)


async def _note_stored(
    services: Services, viewer: Viewer, request: Request, deed: Deed, row: Integration
) -> None:
    kind, config = row.integration_type, row.config or {}
    await note_trial(services, viewer, request, row.tenant_id, deed, kind, config, row.id)


async def _first_sql(services: Services, tenant: int | None) -> Integration | None:
    query = select(Integration).where(Integration.integration_type == "sql").order_by(Integration.id).limit(1)
    async with services.database.platform("read a sample of the first SQL connection") as tx:
        if tenant is not None:
            query = query.where(Integration.tenant_id == tenant)
        return (await tx.session.scalars(query)).first()


async def _connector(services: Services, row: Integration) -> Connector:
    """Raises Invalid when the stored settings cannot be used."""
    try:
        return await connector_of(services.settings, row)
    except ConfigurationError as error:
        raise Invalid(str(error)) from None


async def probe_stored(services: Services, row: Integration) -> Probe:
    """How a connection does with its stored settings; never raises for their or the source's fault."""
    try:
        return await probed(await connector_of(services.settings, row))
    except ConfigurationError as error:
        return Probe(False, str(error))


async def _try_stored(services: Services, row: Integration) -> tuple[Probe, list[Json]]:
    """As ``probe_stored``, stage by stage, with the tags that are mapped."""
    async with services.database.transaction(row.tenant_id) as tx:
        mapped = select(MappingRow.external_tag).where(
            MappingRow.integration_id == row.id, MappingRow.is_active.is_not(False)
        )
        tags = list(await tx.session.scalars(mapped.order_by(MappingRow.id).limit(TAGS_TRIED)))
    try:
        connector = await connector_of(services.settings, row)
    except ConfigurationError as error:
        return Probe(False, str(error)), []
    return await tried(connector, row.config or {}, Reach.of(services.settings), tags)


async def _present(connector: Connector, tags: list[str]) -> Json:
    wanted = [SignalMapping(n, 0, 0, tag, "", "") for n, tag in enumerate(tags)]
    with patience():
        batch = await connector.read_latest(wanted)
    found = set(batch.tag.tolist())
    return {
        "values": samples_json(batch, tags),
        "missing": [tag for n, tag in enumerate(tags) if n not in found],
    }


async def _note(services: Services, row: Integration, probe: Probe, moment: datetime) -> None:
    async with services.database.transaction(row.tenant_id) as tx:
        stored = await find_connection(tx, row.id)
        stored.last_sync_at = moment
        stored.last_sync_status = "success" if probe.ok else "error"
        stored.last_sync_message = probe.message
        log_deed(tx, stored, "test", stored.last_sync_status, probe.message, moment, dict(probe.details))
