"""The database that an installation's settings name, ready to serve: embedded, or an existing PostgreSQL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.credentials import secret
from optria.db.embedded import EmbeddedServer, embedded_server
from optria.db.roles import APP_ROLE, app_url
from optria.db.upgrade import Upgraded, require_current, upgrade
from optria.db.url import first_cause, is_wrong_password, normalise, place
from optria.kit.settings import Settings

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the database: ``app`` serves; ``owner`` (None: not known here) migrates."""

    app: str = field(repr=False)
    owner: str | None = field(repr=False)
    role: str = APP_ROLE
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """The database of an installation. It need not be reachable yet; ``place`` tells it from others here.

    ``server`` is the embedded one, None where the database is somebody else's.
    """

    access: Access = field(repr=False)
    place: str
    server: EmbeddedServer | None = None

    @property
    def url(self) -> str:
        """URL for `Database`."""
        return self.access.app

    async def prepare(self) -> None:
        """Have the newest tables and a role that row-level security holds; may be called again and again.

        Raises:
            ConfigurationError: see `upgrade` and `require_current`.
            DatabaseUnavailable: the server cannot be reached.
        """
        known = self.access
        if self.server is not None:
            await self.server.ensure()
        if known.owner is not None:
            await upgrade(known.owner, known.role, known.password)
        await _require_entry(known)


def prepared(app_url: str) -> Installation:
    """The database of a serving role's URL, prepared by somebody else. Raises ConfigurationError."""
    return Installation(_given(app_url, None), place(app_url))


def is_away(error: DatabaseUnavailable) -> bool:
    """Whether the server may come back by itself; it does not where it refuses our name for what we want."""
    refused = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
    return not isinstance(first_cause(error), refused)


@asynccontextmanager
async def installation(settings: Settings, *, must_run: bool = True) -> AsyncGenerator[Installation]:
    """The database that the settings name; with ``must_run`` False it need not run yet.

    Raises:
        ConfigurationError: when a URL or the data folder cannot be used.
        DatabaseUnavailable: when the embedded server must run and does not start.
    """
    owner = settings.database_url.get_secret_value() if settings.database_url else None
    app = settings.app_database_url.get_secret_value() if settings.app_database_url else None
    if app is not None:
        normalise(app)
        yield Installation(_given(app, owner), place(app))
    elif owner is not None:
        normalise(owner)
        server = place(owner).rsplit("/", 1)[0]
        known = _derived(owner, secret(settings.home_folder, f"{APP_ROLE}@{server}"))
        yield Installation(known, place(owner))
    else:
        async with embedded_server(settings.home_folder, must_run=must_run) as embedded:
            known = _derived(embedded.url(), secret(settings.home_folder, f"{APP_ROLE}@embedded"))
            yield Installation(known, EMBEDDED, embedded)


@asynccontextmanager
async def ready_database(settings: Settings) -> AsyncGenerator[str]:
    """URL for `Database`, with the newest tables and a role that row-level security holds.

    Raises:
        ConfigurationError: see `installation`, `upgrade` and `require_current`.
        DatabaseUnavailable: the server cannot be reached.
    """
    async with installation(settings) as known:
        await known.prepare()
        yield known.url


async def upgrade_installation(settings: Settings) -> Upgraded:
    """What ``optria db upgrade`` does.

    Raises:
        ConfigurationError: when only the serving role's URL is known.
    """
    async with installation(settings) as one:
        known = one.access
        if known.owner is None:
            raise ConfigurationError("Set OPTRIA_DATABASE_URL to the URL of the role that owns the tables.")
        return await upgrade(known.owner, known.role, known.password)


async def _require_entry(known: Access) -> None:
    try:
        await require_current(known.app)
    except DatabaseUnavailable as error:
        if known.owner is None or not is_wrong_password(error):
            raise
        raise ConfigurationError(
            f"The role {known.role} of the server has a password that is not known here. Set "
            "OPTRIA_APP_DATABASE_URL to its URL; ALTER ROLE … PASSWORD '…' gives it a new one."
        ) from error


def _given(app: str, owner: str | None) -> Access:
    address, _ = normalise(app)
    password = str(address.password) if address.password is not None else None
    return Access(app, owner, address.username or APP_ROLE, password)


def _derived(owner: str, password: str) -> Access:
    return Access(app_url(owner, password), owner, APP_ROLE, password)
