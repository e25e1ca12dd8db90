"""Processes for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.fakes.prefork import Prefork, prefork


@pytest.fixture(scope="session")
def forks() -> Iterator[Prefork]:
    """Forks processes of :mod:`tests.faults.processes`; ended with the tests."""
    with prefork("tests.faults.processes") as forking:
        yield forking
