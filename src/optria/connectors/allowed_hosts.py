"""What the connections of an installation may reach: its list of hosts, and the folders of its SQLite files.

Checked when a connection is saved, tested and opened: a name may lead elsewhere tomorrow.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from optria.core.errors import ConnectorUnavailable
from optria.kit.addresses import resolve
from optria.kit.allowed_hosts import AllowedHosts
from optria.kit.settings import Settings

WORDS: Final = "OPTRIA_CONNECTOR_HOSTS", "connections"
ANY_HOST: Final = AllowedHosts(*WORDS)


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts; ``folder`` holds SQLite files, at any depth, besides those directly in the data folder."""

    hosts: AllowedHosts = ANY_HOST
    folder: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the installation is set up. Raises ConfigurationError, naming the entry that is no host."""
        return cls(AllowedHosts.of(settings.connector_hosts, *WORDS), settings.connector_files)

    async def check(self, host: str, port: int, *, must_be_known: bool = True) -> tuple[str, ...]:
        """Refuse a host that is not allowed here, by name or by any address it has.

        A name that nobody knows passes when ``must_be_known`` is False and no address decides. Returns the
        addresses, for a caller who connects to one of these whatever the name leads to a moment later.

        Raises:
            ConnectorUnavailable: with the reason as a sentence.
        """
        addresses = await resolve(host, port)
        if not addresses and not must_be_known and self.hosts.lets(host):
            return addresses
        said = self.hosts.refusal_of(host, addresses)
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


EVERYWHERE = Reach()
"""Every host but those that are always refused, and no folder but the data folder."""
