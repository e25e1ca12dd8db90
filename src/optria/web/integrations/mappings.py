"""Signal mappings over HTTP: which external tag is which metric of which asset."""

from typing import Final

from fastapi import Request
from sqlalchemy import select

from optria.core.errors import Invalid, NotFound
from optria.db.plant import MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.config.known_words import metric_warnings
from optria.web.deps import IdFilter, OpenTx, RowId, written_tenant
from optria.web.integrations.integrations import Managing, find_connection, lock
from optria.web.integrations.mapping_bodies import BulkCreate, BulkMapping, MappingCreate, MappingUpdate
from optria.web.integrations.mapping_rules import neighbours
from optria.web.routing import api_router
from optria.web.shapes import Json, mapping_json

PLACE: Final = ("asset_id", "external_tag", "internal_metric_name")
"""What decides whether a mapping gets in the way of another."""

router = api_router(prefix="/api/integrations/mappings", tags=["integrations"])


@router.get("", summary="List the signal mappings")
async def list_mappings(
    _viewer: Managing,
    tx: OpenTx,
    integration_id: IdFilter = None,
    asset_id: IdFilter = None,
    include_deleted: bool = False,
) -> list[Json]:
    """Deleted mappings are listed with ``include_deleted``: stored history refers to their ids."""
    wanted = {"integration_id": integration_id, "asset_id": asset_id}
    conditions = [getattr(MappingRow, name) == value for name, value in wanted.items() if value is not None]
    if not include_deleted:
        conditions.append(MappingRow.is_active.is_not(False))
    query = select(MappingRow).where(*conditions).order_by(MappingRow.external_tag, MappingRow.id)
    return [mapping_json(row) for row in (await tx.session.scalars(query)).all()]


@router.post("", summary="Map a tag to a metric of an asset")
async def create_mapping(viewer: Managing, tx: OpenTx, request: Request, sent: MappingCreate) -> Json:
    """A tag of a connection is mapped once, and an asset has each metric once.

    ``warnings`` names a metric that nothing else knows; whether the source has the tag, the connection's
    ``warning`` says once it reads it.
    """
    await lock(tx)
    integration = await find_connection(tx, sent.integration_id)
    row = _row(tx, integration.id, sent)
    (await neighbours(tx, [row])).admit(row)
    tx.session.add(row)
    await tx.session.flush()
    shown = mapping_json(row)
    summary = f"{row.external_tag} of {integration.name} was mapped to {row.internal_metric_name}."
    await changes.record(
        tx,
        viewer,
        request,
        changes.Change("mapping_created", "mapping", row.id, summary, new=shown, asset_id=row.asset_id),
    )
    warnings = await metric_warnings(tx, [row.internal_metric_name])
    return {"success": True, "mapping": shown, "warnings": warnings}


@router.post("/bulk", summary="Map many tags at once")
async def create_mappings(viewer: Managing, tx: OpenTx, request: Request, sent: BulkCreate) -> Json:
    """All of them or none; the answer names the first row that cannot be mapped, counted from 1."""
    await lock(tx)
    integration = await find_connection(tx, sent.integration_id)
    rows = [_row(tx, integration.id, each) for each in sent.mappings]
    (await neighbours(tx, rows)).admit_all(rows)
    tx.session.add_all(rows)
    await tx.session.flush()
    new = {"created": len(rows), "mappings": {str(row.id): row.external_tag for row in rows}}
    summary = f"{len(rows)} tags of {integration.name} were mapped."
    await changes.record(
        tx,
        viewer,
        request,
        changes.Change("mappings_created", "integration", integration.id, summary, new=new),
    )
    return {
        "success": True,
        "created_count": len(rows),
        "mappings": [mapping_json(row) for row in rows],
        "warnings": await metric_warnings(tx, (row.internal_metric_name for row in rows)),
    }


@router.put("/{mapping_id}", summary="Change a signal mapping")
async def update_mapping(
    viewer: Managing, tx: OpenTx, request: Request, mapping_id: RowId, sent: MappingUpdate
) -> Json:
    """Only what is sent changes. The id stays, and with it the stored history of the signal."""
    given = sent.model_dump(exclude_unset=True)
    if any(name in given and given[name] is None for name in ("external_tag", "internal_metric_name")):
        raise Invalid("A mapping needs an external tag and a metric.")
    await lock(tx)
    row = await _find(tx, mapping_id)
    before = mapping_json(row)
    for name, value in given.items():
        setattr(row, name, value)
    around, after = await neighbours(tx, [row]), mapping_json(row)
    moved = any(after[name] != before[name] for name in PLACE)
    around.admit(row) if moved else around.check(row)  # version 1 let mappings get in each other's way
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        row.updated_at = clock.now()
        await tx.session.flush()
        old, new = ({name: state[name] for name in changed} for state in (before, after))
        summary = f"The mapping of {row.external_tag} was changed: {', '.join(changed)}."
        change = changes.Change(
            "mapping_updated", "mapping", row.id, summary[:500], old=old, new=new, asset_id=row.asset_id
        )
        await changes.record(tx, viewer, request, change)
    warnings = await metric_warnings(tx, [row.internal_metric_name])
    return {"success": True, "mapping": after, "warnings": warnings}


@router.delete("/{mapping_id}", summary="Delete a signal mapping")
async def delete_mapping(viewer: Managing, tx: OpenTx, request: Request, mapping_id: RowId) -> Json:
    """Nothing is read by it any more. Its stored history stays readable, so the row is kept, inactive."""
    await lock(tx)
    row = await _find(tx, mapping_id)
    row.is_active, row.updated_at = False, clock.now()
    summary = f"The mapping of {row.external_tag} to {row.internal_metric_name} was deleted."
    change = changes.Change(
        "mapping_deleted", "mapping", row.id, summary, old=mapping_json(row), asset_id=row.asset_id
    )
    await changes.record(tx, viewer, request, change)
    return {"success": True}


async def _find(tx: Tx, mapping_id: int) -> MappingRow:
    row = await tx.session.get(MappingRow, mapping_id)
    if row is None or row.is_active is False:
        raise NotFound(f"There is no signal mapping {mapping_id}.")
    return row


def _row(tx: Tx, integration_id: int, sent: BulkMapping) -> MappingRow:
    values = sent.model_dump(exclude={"integration_id"})
    return MappingRow(tenant_id=written_tenant(tx), integration_id=integration_id, is_active=True, **values)
