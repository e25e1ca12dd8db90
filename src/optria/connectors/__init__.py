"""Sources of samples: OPC UA, PI Web API, SQL. A new kind is one module and one line in ``CONNECTORS``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import Connector
from optria.connectors.schemas import CONNECTOR_SCHEMAS
from optria.core.errors import ConfigurationError

Factory: TypeAlias = Callable[[Mapping[str, object], Path, Reach], Connector]


def _opcua(config: Mapping[str, object], home: Path, reach: Reach) -> Connector:
    from optria.connectors.opcua import OpcUaConnector

    return OpcUaConnector(config, home, reach)


def _pi(config: Mapping[str, object], home: Path, reach: Reach) -> Connector:
    from optria.connectors.pi_webapi import PiConnector

    return PiConnector(config, home, reach)


def _sql(config: Mapping[str, object], home: Path, reach: Reach) -> Connector:
    from optria.connectors.sql import SqlConnector

    return SqlConnector(config, home, reach)


def _demo(config: Mapping[str, object], home: Path, reach: Reach) -> Connector:
    from optria.connectors.demo import DemoConnector

    return DemoConnector(config, home, reach)


CONNECTORS: dict[str, Factory] = {"opcua": _opcua, "pi": _pi, "sql": _sql, "demo": _demo}
"""Integration type → maker of its connector from its configuration, the installation's data folder and
what its connections may reach."""


def make_connector(
    kind: str, config: Mapping[str, object], home: Path, reach: Reach = EVERYWHERE
) -> Connector:
    """The connector of an integration; secrets in ``config`` are opened already.

    Raises:
        ConfigurationError: no such kind, or a configuration that cannot be used.
    """
    factory = CONNECTORS.get(kind)
    if factory is None:
        raise ConfigurationError(
            f"There is no connector of the kind '{kind}'. Choose one of {', '.join(sorted(CONNECTORS))}."
        )
    return factory(config, home, reach)


__all__ = ["CONNECTORS", "CONNECTOR_SCHEMAS", "Connector", "Factory", "make_connector"]
