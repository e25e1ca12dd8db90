"""Connections to plant sources over HTTP: what there is, how it does, and a truthful test of it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Query
from sqlalchemy import select

from optria.connectors import CONNECTOR_SCHEMAS, Connector, make_connector
from optria.connectors.base import BrowseEntry, Probe
from optria.core.errors import ConfigurationError, ConnectorUnavailable, NotFound
from optria.core.roles import Permission
from optria.db.plant import Integration, IntegrationActionLog, MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import Given, IdFilter, Limit, OpenTx, RowId, TenantChoice, require, tenant_of
from optria.web.health import link_json
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, mapping_json, when

router = APIRouter(prefix="/api/integrations", tags=["integrations"])

SignedIn = Annotated[Viewer, require(Permission.SIGNED_IN)]
Seeing = Annotated[Viewer, require(Permission.VIEW_INTEGRATIONS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_INTEGRATIONS)]
HIDDEN: Final = "********"
SECRET_NAME: Final = re.compile(r"pass|secret|token|credential|private|api_?key", re.IGNORECASE)
PASSWORD_IN_URL: Final = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
PROBE_TIMEOUT_S: Final = 15.0
BROWSE_TIMEOUT_S: Final = 20.0
MOST_TAGS: Final = 2_000


@router.get("/types")
async def list_types(_viewer: SignedIn) -> list[Json]:
    return [{"type": kind} | schema for kind, schema in CONNECTOR_SCHEMAS.items()]


@router.get("/schemas/{integration_type}")
async def get_schema(_viewer: SignedIn, integration_type: str) -> Json:
    schema = CONNECTOR_SCHEMAS.get(integration_type)
    if schema is None:
        raise NotFound("There is no such kind of connection.")
    return schema


@router.get("/")
async def list_integrations(_viewer: Seeing, tx: OpenTx, services: Given) -> list[Json]:
    rows = (await tx.session.scalars(select(Integration).order_by(Integration.id))).all()
    links = _links(services, {row.tenant_id for row in rows})
    return [integration_json(row) | {"link": links.get(row.id)} for row in rows]


def _links(services: Services, tenants: set[int]) -> dict[int, Json]:
    return {link.integration_id: link_json(link) for tenant in tenants for link in services.links(tenant)}


def integration_json(row: Integration) -> Json:
    """One connection; its secrets never leave."""
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": row.name,
        "integration_type": row.integration_type,
        "config": redacted(row.config or {}),
        "status": row.status,
        "last_sync_at": when(row.last_sync_at),
        "last_sync_status": row.last_sync_status,
        "last_sync_message": row.last_sync_message,
        "is_active": row.is_active,
        "demo_stream_active": row.demo_stream_active,
    }


def redacted(config: Mapping[str, object]) -> dict[str, object]:
    """A configuration without passwords, tokens and keys, also inside addresses and nested objects."""
    return {name: HIDDEN if _is_secret(name, value) else _shown(value) for name, value in config.items()}


def _is_secret(name: str, value: object) -> bool:
    return bool(SECRET_NAME.search(name)) and value not in (None, "")


def _shown(value: object) -> object:
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", value) if isinstance(value, str) else value


@router.get("/mappings")
async def list_mappings(
    _viewer: Managing, tx: OpenTx, integration_id: IdFilter = None, asset_id: IdFilter = None
) -> list[Json]:
    wanted = {"integration_id": integration_id, "asset_id": asset_id}
    conditions = [getattr(MappingRow, name) == value for name, value in wanted.items() if value is not None]
    query = select(MappingRow).where(*conditions).order_by(MappingRow.external_tag, MappingRow.id)
    return [mapping_json(row) for row in (await tx.session.scalars(query)).all()]


@router.get("/{integration_id}")
async def get_integration(_viewer: Managing, tx: OpenTx, services: Given, integration_id: RowId) -> Json:
    row = await _find(tx, integration_id)
    query = select(MappingRow).where(MappingRow.integration_id == row.id).order_by(MappingRow.id)
    return integration_json(row) | {
        "mappings": [mapping_json(each) for each in (await tx.session.scalars(query)).all()],
        "schema": CONNECTOR_SCHEMAS.get(row.integration_type, {}),
        "link": _links(services, {row.tenant_id}).get(row.id),
    }


async def _find(tx: Tx, integration_id: int) -> Integration:
    row = await tx.session.get(Integration, integration_id)
    if row is None:
        raise NotFound(f"There is no connection {integration_id}.")
    return row


@router.post("/{integration_id}/test")
async def try_integration(
    viewer: Managing, services: Given, integration_id: RowId, tenant: TenantChoice = None
) -> Json:
    """Connect and read, now; the answer and the log say how it really went."""
    row = await _read(services, viewer, integration_id, tenant)
    probe = await _probe(services, row)
    moment = clock.now()
    await _note(services, row, probe, moment)
    status = {
        "type": row.integration_type,
        "status": "connected" if probe.ok else "error",
        "last_error": None if probe.ok else probe.message,
        "last_connection_time": when(moment) if probe.ok else None,
    }
    return {"success": probe.ok, "status": status, "message": probe.message, "details": dict(probe.details)}


async def _read(services: Services, viewer: Viewer, integration_id: int, tenant: int | None) -> Integration:
    tenant_id = tenant_of(viewer, tenant)
    if tenant_id is None:
        async with services.database.platform("find a connection") as tx:
            return await _find(tx, integration_id)
    async with services.database.transaction(tenant_id) as tx:
        return await _find(tx, integration_id)


async def _probe(services: Services, row: Integration) -> Probe:
    try:
        with anyio.fail_after(PROBE_TIMEOUT_S):
            return await _connector(services, row).probe()
    except TimeoutError:
        return Probe(False, f"The source did not answer within {PROBE_TIMEOUT_S:.0f} s.")
    except (ConfigurationError, ConnectorUnavailable) as error:
        return Probe(False, str(error))


def _connector(services: Services, row: Integration) -> Connector:
    return make_connector(row.integration_type, row.config or {}, services.settings.home_folder)


async def _note(services: Services, row: Integration, probe: Probe, moment: datetime) -> None:
    async with services.database.transaction(row.tenant_id) as tx:
        stored = await _find(tx, row.id)
        stored.last_sync_at = moment
        stored.last_sync_status = "success" if probe.ok else "error"
        stored.last_sync_message = probe.message
        tx.session.add(
            IntegrationActionLog(
                tenant_id=row.tenant_id,
                integration_id=row.id,
                action="test",
                status=stored.last_sync_status,
                message=probe.message,
                details=dict(probe.details),
                created_at=moment,
            )
        )


@router.get("/{integration_id}/available-tags")
async def list_available_tags(
    viewer: Managing,
    services: Given,
    integration_id: RowId,
    node: Annotated[str | None, Query(max_length=500)] = None,
    tenant: TenantChoice = None,
) -> Json:
    """What the source offers: all its tags (at most 2,000), or what is under one ``node``."""
    row = await _read(services, viewer, integration_id, tenant)
    try:
        with anyio.fail_after(BROWSE_TIMEOUT_S):
            connector = _connector(services, row)
            entries = await _all_tags(connector) if node is None else await connector.browse(node)
    except TimeoutError as error:
        raise ConnectorUnavailable(f"The source did not answer within {BROWSE_TIMEOUT_S:.0f} s.") from error
    return {
        "tags": [entry.id for entry in entries if entry.is_variable],
        "entries": [entry_json(entry) for entry in entries],
    }


async def _all_tags(connector: Connector) -> list[BrowseEntry]:
    """Every variable below the root, breadth first."""
    found: list[BrowseEntry] = []
    folders: list[str | None] = [None]
    seen: set[str | None] = {None}
    while folders and len(found) < MOST_TAGS:
        for entry in await connector.browse(folders.pop(0)):
            if entry.is_variable:
                found.append(entry)
            if entry.has_children and entry.id not in seen:
                seen.add(entry.id)
                folders.append(entry.id)
    return found[:MOST_TAGS]


def entry_json(entry: BrowseEntry) -> Json:
    return {
        "id": entry.id,
        "name": entry.name,
        "has_children": entry.has_children,
        "is_variable": entry.is_variable,
        "unit": entry.unit,
        "low": entry.low,
        "high": entry.high,
        "description": entry.description,
    }


@router.get("/{integration_id}/action-logs")
async def list_action_logs(
    _viewer: Managing, tx: OpenTx, integration_id: RowId, limit: Limit = 50
) -> list[Json]:
    row = await _find(tx, integration_id)
    query = (
        select(IntegrationActionLog)
        .where(IntegrationActionLog.integration_id == row.id)
        .order_by(IntegrationActionLog.id.desc())
        .limit(limit)
    )
    return [
        {
            "id": entry.id,
            "integration_id": entry.integration_id,
            "action": entry.action,
            "status": entry.status,
            "message": entry.message,
            "details": entry.details or {},
            "created_at": when(entry.created_at),
        }
        for entry in (await tx.session.scalars(query)).all()
    ]
