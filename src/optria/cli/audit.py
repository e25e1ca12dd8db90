"""``optria audit``: is the audit log still what was written, and where does it end?"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from optria.cli.opened import opened_database, settings_of_command
from optria.core.errors import ConfigurationError, NotFound
from optria.db.audit_check import ChainReport, check_chain, read_heads
from optria.db.identity import Tenant
from optria.db.session import Database
from optria.kit.settings import Settings

app = typer.Typer(help="The audit log and its chains of hashes.", no_args_is_help=True)

Exported = Mapping[int | None, Mapping[int, str]]
"""Tenant to the hashes that were kept elsewhere, by sequence."""
NOBODY = "(no tenant)"


@app.command()
def verify(
    tenant: Annotated[str | None, typer.Option(help="Code of one tenant; default: every chain.")] = None,
    heads: Annotated[
        Path | None, typer.Option(help="What `optria audit heads` said earlier: shows a chain cut off.")
    ] = None,
) -> None:
    """Check every row of the audit log against its hash. Exit code 1 when a chain is broken."""
    settings = settings_of_command()
    exported = {} if heads is None else _read_exported(heads)
    intact = asyncio.run(_verify(settings, tenant, exported))
    raise typer.Exit(0 if intact else 1)


@app.command("heads")
def export_heads() -> None:
    """Print the end of each chain as JSON lines, to be kept where this database's owner cannot write."""
    asyncio.run(_heads(settings_of_command()))


async def _verify(settings: Settings, code: str | None, exported: Exported) -> bool:
    async with opened_database(settings) as database:
        chains = await _chains(database, code, exported)
        reports = []
        for tenant_id, name in chains.items():
            async with database.platform("audit verify") as tx:
                report = await check_chain(tx, tenant_id, exported.get(tenant_id))
            typer.echo(f"{name}: {_sentence(report)}")
            reports.append(report)
    broken = sum(report.first_bad is not None for report in reports)
    rows = sum(report.checked for report in reports)
    typer.echo(f"Chains: {len(reports)}, rows checked: {rows:,}, broken: {broken}.")
    return broken == 0


async def _chains(database: Database, code: str | None, exported: Exported) -> dict[int | None, str]:
    """The tenants to check, by name; those of the exported heads too, should they be gone."""
    async with database.platform("audit verify") as tx:
        tenants = (await tx.session.execute(select(Tenant.id, Tenant.code).order_by(Tenant.id))).all()
    if code is not None:
        found: dict[int | None, str] = {row.id: row.code for row in tenants if row.code == code}
        if not found:
            raise NotFound(f"There is no tenant with the code {code}.")
        return found
    gone = {tenant_id: f"tenant {tenant_id}, which is gone" for tenant_id in exported}
    return gone | {row.id: row.code for row in tenants} | {None: NOBODY}


def _sentence(report: ChainReport) -> str:
    beside = f", {report.unchained:,} rows of version 1 not chained" if report.unchained else ""
    rows = "row" if report.checked == 1 else "rows"
    if report.first_bad is None:
        return f"intact, {report.checked:,} {rows}{beside}"
    bad = report.first_bad
    return f"BROKEN at row {bad.sequence:,} of {report.length:,}: {bad.reason}{beside}"


async def _heads(settings: Settings) -> None:
    async with opened_database(settings) as database, database.platform("audit heads") as tx:
        for head in await read_heads(tx):
            line = {
                "tenant_id": head.tenant_id,
                "tenant": head.tenant,
                "sequence": head.sequence,
                "hash": head.hash,
                "time": head.time.isoformat(),
            }
            typer.echo(json.dumps(line))


def _read_exported(file: Path) -> Exported:
    """The lines of an export, or of several one after the other.

    Raises:
        ConfigurationError: when the file cannot be read, or a line is no head.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The heads in {file} cannot be read: {error}.") from error
    kept: dict[int | None, dict[int, str]] = defaultdict(dict)
    for number, line in enumerate(lines, 1):
        if line.strip():
            tenant_id, sequence, own_hash = _read_head(line, f"Line {number} of {file}")
            kept[tenant_id][sequence] = own_hash
    return kept


def _read_head(line: str, where: str) -> tuple[int | None, int, str]:
    try:
        head = json.loads(line)
        tenant_id, sequence, own_hash = head["tenant_id"], head["sequence"], head["hash"]
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(f"{where} is no head of `optria audit heads`.") from error
    if (
        not isinstance(tenant_id, int | None)
        or not isinstance(sequence, int)
        or not isinstance(own_hash, str)
    ):
        raise ConfigurationError(f"{where} is no head of `optria audit heads`.")
    return tenant_id, sequence, own_hash
