"""The simulated plant of this installation as a source: found by its address file, spoken to by OPC UA."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import BrowseEntry, Emit, Link, Probe
from optria.connectors.config import DemoConfig, read_config
from optria.connectors.opcua import OpcUaConnector
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch, SignalMapping

ADDRESS_FILE = "simulator.json"
NONE_RUNS = (
    "No simulated plant runs from this data folder. Start one with `optria simulate` or `optria demo`."
)


class DemoConnector:
    """Needs no address: the plant writes where it is into the data folder, at each start anew."""

    def __init__(self, config: Mapping[str, object], home: Path, _reach: Reach = EVERYWHERE) -> None:
        self._config = read_config(DemoConfig, config)
        self._home = home
        self.link = Link()

    async def _plant(self) -> OpcUaConnector:
        """The plant that runs now; its link is ours. Raises ConnectorUnavailable."""
        addresses = await asyncio.to_thread(_addresses, self._home / ADDRESS_FILE)
        interval_ms = self._config.sampling_interval_ms
        plant = OpcUaConnector({**addresses, "sampling_interval_ms": interval_ms}, self._home)
        plant.link = self.link
        return plant

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        try:
            plant = await self._plant()
        except ConnectorUnavailable as error:
            self.link.lost(str(error))
            raise
        await plant.run(mappings, emit, since)

    async def check_address(self) -> None:
        """There is none to choose."""

    async def probe(self) -> Probe:
        try:
            return await (await self._plant()).probe()
        except ConnectorUnavailable as error:
            return Probe(False, str(error))

    async def browse(self, node: str | None) -> list[BrowseEntry]:
        return await (await self._plant()).browse(node)

    async def read_latest(self, mappings: Sequence[SignalMapping]) -> SampleBatch:
        return await (await self._plant()).read_latest(mappings)

    async def read_history(
        self, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> SampleBatch:
        return await (await self._plant()).read_history(mappings, start, end)


def _addresses(path: Path) -> dict[str, object]:
    try:
        told = json.loads(path.read_text("utf-8"))
        return {
            "endpoint_url": str(told["opcua_url"]),
            "username": str(told["opcua_user"] or ""),
            "password": str(told["opcua_password"]),
        }
    except (OSError, ValueError, TypeError, LookupError):
        raise ConnectorUnavailable(NONE_RUNS) from None
