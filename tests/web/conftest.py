"""The application over two tenants, in a database that forgets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from optria.db.session import Database
from tests.web.browsers import launched
from tests.web.house import House, build


@pytest.fixture
async def house(rolled_back: Database, tmp_path: Path) -> House:
    return await build(rolled_back, home=tmp_path)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as opened:
        yield opened
