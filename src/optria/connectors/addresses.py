"""Which addresses a connector may call.

Plants are private networks, so private addresses are allowed; link-local ones (cloud metadata services,
unconfigured cards) and schemes that are no plant protocol are not.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from optria.core.errors import ConnectorUnavailable


def plant_url(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of ``url`` with a host, in one of ``schemes``.

    Raises:
        ConnectorUnavailable: otherwise, with ``example`` as the way to write it.
    """
    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ConnectorUnavailable(f"'{url}' is not a valid address. Write it like {example}.") from None
    if parts.scheme not in schemes or not host:
        raise ConnectorUnavailable(
            f"'{url}' is not an address of this kind of source. Write it like {example}."
        )
    return parts


def is_refused(address: str) -> bool:
    """Whether an IP address is link-local or multicast, also when written as IPv4 inside IPv6."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    ip = mapped or ip
    return ip.is_link_local or ip.is_multicast


async def allow_host(host: str, port: int) -> None:
    """Resolve ``host`` and refuse it when any of its addresses is no place for a plant source.

    Raises:
        ConnectorUnavailable: unknown name, or a refused address.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConnectorUnavailable(
            f"The host name '{host}' is not known. Check its spelling and the name server of this machine."
        ) from None
    if any(is_refused(str(entry[4][0])) for entry in found):
        raise ConnectorUnavailable(
            f"'{host}' is a link-local or multicast address, which is not allowed for a plant source. "
            "Use the host's name or its address in the plant network."
        )
