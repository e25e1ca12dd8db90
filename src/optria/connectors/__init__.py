"""Sources of samples: OPC UA, PI Web API, SQL. A new kind is one module and one line in ``CONNECTORS``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from optria.connectors.base import Connector
from optria.connectors.schemas import CONNECTOR_SCHEMAS
from optria.core.errors import ConfigurationError

Factory: TypeAlias = Callable[[Mapping[str, object], Path], Connector]


def _opcua(config: Mapping[str, object], home: Path) -> Connector:
    from optria.connectors.opcua import OpcUaConnector

    return OpcUaConnector(config, home)


def _pi(config: Mapping[str, object], home: Path) -> Connector:
    from optria.connectors.pi_webapi import PiConnector

    return PiConnector(config, home)


def _sql(config: Mapping[str, object], home: Path) -> Connector:
    from optria.connectors.sql import SqlConnector

    return SqlConnector(config, home)


CONNECTORS: dict[str, Factory] = {"opcua": _opcua, "pi": _pi, "sql": _sql}
"""Integration type → maker of its connector from its configuration and the installation's data folder."""


def make_connector(kind: str, config: Mapping[str, object], home: Path) -> Connector:
    """The connector of an integration.

    Raises:
        ConfigurationError: no such kind, or a configuration that cannot be used.
    """
    factory = CONNECTORS.get(kind)
    if factory is None:
        raise ConfigurationError(
            f"There is no connector of the kind '{kind}'. Choose one of {', '.join(sorted(CONNECTORS))}."
        )
    return factory(config, home)


__all__ = ["CONNECTORS", "CONNECTOR_SCHEMAS", "Connector", "Factory", "make_connector"]
