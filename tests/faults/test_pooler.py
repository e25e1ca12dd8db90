"""The suites that face the database pass with PgBouncer (transaction mode) in front of it."""

import asyncio
import os
import re
import sys
import time

import pytest
from sqlalchemy import func, select

from optria.core.roles import Role
from optria.db.plant import SiteRow
from optria.db.roles import app_url
from optria.db.session import Database
from tests import factories
from tests.conftest import APP_PASSWORD
from tests.fakes.programs import program
from tests.faults.figures import Figures, Scale
from tests.pooler import pooler, through

SUITES = ("tests/db", "tests/blackbox")
"""What speaks to the database most directly; ``make test-pooled`` runs all the others so."""
LEFT_OUT = ("tests/db/test_migrations.py", "tests/db/test_embedded.py", "tests/db/test_upgrade.py")
"""Owners and servers of their own: none of them is ever behind a pooler."""
pytestmark = pytest.mark.skipif(
    program("pgbouncer") is None, reason="no PgBouncer: scripts/servers.sh has one"
)
TOLD = re.compile(r"(\d+) (passed|failed|error|skipped)")


async def test_the_suites_pass_behind_it(scale: Scale, figures: Figures) -> None:
    """At full length; ``make test-pooled`` runs every test there is so."""
    if not scale.full:
        figures.notes.append("the suites themselves: make test-pooled")
        return
    begun = time.monotonic()
    said = await _run([*SUITES, *(f"--ignore={path}" for path in LEFT_OUT)])
    told = {word.removesuffix("s"): int(number) for number, word in TOLD.findall(said.splitlines()[-1])}
    failed = told.get("failed", 0) + told.get("error", 0)
    figures.load = f"{told.get('passed', 0):,} tests passed, {failed} failed"
    figures.notes.append(f"{', '.join(SUITES)} in {time.monotonic() - begun:.0f} s")
    assert failed == 0, said[-3000:]
    assert told["passed"] > 150


async def test_transactions_that_change_hands_keep_their_tenant(
    fresh_database: str, scale: Scale, figures: Figures
) -> None:
    """More transactions than server connections: each sees its own people and stores into its own tenant."""
    rounds = scale.of(2_000, 100)
    with pooler(fresh_database) as port:
        database = Database(through(app_url(fresh_database, APP_PASSWORD), port))
        try:
            async with database.platform("test") as tx:
                tenants = [(await factories.tenant(tx)).id for _ in range(4)]
            for start in range(0, rounds, 20):
                turns = range(start, min(start + 20, rounds))
                await asyncio.gather(*(_add_site(database, tenants[turn % 4]) for turn in turns))
            seen = [await _sites(database, tenant_id) for tenant_id in tenants]
        finally:
            await database.dispose()
    figures.load = f"{rounds:,} transactions of 4 tenants"
    figures.lost, figures.duplicated = rounds - sum(seen), 0
    assert seen == [rounds // 4] * 4


async def _add_site(database: Database, tenant_id: int) -> None:
    async with database.transaction(tenant_id) as tx:
        await factories.site(tx, tenant_id)
        await factories.user(tx, tenant_id, Role.ENGINEER)


async def _sites(database: Database, tenant_id: int) -> int:
    async with database.transaction(tenant_id) as tx:
        return await tx.session.scalar(select(func.count()).select_from(SiteRow)) or 0


async def _run(words: list[str]) -> str:
    """A run of pytest of its own; what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "OPTRIA_FAULTS"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", *words),
        env=environment | {"OPTRIA_TEST_POOLER": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return said.decode(errors="replace").strip()
