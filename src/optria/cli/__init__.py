"""The command line: ``optria demo | serve | db | simulate | replay | smoke``."""

import typer

from optria import __version__
from optria.cli import database, demo, serve, simulate, smoke
from optria.core.errors import OptriaError

app = typer.Typer(
    name="optria",
    help="OPTRIA IQ: from a plant signal to an assigned work order.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.add_typer(database.app, name="db")
app.add_typer(simulate.app, name="simulate")
app.command("replay")(simulate.replay)
app.command("smoke")(smoke.smoke)


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run a command. A deliberate error ends in its sentence and exit code 1, never in a traceback."""
    try:
        app()
    except OptriaError as error:
        typer.echo(f"optria: {error}", err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
