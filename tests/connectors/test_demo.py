"""The simulated plant as a source, found by its address file."""

import json
from pathlib import Path

import pytest

from optria.connectors import make_connector
from optria.connectors.base import LinkState
from optria.core.errors import ConnectorUnavailable
from tests.fakes.plant import FakePlant
from tests.fakes.sources import PASSWORD, USER, opcua_rig


@pytest.mark.clause("C2", "D6")
async def test_the_plant_is_found_read_and_browsed(tmp_path: Path) -> None:
    plant = FakePlant(3)
    plant.tick(50)
    async with opcua_rig(plant, tmp_path) as rig:
        told = {"opcua_url": rig.config["endpoint_url"], "opcua_user": USER, "opcua_password": PASSWORD}
        (tmp_path / "simulator.json").write_text(json.dumps(told))
        connector = make_connector("demo", {"is_demo": True}, tmp_path)
        probe = await connector.probe()
        latest = await connector.read_latest(plant.mappings())
        roots = await connector.browse(None)
    assert probe.ok, probe.message
    assert sorted(latest.value.tolist()) == [50.0, 51.0, 52.0]
    assert roots


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"opcua_url": 5, "opcua_user": null}'])
async def test_where_no_plant_runs_it_says_so(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "simulator.json").write_text(content)
    connector = make_connector("demo", {}, tmp_path)
    found = await connector.probe()
    with pytest.raises(ConnectorUnavailable, match="No simulated plant runs"):
        await connector.run([], lambda _batch: None)
    assert not found.ok
    assert "optria simulate" in found.message
    assert connector.link.state is LinkState.LOST
