"""``optria smoke``: the whole path on throw-away parts, told step by step."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from optria.cli.recordings import play_recording
from optria.cli.scenario import Report, play
from optria.kit import logs
from optria.kit.settings import Settings


def smoke(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    recording: Annotated[
        Path | None, typer.Option(help="Play a recording (CSV) through OPC UA instead of the fault scenario.")
    ] = None,
    label_column: Annotated[
        str, typer.Option(help="Column of the recording that is 1 where it is known to be faulty.")
    ] = "anomaly",
    speed: Annotated[float, typer.Option(help="How many times faster a recording is played.")] = 10.0,
) -> None:
    """Play a critical event and a fault on a throw-away database and plant; exit 1 if a step fails."""
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory(prefix="optria-smoke-", ignore_cleanup_errors=True) as folder:
        throw_away = {"home": Path(folder), "database_url": None, "app_database_url": None, "port": 0}
        settings = Settings().model_copy(update={**throw_away, "demo": True})
        say = _silent if as_json else typer.echo
        if recording is None:
            report = asyncio.run(play(settings, say))
        else:
            report = asyncio.run(play_recording(settings, recording, label_column, speed, say))
    _tell(report, as_json)
    sys.exit(0 if report.ok else 1)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, default=str))
        return
    for line in report.lines():
        typer.echo(line)


def _silent(_line: str) -> None:
    """JSON stands alone on the standard output."""
