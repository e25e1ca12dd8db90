"""The application over two tenants, in a database that forgets."""

import pytest

from optria.db.session import Database
from tests.web.house import House, build


@pytest.fixture
async def house(rolled_back: Database) -> House:
    return await build(rolled_back)
