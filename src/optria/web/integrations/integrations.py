"""Connections to plant sources over HTTP: what there is, how it does, added, changed, started and stopped."""

from typing import Annotated

from fastapi import Body, Request
from sqlalchemy import func, select

from optria.connectors import CONNECTOR_SCHEMAS
from optria.connectors.checking import fields_of
from optria.connectors.secrets import redacted
from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.roles import Permission
from optria.db.plant import Integration, IntegrationActionLog, MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.deps import Given, Limit, OpenTx, RowId, require, written_tenant
from optria.web.integrations.integration_bodies import (
    PI_EXAMPLE,
    IntegrationCreate,
    IntegrationUpdate,
    Settings,
)
from optria.web.integrations.integration_config import Prepared, merged, prepare, vault_of
from optria.web.integrations.integration_views import integration_json, links, log_json
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, mapping_json
from optria.web.turns import take_turns

router = api_router(prefix="/api/integrations", tags=["integrations"])

SignedIn = Annotated[Viewer, require(Permission.SIGNED_IN)]
Seeing = Annotated[Viewer, require(Permission.VIEW_INTEGRATIONS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_INTEGRATIONS)]


@router.get("/types", summary="List the kinds of connection")
async def list_types(_viewer: SignedIn) -> list[Json]:
    return [{"type": kind} | schema for kind, schema in CONNECTOR_SCHEMAS.items()]


@router.get("/schemas/{integration_type}", summary="Read the settings of a kind of connection")
async def get_schema(_viewer: SignedIn, integration_type: str) -> Json:
    schema = CONNECTOR_SCHEMAS.get(integration_type)
    if schema is None:
        raise NotFound("There is no such kind of connection.")
    return schema


@router.get("/", summary="List the connections")
async def list_integrations(_viewer: Seeing, tx: OpenTx, services: Given) -> list[Json]:
    """Secrets are shown as ``********``; ``link`` is how the connection does now, null when it rests."""
    rows = (await tx.session.scalars(select(Integration).order_by(Integration.id))).all()
    states = links(services, {row.tenant_id for row in rows})
    return [integration_json(row) | {"link": states.get(row.id)} for row in rows]


@router.post("/", summary="Add a connection")
async def create_integration(
    viewer: Managing, tx: OpenTx, services: Given, request: Request, sent: IntegrationCreate
) -> Json:
    """It runs as soon as it has signal mappings; the simulated plant when its stream is started."""
    await lock(tx)
    await _refuse_known_name(tx, sent.name)
    fields_of(sent.integration_type)
    prepared = await prepare(services.settings, sent.integration_type, sent.config or {}, {})
    row = Integration(
        tenant_id=written_tenant(tx), name=sent.name, integration_type=sent.integration_type, config={}
    )
    switch(row, active=sent.integration_type != "demo")
    tx.session.add(row)
    await tx.session.flush()
    await _seal(services, row, prepared)
    new = {"name": row.name, "integration_type": row.integration_type, "config": redacted(row.config)}
    summary = f"Connection {row.name} was added."
    await changes.record(
        tx, viewer, request, changes.Change("integration_created", "integration", row.id, summary, new=new)
    )
    return {"success": True, "integration": integration_json(row), **prepared.said(row.integration_type)}


@router.get("/{integration_id}", summary="Read a connection with its mappings")
async def get_integration(_viewer: Managing, tx: OpenTx, services: Given, integration_id: RowId) -> Json:
    row = await find_connection(tx, integration_id)
    query = (
        select(MappingRow)
        .where(MappingRow.integration_id == row.id, MappingRow.is_active.is_not(False))
        .order_by(MappingRow.id)
    )
    return integration_json(row) | {
        "mappings": [mapping_json(each) for each in (await tx.session.scalars(query)).all()],
        "schema": CONNECTOR_SCHEMAS.get(row.integration_type, {}),
        "link": links(services, {row.tenant_id}).get(row.id),
    }


@router.put("/{integration_id}", summary="Change a connection")
async def update_integration(
    viewer: Managing,
    tx: OpenTx,
    services: Given,
    request: Request,
    integration_id: RowId,
    sent: IntegrationUpdate,
) -> Json:
    """Only what is sent changes. A ``config`` replaces the stored one; ``********`` keeps a stored secret,
    unless the address leads elsewhere."""
    given = sent.model_dump(exclude_unset=True)
    if None in given.values():
        raise Invalid("Name, config and is_active cannot be empty. Leave out what is not to change.")
    await lock(tx)
    row = await find_connection(tx, integration_id)
    before = _shown(row)
    prepared = Prepared({})
    if sent.name is not None and sent.name != row.name:
        await _refuse_known_name(tx, sent.name)
        row.name = sent.name
    if sent.config is not None:
        prepared = await _configure(services, row, sent.config)
    if sent.is_active is not None and sent.is_active != row.is_active:
        switch(row, active=sent.is_active)
    await _record(tx, viewer, request, row, before)
    return {"success": True, "integration": integration_json(row), **prepared.said(row.integration_type)}


@router.patch("/{integration_id}/config", summary="Change some settings of a connection")
async def update_config(
    viewer: Managing,
    tx: OpenTx,
    services: Given,
    request: Request,
    integration_id: RowId,
    sent: Annotated[
        Settings, Body(openapi_examples={"password": {"value": {"password": PI_EXAMPLE["password"]}}})
    ],
) -> Json:
    """The body is the settings to change, or ``{"config": …}`` with them; null takes a setting away."""
    inner = sent.get("config")
    asked = inner if isinstance(inner, dict) and len(sent) == 1 else sent
    await lock(tx)
    row = await find_connection(tx, integration_id)
    before = _shown(row)
    prepared = await _configure(services, row, merged(row.config or {}, asked))
    await _record(tx, viewer, request, row, before)
    return {"success": True, "integration": integration_json(row), **prepared.said(row.integration_type)}


@router.get("/{integration_id}/action-logs", summary="List what was done with a connection")
async def list_action_logs(
    _viewer: Managing, tx: OpenTx, integration_id: RowId, limit: Limit = 50
) -> list[Json]:
    row = await find_connection(tx, integration_id)
    query = (
        select(IntegrationActionLog)
        .where(IntegrationActionLog.integration_id == row.id)
        .order_by(IntegrationActionLog.id.desc())
        .limit(limit)
    )
    return [log_json(entry) for entry in (await tx.session.scalars(query)).all()]


async def find_connection(tx: Tx, integration_id: int) -> Integration:
    """The connection. Raises NotFound."""
    return await find(tx, Integration, integration_id, "connection")


async def lock(tx: Tx) -> None:
    """Wait for whoever else changes connections or mappings of this tenant, until the commit."""
    await take_turns(tx, "integrations")


def switch(row: Integration, *, active: bool) -> None:
    """Have a connection run, or rest."""
    is_demo = row.integration_type == "demo"
    row.is_active = active
    row.demo_stream_active = active and is_demo
    row.status = ("streaming" if is_demo else "active") if active else "inactive"


async def _refuse_known_name(tx: Tx, name: str) -> None:
    query = select(Integration.id).where(func.lower(Integration.name) == name.lower()).limit(1)
    if (await tx.session.execute(query)).first() is not None:
        raise Conflict(f"There is a connection called {name} already. Choose another name.")


async def _configure(services: Services, row: Integration, sent: Settings) -> Prepared:
    """Put settings in the place of the stored ones; a kind without connector (v1's sap) cannot be set."""
    vault = await vault_of(services.settings, row)
    prepared = await prepare(services.settings, row.integration_type, sent, row.config or {}, vault)
    await _seal(services, row, prepared)
    return prepared


async def _seal(services: Services, row: Integration, prepared: Prepared) -> None:
    row.config = (await vault_of(services.settings, row)).seal(prepared.config)


def _shown(row: Integration) -> Json:
    """What an audit may know, and whether a secret was changed."""
    return {
        "name": row.name,
        "is_active": row.is_active,
        "config": redacted(row.config or {}),
        "stored": row.config,
    }


async def _record(tx: Tx, viewer: Viewer, request: Request, row: Integration, before: Json) -> None:
    """Write the difference down; nothing where there is none."""
    after = _shown(row)
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        return
    row.updated_at = clock.now()
    old, new = ({name: state[name] for name in changed if name != "stored"} for state in (before, after))
    if "config" not in changed and "stored" in changed:
        new["config"] = "a secret was entered anew"
    summary = f"Connection {row.name} was changed."
    change = changes.Change("integration_updated", "integration", row.id, summary, old=old, new=new)
    await changes.record(tx, viewer, request, change)
