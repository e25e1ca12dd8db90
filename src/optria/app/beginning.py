"""How the server begins: from the database, or from what was last read while that is away.

Until the database has been brought up to date and the serving role has been checked, nothing of it is used.
"""

import asyncio
from dataclasses import dataclass

import structlog

from optria.app.known_plants import Known, KnownPlants
from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.admission import Admission
from optria.db.fingerprint import fingerprint_at
from optria.db.installation import Installation, is_away

log = structlog.get_logger(__name__)

AGAIN_S = 2.0
"""A database that was away is asked again after this long."""


@dataclass(slots=True)
class Beginning:
    """``known`` is what a start without the database works with; None: the database was there."""

    installation: Installation
    admission: Admission
    plants: KnownPlants
    known: Known | None = None

    async def first_try(self) -> None:
        """Reach the database, or else what was known of it.

        Raises:
            ConfigurationError: the database must not be served, or refuses us.
            DatabaseUnavailable: it is away, and nothing is known of it.
        """
        try:
            await self._prepare()
        except DatabaseUnavailable as error:
            self.known = await self.plants.read() if is_away(error) else None
            if self.known is None:
                raise
            self.admission.close(str(error))
            log.warning(
                "started_without_database",
                error=str(error),
                plants=len(self.known.tenants),
                read_at=self.known.read_at.isoformat(),
            )

    async def come_up(self) -> None:
        """Wait until the database is there, check it, and let it be used.

        Raises:
            ConfigurationError: it must not be served: the program has to end.
        """
        while True:
            try:
                await self._prepare()
                break
            except DatabaseUnavailable as error:
                if not is_away(error):
                    raise ConfigurationError(str(error)) from error
                self.admission.close(str(error))
            await asyncio.sleep(AGAIN_S)
        log.info("database_reached")

    async def _prepare(self) -> None:
        """Everything before the first use: tables, role, and that it is the database we know."""
        await self.installation.prepare()
        if self.known is not None:
            await self._require_same(self.known)
        self.admission.open()

    async def _require_same(self, known: Known) -> None:
        if await fingerprint_at(self.installation.url) != known.fingerprint:
            self.plants.forget()
            raise ConfigurationError(
                f"The database at {self.installation.place} is another one than the one whose plants were "
                "running while it was away; nothing was written into it. Start again: its own are read."
            )
