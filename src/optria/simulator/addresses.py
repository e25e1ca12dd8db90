"""Where the running plant is reached, told through a file in the home folder."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from optria.core.errors import SimulatorError
from optria.kit import private_file

ADDRESS_FILE = "simulator.json"


@dataclass(frozen=True, slots=True)
class PlantAddresses:
    """Where a running plant is reached; the content of `simulator.json` in the home folder.

    `sources` counts the tags by protocol.
    """

    pid: int
    process_started: float
    opcua_url: str
    opcua_certificate: str
    opcua_user: str | None
    opcua_password: str
    pi_url: str
    pi_user: str
    pi_password: str
    control_url: str
    sql_url: str
    sources: dict[str, int]


@asynccontextmanager
async def address_file(home: Path, addresses: PlantAddresses) -> AsyncIterator[None]:
    """The addresses stand in the file while the block runs."""
    path = home / ADDRESS_FILE
    await asyncio.to_thread(_write, path, addresses)
    try:
        yield
    finally:
        await asyncio.to_thread(path.unlink, True)  # missing_ok


def _write(path: Path, addresses: PlantAddresses) -> None:
    private_file.replace(path, (json.dumps(asdict(addresses), indent=2) + "\n").encode())


def read_addresses(home: Path) -> PlantAddresses | None:
    """The plant running from this folder, or None; the file of a killed one does not count."""
    try:
        content = json.loads((home / ADDRESS_FILE).read_text(encoding="utf-8"))
        addresses = PlantAddresses(**content)
        alive = psutil.Process(addresses.pid).create_time() == addresses.process_started
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return addresses if alive else None


def claim_home(home: Path) -> float:
    """Make the folder if missing; when this process started (s since 1970).

    Raises SimulatorError when a plant already runs from the folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    running = read_addresses(home)
    if running is not None:
        raise SimulatorError(
            f"A plant already runs from {home} (process {running.pid}, {running.control_url}); "
            "stop it first or set OPTRIA_HOME to another folder."
        )
    return psutil.Process().create_time()
