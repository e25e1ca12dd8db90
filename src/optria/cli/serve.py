"""``optria serve``: the product on its own."""

import asyncio
from typing import Annotated, Literal, TypeAlias

import typer

from optria.app import run_server
from optria.db.installation import installation
from optria.kit import logs
from optria.kit.settings import Settings

Role: TypeAlias = Literal["all", "web", "ingest", "stream"]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default 8000.")] = None,
    role: Annotated[Role | None, typer.Option(help="What it does besides its pages; default all.")] = None,
    nats: Annotated[str | None, typer.Option(help="NATS server of an installation of several.")] = None,
) -> None:
    """Serve the screens, the API and the stream until Ctrl-C."""
    options = {"host": host, "port": port, "role": role, "nats_url": nats}
    given = {key: value for key, value in options.items() if value is not None}
    settings = Settings().model_copy(update=given)
    logs.configure(settings.log_level, settings.log_json)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with installation(settings, must_run=False) as found:
        await run_server(
            settings, found, lambda port: typer.echo(f"OPTRIA IQ is on http://{settings.host}:{port}")
        )
