"""The table of connectors and the schemas of their forms."""

from pathlib import Path

import pytest

from optria.connectors import CONNECTOR_SCHEMAS, CONNECTORS, make_connector
from optria.connectors.base import Connector, LinkState
from optria.core.errors import ConfigurationError


def test_every_kind_has_a_schema_in_the_shape_of_version_1() -> None:
    assert set(CONNECTOR_SCHEMAS) == set(CONNECTORS) == {"opcua", "pi", "sql", "demo"}
    for kind, schema in CONNECTOR_SCHEMAS.items():
        assert schema["type"] == kind
        assert {"name", "description", "fields"} <= set(schema)
        for field in schema["fields"]:  # type: ignore[attr-defined]
            assert {"name", "type", "label", "required"} <= set(field)


def test_connectors_are_connectors(tmp_path: Path) -> None:
    """A structural check by the type checker, and that making one touches nothing."""
    made: list[Connector] = [
        make_connector("opcua", {"endpoint_url": "opc.tcp://plant"}, tmp_path),
        make_connector("pi", {"endpoint_url": "https://plant/piwebapi"}, tmp_path),
        make_connector("sql", {"endpoint_url": "postgresql://plant/db"}, tmp_path),
        make_connector("demo", {"is_demo": True}, tmp_path),
    ]
    assert all(one.link.state is LinkState.CONNECTING for one in made)
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no connector of the kind 'sap'.*demo, opcua, pi, sql"):
        make_connector("sap", {}, tmp_path)


@pytest.mark.parametrize("kind", ["opcua", "pi", "sql"])
def test_a_missing_address_is_a_sentence(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'endpoint_url' is not usable: Field required"):
        make_connector(kind, {"endpoint_url": ""}, tmp_path)


def test_settings_of_version_1_are_understood(tmp_path: Path) -> None:
    config = {
        "is_demo": True,
        "auth_type": "anonymous",
        "time_zone": "Asia/Riyadh",
        "endpoint_url": "opc.tcp://demo-server:4840",
        "security_mode": "None",
        "security_policy": "None",
        "namespace_filter": "ns=2",
        "max_tags_per_scan": 1000,
        "sampling_interval_ms": 1000,
    }
    assert make_connector("opcua", config, tmp_path).link.state is LinkState.CONNECTING
