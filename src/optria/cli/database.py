"""``optria db``: the tables of the product."""

import asyncio
from typing import Annotated

import typer

from optria.cli.opened import opened_database, settings_of_command
from optria.db.installation import upgrade_installation
from optria.db.retention import Upkeep, Upkeeper
from optria.kit.settings import Settings

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to this version: an empty one, ours, or that of OPTRIA IQ v1 in place."""
    typer.echo(str(asyncio.run(upgrade_installation(settings_of_command()))))


@app.command()
def upkeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Make partitions ahead, retire old days of the history, remove rows that are over.

    The server does this every day by itself. Exit code 1 when a day was in use and is left for later.
    """
    done = asyncio.run(_keep(settings_of_command(), dry_run))
    for line in upkeep_words(done):
        typer.echo(line)
    raise typer.Exit(1 if done.busy else 0)


async def _keep(settings: Settings, dry_run: bool) -> Upkeep:
    async with opened_database(settings) as database:
        return await Upkeeper(database, settings).keep(is_trial=dry_run)


def upkeep_words(done: Upkeep) -> list[str]:
    """What an upkeep did, or would do."""
    lines = [] if done.is_trial else [f"Partitions made ahead: {done.made}."]
    verb = "would go, but for recordings of incidents" if done.is_trial else None
    lines += [f"{day}: {verb or what}" for day, what in done.days.items()]
    lines += [f"{day}: in use, left for later" for day in done.busy]
    rows = "rows that would go" if done.is_trial else "rows removed"
    return lines + [f"{table}: {count:,} {rows}" for table, count in done.rows.items()]
