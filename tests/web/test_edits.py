"""An edit holds what was sent and differs, and nothing else."""

from datetime import date
from decimal import Decimal

import pytest

from optria.core.errors import Invalid
from optria.db.plant import AssetRow
from optria.web.assets.asset_bodies import AssetUpdate
from optria.web.edits import apply_edit, sent_fields


def test_only_what_was_sent_counts_and_what_is_needed_is_not_empty() -> None:
    assert sent_fields(AssetUpdate.model_validate({"model": None})) == {"model": None}
    with pytest.raises(Invalid, match="code, name cannot be empty"):
        sent_fields(AssetUpdate.model_validate({"name": None, "code": None}), frozenset({"name", "code"}))


def test_the_edit_has_before_and_after_as_json_and_the_row_its_time() -> None:
    row = AssetRow(code="P-1", name="Pump", production_capacity=Decimal("1.50"))
    values = {"name": "Pump", "production_capacity": Decimal(2), "install_date": date(2020, 1, 2)}
    edit = apply_edit(row, values)
    assert edit.old == {"production_capacity": 1.5, "install_date": None}
    assert edit.new == {"production_capacity": 2, "install_date": "2020-01-02"}
    assert (row.production_capacity, row.updated_at is not None) == (Decimal(2), True)


def test_an_edit_that_changes_nothing_is_false() -> None:
    row = AssetRow(code="P-1", name="Pump")
    assert not apply_edit(row, {"name": "Pump"})
    assert row.updated_at is None
