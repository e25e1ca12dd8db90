"""A list of hosts that an installation may call: names, ``*.domain`` patterns, addresses and networks."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Self

from optria.core.errors import ConfigurationError
from optria.kit.addresses import refusal_of

NAME: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts by name, ``*.domain`` pattern or network; none of them means every host not always refused.

    ``variable`` is the setting that lists them and ``whose`` what it is for, as people are told of a refusal.
    """

    variable: str
    whose: str
    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, listed: str, variable: str, whose: str) -> Self:
        """From the words of the setting. Raises ConfigurationError, naming the entry that is no host."""
        names: set[str] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for entry in filter(None, (part.strip() for part in listed.split(","))):
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                names.add(_name(entry, variable))
        return cls(variable, whose, frozenset(names), tuple(networks))

    def lets(self, host: str) -> bool:
        """Whether the host may be called whatever its addresses are, those always refused aside."""
        name = host.rstrip(".").lower()
        parents = (name.split(".", count)[-1] for count in range(1, name.count(".") + 1))
        every_host = not self.names and not self.networks
        return every_host or name in self.names or any(f"*.{parent}" in self.names for parent in parents)

    def refusal_of(self, host: str, addresses: tuple[str, ...]) -> str | None:
        """Why a host with these addresses must not be called, as a sentence; None when it may be."""
        said = refusal_of(host, addresses)
        if said is None and not self.lets(host) and not all(map(self._is_in_a_network, addresses)):
            return (
                f"'{host}' is not among the hosts that {self.whose} may reach here. Ask whoever runs this "
                f"installation to add it to {self.variable}."
            )
        return said

    def _is_in_a_network(self, address: str) -> bool:
        ip = ip_address(address.partition("%")[0])
        return any(ip in network for network in self.networks)


def _name(entry: str, variable: str) -> str:
    name = entry.rstrip(".").lower()
    if not NAME.fullmatch(name) or ".." in name:
        raise ConfigurationError(
            f"'{entry}' in {variable} is no host. Write names, *.domain, addresses or networks "
            "like 10.20.0.0/16, separated by commas."
        )
    return name
