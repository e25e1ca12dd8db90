"""The historians of all tenants: each with a spool of its own, all in view of one database's space."""

from optria.db.session import Database
from optria.kit.settings import Settings
from optria.streams.historian import Historian
from optria.streams.space import Space
from optria.streams.spool import GB, Spool

SPOOL = "spool"


class Historians:
    """``of`` makes a tenant's history; ``space`` is what the database has left."""

    def __init__(self, database: Database, settings: Settings, *, is_spooled: bool = True) -> None:
        self._is_spooled = is_spooled
        self._database = database
        self._folder = settings.home / SPOOL
        self._limit_bytes = int(settings.spool_gb * GB)
        self.space = _space(settings)

    def of(self, tenant_id: int) -> Historian:
        spool = Spool(self._folder, tenant_id, self._limit_bytes) if self._is_spooled else None
        return Historian(self._database, tenant_id, spool=spool, space=self.space)


def _space(settings: Settings) -> Space:
    is_embedded = settings.database_url is None and settings.app_database_url is None
    folder = settings.home if is_embedded else settings.database_folder
    limit_gb = settings.database_limit_gb
    return Space(folder, int(limit_gb * GB) if limit_gb is not None else None)
