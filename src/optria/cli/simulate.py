"""``optria simulate`` and ``optria replay``: a plant to try things on."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer

from optria.cli.places import DEMO_FOLDER, this_program
from optria.core.errors import SimulatorError
from optria.kit import logs
from optria.kit.settings import Settings
from optria.simulator.addresses import PlantAddresses, read_addresses

if TYPE_CHECKING:
    from optria.simulator.runner import ServeOptions

app = typer.Typer(help="A simulated plant that speaks OPC UA, PI Web API and SQL.")

WithParent = Annotated[
    bool, typer.Option("--with-parent", hidden=True, help="End when the standard input closes.")
]
Home = Annotated[Path | None, typer.Option(help="Data folder; default OPTRIA_HOME.")]
OpcUaPort = Annotated[int, typer.Option(help="Port of the OPC UA server; 0 takes a free one.")]
HttpPort = Annotated[int, typer.Option(help="Port of PI Web API and control; 0 takes a free one.")]
SqlUrl = Annotated[str | None, typer.Option(help="SQLAlchemy URL of the table to fill; default SQLite.")]


@app.callback(invoke_without_command=True)
def simulate(
    context: typer.Context,
    speed: Annotated[int, typer.Option(help="How many times faster than real the plant runs.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of noise and disturbances.")] = 1,
    opcua_port: OpcUaPort = 0,
    http_port: HttpPort = 0,
    sql_url: SqlUrl = None,
    home: Home = None,
    with_parent: WithParent = False,
) -> None:
    """Run the simulated plant until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    if with_parent:
        _end_with_parent()
    from optria.simulator import runner  # only who runs a plant waits for its imports

    options = runner.SimulateOptions(_serve_options(home, opcua_port, http_port, sql_url), speed, seed)
    logs.configure()
    asyncio.run(runner.simulate(options, _say_addresses))


def replay(
    file: Annotated[Path, typer.Argument(help="A recording: CSV with , or ; and a time column.")],
    time_column: Annotated[str | None, typer.Option(help="The column of times; default: found.")] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than recorded.")] = 1.0,
    ignore: Annotated[list[str] | None, typer.Option(help="A column that is no signal; repeatable.")] = None,
    asset_type: Annotated[str, typer.Option(help="What the recorded asset is: Pump, Compressor, …")] = "Pump",
    opcua_port: OpcUaPort = 0,
    http_port: HttpPort = 0,
    sql_url: SqlUrl = None,
    home: Home = None,
    with_parent: WithParent = False,
) -> None:
    """Turn a recording into a plant that speaks the same protocols."""
    if with_parent:
        _end_with_parent()
    from optria.simulator import runner

    options = runner.ReplayOptions(
        _serve_options(home, opcua_port, http_port, sql_url),
        file,
        time_column,
        speed,
        tuple(ignore or ()),
        asset_type,
    )
    logs.configure()
    asyncio.run(runner.replay(options, _say_addresses))


@app.command()
def fault(
    kind: Annotated[str, typer.Argument(help="What breaks: bearing-wear, cavitation, … (see `faults`).")],
    asset: Annotated[str, typer.Argument(help="Where: P-102B, COMP-002, …")],
    severity: Annotated[float, typer.Option(help="0 to 1.")] = 0.8,
    ramp: Annotated[str, typer.Option(help="How long it takes to grow: 60s, 10m, 2h.")] = "60s",
    duration: Annotated[str | None, typer.Option(help="How long it lasts; default: until cleared.")] = None,
    home: Home = None,
) -> None:
    """Break something in the running plant."""
    body = {
        "kind": kind,
        "asset": asset,
        "severity": severity,
        "ramp_s": seconds(ramp),
        "duration_s": seconds(duration) if duration else None,
    }
    label = _ask(home, lambda client: client.post("/plant/faults", json=body))
    typer.echo(f"{label['id']}: {kind} on {asset}, severity {severity:g}, over {ramp} ({label['cause']})")


@app.command()
def clear(fault_id: Annotated[str, typer.Argument(help="The id of a fault.")], home: Home = None) -> None:
    """Mend a fault."""
    _ask(home, lambda client: client.delete(f"/plant/faults/{fault_id}"))
    typer.echo(f"{fault_id} is mended.")


@app.command()
def faults(home: Home = None) -> None:
    """What can break, and what is broken."""
    answer = _ask(home, lambda client: client.get("/plant/faults"))
    for kind in answer["kinds"]:
        typer.echo(f"{kind['kind']:20} {kind['cause']:24} {', '.join(kind['assets'])}")
    for label in answer["active"]:
        typer.echo(f"active: {label['id']} {label['kind']} on {label['asset']} since {label['started_at']}")


def seconds(text: str) -> float:
    """``60s``, ``10m``, ``2h`` or plain seconds. Raises SimulatorError."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        return float(number) * unit
    except ValueError:
        raise SimulatorError(f"'{text}' is no duration. Write 60s, 10m or 2h.") from None


def _ask(home: Path | None, call: Callable[[httpx.Client], httpx.Response]) -> dict[str, Any]:
    """A request to the running plant's control. Raises SimulatorError."""
    folder = home or Settings().home
    addresses = read_addresses(folder) or read_addresses(folder / DEMO_FOLDER)
    if addresses is None:
        raise SimulatorError("No simulated plant is running. Start one: `optria simulate` or `make demo`.")
    try:
        with httpx.Client(base_url=addresses.control_url, timeout=10, trust_env=False) as client:
            response = call(client)
    except httpx.HTTPError as error:
        raise SimulatorError(f"The simulated plant does not answer ({error}).") from None
    answer: dict[str, Any] = response.json()
    if response.is_error:
        raise SimulatorError(str(answer["detail"]))
    return answer


def _serve_options(home: Path | None, opcua_port: int, http_port: int, sql_url: str | None) -> "ServeOptions":
    from optria.simulator.runner import ServeOptions

    folder = home or Settings().home_folder
    return ServeOptions(folder, opcua_port, http_port, sql_url)


def _end_with_parent() -> None:
    """Whoever started us holds our standard input open; when that ends, even by kill -9, so do we."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _say_addresses(addresses: PlantAddresses) -> None:
    typer.echo(f"OPC UA      {addresses.opcua_url}")
    typer.echo(f"PI Web API  {addresses.pi_url}  (user {addresses.pi_user})")
    typer.echo(f"SQL         {addresses.sql_url}")
    tags = ", ".join(f"{number} over {source}" for source, number in addresses.sources.items())
    typer.echo(f"Tags        {tags}")
    typer.echo(f"What can break:  {this_program()} simulate faults")
