"""``/integrations``: the connections as cards, one of them with its signals, and the form that makes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.connectors import CONNECTOR_SCHEMAS
from optria.connectors.checking import fields_of
from optria.connectors.secrets import HIDDEN, is_secret, redacted
from optria.core.errors import NotFound
from optria.core.roles import Permission, Role, can
from optria.db.plant import Integration, IntegrationActionLog, MappingRow
from optria.db.session import Tx
from optria.rca.words import KNOWN_METRICS
from optria.web.deps import Given, Offset, OpenTx, RowId, require
from optria.web.first_steps import first_steps
from optria.web.frame import shell_for
from optria.web.integrations import integration_words as words
from optria.web.integrations.connection_views import connection_views
from optria.web.integrations.integrations import find_connection
from optria.web.integrations.mapping_table import COLUMNS
from optria.web.integrations.mapping_views import asset_choices, mapping_page
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(include_in_schema=False)

Seeing = Annotated[Viewer, require(Permission.VIEW_INTEGRATIONS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_INTEGRATIONS)]
Kind = Annotated[str, Query(max_length=50)]
Text = Annotated[str, Query(max_length=100)]
MOST_SHOWN: Final = 500
LOGS_SHOWN: Final = 20
VIEWS: Final = ("signals", "browse", "import")


@router.get("/integrations")
async def integrations_page(request: Request, viewer: Seeing, tx: OpenTx, services: Given) -> Response:
    query = select(Integration).order_by(Integration.name, Integration.id).limit(MOST_SHOWN)
    rows = (await tx.session.scalars(query)).all()
    return render_page(
        request,
        "integrations.html",
        await shell_for(tx, viewer, "integrations"),
        connections=await connection_views(tx, services, rows, viewer.language),
        first_steps=await first_steps(tx, viewer, services),
        words=words,
        access=_access(viewer, tx),
    )


@router.get("/integrations/new")
async def new_integration_page(
    request: Request, viewer: Managing, tx: OpenTx, kind: Kind = "opcua"
) -> Response:
    chosen = kind if kind in CONNECTOR_SCHEMAS else "opcua"
    return render_page(
        request,
        "integration_form.html",
        await shell_for(tx, viewer, "integrations"),
        connection=None,
        kind=chosen,
        kinds=list(CONNECTOR_SCHEMAS),
        fields=form_fields(chosen, {}),
        words=words,
        access=_access(viewer, tx),
    )


@router.get("/integrations/{integration_id}")
async def integration_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    services: Given,
    integration_id: RowId,
    view: Annotated[str, Query(max_length=20)] = "signals",
    q: Text = "",
    offset: Offset = 0,
) -> Response:
    """``view`` is its ``signals``, or for those who manage connections to ``browse`` and to ``import``."""
    row = await find_connection(tx, integration_id)
    manages = can(viewer.role, Permission.MANAGE_INTEGRATIONS)
    (connection,) = await connection_views(tx, services, [row], viewer.language)
    return render_page(
        request,
        "integration.html",
        await shell_for(tx, viewer, "integrations"),
        connection=connection,
        view=view if view in VIEWS and manages else "signals",
        text=q,
        mappings=await mapping_page(tx, services, row.tenant_id, row.id, q.strip(), offset),
        settings=shown_settings(row),
        logs=await _logs(tx, row),
        assets=await asset_choices(tx, row.tenant_id),
        metrics=sorted(KNOWN_METRICS),
        mapped=await _mapped_tags(tx, row) if view == "browse" else [],
        columns=COLUMNS,
        words=words,
        access=_access(viewer, tx, row.tenant_id),
    )


@router.get("/integrations/{integration_id}/edit")
async def edit_integration_page(
    request: Request, viewer: Managing, tx: OpenTx, services: Given, integration_id: RowId
) -> Response:
    row = await find_connection(tx, integration_id)
    if row.integration_type not in CONNECTOR_SCHEMAS:
        raise NotFound("A connection of this kind has no settings here.")
    (connection,) = await connection_views(tx, services, [row], viewer.language)
    return render_page(
        request,
        "integration_form.html",
        await shell_for(tx, viewer, "integrations"),
        connection=connection,
        kind=row.integration_type,
        kinds=[row.integration_type],
        fields=form_fields(row.integration_type, row.config or {}),
        words=words,
        access=_access(viewer, tx, row.tenant_id),
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may change connections, and what a platform owner adds to an address to say of which tenant."""

    manages: bool
    in_tenant: str = ""
    needs_tenant: bool = False


def _access(viewer: Viewer, tx: Tx, tenant_id: int | None = None) -> Access:
    tenant = tx.tenant_id or tenant_id
    is_owner = viewer.role is Role.PLATFORM_OWNER
    return Access(
        manages=can(viewer.role, Permission.MANAGE_INTEGRATIONS),
        in_tenant=f"tenant_id={tenant}" if is_owner and tenant is not None else "",
        needs_tenant=is_owner and tenant is None,
    )


def form_fields(kind: str, stored: Mapping[str, object]) -> list[Json]:
    """The fields of a kind with what is in them; a stored secret is its mask, which keeps it."""
    shown = redacted(stored)
    fields = []
    for name, field in fields_of(kind).items():
        value = shown.get(name, field.get("default"))
        shown_as = {"value": "" if value is None else value, "is_stored": value == HIDDEN}
        fields.append({"placeholder": "", **field, **shown_as})
    return fields


def shown_settings(row: Integration) -> list[tuple[str, object, bool]]:
    """(name, value, is secret) of the settings that are set, as the form orders them; no secret's value."""
    config = redacted(row.config or {})
    names = fields_of(row.integration_type) if row.integration_type in CONNECTOR_SCHEMAS else config
    return [
        (name, None if is_secret(name) else config[name], is_secret(name))
        for name in names
        if config.get(name) not in (None, "")
    ]


async def _logs(tx: Tx, row: Integration) -> Sequence[IntegrationActionLog]:
    query = select(IntegrationActionLog).where(IntegrationActionLog.integration_id == row.id)
    return (await tx.session.scalars(query.order_by(IntegrationActionLog.id.desc()).limit(LOGS_SHOWN))).all()


async def _mapped_tags(tx: Tx, row: Integration) -> list[str]:
    query = select(MappingRow.external_tag).where(
        MappingRow.integration_id == row.id, MappingRow.is_active.is_not(False)
    )
    return list(await tx.session.scalars(query))
