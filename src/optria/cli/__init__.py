"""The command line, ``optria``: demo, serve, db, backup, restore, tenant, user, audit, secrets, opcua,
simulate, replay, smoke, backtest.
"""

import sys
from importlib import import_module

import typer

from optria import __version__
from optria.core.errors import OptriaError

COMMANDS = {
    "demo": ("optria.cli.demo", "demo"),
    "serve": ("optria.cli.serve", "serve"),
    "db": ("optria.cli.database", "app"),
    "backup": ("optria.cli.backup", "backup"),
    "restore": ("optria.cli.backup", "restore"),
    "tenant": ("optria.cli.accounts", "tenants"),
    "user": ("optria.cli.accounts", "users"),
    "audit": ("optria.cli.audit", "app"),
    "secrets": ("optria.cli.secrets", "app"),
    "opcua": ("optria.cli.opcua", "app"),
    "simulate": ("optria.cli.simulate", "app"),
    "replay": ("optria.cli.simulate", "replay"),
    "smoke": ("optria.cli.smoke", "smoke"),
    "backtest": ("optria.cli.backtest", "app"),
}


def command_line(only: str | None = None) -> typer.Typer:
    """The commands; with ``only`` just that one, because importing all of them takes seconds."""
    app = typer.Typer(
        name="optria",
        help="OPTRIA IQ: from a plant signal to an assigned work order.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback(invoke_without_command=True)(_version)
    for name, (module, attribute) in COMMANDS.items():
        if only not in COMMANDS or name == only:
            command = getattr(import_module(module), attribute)
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name)(command)
    return app


def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run a command. A deliberate error ends in its sentence and exit code 1, never in a traceback."""
    try:
        command_line(next(iter(sys.argv[1:]), None))()
    except OptriaError as error:
        typer.echo(f"optria: {error}", err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
