"""``optria demo``: plant, database, product and browser in one go."""

import asyncio
import contextlib
import subprocess
import sys
import webbrowser
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from optria.app import refuse_public, run_server
from optria.cli.places import DEMO_FOLDER, this_program
from optria.cli.secrets import rotate_all
from optria.core.catalogue import PlantCatalogue
from optria.core.errors import ConfigurationError, SimulatorError
from optria.db.installation import installation
from optria.db.seed import OWNER, PEOPLE, SourceAddresses, seed_demo
from optria.db.session import Database
from optria.kit import logs
from optria.kit.secrets import Sealer, sealer_of
from optria.kit.settings import Settings
from optria.simulator.addresses import PlantAddresses, read_addresses
from optria.simulator.catalogue import CATALOGUE
from optria.web.people.passwords import hash_password

START_WITHIN_S = 60.0
PLANT_HISTORY = (
    "SELECT tag, value, quality, source_time FROM plant_history WHERE source_time BETWEEN :start AND :end"
)
"""The simulated plant's table of the last half hour, as the SQL connector asks for it."""


def demo(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    speed: Annotated[int, typer.Option(help="How many times faster than real the plant runs.", min=1)] = 1,
) -> None:
    """A simulated plant, live on the screens. Ctrl-C stops everything this starts."""
    refuse_public(host)
    settings = demo_settings(Settings()).model_copy(update={"host": host, "port": port})
    logs.configure("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_json)
    asyncio.run(_demo(settings, speed, open_browser=not no_browser))


def demo_settings(settings: Settings) -> Settings:
    """The demo has a data folder and a database of its own: accounts with known passwords go nowhere else.

    Raises ConfigurationError when a database is configured.
    """
    if settings.database_url is not None or settings.app_database_url is not None:
        raise ConfigurationError(
            "The demo makes accounts with known passwords, so it uses its own embedded database only. "
            "Unset OPTRIA_DATABASE_URL and OPTRIA_APP_DATABASE_URL, or use `optria serve`."
        )
    return settings.model_copy(update={"home": settings.home_folder / DEMO_FOLDER, "demo": True})


async def _demo(settings: Settings, speed: int, *, open_browser: bool) -> None:
    typer.echo("Starting the simulated plant and the database …")
    async with plant_process(settings, speed) as addresses, installation(settings) as found:
        await found.prepare()
        await seed(found.url, CATALOGUE, addresses)
        await seal_secrets(found.url, sealer_of(settings))
        settings = settings.model_copy(update={"simulator_url": addresses.control_url})
        await run_server(settings, found, lambda port: _welcome(settings.host, port, open_browser))


async def seed(url: str, catalogue: PlantCatalogue, addresses: PlantAddresses) -> int:
    """The demo tenant, pointed at the running plant; its id."""
    database = Database(url)
    try:
        return await seed_demo(database, catalogue, source_addresses(addresses), hash_password)
    finally:
        await database.dispose()


async def seal_secrets(url: str, sealer: Sealer) -> None:
    """The simulated plant's passwords are stored like those of any other."""
    database = Database(url)
    try:
        await rotate_all(database, sealer)
    finally:
        await database.dispose()


def source_addresses(addresses: PlantAddresses) -> SourceAddresses:
    """Where the demo's three connections find the plant."""
    return SourceAddresses(
        opcua={
            "endpoint_url": addresses.opcua_url,
            "auth_type": "username" if addresses.opcua_user else "anonymous",
            "username": addresses.opcua_user or "",
            "password": addresses.opcua_password,
            "security_mode": "None",
            "security_policy": "None",
            "sampling_interval_ms": 500,
            "is_demo": True,
        },
        pi={
            "endpoint_url": addresses.pi_url,
            "auth_type": "basic",
            "username": addresses.pi_user,
            "password": addresses.pi_password,
            "is_demo": True,
        },
        sql={
            "endpoint_url": addresses.sql_url,
            "sampling_interval_ms": 1000,
            "history_query": PLANT_HISTORY,
            "is_demo": True,
        },
    )


@asynccontextmanager
async def plant_process(settings: Settings, speed: int = 1) -> AsyncGenerator[PlantAddresses]:
    """A simulated plant in a process of its own, stopped at the end. Raises SimulatorError."""
    command = [sys.executable, "-m", "optria", "simulate", "--speed", str(speed)]
    command += ["--home", str(settings.home_folder), "--with-parent"]
    async with child_plant(settings, command) as addresses:
        yield addresses


@asynccontextmanager
async def child_plant(settings: Settings, command: list[str]) -> AsyncGenerator[PlantAddresses]:
    """The plant that ``command`` runs. It does not share our terminal's Ctrl-C: we stop it, in order."""
    await _refuse_second(settings)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield await _addresses(settings, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _refuse_second(settings: Settings) -> None:
    """The plant of a demo that was killed ends by itself within moments; any other one is in the way."""
    for _ in range(50):
        if read_addresses(settings.home_folder) is None:
            return
        await asyncio.sleep(0.1)
    raise SimulatorError(
        "A simulated plant is running from this data folder already. Stop it, or set OPTRIA_HOME."
    )


async def _addresses(settings: Settings, process: asyncio.subprocess.Process) -> PlantAddresses:
    try:
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                addresses = read_addresses(settings.home_folder)
                if addresses is not None:
                    return addresses
                if process.returncode is not None:
                    raise SimulatorError("The simulated plant ended at once; the reason is above.")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SimulatorError(f"The simulated plant did not start within {START_WITHIN_S:g} s.") from None


def _welcome(host: str, port: int, open_browser: bool) -> None:
    url = f"http://{host}:{port}"
    fault = f"{this_program()} simulate fault bearing-wear P-102B --severity 0.8 --ramp 60s"
    lines = [
        "",
        f"  OPTRIA IQ is live:  {url}",
        "",
        *(f"  {person.role:22} {person.email:22} {person.password}" for person in (*PEOPLE, OWNER)),
        "",
        f"  Inject a fault:     {fault}",
        "  Stop everything:    Ctrl-C",
        "",
    ]
    typer.echo("\n".join(lines))
    if open_browser:
        webbrowser.open(url)
