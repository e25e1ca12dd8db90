"""``optria db``: the tables of the product."""

import asyncio

import typer

from optria.db.installation import upgrade_installation
from optria.kit import logs
from optria.kit.settings import Settings

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``upgrade`` a word of its own."""


@app.command()
def upgrade() -> None:
    """Bring the database up to this version: an empty one, ours, or that of OPTRIA IQ v1 in place."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_json)
    typer.echo(str(asyncio.run(upgrade_installation(settings))))
