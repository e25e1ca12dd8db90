"""What the connections of an installation may reach: its list of hosts, and the folders of its SQLite files.

Checked when a connection is saved, tested and opened: a name may lead elsewhere tomorrow.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Self

from optria.core.errors import ConfigurationError, ConnectorUnavailable
from optria.kit.addresses import refusal_of, resolve
from optria.kit.settings import Settings

NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Reach:
    """Hosts by name, ``*.domain`` pattern or network; none of them means every host not always refused.

    ``folder`` holds SQLite files, at any depth, besides those that lie directly in the data folder.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    folder: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the installation is set up. Raises ConfigurationError, naming the entry that is no host."""
        names: set[str] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for entry in filter(None, (part.strip() for part in settings.connector_hosts.split(","))):
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                names.add(_name(entry))
        return cls(frozenset(names), tuple(networks), settings.connector_files)

    async def check(self, host: str, port: int, *, must_be_known: bool = True) -> tuple[str, ...]:
        """Refuse a host that is not allowed here, by name or by any address it has.

        A name that nobody knows passes when ``must_be_known`` is False and no address decides. Returns the
        addresses, for a caller who connects to one of these whatever the name leads to a moment later.

        Raises:
            ConnectorUnavailable: with the reason as a sentence.
        """
        by_name = self._lets_every_host or self._is_named(host)
        addresses = await resolve(host, port)
        if not addresses and by_name and not must_be_known:
            return addresses
        said = refusal_of(host, addresses)
        if said is None and not by_name and not all(map(self._is_in_a_network, addresses)):
            said = (
                f"'{host}' is not among the hosts that connections may reach here. Ask whoever runs this "
                "installation to add it to OPTRIA_CONNECTOR_HOSTS."
            )
        if said is not None:
            raise ConnectorUnavailable(said)
        return addresses

    def check_file(self, path: Path, home: Path) -> None:
        """Refuse a file outside the installation's folders, also behind a link. Reads the file system.

        The folders below ``home`` hold the product's own data and are not for connections.

        Raises:
            ConnectorUnavailable: otherwise; the sentence does not tell whether the file exists.
        """
        real = path.resolve()
        allowed = real.parent == home.resolve() and not real.name.startswith(".")
        if self.folder is not None:
            allowed = allowed or real.is_relative_to(self.folder.resolve())
        if not allowed:
            raise ConnectorUnavailable(
                f"The file '{path}' is outside the folders whose files connections may read here. "
                "Put it into the folder that OPTRIA_CONNECTOR_FILES names."
            )

    @property
    def _lets_every_host(self) -> bool:
        return not self.names and not self.networks

    def _is_named(self, host: str) -> bool:
        name = host.rstrip(".").lower()
        parents = (name.split(".", count)[-1] for count in range(1, name.count(".") + 1))
        return name in self.names or any(f"*.{parent}" in self.names for parent in parents)

    def _is_in_a_network(self, address: str) -> bool:
        ip = ip_address(address.partition("%")[0])
        return any(ip in network for network in self.networks)


EVERYWHERE = Reach()
"""Every host but those that are always refused, and no folder but the data folder."""


def _name(entry: str) -> str:
    name = entry.rstrip(".").lower()
    if not NAME.fullmatch(name) or ".." in name:
        raise ConfigurationError(
            f"'{entry}' in OPTRIA_CONNECTOR_HOSTS is no host. Write names, *.domain, addresses or networks "
            "like 10.20.0.0/16, separated by commas."
        )
    return name
