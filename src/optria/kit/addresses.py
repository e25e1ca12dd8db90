"""Addresses that the product must never call for somebody else, also not behind a host name.

Plants are private networks, so private and loopback addresses are fine. Link-local ones (cloud metadata
services, unconfigured cards), unspecified and multicast ones are no place of a source or a receiver.
"""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

METADATA = frozenset(
    {ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("168.63.129.16")}
)
"""Metadata services of clouds outside the link-local networks (AWS over IPv6, Alibaba, Azure)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052)."""


def is_refused(address: str) -> bool:
    """Whether an IP address is one never to call, also when written as IPv4 inside IPv6.

    Raises:
        ValueError: not an IP address.
    """
    ip = ip_address(address.partition("%")[0])
    return any(_is_no_place(each) for each in (ip, *_embedded(ip)))


def _is_no_place(ip: IPv4Address | IPv6Address) -> bool:
    broadcast = ip == IPv4Address("255.255.255.255")
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or broadcast or ip in METADATA


def _embedded(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that a packet to an IPv6 address may end up at."""
    if not isinstance(ip, IPv6Address):
        return
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip in NAT64 or int(ip) >> 32 == 0:
        yield IPv4Address(int(ip) & 0xFFFF_FFFF)


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host name, none when nobody knows it. Never raises for the name's fault."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError, ValueError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


async def refusal(host: str, port: int) -> str | None:
    """Why ``host`` must not be called, as a sentence; None when it may be."""
    return refusal_of(host, await resolve(host, port))


def refusal_of(host: str, addresses: tuple[str, ...]) -> str | None:
    """The same for a name that was resolved already: one refused address is enough."""
    if not addresses:
        return f"The host name '{host}' is not known. Check its spelling and the name server of this machine."
    if any(is_refused(address) for address in addresses):
        return (
            f"'{host}' is a link-local, multicast or unspecified address or a cloud's metadata service, "
            "which is not allowed. Use the host's name or its address in its network."
        )
    return None
