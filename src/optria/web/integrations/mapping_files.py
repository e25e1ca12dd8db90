"""Signal mappings as a CSV file over HTTP: taken out, looked at, put in."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.errors import Conflict
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.web import changes
from optria.web.bodies import LARGEST_ID
from optria.web.config.known_words import metric_warnings
from optria.web.deps import OpenTx
from optria.web.integrations import mapping_import, mapping_table
from optria.web.integrations.integrations import Managing, find_connection, lock
from optria.web.integrations.mapping_import import CHANGED, NEW, SAME, WRONG, Checked
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, mapping_json

router = api_router(prefix="/api/integrations/mappings", tags=["integrations"])

Of = Annotated[int, Query(ge=1, le=LARGEST_ID, description="The connection.")]
EXAMPLE: Final = "tag,asset,metric,unit\r\nP-102B.VT-1022,P-102B,vibration,mm/s\r\n"
BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@router.get(
    "/csv",
    summary="Take out the signal mappings as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
async def export_mappings(_viewer: Managing, tx: OpenTx, integration_id: Of) -> Response:
    """The mappings of a connection, in the columns that an import takes."""
    integration = await find_connection(tx, integration_id)
    query = (
        select(MappingRow, AssetRow.code)
        .join(AssetRow, AssetRow.id == MappingRow.asset_id, isouter=True)
        .where(MappingRow.integration_id == integration.id, MappingRow.is_active.is_not(False))
        .order_by(MappingRow.external_tag, MappingRow.id)
    )
    rows = [{**mapping_json(row), "asset": code} for row, code in (await tx.session.execute(query)).all()]
    name = f"mappings-{integration.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(mapping_table.written(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/csv", summary="Look at or put in signal mappings from CSV", openapi_extra=BODY)
async def import_mappings(
    viewer: Managing,
    tx: OpenTx,
    request: Request,
    integration_id: Of,
    store: bool = False,
    skip_wrong: bool = False,
) -> Json:
    """The body is the file: at most 1 MiB and 5,000 rows, any usual encoding and delimiter, the columns named
    in its first line.

    Each row is ``new``, ``changed``, ``same`` or ``wrong``, with its line number and what is wrong. With
    ``store`` all of them are stored, or with ``skip_wrong`` those that are right; otherwise nothing is.
    """
    table = mapping_table.read(await request.body())
    await lock(tx)
    integration = await find_connection(tx, integration_id)
    checked = await mapping_import.check(tx, integration.id, table)
    counts = Counter(each.state for each in checked)
    wrong = [each for each in checked if each.state == WRONG]
    if not store:
        mapping_import.forget(tx, checked)
    elif wrong and not skip_wrong:
        raise Conflict(f"Line {wrong[0].line.number}: {wrong[0].errors[0]} Nothing was stored.")
    else:
        mapping_import.forget(tx, wrong)
        await _store(tx, viewer, request, integration.id, integration.name, checked)
    return {
        "success": True,
        "stored": store,
        "columns": list(table.columns),
        "ignored_columns": list(table.ignored),
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "counts": {state: counts[state] for state in (NEW, CHANGED, SAME, WRONG)},
        "rows": [mapping_import.checked_json(each, viewer.language) for each in checked],
        "warnings": await metric_warnings(tx, _metrics(checked)),
    }


def _metrics(checked: Sequence[Checked]) -> set[str]:
    right = (each for each in checked if each.state in (NEW, CHANGED))
    return {each.line.cells.get("internal_metric_name", "") for each in right} - {""}


async def _store(
    tx: Tx, viewer: Viewer, request: Request, integration_id: int, name: str, checked: Sequence[Checked]
) -> None:
    chosen = [each for each in checked if each.state in (NEW, CHANGED)]
    await mapping_import.store(tx, chosen)
    if not chosen:
        return
    new: Json = {
        state: {
            str(each.row.id): each.row.external_tag for each in chosen if each.row and each.state == state
        }
        for state in (NEW, CHANGED)
    }
    summary = f"{len(chosen)} mappings of {name} came from a file."
    change = changes.Change("mappings_imported", "integration", integration_id, summary, new=new)
    await changes.record(tx, viewer, request, change)
