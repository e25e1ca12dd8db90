"""What the commands on stored data begin with: the settings, and the database they name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from optria.db.installation import ready_database
from optria.db.session import Database
from optria.kit import logs
from optria.kit.settings import Settings

PATIENCE_S = 60.0
"""A command reads more at once than a screen does, and nobody waits behind it."""


def settings_of_command() -> Settings:
    """The settings of the environment, with logs as they ask."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_json)
    return settings


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncGenerator[Database]:
    """The database of an installation, at the newest revision, for as long as the block runs."""
    async with ready_database(settings) as url:
        database = Database(url, timeout_s=max(PATIENCE_S, settings.database_timeout_s))
        try:
            yield database
        finally:
            await database.dispose()
