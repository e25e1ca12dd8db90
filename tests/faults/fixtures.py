"""Fixtures of the fault matrix's proofs, wherever they stand: how long to run, and the figures they tell."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.figures import Figures, Scale


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Full under ``make faults``, short in an ordinary run."""
    return Scale(full=os.environ.get("OPTRIA_FAULTS") == "full")


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """What this test measured; it stands in the row of its fault."""
    told = Figures()
    yield told
    request.node.user_properties.append(("figures", told.as_json()))
