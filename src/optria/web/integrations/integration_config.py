"""Settings of a connection on their way in: stored secrets put back, checked, its address allowed, sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from optria.connectors import Connector, make_connector
from optria.connectors.allowed_hosts import Reach
from optria.connectors.checking import checked
from optria.connectors.protection import weakened
from optria.connectors.secrets import HIDDEN, Vault, is_secret, redacted, with_stored
from optria.core.errors import ConfigurationError, ConnectorUnavailable, Invalid
from optria.db.plant import Integration
from optria.kit.secrets import sealer_of
from optria.kit.settings import Settings
from optria.web.texts import clean

NAME_SERVER_TIMEOUT_S = 5.0

Config = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Settings that a connection can be opened with; ``ignored`` are names that its kind does not have."""

    config: dict[str, object]
    ignored: list[str] = field(default_factory=list)

    def said(self, kind: str) -> dict[str, object]:
        """The keys of an answer that name what was not kept; none where everything was."""
        if not self.ignored:
            return {}
        names = ", ".join(self.ignored)
        return {
            "ignored": self.ignored,
            "message": f"A connection of the kind {kind} has no such settings; they were not kept: {names}.",
        }


async def vault_of(settings: Settings, row: Integration) -> Vault:
    """What seals and opens the secrets of a stored connection."""
    return Vault(await to_thread.run_sync(sealer_of, settings), row.tenant_id, row.id)


async def connector_of(settings: Settings, row: Integration) -> Connector:
    """A connector with the stored settings. Raises ConfigurationError when they cannot be used."""
    config = (await vault_of(settings, row)).open(row.config or {})
    return make_connector(row.integration_type, config, settings.home_folder, Reach.of(settings))


def merged(stored: Config, sent: Config) -> dict[str, object]:
    """The stored settings, secrets masked, with those sent in their place; None takes one away."""
    kept = {
        name: HIDDEN if is_secret(name) and value not in (None, "") else value
        for name, value in stored.items()
    }
    return {name: value for name, value in {**kept, **sent}.items() if value is not None}


async def prepare(
    settings: Settings, kind: str, sent: Config, stored: Config, vault: Vault | None = None
) -> Prepared:
    """The settings as they may be stored or tried; secrets are plain where they are new, sealed where kept.

    ``vault`` opens the stored ones; None where nothing is stored.

    Raises:
        Invalid: a setting that cannot be used, an address that is not allowed, or a stored secret that would
            go to another address than it was entered for, or there less protected.
    """
    sent = _with_stored_address({clean(name)[:100]: value for name, value in sent.items()}, stored)
    config, ignored = checked(kind, with_stored(sent, stored), stored)
    _refuse_moved_secret(config, stored)
    try:
        opened = vault.open(config) if vault else config
        connector = make_connector(kind, opened, settings.home_folder, Reach.of(settings))
        with anyio.fail_after(NAME_SERVER_TIMEOUT_S):
            await connector.check_address()
    except (ConfigurationError, ConnectorUnavailable) as error:
        raise Invalid(str(error)) from None
    except TimeoutError:
        raise Invalid("The name server does not tell the address of this host; try again later.") from None
    return Prepared(config, ignored)


def _with_stored_address(sent: Config, stored: Config) -> dict[str, object]:
    """Version 1 stored passwords inside addresses; they are shown masked and come back so."""
    address, known = sent.get("endpoint_url"), stored.get("endpoint_url")
    if not isinstance(address, str) or HIDDEN not in address:
        return dict(sent)
    if redacted({"endpoint_url": known}) != {"endpoint_url": address}:
        raise Invalid("Enter the user and the password of the address in their own settings.")
    return {**sent, "endpoint_url": known}


def _refuse_moved_secret(config: Config, stored: Config) -> None:
    """Whoever may point a connection elsewhere, or weaken it, may not thereby get at its password."""
    kept = [
        name
        for name, value in config.items()
        if is_secret(name) and value not in (None, "") and value is stored.get(name)
    ]
    if not kept:
        return
    if (setting := weakened(config, stored)) is not None:
        raise Invalid(
            f"With '{setting}' the connection is less protected than before: enter '{kept[0]}' again. "
            "A stored secret is not sent with less protection."
        )
    if target(config) != target(stored) or _further(config) - _further(stored):
        raise Invalid(
            f"The address has changed: enter '{kept[0]}' again. "
            "A stored secret is not sent to another address."
        )


def _further(config: Config) -> set[str]:
    """Further addresses that the secrets of a connection are sent to."""
    return set(str(config.get("endpoint_urls") or "").lower().replace(",", " ").split())


def target(config: Config) -> tuple[str, str, int | None]:
    """Scheme, host and port of the configured address."""
    try:
        parts = urlsplit(str(config.get("endpoint_url") or "").strip())
        return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "", "", None
