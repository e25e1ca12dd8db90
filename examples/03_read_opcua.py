"""A simulated plant over OPC UA, read by the product's own connector."""

import asyncio
import tempfile
from pathlib import Path

from optria.connectors import make_connector
from optria.core.tag import SampleBatch, SignalMapping
from optria.simulator.opcua_server import opcua_server
from optria.simulator.plant import SimulatedPlant


async def main() -> None:
    plant = SimulatedPlant(seed=1)
    enough = asyncio.Event()
    mapping = SignalMapping(7, 1, 1, "P-102B.VT-1022", "vibration", "mm/s")

    def emit(batch: SampleBatch) -> None:
        for sample in batch.rows():
            print(f"{sample.source_time:%H:%M:%S}  {sample.value:.2f} {mapping.unit}  {sample.quality.name}")
        enough.set()

    with tempfile.TemporaryDirectory() as folder:
        async with opcua_server(plant, home=Path(folder)) as endpoint:
            connector = make_connector("opcua", {"endpoint_url": endpoint.url}, Path(folder))
            print((await connector.probe()).message)
            tasks = [asyncio.create_task(plant.run()), asyncio.create_task(connector.run([mapping], emit))]
            await enough.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


asyncio.run(main())
