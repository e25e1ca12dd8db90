"""Mappings from a CSV table: looked at row by row first, stored all together or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError
from sqlalchemy import select

from optria.core.errors import OptriaError
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import written_tenant
from optria.web.integrations.mapping_bodies import BulkMapping
from optria.web.integrations.mapping_rules import Neighbours, neighbours
from optria.web.integrations.mapping_table import ASSET, FIELDS, Line, Table
from optria.web.refusals import of_rows
from optria.web.shapes import Json

NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"
WRONG: Final = "wrong"


@dataclass(slots=True)
class Checked:
    """A line and what would become of it; ``row`` is stored already when it is ``changed``."""

    line: Line
    state: str
    row: MappingRow | None = None
    errors: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def fail(self, *errors: str) -> None:
        self.state = WRONG
        self.errors.extend(errors)


async def check(tx: Tx, integration_id: int, table: Table) -> list[Checked]:
    """What each line of ``table`` would do. Rows that would change are changed: expire or flush them."""
    assets = await _assets(tx)
    stored = await _stored(tx, integration_id)
    with tx.session.no_autoflush:
        checked = [_check(tx, integration_id, line, assets, stored) for line in table.lines]
        _refuse_repeats(checked)
        touched = [each for each in checked if each.row is not None and each.state in (NEW, CHANGED)]
        around = await neighbours(tx, [each.row for each in touched if each.row is not None])
        for each in touched:
            _admit(around, each)
    return checked


async def _assets(tx: Tx) -> dict[str, int]:
    query = select(AssetRow.code, AssetRow.id).where(AssetRow.tenant_id == written_tenant(tx))
    return {code.casefold(): id_ for code, id_ in (await tx.session.execute(query)).all()}


async def _stored(tx: Tx, integration_id: int) -> dict[str, MappingRow]:
    query = select(MappingRow).where(
        MappingRow.integration_id == integration_id, MappingRow.is_active.is_not(False)
    )
    return {row.external_tag: row for row in await tx.session.scalars(query.order_by(MappingRow.id.desc()))}


def _check(
    tx: Tx, integration_id: int, line: Line, assets: Mapping[str, int], stored: Mapping[str, MappingRow]
) -> Checked:
    sent: dict[str, object] = {name: line.cells[name] or None for name in FIELDS if name in line.cells}
    code = line.cells.get(ASSET, "")
    asset_id = assets.get(code.casefold())
    if ASSET in line.cells:
        sent["asset_id"] = asset_id
    errors = [f"{ASSET}: there is no asset {code}."] if code and asset_id is None else []
    try:
        values = BulkMapping.model_validate(_without_empty_factors(sent)).model_dump(include=set(sent))
    except ValidationError as error:
        return Checked(line, WRONG, errors=[*_sentences(error), *errors])
    if errors:
        return Checked(line, WRONG, errors=errors)
    old = stored.get(str(values["external_tag"]))
    if old is None:
        row = MappingRow(
            tenant_id=written_tenant(tx), integration_id=integration_id, is_active=True, **values
        )
        return Checked(line, NEW, row)
    return _changed(line, old, values)


def _changed(line: Line, row: MappingRow, values: Mapping[str, object]) -> Checked:
    changes = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changes:
        setattr(row, name, values[name])
    return Checked(line, CHANGED if changes else SAME, row, changes=changes)


def _without_empty_factors(sent: Mapping[str, object]) -> dict[str, object]:
    """An empty scale or offset is the usual one, 1 and 0."""
    usual = {"scaling_factor": 1, "offset_value": 0}
    return {name: usual.get(name) if value is None else value for name, value in sent.items()}


def _sentences(error: ValidationError) -> list[str]:
    return [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}." for each in error.errors()]


def _refuse_repeats(checked: Sequence[Checked]) -> None:
    """The tag of a line that an earlier line has already."""
    first: dict[str, int] = {}
    for each in checked:
        tag = each.line.cells.get("external_tag", "")
        if tag in first:
            each.fail(f"external_tag: {tag} is in line {first[tag]} already.")
        first.setdefault(tag, each.line.number)


def _admit(around: Neighbours, each: Checked) -> None:
    assert each.row is not None
    try:
        around.admit(each.row)
    except OptriaError as error:
        each.fail(str(error))


def forget(tx: Tx, checked: Sequence[Checked]) -> None:
    """Take back what ``check`` changed of rows that are stored."""
    for each in checked:
        if each.row is not None and each.row in tx.session:
            tx.session.expire(each.row)


async def store(tx: Tx, chosen: Sequence[Checked]) -> None:
    """Write the new and changed rows."""
    for each in chosen:
        if each.row is not None and each.state == NEW:
            tx.session.add(each.row)
        elif each.row is not None and each.state == CHANGED:
            each.row.updated_at = clock.now()
    await tx.session.flush()


def checked_json(each: Checked, language: str) -> Json:
    return {
        "line": each.line.number,
        "state": each.state,
        "cells": dict(each.line.cells),
        "changes": each.changes,
        "errors": of_rows(each.errors, language),
    }
