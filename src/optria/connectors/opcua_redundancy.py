"""A redundant set of servers: the one with the highest ServiceLevel is read (OPC 10000-4, 6.6.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asyncua import Client, ua

from optria.connectors.allowed_hosts import Reach
from optria.connectors.link import Link
from optria.connectors.opcua_config import OpcUaConfig
from optria.connectors.opcua_errors import spoken
from optria.connectors.opcua_names import standard
from optria.connectors.opcua_session import close, connect, where_of
from optria.core.errors import ConnectorUnavailable

HEALTHY = 200
"""Service levels from here to 255 are of a server in full health."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of the set that answers, with a session."""

    url: str
    client: Client
    level: int


async def best_endpoint(config: OpcUaConfig, home: Path, reach: Reach, link: Link) -> Endpoint:
    """The first healthy server, or else the one with the highest level. Raises ConnectorUnavailable."""
    if len(config.urls) == 1:
        return Endpoint(
            config.endpoint_url, await connect(config, config.endpoint_url, home, reach, link), 255
        )
    best: Endpoint | None = None
    failures: list[ConnectorUnavailable] = []
    for url in config.urls:
        try:
            found = await _asked(config, url, home, reach, link)
        except ConnectorUnavailable as failure:
            failures.append(failure)
            continue
        best = await _better(best, found)
        if best.level >= HEALTHY:
            break
    link.warn("redundancy", _missing(failures))
    if best is None:
        raise failures[0]
    return best


async def better_than(level: int, url: str, config: OpcUaConfig, home: Path, reach: Reach) -> str | None:
    """Another server of the set with a higher level; None when there is none."""
    for other in config.urls:
        if other == url:
            continue
        try:
            found = await _asked(config, other, home, reach, Link())
        except ConnectorUnavailable:
            continue
        await close(found.client)
        if found.level > level:
            return other
    return None


async def service_level(client: Client, where: str) -> int:
    """0 to 255. Raises ConnectorUnavailable."""
    with spoken(where):
        level = await client.get_node(standard(ua.ObjectIds.Server_ServiceLevel)).read_value()
    return int(level or 0)


async def _asked(config: OpcUaConfig, url: str, home: Path, reach: Reach, link: Link) -> Endpoint:
    client = await connect(config, url, home, reach, link)
    try:
        return Endpoint(url, client, await service_level(client, where_of(url)))
    except BaseException:
        await close(client)
        raise


async def _better(best: Endpoint | None, found: Endpoint) -> Endpoint:
    if best is None:
        return found
    worse, better = sorted((best, found), key=lambda each: each.level)
    await close(worse.client)
    return better


def _missing(failures: Sequence[ConnectorUnavailable]) -> str | None:
    return " ".join(f"Of the redundant set: {failure}" for failure in failures) or None
