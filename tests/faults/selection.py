"""A pytest plugin: of the files that were collected, only the proofs of the rows asked for run."""

import os

import pytest

from tests.faults.matrix import FAULTS, ROWS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = {int(number) for number in os.environ.get(ROWS, "").split(",") if number}
    proofs = tuple(proof for fault in FAULTS if fault.number in asked for proof in fault.proofs)
    left_out = [item for item in items if not item.nodeid.startswith(proofs)]
    items[:] = [item for item in items if item.nodeid.startswith(proofs)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
