"""The database that an installation's settings name, ready to serve: embedded, or an existing PostgreSQL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.credentials import secret
from optria.db.embedded import embedded_server
from optria.db.roles import APP_ROLE, app_url
from optria.db.upgrade import Upgraded, require_current, upgrade
from optria.db.url import is_wrong_password, normalise, place
from optria.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the database: ``app`` serves; ``owner`` (None: not known here) migrates."""

    app: str = field(repr=False)
    owner: str | None = field(repr=False)
    role: str = APP_ROLE
    password: str | None = field(default=None, repr=False)


@asynccontextmanager
async def access(settings: Settings) -> AsyncGenerator[Access]:
    """The URLs of the database; the embedded server runs as long as the block does.

    Raises:
        ConfigurationError: when a URL or the data folder cannot be used.
        DatabaseUnavailable: when the embedded server does not start.
    """
    owner = settings.database_url.get_secret_value() if settings.database_url else None
    app = settings.app_database_url.get_secret_value() if settings.app_database_url else None
    if app is not None:
        yield _given(app, owner)
    elif owner is not None:
        normalise(owner)
        server = place(owner).rsplit("/", 1)[0]
        yield _derived(owner, secret(settings.home_folder, f"{APP_ROLE}@{server}"))
    else:
        async with embedded_server(settings.home_folder) as embedded:
            yield _derived(embedded.url(), secret(settings.home_folder, f"{APP_ROLE}@embedded"))


@asynccontextmanager
async def ready_database(settings: Settings) -> AsyncGenerator[str]:
    """URL for `Database`, with the newest tables and a role that row-level security holds.

    Raises:
        ConfigurationError: see `access`, `upgrade` and `require_current`.
        DatabaseUnavailable: the server cannot be reached.
    """
    async with access(settings) as known:
        if known.owner is not None:
            await upgrade(known.owner, known.role, known.password)
        await _require_entry(known)
        yield known.app


async def upgrade_installation(settings: Settings) -> Upgraded:
    """What ``optria db upgrade`` does.

    Raises:
        ConfigurationError: when only the serving role's URL is known.
    """
    async with access(settings) as known:
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
